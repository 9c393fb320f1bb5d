"""Pickles and joblib files, read without running them."""

from mmm.io.pickles.reading import unpickle_arrays

__all__ = ["unpickle_arrays"]
