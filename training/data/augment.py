"""Augmentation for networks on joint roles: mirroring, speed, proportions, recombination, rest.

Everything works on a whole batch on the device. Windows are not turned about the vertical axis,
because networks on roles see every window in its own heading.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mmm.motion.rotations_torch import sixd_to_matrix
from mmm.motion.skeleton import subtree
from training.plans.augmentation import Augment

REST_MOST = 0.3
"""Largest share of its movement that a resting part of the body keeps."""
SWAY_M = 0.02
"""Largest movement of the root while the legs rest, metres."""


class Roles(NamedTuple):
    """A batch of windows on roles."""

    local: Tensor
    """(B,T,J,3,3)."""
    root: Tensor
    """(B,T,3) metres."""
    body: Tensor
    """(B,J,3) metres."""


def augment(
    roles: Roles,
    plan: Augment,
    frames: int,
    names: tuple[str, ...],
    parents: tuple[int, ...],
    generator: torch.Generator,
) -> Roles:
    """Augmented windows of ``frames`` frames, from a batch of longer windows."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=roles.root.device)

    batch = len(roles.root)
    # Factors are drawn evenly on a logarithmic scale: twice as fast is as likely as half as fast.
    fast, slow = math.log(max(plan.speed, 1.0)), math.log(max(plan.slow, plan.speed, 1.0))
    roles = played(roles, torch.exp(uniform(batch) * (fast + slow) - slow), frames)
    # Recombination comes before rest and proportions, so that these apply to the new body as a
    # whole.
    upper = subtree(parents, names.index("spine1"))
    roles = recombined(roles, uniform(batch) < plan.recombine, upper, names)
    if plan.rest:
        parts = _resting_parts(names, parents)
        kept = torch.where(
            uniform(batch, len(parts)) < plan.rest,
            # Squared, so that most resting parts keep hardly anything of their movement.
            REST_MOST * uniform(batch, len(parts)) ** 2,
            1.0,
        )
        roles = rested(roles, kept, (uniform(batch) * frames).long(), parts)
    roles = scaled(roles, 1 + (2 * uniform(batch, 3) - 1) * plan.proportions, names)
    # Both versions are made and one is chosen: a branch for each window would be slower on a GPU.
    other = mirrored(roles, names)
    chosen = uniform(batch) < plan.mirror
    return Roles(
        *(
            torch.where(chosen.reshape(-1, *[1] * (old.dim() - 1)), new, old)
            for new, old in zip(other, roles, strict=True)
        )
    )


def played(roles: Roles, factor: Tensor, frames: int) -> Roles:
    """The first ``frames`` frames, played at ``factor`` (B,) times the speed.

    Where a window is too short for that, the factor is reduced.
    """
    available = roles.root.shape[1]
    position = (
        torch.arange(frames, device=factor.device)
        # The last frame that is read must exist.
        * factor.clamp(max=(available - 1) / max(frames - 1, 1))[:, None]
    )
    # Below the last frame, so that ``high`` is another frame where there is one.
    low = position.long().clamp(max=max(available - 2, 0))
    share = position - low
    rows = torch.arange(len(factor), device=factor.device)[:, None]
    high = (low + 1).clamp(max=available - 1)
    root = torch.lerp(roles.root[rows, low], roles.root[rows, high], share[..., None])
    # Neighbouring frames are close enough for linear interpolation of the two columns.
    columns = roles.local[..., :2].transpose(-1, -2).flatten(-2)
    sixd = torch.lerp(columns[rows, low], columns[rows, high], share[..., None, None])
    return Roles(sixd_to_matrix(sixd), root, roles.body)


def mirrored(roles: Roles, names: tuple[str, ...]) -> Roles:
    """Windows with left and right exchanged.

    Every rotation W becomes M W M, where M mirrors the x axis, and the bones are mirrored with it;
    this holds for any rest pose.
    """
    partner = [names.index(_other_side(name)) for name in names]
    sign = torch.tensor([-1.0, 1.0, 1.0], device=roles.root.device)
    # M W M as one product of entries: those with exactly one x in their indices change sign.
    flip = sign[:, None] * sign
    return Roles(
        roles.local[:, :, partner] * flip, roles.root * sign, roles.body[:, partner] * sign
    )


