"""Recovery of the hidden entries of a clip, by networks and by interpolation."""
