"""Symmetric networks: mirrored motions get mirrored predictions."""

import pytest
import torch

from mmm import masks
from mmm.models.body_frame import Mirror
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import recover
from tests.mmm.models.test_body_frame import awake, windows
from tests.mmm.networks import clip_at, poisoned
from tests.mmm.networks import roles_network as network
from training.data.augment import Roles, mirrored


def in_a_mirror(features, body):
    roles = mirrored(
        Roles(features[..., :-3].unflatten(-1, (22, 3, 3)), features[..., -3:], body), ROLES
    )
    return torch.cat([roles.local.flatten(-3), roles.root], dim=-1), roles.body


@pytest.mark.parametrize("preset", ["inbetween", "common-small"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_mirrored_motions_get_mirrored_predictions(preset, symmetric):
    features, hidden, body = windows()
    hidden[0, 12:, ROLES.index("left_wrist")] = True  # not the same on both sides
    model = awake(preset)
    other_hidden = hidden[..., list(model.config.skeleton.mirror_index)]
    model.config.symmetric = symmetric
    predicted = model(features, hidden, body=body)
    other, other_body = in_a_mirror(features, body)
    answer = model(other, other_hidden, body=other_body)
    away = (in_a_mirror(answer.prediction, other_body)[0] - predicted.prediction).abs().max()
    assert (away < 1e-5) == symmetric
    assert torch.allclose(answer.expected_m, predicted.expected_m, rtol=1e-4) == symmetric


def test_mirrored_inputs_equal_the_inputs_of_the_mirrored_motion():
    mirror = Mirror(match_roles(SMPL24).role_skeleton.mirror_index)
    values = torch.randn(1, 2, 16 * 22 + 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mirror.inputs(mirror.inputs(values)), values)
    answer = torch.randn(1, 2, 3 * 22 + 5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mirror.output(mirror.output(answer)), answer)
    once = mirror.output(answer)
    left, right = (ROLES.index(f"{side}_knee") for side in ("left", "right"))
    expected = answer[..., 3 * right : 3 * right + 3] * torch.tensor([1.0, -1.0, -1.0])
    torch.testing.assert_close(
        once[..., 3 * left : 3 * left + 3], expected
    )  # rotations about x stay what they were


def test_training_does_not_average():
    features, hidden, body = windows()
    model = awake("inbetween")
    before = model(features, hidden, body=body).prediction
    model.config.symmetric = True
    assert not torch.equal(model(features, hidden, body=body).prediction, before)
    assert torch.equal(model.train()(features, hidden, body=body).prediction, before)


def test_maps_are_those_of_the_unmirrored_motion():
    features, hidden, body = windows()
    model = awake("inbetween")
    plain = model(features, hidden, body=body, output_attentions=True)
    model.config.symmetric = True
    both = model(features, hidden, body=body, output_attentions=True)
    torch.testing.assert_close(both.attentions["motion"], plain.attentions["motion"])
    without = model(features, hidden, body=body)
    torch.testing.assert_close(both.prediction, without.prediction, atol=1e-5, rtol=0)
    assert not torch.allclose(both.prediction, plain.prediction, atol=1e-3)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_hidden_values_do_not_matter_to_the_mirror(fps):
    clip = clip_at(fps)
    hidden = masks.parse("span:20-50@left_arm", clip).hidden
    model = network()
    model.config.symmetric = True
    predicted, again = (
        recover(model, given, hidden).recovered.motion for given in (clip, poisoned(clip, hidden))
    )
    assert (predicted.rotations == again.rotations).all()
    assert (predicted.rotations[~hidden] == clip.motion.rotations[~hidden]).all()


@pytest.mark.parametrize("changes", [{"noise_dim": 4}, {"representation": "joints"}])
def test_only_networks_on_roles_without_noise_can_be_symmetric(changes):
    config = network().config
    config.symmetric = True
    config.check()
    for name, value in changes.items():
        setattr(config, name, value)
    with pytest.raises(ValueError, match="symmetric"):
        config.check()
