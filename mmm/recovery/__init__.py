"""Recovery of the hidden frames of a clip."""
