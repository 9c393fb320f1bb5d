"""Reading pickles and joblib files without executing them."""

from mmm.io.pickles.reading import unpickle_arrays

__all__ = ["unpickle_arrays"]
