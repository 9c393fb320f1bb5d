"""Threads and stores behind the views; no widgets."""
