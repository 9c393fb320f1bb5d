"""The body frame: inputs and outputs do not depend on rest pose, place, facing or size."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mmm.errors import ModelError
from mmm.interpolation.known_frames import ramp_in
from mmm.models import make_config, make_model
from mmm.models.body_frame import BodyFrame, gap_lengths
from mmm.motion.humanoid import match_roles
from mmm.motion.kinematics_torch import Tree
from mmm.motion.roles import ROLE_PARENTS
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import random_rotations, smooth_motion

TREE = Tree(ROLE_PARENTS)
FRAMES = 24


def windows(batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Features (B,T,201), hidden (B,T,22) and bones of smooth motions on roles."""
    motions = [
        match_roles(SMPL24).to_roles(smooth_motion(seed, FRAMES, SMPL24, 30.0))
        for seed in range(batch)
    ]
    features = torch.stack(
        [
            torch.cat(
                [torch.from_numpy(m.rotations).flatten(1), torch.from_numpy(m.root_m)], dim=-1
            )
            for m in motions
        ]
    )
    hidden = torch.zeros(batch, FRAMES, 22, dtype=torch.bool)
    hidden[:, 8:17] = True
    body = torch.stack([torch.from_numpy(m.skeleton.offsets_m) for m in motions])
    return features, hidden, body


def network(preset: str):
    torch.manual_seed(0)
    small = {
        "inbetween": {"hidden_size": 32, "intermediate_size": 64, "encoder_layers": 2},
        "common-small": {"encoder_layers": 1, "intermediate_size": 64},
    }[preset]
    model = make_model(make_config(preset, **small)).eval()
    return model


def awake(preset: str):
    model = network(preset)
    with torch.no_grad():
        model.head.weight.normal_(std=0.1)
    return model


