"""Recordings of others, made ready for training: AIST++, LAFAN1, and any folder of BVH and AMC
files."""
