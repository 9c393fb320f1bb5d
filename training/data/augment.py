"""Other motions out of those at hand, for networks on joint roles: mirrored, faster, on other
bodies, recombined.

Everything works on a whole batch on the device. Turning a window about the vertical axis is not
among them: networks on roles see every window in its own heading already.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mmm.motion.rotations_torch import sixd_to_matrix

REST_MOST = 0.3
"""Of a resting part's movement up to so much is left."""
SWAY_M = 0.02
"""Whoever stands still sways by so much at the most."""


class Roles(NamedTuple):
    """A batch of windows on roles."""

    local: Tensor
    """(B,T,J,3,3)."""
    root: Tensor
    """(B,T,3) metres."""
    body: Tensor
    """(B,J,3) metres."""


@dataclass(frozen=True)
class Augment:
    """How often, and how much."""

    mirror: float = 0.5
    """Share of the windows that are mirrored left to right."""
    speed: float = 1.3
    """Windows are played faster or slower by up to this factor; 1: as they are."""
    proportions: float = 0.12
    """Legs, arms and trunk are longer or shorter by up to this share, each by itself."""
    recombine: float = 0.1
    """Share of the windows that get the trunk and arms of another one."""
    slow: float = 1.0
    """Where it is more than ``speed``: slower by up to this factor, as gestures are beside sports
    and walking."""
    rest: float = 0.0
    """How often each arm, the neck with the head, or all below the trunk rests while the others go
    on: in gestures most of a body stands still, and in what networks are trained on next to nothing
    does."""

    def frames(self, wanted: int) -> int:
        """How many frames to draw for windows of ``wanted``."""
        return wanted if self.speed <= 1 else int(wanted * self.speed) + 2


