"""Filling hidden entries before the network looks, in torch and on the device, for any pattern.

Hidden values are replaced before anything is computed from them, so nothing hidden can reach a
network, not even a NaN.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from mmm.interpolation.inertial import INERTIA, Inertia
from mmm.motion.rotations_torch import (
    matrix_to_quat,
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    quat_slerp,
    quat_to_matrix,
)


def hidden_features(hidden: Tensor) -> Tensor:
    """``hidden (B,T,J)`` spread over the feature columns ``(B,T,9J+3)``; the root's position
    follows joint 0."""
    return torch.cat(
        [hidden.repeat_interleave(9, dim=-1), hidden[..., :1].expand(*hidden.shape[:-1], 3)], dim=-1
    )


def neighbours(hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each frame and joint the nearest known frame before and after it, itself where it is
    known.

    Returns:
        ``before`` and ``after`` (B,T,J) long, each held at the other where a side has none, and
        ``any_known`` (B,1,J).
    """
    frames = hidden.shape[1]
    index = torch.arange(frames, device=hidden.device)[None, :, None].expand(hidden.shape)
    before = torch.where(hidden, -1, index).cummax(dim=1).values
    after = torch.where(hidden, frames, index).flip(1).cummin(dim=1).values.flip(1)
    any_known = (~hidden).any(dim=1, keepdim=True)
    held_before = torch.where(before < 0, after, before).clamp(0, frames - 1)
    held_after = torch.where(after >= frames, before, after).clamp(0, frames - 1)
    return held_before, held_after, any_known


MAX_KEYFRAME_GAP_S = 0.08
"""The speed of a known frame is known where another one lies at most so far beyond it, seconds."""


def ramp_in(hidden: Tensor, fps: float, ramp_s: float, alone_s: float | None = None) -> Tensor:
    """How much a residual counts beside the known frames, (B,T,J), zero where known.

    Args:
        hidden: (B,T,J) bool, True = hidden.
        fps: frames a second.
        edge_s, alone_s: ``ramp_s`` and ``isolated_ramp_s`` of a network's configuration.
    """
    before, after, _ = neighbours(hidden)
    own = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None].expand(hidden.shape)
    beyond = (
        before.gather(1, (own - 1).clamp(min=0)),
        after.gather(1, (own + 1).clamp(max=hidden.shape[1] - 1)),
    )
    share = torch.ones(hidden.shape, device=hidden.device)
    for known, further, way in ((before, beyond[0], own - before), (after, beyond[1], after - own)):
        away = way.abs() / fps
        counts = away.square() / (away.square() + ramp_s**2).clamp(min=1e-9)
        if alone_s is not None:
            apart = (known - further.gather(1, known)).abs()
            alone = (apart == 0) | (apart > MAX_KEYFRAME_GAP_S * fps)
            counts = torch.where(alone, away / (away + alone_s).clamp(min=1e-9), counts)
        share = torch.where(
            way >= 0, torch.minimum(share, counts), share
        )  # held ends have one side alone
    return share


