"""How long a recovery takes: ``python -m tests.benchmarks.recover_speed [CHECKPOINT]``.

300 frames at the network's own rate, every 15th known. Each checkpoint on joint roles is timed as it is and with the
mirror image's answer the other way about (``config.symmetric``), by turns in one run. Medians; not a test.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

import mmm
from mmm.music.features import at_frame_rate

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "samples").glob("*.npz"))
FRAMES, ROUNDS = 300, 30


def main(checkpoint: str) -> None:
    """Print one row a way."""
    model = mmm.load_model(checkpoint)
    clip = at_frame_rate(mmm.load_clip(SAMPLES[0]), model.config.fps)
    clip = clip.crop(0, min(FRAMES, len(clip)))
    mask = mmm.masks.parse("every:15", clip)
    ways = (
        (False, True)
        if model.config.representation == "roles" and not model.config.noise_dim
        else (False,)
    )
    seconds: dict[bool, list[float]] = {way: [] for way in ways}
    for turn in range(ROUNDS + 3):
        for way in ways:
            model.config.symmetric = way
            start = time.perf_counter()
            mmm.recover(model, clip, mask)
            if turn >= 3:  # the first ones warm it up
                seconds[way].append(time.perf_counter() - start)
    print(
        f"{checkpoint}, {len(clip)} frames at {clip.motion.fps:g} a second, {torch.get_num_threads()} threads"
    )
    for way, values in seconds.items():
        print(
            f"{'with the mirror image' if way else 'as it is':22} {1e3 * np.median(values):7.0f} ms "
            f"({1e3 * min(values):.0f} to {1e3 * max(values):.0f})"
        )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "inbetween")
