"""Masked motion modelling: recover hidden frames of human motion, with or without music."""
