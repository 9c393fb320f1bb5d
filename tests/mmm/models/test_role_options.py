"""Options for ablations: no residual, no interpolation, no relative input, no distances."""

import numpy as np
import pytest
import torch

from mmm.interpolation import baselines
from mmm.interpolation.torch_fill import hold_fill
from mmm.masks import span
from mmm.models import make_config, make_model
from mmm.models.body_frame import BodyFrame
from mmm.motion.clip import Clip
from mmm.motion.humanoid import match_roles
from mmm.motion.rotations_torch import quat_exp, quat_to_matrix
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import recover
from tests.mmm.making import TINY, random_rotations, smooth_motion, wild_motion
from tests.mmm.models.test_body_frame import TREE, turned, windows, with_other_axes

ABRUPT = {"ramp_s": 0.0, "smooth_s": 0.0}


def awake(std: float = 0.1, **changes):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "encoder_layers": 2}
    model = make_model(make_config("inbetween", **sizes, **changes)).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=std)
    return model


def looked_at(
    hidden_all: bool = False,
) -> tuple[BodyFrame, torch.Tensor, torch.Tensor, torch.Tensor]:
    features, hidden, body = windows()
    if hidden_all:  # but for one frame
        hidden[:], hidden[:, 3] = True, False
    filled = awake().fill(features, hidden).features
    frame = BodyFrame.of(
        TREE, (14, 18), filled[..., :-3].unflatten(-1, (-1, 3, 3)), filled[..., -3:], body, hidden
    )
    return frame, features, hidden, body


def test_common_predicts_rotations_of_roles_too():
    features, hidden, body = windows()
    torch.manual_seed(0)
    sizes = {"hidden_size": 384, "intermediate_size": 32, "encoder_layers": 1}
    model = make_model(make_config("common-small", output="absolute", **ABRUPT, **sizes)).eval()
    with torch.no_grad():
        output = model(features, hidden, body=body)
    assert output.prediction.shape == features.shape
    assert torch.isfinite(output.prediction).all()
    known = ~hidden.repeat_interleave(9, dim=-1)
    torch.testing.assert_close(
        output.prediction[..., :-3][known], features[..., :-3][known], atol=1e-5, rtol=0
    )


def test_networks_on_roles_have_exactly_the_roles():
    config = make_config("inbetween")
    config.check()
    config.set_skeleton(TINY)
    with pytest.raises(ValueError, match="joints other than the 22 roles"):
        config.check()


def test_hold_repeats_the_last_known_pose_and_reads_nothing_hidden():
    motion = wild_motion(3, 12, TINY)
    hidden = np.random.default_rng(0).random((12, 6)) < 0.6
    hidden[5] = False
    rotations, root = (
        torch.from_numpy(motion.rotations)[None].clone(),
        torch.from_numpy(motion.root_m)[None].clone(),
    )
    pattern = torch.from_numpy(hidden)[None]
    rotations[pattern], root[pattern[..., 0]] = torch.nan, torch.nan
    held, path = hold_fill(rotations, root, pattern)
    expected = baselines.hold(motion, hidden)
    np.testing.assert_array_equal(held[0].numpy(), expected.rotations)
    np.testing.assert_array_equal(path[0].numpy(), expected.root_m)


def test_a_joint_that_is_never_known_is_held_at_the_identity():
    pattern = torch.ones(1, 4, 2, dtype=torch.bool)
    held, path = hold_fill(
        torch.full((1, 4, 2, 3, 3), torch.nan), torch.full((1, 4, 3), torch.nan), pattern
    )
    assert torch.equal(held, torch.eye(3).expand_as(held))
    assert torch.equal(path, torch.zeros(1, 4, 3))


def test_without_a_residual_outputs_are_rotations_of_the_reference_pose():
    frame, _, hidden, _ = looked_at()
    answer = torch.randn(2, hidden.shape[1], 69, generator=torch.Generator().manual_seed(1)) * 0.4
    on_top = frame.on_top_of_fill(answer)
    moved = frame.apply(on_top[..., :-3].unflatten(-1, (-1, 3)), on_top[..., -3:])
    back, here = frame.heading.transpose(-1, -2)[:, None, None], frame.heading[:, None, None]
    rotations = quat_to_matrix(quat_exp(answer[..., :-3].unflatten(-1, (-1, 3))))
    rows = torch.arange(2)
    target = back @ rotations @ here @ frame.world[rows, frame.reference][:, None]
    torch.testing.assert_close(moved.world[hidden], target[hidden], atol=2e-5, rtol=0)
    place = (
        frame.root[rows, frame.reference][:, None] + (answer[..., -3:] @ frame.heading) * frame.size
    )
    torch.testing.assert_close(moved.root[hidden[..., 0]], place[hidden[..., 0]], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved.local[~hidden], frame.local[~hidden])


def test_an_untrained_network_without_a_residual_does_not_depend_on_the_fill():
    """A head of zeros gives the reference pose for any fill; with a residual it gives the fill."""
    features, hidden, body = windows()
    predictions = [
        awake(0.0, output="absolute", fill=fill, **ABRUPT)(features, hidden, body=body).prediction
        for fill in ("hold", "slerp")
    ]
    torch.testing.assert_close(predictions[0], predictions[1], atol=1e-4, rtol=0)
    still = predictions[0][:, 8:17]
    torch.testing.assert_close(still, still[:, :1].expand_as(still), atol=1e-4, rtol=0)


