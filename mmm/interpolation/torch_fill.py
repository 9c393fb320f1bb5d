"""Filling hidden entries before a network reads them, in torch, for any pattern.

Hidden values are replaced before anything is computed from them, so nothing hidden can reach a
network, not even a NaN.
"""

import torch
from torch import Tensor

from mmm.interpolation.gap_curve import INERTIA, Inertia
from mmm.interpolation.inertial_torch import inertial_fill
from mmm.interpolation.known_frames import neighbours
from mmm.motion.rotations_torch import matrix_to_quat, quat_slerp, quat_to_matrix


def fill_gaps(
    kind: str,
    rotations: Tensor,
    root: Tensor,
    hidden: Tensor,
    fps: float,
    inertia: Inertia = INERTIA,
) -> tuple[Tensor, Tensor]:
    """Fill hidden entries by the method that a configuration's ``fill`` names.

    Args:
        kind: ``hold``, ``slerp`` or ``inertial``.
        rotations: (B,T,J,3,3) local rotations; hidden ones may hold anything, NaN included.
        root: (B,T,3) metres.
        hidden: (B,T,J) bool, True = hidden.
        fps: frames a second; only ``inertial`` uses it.
        inertia: settings of the ``inertial`` curve.

    Returns:
        ``rotations`` and ``root`` with hidden entries filled.
    """
    if kind == "hold":
        return hold_fill(rotations, root, hidden)
    if kind == "slerp":
        return slerp_fill(rotations, root, hidden)
    return inertial_fill(rotations, root, hidden, fps, inertia)


def slerp_fill(rotations: Tensor, root: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolate hidden entries between their known neighbours; outside them hold the nearest.

    Args:
        rotations: (B,T,J,3,3) local rotations; hidden ones may hold anything, NaN included.
        root: (B,T,3).
        hidden: (B,T,J) bool, True = hidden.

    Returns:
        The same with hidden entries filled. A joint that is never known gets the identity, a root
        that is never known gets zeros.
    """
    rotations, root = _blanked(rotations, root, hidden)
    before, after, _ = neighbours(hidden)
    frame = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None]
    weight = (frame - before).to(rotations.dtype) / (after - before).clamp(min=1).to(
        rotations.dtype
    )

    quat = matrix_to_quat(rotations)
    start = quat.gather(1, before[..., None].expand(*before.shape, 4))
    end = quat.gather(1, after[..., None].expand(*after.shape, 4))
    filled = quat_to_matrix(quat_slerp(start, end, weight[..., None]))
    start_root = root.gather(1, before[..., :1].expand(*root.shape))
    end_root = root.gather(1, after[..., :1].expand(*root.shape))
    filled_root = start_root + weight[..., :1] * (end_root - start_root)
    # Known entries are copied, because a quaternion and back does not keep the last bits.
    return torch.where(hidden[..., None, None], filled, rotations), torch.where(
        hidden[..., :1], filled_root, root
    )


def hold_fill(rotations: Tensor, root: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Repeat the last known pose in hidden entries; before the first known one, repeat the first.

    Arguments and returns as :func:`slerp_fill`.
    """
    rotations, root = _blanked(rotations, root, hidden)
    before, _, _ = neighbours(hidden)
    return (
        rotations.gather(1, before[..., None, None].expand(rotations.shape)),
        root.gather(1, before[..., :1].expand(root.shape)),
    )


def _blanked(rotations: Tensor, root: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The identity and zeros in hidden entries, so that no NaN takes part in any product."""
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    zero = torch.zeros((), dtype=root.dtype, device=root.device)
    return torch.where(hidden[..., None, None], eye, rotations), torch.where(
        hidden[..., :1], zero, root
    )
