"""Fills of gaps without a network, in numpy and in torch."""
