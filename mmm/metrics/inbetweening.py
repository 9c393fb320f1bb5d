"""The in-betweening metrics of the LAFAN1 benchmark: L2Q, L2P and NPSS.

They follow the published evaluation code (Harvey et al. 2020, *Robust Motion In-betweening*).
"""

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def l2q(truth: Float[Array, "*b T J 4"], other: Float[Array, "*b T J 4"]) -> float:
    """L2Q: norm of the difference of **global** quaternions over joints x 4, mean over gap frames.

    Args:
        truth, other: :func:`~mmm.motion.rotations.matrix_to_unrolled_quat` of the whole window, cut
            to the gap. The metric does not align signs, so both windows start from the same known
            frame.
    """
    difference = truth.astype(np.float64) - other
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def l2p(
    truth_m: Float[Array, "*b T J 3"],
    other_m: Float[Array, "*b T J 3"],
    mean_m: Float[Array, "J 3"],
    std_m: Float[Array, "J 3"],
) -> float:
    """L2P: norm of the difference of standardised **global** positions over joints x 3.

    The result is the mean over frames, without unit.

    Args:
        truth_m, other_m: world positions in the gap, metres.
        mean_m, std_m: mean and standard deviation over the training windows, by joint and
            coordinate. A coordinate that never moves there is not scaled.
    """
    # A centred root coordinate has no variance; dividing by it would dominate all others.
    scale = np.where(std_m > 1e-9, std_m, 1.0).astype(np.float64)
    difference = (truth_m - mean_m) / scale - (other_m - mean_m) / scale
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def npss(truth: Float[Array, "B T F"], other: Float[Array, "B T F"]) -> float:
    """Normalised power spectrum similarity (Gopalakrishnan et al. 2019) as LAFAN1 computes it.

    The spectrum of each sequence and feature is normalised to one and accumulated over frequency.
    The L1 distances between both curves are averaged, weighted by the truth's power.

    Args:
        truth, other: global quaternions, ``F`` = joints x 4.
    """
    # LAFAN1's code squares the real part alone, not the magnitude; figures compare only that way.
    powers = [
        np.real(np.fft.fft(values.astype(np.float64), axis=1)) ** 2 for values in (truth, other)
    ]
    totals = [power.sum(axis=1) for power in powers]
    # A feature that is constant zero has no power; dividing by 1 leaves its spectrum empty.
    curves = [
        np.cumsum(power / np.where(total > 0, total, 1)[:, None], axis=1)
        for power, total in zip(powers, totals, strict=True)
    ]
    distance = np.abs(curves[0] - curves[1]).sum(axis=1)
    weight = totals[0].sum()
    return float((distance * totals[0]).sum() / weight) if weight > 0 else 0.0