def scaled(roles: Roles, factors: Tensor, names: tuple[str, ...]) -> Roles:
    """Windows on bodies of other proportions.

    The path is scaled with the legs, so that feet keep their contacts.

    Args:
        factors: (B,3) of legs, arms and trunk.
    """
    # Column of ``factors`` for each joint: 0 legs, 1 arms, 2 trunk and head.
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
        # Rotations stay, because they do not depend on the lengths of bones.
        roles.local,
        roles.root * factors[:, None, :1],
        roles.body * factors[:, kind, None],
    )


def recombined(roles: Roles, chosen: Tensor, upper: list[int], names: tuple[str, ...]) -> Roles:
    """Windows ``chosen`` (B,) get the joints ``upper`` of the next window in the batch.

    The axes of the two pelvises may differ. The other trunk is placed on this pelvis as it stood on
    its own in the middle frame, both seen in their own heading.
    """
    spine, hips = names.index("spine1"), (names.index("left_hip"), names.index("right_hip"))
    middle = roles.root.shape[1] // 2
    pelvis = roles.local[:, middle, 0]
    # The pelvis of the middle frame with its heading removed.
    levelled = _heading(pelvis, roles.body, hips) @ pelvis
    # The other pelvis's axes, seen in the axes of this one.
    bridge = levelled.transpose(-1, -2) @ levelled.roll(1, 0)
    local, body = roles.local.clone(), roles.body.clone()
    other, bones = roles.local.roll(1, 0), roles.body.roll(1, 0)
    local[:, :, upper], body[:, upper] = other[:, :, upper], bones[:, upper]
    local[:, :, spine] = bridge[:, None] @ other[:, :, spine]
    # The lowest bone of the trunk belongs to this pelvis.
    body[:, spine] = roles.body[:, spine]
    return Roles(
        torch.where(chosen[:, None, None, None, None], local, roles.local),
        roles.root,
        torch.where(chosen[:, None, None], body, roles.body),
    )


def rested(roles: Roles, shares: Tensor, frame: Tensor, parts: list[list[int]]) -> Roles:
    """Windows in which parts of the body keep nearly still.

    Args:
        shares: (B, parts) the share of a part's movement that is kept, 0 to 1.
        frame: (B,) the frame whose pose the parts rest in.
        parts: joints of each part. The part with joint 0 includes the root's path, of which at most
            ``SWAY_M`` is kept, because feet in contact would slide.
    """
    rows = torch.arange(len(frame), device=frame.device)
    path = roles.root - roles.root[rows, frame][:, None]
    columns = roles.local[..., :2].transpose(-1, -2).flatten(-2)  # (B, T, J, 6)
    share = torch.ones(columns.shape[0], columns.shape[2], device=columns.device)
    for number, joints in enumerate(parts):
        kept = shares[:, number]
        if 0 in joints:
            # Scaled down as a path rather than cut off, so that the sway stays smooth.
            farthest = path.norm(dim=-1).amax(1).clamp(min=1e-6)
            kept = torch.where(kept < 1, kept.minimum(SWAY_M / farthest), kept)
            path = path * kept[:, None, None]
        share[:, joints] = kept[:, None]
    rest_pose = columns[rows, frame][:, None]
    local = sixd_to_matrix(torch.lerp(rest_pose, columns, share[:, None, :, None]))
    # Joints that keep all of their movement stay bit-identical: the conversion through 6D rounds.
    moves = (share == 1)[:, None, :, None, None]
    return Roles(
        torch.where(moves, roles.local, local), roles.root[rows, frame][:, None] + path, roles.body
    )


def _resting_parts(names: tuple[str, ...], parents: tuple[int, ...]) -> list[list[int]]:
    upper_body = subtree(parents, names.index("spine1"))
    return [
        *(subtree(parents, names.index(name)) for name in ("left_collar", "right_collar", "neck")),
        [j for j in range(len(names)) if j not in upper_body],
    ]


def _heading(pelvis: Tensor, body: Tensor, hips: tuple[int, int]) -> Tensor:
    """(B,3,3): world to a frame in which the hips face +z."""
    across = (pelvis @ (body[:, hips[0]] - body[:, hips[1]])[..., None])[..., 0]
    # Hips one above the other give no heading; the floor avoids a division by zero.
    length = (across[:, 0].square() + across[:, 2].square()).sqrt().clamp(min=1e-6)
    cosine, sine = across[:, 0] / length, across[:, 2] / length
    zeros, ones = torch.zeros_like(cosine), torch.ones_like(cosine)
    return torch.stack([cosine, zeros, sine, zeros, ones, zeros, -sine, zeros, cosine], -1).reshape(
        -1, 3, 3
    )


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    return "left_" + name.removeprefix("right_") if name.startswith("right_") else name
