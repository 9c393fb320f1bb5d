"""Train a small network on your own motion, and use it.

Usage: python examples/train.py [FOLDER]

Ten steps on a few seconds of motion only demonstrate the commands. docs/training.md says how many
steps a useful network needs.
"""

import subprocess
import sys
from pathlib import Path

import mmm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")


def run(*words: object) -> None:
    """Run a command of the project with this Python."""
    subprocess.run([sys.executable, "-m", *map(str, words)], check=True)


# 1. Your motion. Here three stretches of a sample stand for three persons.
sample = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz")
for number, person in enumerate(("anna", "ben", "carl")):
    place = folder / "mine" / person
    place.mkdir(parents=True, exist_ok=True)
    mmm.save_clip(sample.crop(number * 120, number * 120 + 120), place / "dance.bvh")

# 2. Prepare it: convert skeletons to joint roles, and assign persons to splits.
prepared = folder / "prepared"
run(
    *("data", "prepare", "bvh", "--skeleton", "roles", "--bvh", folder / "mine"),
    *("--split-by", r"/([^/]+)/[^/]+$", "--val", "ben", "--test", "carl", "--out", prepared),
)

# 3. Train.
checkpoint = folder / "my-network"
run(
    *("training", "pretrain", "--preset", "inbetween", "--data", prepared, "--out", checkpoint),
    *("--steps", 10, "--batch", 4, "--max-frames", 40),
)

# 4. Use it.
clip = mmm.load_clip(folder / "mine" / "carl" / "dance.bvh")
result = mmm.recover(mmm.load_model(checkpoint), clip, mmm.masks.span(clip, 20, 39))
print(result.errors.summary())
