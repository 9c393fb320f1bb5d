"""Views of what a network looks at, and of what the music changes."""
