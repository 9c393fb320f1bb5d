"""Compare a network with four interpolations, in gaps of three lengths.

Usage: python examples/compare.py [FOLDER]
"""

import sys
from pathlib import Path

import mmm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz", frames=(60, 180))
model = mmm.load_model("dance-3bert-small")

for length in (15, 30, 60):
    start = 60 - length // 2
    mask = mmm.masks.span(clip, start, start + length - 1)
    network = mmm.recover(model, clip, mask)
    baselines = {
        name: mmm.interpolate(name, clip, mask) for name in ("hold", "slerp", "inertial", "spline")
    }
    errors = {"network": network, **baselines}
    print(
        f"gap of {length} frames, position error in cm:",
        {name: round(r.errors.summary()["position_cm"], 2) for name, r in errors.items()},
    )

# The last gap, as a film: truth, network and slerp side by side.
mmm.save(network, folder / "compare.mp4", beside=[baselines["slerp"]])