def slerp_fill(rotations: Tensor, root: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolate hidden entries between their known neighbours; outside them the nearest known is
    held.

    Args:
        rotations: (B,T,J,3,3) local rotations; hidden ones may hold anything, NaN included.
        root: (B,T,3).
        hidden: (B,T,J) bool, True = hidden.

    Returns:
        The same with hidden entries filled. A joint that is never known gets the identity, an
        unknown root zeros.
    """
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    rotations = torch.where(hidden[..., None, None], eye, rotations)
    root = torch.where(hidden[..., :1], torch.zeros((), dtype=root.dtype, device=root.device), root)
    before, after, _ = neighbours(hidden)
    frame = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None]
    weight = (frame - before).to(rotations.dtype) / (after - before).clamp(min=1).to(
        rotations.dtype
    )

    quat = matrix_to_quat(rotations)
    start = quat.gather(1, before[..., None].expand(*before.shape, 4))
    end = quat.gather(1, after[..., None].expand(*after.shape, 4))
    filled = quat_to_matrix(quat_slerp(start, end, weight[..., None]))
    index = before[..., :1].expand(*root.shape), after[..., :1].expand(*root.shape)
    start_root, end_root = root.gather(1, index[0]), root.gather(1, index[1])
    filled_root = start_root + weight[..., :1] * (end_root - start_root)
    return torch.where(hidden[..., None, None], filled, rotations), torch.where(
        hidden[..., :1], filled_root, root
    )


def hold_fill(rotations: Tensor, root: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Repeat in hidden entries the last known pose before them; before the first known one, the
    first.

    Arguments and returns as :func:`slerp_fill`.
    """
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    rotations = torch.where(hidden[..., None, None], eye, rotations)
    root = torch.where(hidden[..., :1], torch.zeros((), dtype=root.dtype, device=root.device), root)
    before, _, _ = neighbours(hidden)
    return (
        rotations.gather(1, before[..., None, None].expand(rotations.shape)),
        root.gather(1, before[..., :1].expand(root.shape)),
    )


def fill_gaps(
    kind: str,
    rotations: Tensor,
    root: Tensor,
    hidden: Tensor,
    fps: float,
    inertia: Inertia = INERTIA,
) -> tuple[Tensor, Tensor]:
    """Fill as a configuration's ``fill`` says: ``hold``, ``slerp`` or ``inertial``; see these
    functions."""
    if kind == "hold":
        return hold_fill(rotations, root, hidden)
    if kind == "slerp":
        return slerp_fill(rotations, root, hidden)
    return inertial_fill(rotations, root, hidden, fps, inertia)


def inertial_fill(
    rotations: Tensor, root: Tensor, hidden: Tensor, fps: float, inertia: Inertia = INERTIA
) -> tuple[Tensor, Tensor]:
    """Interpolate as :func:`slerp_fill`, but leave and reach the known frames at their own speed,
    as ``mmm.interpolation.inertial``.

    To the shorter arc comes what the speeds at both ends of the gap differ from the arc's own,
    fading out with ``t (1 - s)^2 exp(-t / inertia)``; see there.

    Args:
        rotations: (B,T,J,3,3) local rotations; hidden ones may hold anything, NaN included.
        root: (B,T,3).
        hidden: (B,T,J) bool, True = hidden.
        fps: frames a second.

    Returns:
        The same with hidden entries filled; beyond the first and last known frame the nearest is
        held, or coasts on from the last one where ``inertia`` says so.
    """
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    rotations = torch.where(hidden[..., None, None], eye, rotations)
    root = torch.where(hidden[..., :1], torch.zeros((), dtype=root.dtype, device=root.device), root)
    before, after, _ = neighbours(hidden)
    ends = _Ends.of(before, after)
    quats = matrix_to_quat(rotations)
    relative = quat_multiply(quat_conjugate(quats), _pick(quats, ends.following))
    slopes = quat_log(relative) / ends.length[..., None]
    start = _pick(quats, before)
    turn = quat_multiply(
        quat_exp(_pick(slopes, before) * ends.passed[..., None]),
        quat_exp(
            ends.correction(
                slopes,
                inertia.rotation_s * fps,
                inertia,
                fps,
                inertia.rotation_by_gap,
                inertia.close_s * fps,
            )
        ),
    )
    filled = quat_to_matrix(torch.nn.functional.normalize(quat_multiply(start, turn), dim=-1))
    if inertia.coast_s:
        filled = torch.where(
            ends.open[..., None, None],
            quat_to_matrix(
                torch.nn.functional.normalize(
                    quat_multiply(start, quat_exp(ends.coasting(slopes, inertia.coast_s * fps))),
                    dim=-1,
                )
            ),
            filled,
        )
    first = ends.joint(0)
    slopes = (_pick(root[:, :, None], first.following) - root[:, :, None]) / first.length[..., None]
    level = first.correction(slopes, inertia.root_s * fps, inertia)
    level = level + first.coasting(slopes, inertia.root_coast_s * fps)
    rise = level
    if inertia.rise_s or inertia.rise_coast_s:
        lasting = (inertia.rise_s or inertia.root_s) * fps
        rise = first.correction(slopes, lasting, inertia, fps, inertia.rise_by_gap)
        rise = rise + first.coasting(slopes, (inertia.rise_coast_s or inertia.root_coast_s) * fps)
    path = (
        _pick(root[:, :, None], first.before)
        + _pick(slopes, first.before) * first.passed[..., None]
        + torch.stack([level[..., 0], rise[..., 1], level[..., 2]], dim=-1)
    )[:, :, 0]
    return torch.where(hidden[..., None, None], filled, rotations), torch.where(
        hidden[..., :1], path, root
    )


@dataclass(frozen=True)
class _Ends:
    """Where each entry stands in its gap, and which known frames lie around it; all (B,T,J)."""

    before: Tensor
    after: Tensor
    previous: Tensor
    """The known frame before a known frame, itself where there is none."""
    following: Tensor
    """The known frame after a known frame, itself where there is none."""
    length: Tensor
    """Frames from a known frame to the following one, at least 1."""
    passed: Tensor
    """Frames since ``before``; zero beyond the last known frame."""

    @staticmethod
    def of(before: Tensor, after: Tensor) -> "_Ends":
        frames = before.shape[1]
        own = torch.arange(frames, device=before.device)[None, :, None].expand(before.shape)
        # ``neighbours`` holds at the ends: a frame that has none before it is given the one after, and the reverse.
        previous = before.gather(1, (own - 1).clamp(min=0))
        following = after.gather(1, (own + 1).clamp(max=frames - 1))
        previous, following = torch.minimum(previous, own), torch.maximum(following, own)
        passed = torch.where(after > before, own - before, 0)
        return _Ends(
            before,
            after,
            previous,
            following,
            (following - own).clamp(min=1).float(),
            passed.float(),
        )

    @property
    def open(self) -> Tensor:
        """Which entries lie beyond the last known frame."""
        own = torch.arange(self.before.shape[1], device=self.before.device)[None, :, None]
        return own > torch.maximum(self.before, self.after)

    def coasting(self, slopes: Tensor, inertia: float) -> Tensor:
        """(B,T,J,3): beyond the last known frame, what its speed adds as it dies away; zero
        elsewhere."""
        if not inertia:
            return torch.zeros_like(slopes)
        own = torch.arange(self.before.shape[1], device=self.before.device)[None, :, None]
        speed = _pick(slopes, self.previous.gather(1, self.before))
        there = self.open & (
            self.previous.gather(1, self.before) < self.before
        )  # one known frame has no speed
        way = inertia * (1 - torch.exp(-(own - self.before).clamp(min=0) / inertia))
        return torch.where(there, way, 0)[..., None] * speed

    def joint(self, j: int) -> "_Ends":
        """The same for one joint."""
        return _Ends(*(getattr(self, field.name)[..., j : j + 1] for field in fields(self)))

    def correction(
        self,
        slopes: Tensor,
        outlasts: float,
        inertia: Inertia,
        fps: float = 1.0,
        by_gap: float = 0.0,
        close: float = 0.0,
    ) -> Tensor:
        """What the speeds at both ends add, (B,T,J,3); ``slopes`` (B,T,J,3) lead from known frames
        to the next."""
        length = self.length.gather(1, self.before)
        own = _pick(slopes, self.before)
        inside = self.after > self.before
        total: Tensor = torch.zeros((), device=slopes.device)
        left = (length - self.passed).clamp(min=0)
        low, high = self.previous.gather(1, self.before), self.following.gather(1, self.after)
        # First known frame of the pair beside the gap, and of the pair beyond that; and whether these pairs are there.
        sides = (
            (low, self.previous.gather(1, low), low < self.before, self.passed, 1.0),
            (self.after, high, high > self.after, left, -1.0),
        )
        for (beside, further, there, since, sign), (_, _, across, _, _) in zip(
            sides, sides[::-1], strict=True
        ):
            slope, beyond, far = (
                _pick(slopes, beside),
                self.length.gather(1, beside),
                self.length.gather(1, further),
            )
            offset = torch.where(there, length / (length + beyond), 0)[..., None] * (slope - own)
            if inertia.cubic:
                more = there & (further != beside) & (self.following.gather(1, further) > further)
                third = torch.where(more, beyond * length / (length + beyond + far), 0)[..., None]
                second, other = (
                    (own - slope) / (length + beyond)[..., None],
                    slope - _pick(slopes, further),
                )
                offset = offset - inertia.cubic * third * (
                    second - other / (beyond + far)[..., None]
                )
            lasting = outlasts * torch.where(
                (beyond <= close) | (not close), (fps / length) ** by_gap, 1.0
            )
            passing = since / length
            slack = torch.where(across, 1.0, 1 - inertia.free / 2)
            weight = since * (1 - passing) * (1 - slack * passing) * torch.exp(-since / lasting)
            total = total + (sign * torch.where(inside, weight, 0))[..., None] * offset
        return total


def _pick(values: Tensor, frames: Tensor) -> Tensor:
    """``values`` (B,T,J,K) at ``frames`` (B,T,J) of each joint."""
    return values.gather(1, frames[..., None].expand(*frames.shape, values.shape[-1]))