def augment(
    roles: Roles,
    plan: Augment,
    frames: int,
    names: tuple[str, ...],
    parents: tuple[int, ...],
    generator: torch.Generator,
) -> Roles:
    """A batch of longer windows to another of ``frames`` frames, augmented as planned."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=roles.root.device)

    batch = len(roles.root)
    fast, slow = math.log(max(plan.speed, 1.0)), math.log(max(plan.slow, plan.speed, 1.0))
    roles = played(roles, torch.exp(uniform(batch) * (fast + slow) - slow), frames)
    upper = _below(names, parents, "spine1")
    roles = recombined(roles, uniform(batch) < plan.recombine, sorted(upper), names)
    if plan.rest:
        parts = _resting_parts(names, parents)
        left = torch.where(
            uniform(batch, len(parts)) < plan.rest, REST_MOST * uniform(batch, len(parts)) ** 2, 1.0
        )
        roles = rested(roles, left, (uniform(batch) * frames).long(), parts)
    roles = scaled(roles, 1 + (2 * uniform(batch, 3) - 1) * plan.proportions, names)
    other = mirrored(roles, names)
    chosen = uniform(batch) < plan.mirror
    return Roles(
        *(
            torch.where(chosen.reshape(-1, *[1] * (old.dim() - 1)), new, old)
            for new, old in zip(other, roles, strict=True)
        )
    )


def played(roles: Roles, factor: Tensor, frames: int) -> Roles:
    """The first ``frames`` frames at ``factor`` (B,) times the speed; too short windows are slowed
    to what there is."""
    there = roles.root.shape[1]
    at = (
        torch.arange(frames, device=factor.device)
        * factor.clamp(max=(there - 1) / max(frames - 1, 1))[:, None]
    )
    low = at.long().clamp(max=max(there - 2, 0))
    share = at - low
    rows = torch.arange(len(factor), device=factor.device)[:, None]
    high = (low + 1).clamp(max=there - 1)
    root = torch.lerp(roles.root[rows, low], roles.root[rows, high], share[..., None])
    columns = (
        roles.local[..., :2].transpose(-1, -2).flatten(-2)
    )  # neighbouring frames: the straight line will do
    sixd = torch.lerp(columns[rows, low], columns[rows, high], share[..., None, None])
    return Roles(sixd_to_matrix(sixd), root, roles.body)


def mirrored(roles: Roles, names: tuple[str, ...]) -> Roles:
    """Left and right exchanged: every world rotation W becomes M W M, with bones to suit, so that
    any rest pose will do."""
    partner = [names.index(_other_side(name)) for name in names]
    sign = torch.tensor([-1.0, 1.0, 1.0], device=roles.root.device)
    flip = sign[:, None] * sign
    return Roles(
        roles.local[:, :, partner] * flip, roles.root * sign, roles.body[:, partner] * sign
    )


def scaled(roles: Roles, factors: Tensor, names: tuple[str, ...]) -> Roles:
    """Bodies with other proportions: (B,3) factors of legs, arms and trunk. The path is scaled with
    the legs, so that feet that stood go on standing."""
    kind = torch.tensor(
        [
            0
            if any(part in name for part in ("hip", "knee", "ankle", "toe"))
            else 1
            if any(part in name for part in ("collar", "shoulder", "elbow", "wrist"))
            else 2
            for name in names
        ],
        device=factors.device,
    )
    return Roles(
        roles.local, roles.root * factors[:, None, :1], roles.body * factors[:, kind, None]
    )


def recombined(roles: Roles, chosen: Tensor, upper: list[int], names: tuple[str, ...]) -> Roles:
    """Windows ``chosen`` (B,) get the joints ``upper`` of the next window in the batch.

    The bodies may differ in how their joints' axes lie: the other trunk stands on this pelvis as it
    stood on its own in the middle of the window, both seen in their headings.
    """
    spine, hips = names.index("spine1"), (names.index("left_hip"), names.index("right_hip"))
    middle = roles.root.shape[1] // 2
    pelvis = roles.local[:, middle, 0]
    own = _heading(pelvis, roles.body, hips) @ pelvis
    bridge = own.transpose(-1, -2) @ own.roll(1, 0)  # the other pelvis's axes in this one's
    local, body = roles.local.clone(), roles.body.clone()
    other, bones = roles.local.roll(1, 0), roles.body.roll(1, 0)
    local[:, :, upper], body[:, upper] = other[:, :, upper], bones[:, upper]
    local[:, :, spine] = bridge[:, None] @ other[:, :, spine]
    body[:, spine] = roles.body[:, spine]
    return Roles(
        torch.where(chosen[:, None, None, None, None], local, roles.local),
        roles.root,
        torch.where(chosen[:, None, None], body, roles.body),
    )


def rested(roles: Roles, left: Tensor, at: Tensor, parts: list[list[int]]) -> Roles:
    """Windows in which parts of the body keep nearly still.

    Args:
        left: (B, parts) how much of a part's movement is left, 0 to 1.
        at: (B,) the frame whose pose they rest in.
        parts: joints; whichever holds joint 0 takes the root's path with it. Of that never more
            than ``SWAY_M`` is left, or feet that stand would slide.
    """
    rows = torch.arange(len(at), device=at.device)
    way = roles.root - roles.root[rows, at][:, None]
    columns = roles.local[..., :2].transpose(-1, -2).flatten(-2)  # (B, T, J, 6)
    share = torch.ones(columns.shape[0], columns.shape[2], device=columns.device)
    for number, joints in enumerate(parts):
        own = left[:, number]
        if 0 in joints:
            farthest = way.norm(dim=-1).amax(1).clamp(min=1e-6)
            own = torch.where(own < 1, own.minimum(SWAY_M / farthest), own)
            way = way * own[:, None, None]
        share[:, joints] = own[:, None]
    resting = columns[rows, at][:, None]
    local = sixd_to_matrix(torch.lerp(resting, columns, share[:, None, :, None]))
    moves = (share == 1)[:, None, :, None, None]
    return Roles(
        torch.where(moves, roles.local, local), roles.root[rows, at][:, None] + way, roles.body
    )


def _resting_parts(names: tuple[str, ...], parents: tuple[int, ...]) -> list[list[int]]:
    above = _below(names, parents, "spine1")
    return [
        sorted(_below(names, parents, "left_collar")),
        sorted(_below(names, parents, "right_collar")),
        sorted(_below(names, parents, "neck")),
        [j for j in range(len(names)) if j not in above],
    ]


def _heading(pelvis: Tensor, body: Tensor, hips: tuple[int, int]) -> Tensor:
    """(B,3,3): world to a frame in which the hips face +z."""
    across = (pelvis @ (body[:, hips[0]] - body[:, hips[1]])[..., None])[..., 0]
    length = (across[:, 0].square() + across[:, 2].square()).sqrt().clamp(min=1e-6)
    cosine, sine = across[:, 0] / length, across[:, 2] / length
    zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
    return torch.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], -1).reshape(
        -1, 3, 3
    )


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    return "left_" + name.removeprefix("right_") if name.startswith("right_") else name


def _below(names: tuple[str, ...], parents: tuple[int, ...], name: str) -> set[int]:
    found = {names.index(name)}
    for j, parent in enumerate(parents):
        if parent in found:
            found.add(j)
    return found
