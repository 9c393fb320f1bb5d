"""The in-betweening metrics of the LAFAN1 benchmark: L2Q, L2P and NPSS.

They follow the published evaluation code (Harvey et al. 2020, *Robust Motion In-betweening*).
"""

import numpy as np
from jaxtyping import Float

from mmm.motion import rotations as rot

Array = np.ndarray


def unrolled_quaternions(world_rotations: Float[Array, "*b T J 3 3"]) -> Float[Array, "*b T J 4"]:
    """Quaternions (wxyz) whose signs follow the frame before, from the first frame on; axis -4 is time.

    The LAFAN1 metrics compare quaternions without aligning signs, so both sides must start from the same known frame.
    """
    quats = rot.matrix_to_quat_wxyz(world_rotations)
    turns = np.where(
        (quats[..., 1:, :, :] * quats[..., :-1, :, :]).sum(-1, keepdims=True) < 0, -1, 1
    )
    quats[..., 1:, :, :] *= np.cumprod(turns, axis=-3)
    return quats


def l2q(truth: Float[Array, "*b T J 4"], other: Float[Array, "*b T J 4"]) -> float:
    """Mean over frames of the norm of the difference of **global** quaternions, over joints x 4; gap frames only.

    Args:
        truth, other: from ``unrolled_quaternions`` of the whole window, cut to the gap.
    """
    difference = truth.astype(np.float64) - other
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def l2p(
    truth_m: Float[Array, "*b T J 3"],
    other_m: Float[Array, "*b T J 3"],
    mean_m: Float[Array, "J 3"],
    std_m: Float[Array, "J 3"],
) -> float:
    """Mean over frames of the norm of the difference of **global** positions, standardised, over joints x 3.

    Args:
        mean_m, std_m: of the training windows, per joint and coordinate; units cancel. A coordinate that never
            moved there (the root's own centred one, say) is left as it is.
    """
    scale = np.where(std_m > 1e-9, std_m, 1.0).astype(np.float64)
    difference = (truth_m - mean_m) / scale - (other_m - mean_m) / scale
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def npss(truth: Float[Array, "B T F"], other: Float[Array, "B T F"]) -> float:
    """Normalised power spectrum similarity (Gopalakrishnan et al. 2019), as LAFAN1 computes it on global quaternions.

    For each sequence and feature: the squared real part of the Fourier transform over time, normalised to one and
    summed up over frequency; the L1 distance between both curves; the mean weighted by the truth's power. A feature
    without power has an empty spectrum.
    """
    powers = [
        np.real(np.fft.fft(values.astype(np.float64), axis=1)) ** 2 for values in (truth, other)
    ]
    totals = [power.sum(axis=1) for power in powers]
    curves = [
        np.cumsum(power / np.where(total > 0, total, 1)[:, None], axis=1)
        for power, total in zip(powers, totals, strict=True)
    ]
    distance = np.abs(curves[0] - curves[1]).sum(axis=1)
    weight = totals[0].sum()
    return float((distance * totals[0]).sum() / weight) if weight > 0 else 0.0
