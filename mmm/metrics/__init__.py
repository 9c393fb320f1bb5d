"""Errors against a reference, and measures of how natural a motion is."""
