"""Other motions out of those at hand: each must still be a motion, and another one only in what was asked for."""

import numpy as np
import pytest
import torch

from mmm.motion.humanoid import match_roles
from mmm.motion.kinematics_torch import Tree
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import random_rotations, smooth_motion
from training.data.augment import (
    SWAY_M,
    Roles,
    augment,
    mirrored,
    played,
    recombined,
    rested,
    scaled,
)
from training.plans.augmentation import Augment

TREE = Tree(ROLE_PARENTS)
UPPER = [
    j
    for j, name in enumerate(ROLES)
    if name != "pelvis" and not any(part in name for part in ("hip", "knee", "ankle", "toe"))
]


def some(batch: int = 3, frames: int = 20) -> Roles:
    motions = [
        match_roles(SMPL24).to_roles(smooth_motion(seed, frames, SMPL24, 30.0))
        for seed in range(batch)
    ]
    return Roles(
        torch.stack([torch.from_numpy(m.rotations) for m in motions]),
        torch.stack([torch.from_numpy(m.root_m) for m in motions]),
        torch.stack([torch.from_numpy(m.skeleton.offsets_m) for m in motions]),
    )


def places(roles: Roles) -> torch.Tensor:
    return TREE.forward(*roles)[1]


def other_axes(roles: Roles, seed: int = 4) -> Roles:
    """The same movement from another rest pose, another one for each window."""
    axes = torch.from_numpy(random_rotations(seed, len(roles.root), 22))
    local, body = roles.local.clone(), roles.body.clone()
    for j, parent in enumerate(ROLE_PARENTS):
        above = (
            torch.eye(3).expand(len(axes), 3, 3)
            if parent < 0
            else axes[:, parent].transpose(-1, -2)
        )
        local[:, :, j] = above[:, None] @ roles.local[:, :, j] @ axes[:, None, j]
        if parent >= 0:
            body[:, j] = (above @ roles.body[:, j, :, None])[..., 0]
    return Roles(local, roles.root, body)


