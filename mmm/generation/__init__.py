"""Continuation of a motion, with or without music."""
