"""What capturing attention costs: ``python -m tests.benchmarks.attention_cost [CHECKPOINT...]``.

Seconds of a recovery of 300 frames with and without its maps, the median of nine runs each, in turns; not a test.
"""

import statistics
import sys
import time
from pathlib import Path

import mmm

SAMPLE = (
    Path(__file__).resolve().parents[2] / "data" / "samples" / "dance_092bpm_test004_dancer03.npz"
)
ALLOWED = 1.5


def main(checkpoints: list[str]) -> int:
    """Print one row a checkpoint; status 1 where the capture costs more than it may."""
    clip = mmm.load_clip(SAMPLE, frames=(0, 300))
    mask = mmm.masks.span(clip, 120, 179)
    worst = 0.0
    for name in checkpoints:
        model = mmm.load_model(name)
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for number in range(20):
            started = time.perf_counter()
            mmm.recover(model, clip, mask, attention=bool(number % 2))
            if number > 1:  # the first of each warm up
                seconds[bool(number % 2)].append(time.perf_counter() - started)
        plain, captured = statistics.median(seconds[False]), statistics.median(seconds[True])
        worst = max(worst, captured / plain)
        print(
            f"{name:20} plain {plain:.3f} s, with attention {captured:.3f} s: {captured / plain:.2f} times"
        )
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(
        main(sys.argv[1:] or ["dance-ecm-small", "dance-3bert-small", "common-small", "inbetween"])
    )
