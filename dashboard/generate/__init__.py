"""The page that continues a motion."""
