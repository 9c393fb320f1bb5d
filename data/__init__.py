"""Data sets: preparation scripts and the procedural dance set."""
