"""Hide every 15th frame of a dance, recover it, and save the result.

Usage: python examples/recover.py [FOLDER]
"""

import sys
from pathlib import Path

import mmm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz", frames=(0, 300))
model = mmm.load_model("dance-ecm-small")

# every_nth keeps frames 0, 15, 30, ... and hides the others.
mask = mmm.masks.every_nth(clip, 15)
result = mmm.recover(model, clip, mask)

print("mean errors over hidden entries:", result.errors.summary())
mmm.save(result, folder / "recovered.bvh")  # the motion, for Blender and other tools
mmm.save(result, folder / "recovered.html")  # truth and recovery, to be watched with sound
mmm.save(result, folder / "errors.png")  # the error of every joint in every frame