def test_other_axes_are_the_same_movement():
    torch.testing.assert_close(places(other_axes(some())), places(some()), atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", [False, True])
def test_mirrored_is_left_for_right(axes):
    roles = other_axes(some()) if axes else some()
    partner = [
        ROLES.index(n.replace("left", "L").replace("right", "left").replace("L", "right"))
        for n in ROLES
    ]
    expected = places(roles)[:, :, partner] * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(places(mirrored(roles, ROLES)), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        torch.linalg.det(mirrored(roles, ROLES).local), torch.ones(3, 20, 22), atol=1e-4, rtol=0
    )
    for old, new in zip(roles, mirrored(mirrored(roles, ROLES), ROLES), strict=True):
        torch.testing.assert_close(new, old)


def test_played_faster_is_the_same_path():
    roles = some(1, 40)
    fast = played(roles, torch.tensor([2.0]), 15)
    torch.testing.assert_close(places(fast), places(roles)[:, :30:2], atol=1e-5, rtol=0)
    slow = played(roles, torch.tensor([0.5]), 15)
    torch.testing.assert_close(places(slow)[:, ::2], places(roles)[:, :8], atol=1e-5, rtol=0)
    between = (places(roles)[:, :7] + places(roles)[:, 1:8]) / 2
    torch.testing.assert_close(places(slow)[:, 1::2], between, atol=3e-3, rtol=0)
    assert torch.isfinite(
        played(some(2, 10), torch.tensor([3.0, 1.0]), 10).local
    ).all()  # no frames beyond the end


def test_scaled_bodies_keep_their_angles_and_standing_feet():
    roles = some()
    factors = torch.tensor([[1.1, 0.9, 1.0]]).expand(3, 3)
    other = scaled(roles, factors, ROLES)
    torch.testing.assert_close(other.local, roles.local)
    ankle, wrist, neck = (ROLES.index(name) for name in ("left_ankle", "left_wrist", "neck"))
    for j, factor in ((ankle, 1.1), (wrist, 0.9), (neck, 1.0)):
        torch.testing.assert_close(other.body[:, j], roles.body[:, j] * factor)
    torch.testing.assert_close(
        places(other)[:, :, ankle], places(roles)[:, :, ankle] * 1.1, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("axes", [False, True])
def test_recombined_has_the_next_ones_upper_body_on_its_own_legs(axes):
    roles = other_axes(some()) if axes else some()
    chosen = torch.tensor([True, False, False])
    other = recombined(roles, chosen, UPPER, ROLES)
    for old, new in zip(roles, other, strict=True):
        torch.testing.assert_close(new[1:], old[1:])
    old, new = places(roles), places(other)
    legs = [j for j in range(22) if j not in UPPER]
    torch.testing.assert_close(new[0][:, legs], old[0][:, legs], atol=1e-5, rtol=0)
    # In the middle the trunk stands as it stood on the other body, both seen in their own headings.
    middle, spine, hips = (
        10,
        ROLES.index("spine1"),
        [ROLES.index("left_hip"), ROLES.index("right_hip")],
    )

    def seen(values, window):
        across = values[window, middle, hips[0]] - values[window, middle, hips[1]]
        angle = torch.atan2(across[2], across[0])
        c, s = angle.cos(), angle.sin()
        turn = torch.stack(
            [torch.stack([c, 0 * c, s]), torch.tensor([0.0, 1, 0]), torch.stack([-s, 0 * c, c])]
        )
        from_spine = values[window, middle, UPPER] - values[window, middle, spine]
        return from_spine @ turn.T

    torch.testing.assert_close(seen(new, 0), seen(old, 2), atol=1e-4, rtol=0)


def test_augment_draws_the_same_again_and_changes_something():
    plan, roles = Augment(mirror=0.5, speed=1.2, proportions=0.1, recombine=0.5), some(8, 30)
    assert plan.frames(20) == 26
    first, second = (
        augment(roles, plan, 20, ROLES, ROLE_PARENTS, torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert first.root.shape == (8, 20, 3)
    product = first.local.transpose(-1, -2) @ first.local
    torch.testing.assert_close(product, torch.eye(3).expand_as(product), atol=1e-5, rtol=0)
    assert (first.root - roles.root[:, :20]).abs().amax(dim=(1, 2)).min() > 1e-4
    plain = augment(
        roles, Augment(0, 1, 0, 0), 20, ROLES, ROLE_PARENTS, torch.Generator().manual_seed(3)
    )
    np.testing.assert_allclose(places(plain), places(roles)[:, :20], atol=1e-5)


def test_resting_parts_keep_their_pose_and_the_others_theirs():
    roles, at = some(3, 20), torch.tensor([4, 10, 19])
    arm = [
        j
        for j, name in enumerate(ROLES)
        if name in ("left_collar", "left_shoulder", "left_elbow", "left_wrist")
    ]
    below = [j for j in range(22) if j not in UPPER]
    left = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.25, 0.3]])
    other = rested(roles, left, at, [arm, below])
    rest = [j for j in range(22) if j not in arm]
    torch.testing.assert_close(
        other.local[0][:, arm], roles.local[0, 4, arm].expand(20, -1, -1, -1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(other.local[0][:, rest], roles.local[0][:, rest], rtol=0, atol=0)
    torch.testing.assert_close(other.root[0], roles.root[0])
    torch.testing.assert_close(other.local[1][:, UPPER], roles.local[1][:, UPPER], rtol=0, atol=0)
    below_places = places(other)[1][:, below]
    torch.testing.assert_close(
        below_places, below_places[10].expand_as(below_places), atol=1e-5, rtol=0
    )

    def turned(values, joint):
        return torch.linalg.matrix_norm(values[2, :, joint] - roles.local[2, 19, joint]).max()

    elbow = ROLES.index("left_elbow")
    assert (
        0.2 < turned(other.local, elbow) / turned(roles.local, elbow) < 0.3
    )  # a quarter of the way
    assert (other.root[2] - roles.root[2, 19]).norm(dim=-1).max() <= SWAY_M + 1e-6
    product = other.local.transpose(-1, -2) @ other.local
    torch.testing.assert_close(product, torch.eye(3).expand_as(product), atol=1e-5, rtol=0)


def test_windows_rest_and_slow_down_as_often_as_asked():
    roles = some(8, 30)
    plain = Augment(0, 1, 0, 0)

    def drawn(**changes) -> Roles:
        return augment(
            roles,
            Augment(0, 1, 0, 0, **changes),
            20,
            ROLES,
            ROLE_PARENTS,
            torch.Generator().manual_seed(3),
        )

    resting = places(drawn(rest=1.0))
    moved = places(roles)[:, :20].diff(dim=1).norm(dim=-1).sum((1, 2))
    assert (
        resting.diff(dim=1).norm(dim=-1).sum((1, 2)) < 0.6 * moved
    ).all()  # only the trunk goes on
    slow = drawn(slow=2.0).root
    way, whole = (values.diff(dim=1).norm(dim=-1).sum(1) for values in (slow, roles.root[:, :20]))
    assert ((way < 1.02 * whole) & (way > 0.3 * whole)).all()
    assert (way < 0.9 * whole).any()
    assert (
        plain.frames(20) == Augment(0, 1, 0, 0, slow=2.0).frames(20) == 20
    )  # no more frames than it has
