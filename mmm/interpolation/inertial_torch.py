"""Interpolation that leaves and reaches known frames at their own velocity, in torch.

``mmm.interpolation.gap_curve`` defines the curve. This module finds the known frames around every
entry, for patterns that differ from joint to joint, and adds what generation needs: motion that
coasts on after the last known frame.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmm.interpolation.gap_curve import INERTIA, Decay, Inertia, Pair, falloff, velocity_offset
from mmm.interpolation.known_frames import neighbours
from mmm.motion.rotations_torch import (
    matrix_to_quat,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    quat_to_matrix,
)


def inertial_fill(
    rotations: Tensor, root: Tensor, hidden: Tensor, fps: float, inertia: Inertia = INERTIA
) -> tuple[Tensor, Tensor]:
    """Interpolate hidden entries so that velocities are continuous at the known frames.

    Args:
        rotations: (B,T,J,3,3) local rotations; hidden ones may hold anything, NaN included.
        root: (B,T,3) metres.
        hidden: (B,T,J) bool, True = hidden.
        fps: frames a second.
        inertia: settings of the curve.

    Returns:
        The same with hidden entries filled. Outside the known frames the nearest one is held, or
        motion coasts on from the last one if ``inertia`` says so.
    """
    # Hidden values must not take part in any product, because NaN times zero is NaN.
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    rotations = torch.where(hidden[..., None, None], eye, rotations)
    root = torch.where(hidden[..., :1], torch.zeros((), dtype=root.dtype, device=root.device), root)
    before, after, _ = neighbours(hidden)
    gaps = _Gaps.of(before, after)
    filled = _filled_rotations(rotations, gaps, fps, inertia)
    path = _filled_path(root, gaps.joint(0), fps, inertia)
    return torch.where(hidden[..., None, None], filled, rotations), torch.where(
        hidden[..., :1], path, root
    )


def _filled_rotations(rotations: Tensor, gaps: "_Gaps", fps: float, inertia: Inertia) -> Tensor:
    """(B,T,J,3,3): the curve at every frame."""
    quats = matrix_to_quat(rotations)
    # As quaternions, whose logarithm and exponential are cheap for every entry.
    relative = quat_multiply(quat_conjugate(quats), _pick(quats, gaps.following))
    slopes = quat_log(relative) / gaps.length[..., None]
    start = _pick(quats, gaps.before)
    line = quat_exp(_pick(slopes, gaps.before) * gaps.elapsed[..., None])
    bend = quat_exp(gaps.bend(slopes, inertia.rotation_decay(fps), inertia))
    filled = quat_to_matrix(normalize(quat_multiply(start, quat_multiply(line, bend)), dim=-1))
    if inertia.coast_s:
        coasting = quat_exp(gaps.coasting(slopes, inertia.coast_s * fps))
        coasted = quat_to_matrix(normalize(quat_multiply(start, coasting), dim=-1))
        filled = torch.where(gaps.after_last_known[..., None, None], coasted, filled)
    return filled


def _filled_path(root: Tensor, gaps: "_Gaps", fps: float, inertia: Inertia) -> Tensor:
    """(B,T,3): the curve of the root at every frame; ``gaps`` are those of joint 0."""
    root = root[:, :, None]
    slopes = (_pick(root, gaps.following) - root) / gaps.length[..., None]
    level = gaps.bend(slopes, inertia.root_decay(fps), inertia)
    level = level + gaps.coasting(slopes, inertia.root_coast_s * fps)
    height = level
    if inertia.rise_s or inertia.rise_coast_s:
        height = gaps.bend(slopes, inertia.height_decay(fps), inertia)
        coast_s = inertia.rise_coast_s or inertia.root_coast_s
        height = height + gaps.coasting(slopes, coast_s * fps)
    # x and z share the level curve; only the height has a time constant of its own.
    path = (
        _pick(root, gaps.before)
        + _pick(slopes, gaps.before) * gaps.elapsed[..., None]
        + torch.stack([level[..., 0], height[..., 1], level[..., 2]], dim=-1)
    )
    return path[:, :, 0]


@dataclass(frozen=True)
class _Gaps:
    """The known frames around every entry; all fields are (B,T,J)."""

    before: Tensor
    after: Tensor
    previous: Tensor
    """The known frame before a known frame; the frame itself if there is none."""
    following: Tensor
    """The known frame after a known frame; the frame itself if there is none."""
    length: Tensor
    """Frames from a known frame to the following one, at least 1."""
    elapsed: Tensor
    """Frames since ``before``; zero outside the known frames."""

    @staticmethod
    def of(before: Tensor, after: Tensor) -> "_Gaps":
        """From the first two results of ``neighbours``."""
        frames = before.shape[1]
        frame = torch.arange(frames, device=before.device)[None, :, None].expand(before.shape)
        previous = before.gather(1, (frame - 1).clamp(min=0))
        following = after.gather(1, (frame + 1).clamp(max=frames - 1))
        # neighbours() repeats the known side where the other has no known frame, so a previous
        # frame may lie after the frame, and a following one before it.
        previous, following = torch.minimum(previous, frame), torch.maximum(following, frame)
        elapsed = torch.where(after > before, frame - before, 0)
        length = (following - frame).clamp(min=1)
        return _Gaps(before, after, previous, following, length.float(), elapsed.float())

    def joint(self, j: int) -> "_Gaps":
        """The gaps of one joint."""
        return _Gaps(*(getattr(self, field.name)[..., j : j + 1] for field in fields(self)))

    @property
    def after_last_known(self) -> Tensor:
        """(B,T,J) bool: whether an entry lies after the last known frame."""
        return self._frame > torch.maximum(self.before, self.after)

    @property
    def _frame(self) -> Tensor:
        return torch.arange(self.before.shape[1], device=self.before.device)[None, :, None]

    def coasting(self, slopes: Tensor, frames: float) -> Tensor:
        """(B,T,J,3): how far the velocity at the last known frame carries beyond it.

        Args:
            slopes: (B,T,J,3) mean change per frame from each known frame to the following one.
            frames: time constant of the decay; 0: nothing coasts.
        """
        if not frames:
            return torch.zeros_like(slopes)
        previous = self.previous.gather(1, self.before)
        # A single known frame has no velocity, and both neighbours of it are itself.
        coasts = self.after_last_known & (previous < self.before)
        distance = frames * (1 - torch.exp(-(self._frame - self.before).clamp(min=0) / frames))
        return torch.where(coasts, distance, 0)[..., None] * _pick(slopes, previous)

    def bend(self, slopes: Tensor, decay: Decay, inertia: Inertia) -> Tensor:
        """(B,T,J,3): ``bend`` of the formula in ``gap_curve``; zero outside the known frames.

        Args:
            slopes: (B,T,J,3) mean change per frame from each known frame to the following one.
            decay: time constant of the velocities.
            inertia: the other settings.
        """

        def pair(first: Tensor, exists: Tensor) -> Pair:
            length = self.length.gather(1, first)
            return Pair(_pick(slopes, first), length[..., None], exists[..., None])

        low, high = self.previous.gather(1, self.before), self.following.gather(1, self.after)
        inside = self.after > self.before
        gap = pair(self.before, inside)
        lower, upper = pair(low, low < self.before), pair(self.after, high > self.after)
        lowest, highest = self.previous.gather(1, low), self.following.gather(1, high)
        beyond_lower = pair(lowest, lower.exists[..., 0] & (lowest < low))
        beyond_upper = pair(high, upper.exists[..., 0] & (highest > high))
        from_start = self.elapsed[..., None]
        from_end = (gap.length - from_start).clamp(min=0)
        total: Tensor = torch.zeros((), device=slopes.device)
        for beside, beyond, other, elapsed, sign in (
            (lower, beyond_lower, upper, from_start, 1.0),
            (upper, beyond_upper, lower, from_end, -1.0),
        ):
            offset = velocity_offset(gap, beside, beyond, inertia.cubic, torch)
            lasting = decay.lasting(gap.length, beside.length, torch)
            weight = falloff(elapsed, gap.length, lasting, other.exists, inertia.free, torch)
            total = total + (sign * torch.where(gap.exists, weight, 0)) * offset
        return total


def _pick(values: Tensor, frames: Tensor) -> Tensor:
    """``values`` (B,T,J,K) at ``frames`` (B,T,J) of each joint."""
    return values.gather(1, frames[..., None].expand(*frames.shape, values.shape[-1]))
