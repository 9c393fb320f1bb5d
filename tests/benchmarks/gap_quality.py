"""How natural a recovered gap is: ``python -m tests.benchmarks.gap_quality [CHECKPOINT]``.

A gap of 60 frames in each sample dance: jerk and foot skate of the recovery, of two interpolations and of the truth
over the gap's frames, and the jump of joint velocities at its ends. Means over the samples; not a test.
"""

import sys
from pathlib import Path

import numpy as np

import mmm
from mmm.metrics.naturalness import foot_skate_cm_s, jerk_m_s3, velocity_jump_cm_s

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "samples").glob("*.npz"))
FIRST, LAST = 250, 309


def figures(motion: mmm.Motion, hidden: np.ndarray) -> tuple[float, float, float]:
    """Jerk in m/s^3, foot skate in cm/s, velocity jump at the gap's ends in cm/s."""
    gap = motion.crop(FIRST, LAST + 1)
    return jerk_m_s3(gap), foot_skate_cm_s(gap), velocity_jump_cm_s(motion, hidden)


def main(checkpoint: str) -> None:
    """Print one row a method."""
    model = mmm.load_model(checkpoint)
    rows: dict[str, list[tuple[float, float, float]]] = {
        checkpoint: [],
        "slerp": [],
        "inertial": [],
        "truth": [],
    }
    for path in SAMPLES:
        clip = mmm.load_clip(path)
        mask = mmm.masks.span(clip, FIRST, LAST)
        for name, result in (
            (checkpoint, mmm.recover(model, clip, mask)),
            *((method, mmm.interpolate(method, clip, mask)) for method in ("slerp", "inertial")),
        ):
            rows[name].append(figures(result.recovered.motion, mask.hidden))
        rows["truth"].append(figures(clip.motion, mask.hidden))
    print(
        f"{'':20} jerk m/s^3   skate cm/s   velocity jump cm/s   ({len(SAMPLES)} samples, frames {FIRST}-{LAST})"
    )
    for name, values in rows.items():
        jerk, skate, jump = np.nanmean(np.array(values, dtype=float), axis=0)
        print(f"{name:20} {jerk:10.1f} {skate:12.1f} {jump:20.1f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "dance-3bert-small")
