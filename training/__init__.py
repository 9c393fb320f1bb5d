"""Training of masked motion models: data, masks, losses, recipes, the loop and the benchmarks."""

import os

# oneDNN caches a compiled kernel for every shape, 1,024 by default. With windows of all lengths that
# takes a gigabyte.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
