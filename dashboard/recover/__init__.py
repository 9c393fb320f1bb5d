"""The page that recovers hidden frames."""
