"""Save one motion in every file format.

Usage: python examples/convert.py [FOLDER]
"""

import sys
from pathlib import Path

import mmm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz", frames=(0, 60))
for suffix in (".npz", ".bvh", ".pkl", ".glb", ".gif", ".html"):
    mmm.save(clip, folder / f"dance{suffix}")

# The notes state what the reader assumed or corrected.
again = mmm.load_clip(folder / "dance.bvh")
print(again, *again.notes, sep="\n")