def test_a_loss_reaches_the_head_without_a_residual():
    features, hidden, body = windows()
    model = awake(output="absolute", **ABRUPT)
    (model(features, hidden, body=body).prediction - features).square().mean().backward()
    gradient = model.head.weight.grad
    assert torch.isfinite(gradient).all()
    assert gradient[:66].abs().max() > 1e-6


def test_without_relative_input_networks_read_world_rotations():
    frame, *_ = looked_at()
    relative, world = frame.inputs(), frame.inputs(relative=False)
    columns = world[..., :132].unflatten(-1, (22, 3, 2))
    expected = ((frame.heading[:, None, None] @ frame.world - torch.eye(3)) / 0.5)[..., :2]
    torch.testing.assert_close(columns, expected, atol=1e-5, rtol=0)
    assert torch.equal(relative[..., 132:], world[..., 132:])  # places, speeds, path
    rows = torch.arange(2)
    assert relative[rows, frame.reference, :132].abs().max() < 1e-5
    assert world[rows, frame.reference, :132].abs().max() > 0.5


@pytest.mark.parametrize(("relative", "same"), [(True, True), (False, False)])
def test_only_relative_input_does_not_depend_on_the_rest_pose(relative, same):
    features, hidden, body = windows()
    axes = torch.from_numpy(random_rotations(3, 22))
    other, bones = with_other_axes(features, body, axes)
    model = awake(relative_input=relative)
    with torch.no_grad():
        expected = model(features, hidden, body=body).prediction
        predictions = with_other_axes(
            model(other, hidden, body=bones).prediction, bones, axes, back=True
        )[0]
    assert torch.allclose(predictions, expected, atol=2e-4) == same


@pytest.mark.parametrize(
    "changes", [{"output": "absolute", **ABRUPT}, {"fill": "hold"}, {"relative_input": False}]
)
def test_predictions_still_rotate_and_move_with_the_world(changes):
    features, hidden, body = windows()
    model, shift = awake(**changes), torch.tensor([4.0, 0, -3])
    with torch.no_grad():
        here = model(features, hidden, body=body).prediction
        there = model(turned(features, 130, shift), hidden, body=body).prediction
    torch.testing.assert_close(there, turned(here, 130, shift), atol=3e-4, rtol=0)


@pytest.mark.parametrize(("distance_input", "same"), [(True, False), (False, True)])
def test_without_distance_input_distances_do_not_matter(distance_input, same):
    features, hidden, body = windows()
    model = awake(distance_input=distance_input, **ABRUPT)
    filled = model.fill(features, hidden)
    far = filled.extra.clone()
    far[..., -2:] += 1
    shown = far.clone()
    shown[..., :-2] = 0
    with torch.no_grad():
        first, second, third = (
            model.predict(
                type(filled)(filled.features, extra, filled.blend_weight), hidden, body=body
            ).prediction
            for extra in (filled.extra, far, shown)
        )
    assert torch.equal(first, second) == same
    assert not torch.equal(second, third)  # the pattern is still an input


def test_networks_on_joints_take_the_options_too():
    torch.manual_seed(0)
    features, hidden, _ = windows()
    fields = {
        "representation": "joints",
        "hidden_size": 256,
        "intermediate_size": 32,
        "encoder_layers": 1,
        "max_frames": 40,
        **ABRUPT,
    }
    body = match_roles(SMPL24).role_skeleton
    names = {
        "joint_names": list(body.names),
        "joint_parents": list(body.parents),
        "joint_offsets_m": body.offsets_m.tolist(),
    }
    model = make_model(
        make_config("common-small", fill="hold", distance_input=False, **fields, **names)
    ).eval()
    filled = model.fill(features, hidden)
    assert torch.equal(filled.features[:, 8:17], filled.features[:, 7:8].expand(-1, 9, -1))
    seen = []
    model.decode = lambda inputs, *rest: seen.append(inputs) or torch.zeros(*inputs.shape[:2], 201)
    model.predict(filled, hidden)
    size = model.config.input_size
    assert not seen[0][..., size - 2 : size].any()
    assert seen[0][:, 8, size - 24 : size - 2].all()


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "absolute", **ABRUPT},
        {"fill": "hold", **ABRUPT},
        {"relative_input": False},
        {"distance_input": False},
    ],
)
def test_recovery_equals_the_forward_pass(changes):
    motion = match_roles(SMPL24).to_roles(smooth_motion(2, 40, SMPL24, 30.0))
    clip = Clip("made", motion)
    hidden = span(clip, 12, 25)
    model = awake(**changes)
    result = recover(model, clip, hidden).recovered.motion
    features = torch.cat(
        [torch.from_numpy(motion.rotations).flatten(1), torch.from_numpy(motion.root_m)], dim=-1
    )
    with torch.no_grad():
        prediction = model(
            features[None],
            torch.from_numpy(hidden.hidden)[None],
            body=torch.from_numpy(motion.skeleton.offsets_m)[None],
        ).prediction[0]
    np.testing.assert_allclose(
        result.rotations, prediction[:, :-3].unflatten(-1, (22, 3, 3)).numpy(), atol=1e-4
    )
    np.testing.assert_allclose(result.root_m, prediction[:, -3:].numpy(), atol=1e-4)
    assert np.abs(result.rotations - motion.rotations)[12:26].max() > 0.02
