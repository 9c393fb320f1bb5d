"""Training of masked motion models: prepared sets, masks, losses, recipes, the loop, and what
judges a network."""

import os

# oneDNN keeps a compiled kernel for every shape it has met, 1,024 of them: windows of all lengths
# take a gigabyte.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
