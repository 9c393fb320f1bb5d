"""The losses, and their names."""
