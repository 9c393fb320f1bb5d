"""Training of masked motion models: data, masks, losses, recipes, the loop and the benchmarks."""

import os

# oneDNN keeps a compiled kernel for every shape it has met, 1,024 of them: windows of all lengths
# take a gigabyte.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
