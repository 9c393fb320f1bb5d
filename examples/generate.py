"""Continue a dance from its first two seconds, to its own music.

Usage: python examples/generate.py [FOLDER]
"""

import sys
from pathlib import Path

import mmm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz")
model = mmm.load_model("dance-future")

# 120 frames at 60 fps are known; the network sees the music of all frames.
future = mmm.generate_clip(model, clip, prefix_frames=120, frames=180, random_seed=1)

figures = future.evaluate()
print("generated:", figures.generated)
print("reference:", figures.reference)  # the recorded dance
mmm.save(future, folder / "future.npz")
mmm.save(future, folder / "future.html")