def turned(features: Tensor, degrees: float, shift: Tensor) -> Tensor:
    """The same motion with the world rotated about the vertical axis and shifted."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float32)
    root = features[..., -3:] @ turn.T + shift
    return torch.cat(
        [(turn @ features[..., :9].unflatten(-1, (3, 3))).flatten(-2), features[..., 9:-3], root],
        dim=-1,
    )


def with_other_axes(
    features: Tensor, body: Tensor, axes: Tensor, back: bool = False
) -> tuple[Tensor, Tensor]:
    """The same movement with another rest pose: the axes of every joint rotated by a constant."""
    local, bones = features[..., :-3].unflatten(-1, (22, 3, 3)).clone(), body.clone()
    axes = axes.transpose(-1, -2) if back else axes
    for j, parent in enumerate(ROLE_PARENTS):
        above = torch.eye(3) if parent < 0 else axes[parent].T
        local[..., j, :, :] = above @ local[..., j, :, :] @ axes[j]
        if parent >= 0:
            bones[:, j] = body[:, j] @ axes[parent]
    return torch.cat([local.flatten(-3), features[..., -3:]], dim=-1), bones


def test_kinematics_equal_those_of_the_skeleton():
    motion = match_roles(SMPL24).to_roles(smooth_motion(5, 7, SMPL24, 30.0))
    world, places = TREE.forward(
        *(torch.from_numpy(x)[None] for x in (motion.rotations, motion.root_m)),
        torch.from_numpy(motion.skeleton.offsets_m)[None],
    )
    np.testing.assert_allclose(places[0].numpy(), motion.positions(), atol=1e-5)
    np.testing.assert_allclose(world[0].numpy(), motion.world_rotations(), atol=1e-5)


def test_hidden_joints_get_the_target_world_rotation_and_known_ones_keep_their_local_one():
    local, target = (torch.from_numpy(random_rotations(seed, 1, 3, 22)) for seed in (1, 2))
    hidden = torch.rand(1, 3, 22, generator=torch.Generator().manual_seed(0)) < 0.5
    result, world = TREE.local(target, local, hidden)
    again, _ = TREE.forward(result, torch.zeros(1, 3, 3), torch.zeros(1, 22, 3))
    torch.testing.assert_close(again, world, atol=1e-5, rtol=0)
    torch.testing.assert_close(again[hidden], target[hidden], atol=1e-5, rtol=0)
    torch.testing.assert_close(result[~hidden], local[~hidden])


@pytest.mark.parametrize("preset", ["inbetween", "common-small"])
def test_untrained_networks_return_their_fill(preset):
    features, hidden, body = windows()
    model = network(preset)
    torch.testing.assert_close(
        model(features, hidden, body=body).prediction,
        model.fill(features, hidden).features,
        atol=3e-6,
        rtol=0,
    )


@pytest.mark.parametrize("preset", ["inbetween", "common-small"])
def test_predictions_rotate_and_move_with_the_world(preset):
    features, hidden, body = windows()
    model, shift = awake(preset), torch.tensor([4.0, 0, -3])
    with torch.no_grad():
        here = model(features, hidden, body=body)
        there = model(turned(features, 130, shift), hidden, body=body)
    moved = (here.prediction - model.fill(features, hidden).features).abs().max()
    assert moved > 0.05  # the network does something
    torch.testing.assert_close(
        there.prediction, turned(here.prediction, 130, shift), atol=2e-4, rtol=0
    )
    torch.testing.assert_close(there.expected_m, here.expected_m, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("preset", ["inbetween", "common-small"])
def test_predictions_do_not_depend_on_the_rest_pose(preset):
    features, hidden, body = windows()
    model, axes = awake(preset), torch.from_numpy(random_rotations(3, 22))
    other, bones = with_other_axes(features, body, axes)
    with torch.no_grad():
        expected = model(features, hidden, body=body).prediction
        rotated = model(other, hidden, body=bones).prediction
    torch.testing.assert_close(
        with_other_axes(rotated, bones, axes, back=True)[0], expected, atol=2e-4, rtol=0
    )


def test_predictions_do_not_depend_on_size():
    features, hidden, body = windows()
    model = awake("inbetween")
    large = torch.cat([features[..., :-3], features[..., -3:] * 3], dim=-1)
    with torch.no_grad():
        small = model(features, hidden, body=body).prediction
        giant = model(large, hidden, body=body * 3).prediction
    torch.testing.assert_close(giant[..., :-3], small[..., :-3], atol=2e-4, rtol=0)
    torch.testing.assert_close(giant[..., -3:], small[..., -3:] * 3, atol=6e-4, rtol=0)


def test_predictions_are_rotations_and_known_frames_stay():
    features, hidden, body = windows()
    hidden[:, :, 5:9] = True  # some joints in all frames but the first
    hidden[:, 0] = False
    with torch.no_grad():
        prediction = awake("inbetween")(features, hidden, body=body).prediction
    local = prediction[..., :-3].unflatten(-1, (22, 3, 3))
    torch.testing.assert_close(
        local.transpose(-1, -2) @ local, torch.eye(3).expand_as(local), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        local[~hidden], features[..., :-3].unflatten(-1, (22, 3, 3))[~hidden]
    )


def test_residuals_ramp_in_quadratically_near_known_frames():
    """The weight at d seconds is d^2 / (d^2 + ramp^2); a ramp of 1/15 s is two frames here."""
    features, hidden, _ = windows(1)
    model = network("inbetween")
    share = model.fill(features, hidden).blend_weight[0, :, 0]
    assert share[7] == 0
    assert share[8] == pytest.approx(0.2, abs=1e-6)
    assert share[9] == pytest.approx(0.5, abs=1e-6)


def test_residuals_ramp_in_linearly_near_isolated_frames():
    """Frame 20 has frame 21 beside it; frame 12 is isolated and has the weight d / (d + ramp)."""
    hidden = torch.zeros(1, 40, 3, dtype=torch.bool)
    hidden[:, 5:12] = hidden[:, 13:20] = True
    hidden[:, 30:] = True
    share = ramp_in(hidden, 30.0, ramp_s=1 / 15, isolated_ramp_s=1 / 120)[0, :, 0]
    assert share[5] == pytest.approx(1 / 5)
    assert share[11] == share[13] == pytest.approx(4 / 5)
    assert share[10] == pytest.approx(8 / 9)
    assert share[18] == pytest.approx(4 / 8)
    assert share[19] == pytest.approx(1 / 5)
    assert share[8] == pytest.approx(16 / 20)  # the gentler of both sides
    assert share[30] == pytest.approx(1 / 5)  # nothing follows: the last known frame alone counts
    assert share[39] == pytest.approx(100 / 104)
    assert not share[~hidden[0, :, 0]].any()
    assert ramp_in(hidden, 30.0, 1 / 15)[0, 11].tolist() == pytest.approx([1 / 5] * 3)


def test_heading_faces_forward():
    """SMPL's rest pose faces +z with its left at +x, so its heading is the identity."""
    features, hidden, body = windows(1)
    local = torch.eye(3).expand(1, FRAMES, 22, 3, 3)
    frame = BodyFrame.of(TREE, (14, 18), local, features[..., -3:], body, hidden)
    torch.testing.assert_close(
        frame.heading[0], torch.eye(3), atol=0.06, rtol=0
    )  # its hips are not quite level


def test_gap_lengths():
    hidden = torch.tensor([[1, 1, 0, 1, 1, 1, 0, 0, 1]], dtype=torch.bool)[..., None]
    assert gap_lengths(hidden)[0, :, 0].tolist() == [4, 4, 0, 4, 4, 4, 0, 0, 2]


def test_roles_with_music_but_no_cross_layers_or_zeros_in_gaps_are_refused():
    with pytest.raises(ModelError, match=r"config\.json representation"):
        make_config("inbetween", uses_music=True)
    with pytest.raises(ModelError, match=r"config\.json representation"):
        make_config("inbetween", output="absolute", fill="zero")
