"""The commands of ``python -m mmm``, and what they share."""
