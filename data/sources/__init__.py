"""Preparation of recordings: AIST++, LAFAN1, and any folder of BVH and AMC files."""
