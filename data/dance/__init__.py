"""A procedural dance set with known ground truth: synthetic music, and dancers who follow it by a
written rule."""
