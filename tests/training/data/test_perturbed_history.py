"""Training for the future: what is hidden, how the past strays, how a network gets new inputs."""

import numpy as np
import pytest
import torch

from mmm.errors import ModelError
from mmm.interpolation.gap_curve import Inertia
from mmm.interpolation.inertial_torch import inertial_fill
from mmm.models import make_config, make_model
from mmm.motion import rotations as rot
from tests.mmm.networks import tiny_batch, tiny_config, tiny_model
from training.commands.finetune import with_changes
from training.data.batch import Batch, forward
from training.data.history import perturb_history
from training.data.masking import draw_masks
from training.plans.masks import MaskMix
from training.plans.recipes import FINETUNING


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_end_is_hidden_and_nothing_else():
    mix = MaskMix(
        random=0, every=0, keep_hide=0, span=0, future=1, future_frames=(5, 20), joint_share=0
    )
    hidden = draw_masks(mix, 64, 40, [[0, 1]], 6, generator())
    frames = hidden.any(-1)
    assert torch.equal(hidden.all(-1), frames)
    lengths = frames.sum(1)
    assert set(lengths.tolist()) <= set(range(5, 21))
    assert len(set(lengths.tolist())) > 8
    assert torch.equal(frames, torch.arange(40) >= 40 - lengths[:, None])
    assert mix.specs == ["the last 5..20"]


def test_no_future_draws_the_same_masks_as_ever():
    mix = MaskMix()
    assert torch.equal(
        draw_masks(mix, 8, 40, [[0, 1]], 6, generator()),
        draw_masks(MaskMix(future_frames=(1, 3)), 8, 40, [[0, 1]], 6, generator()),
    )


def test_the_past_strays_smoothly_and_no_further_than_asked():
    motion, _, _ = tiny_batch(8, 60)
    config = tiny_config("common")
    found = perturb_history(motion, 0.1, config, generator())
    true, other = (x[..., :-3].reshape(8, 60, 6, 3, 3).numpy() for x in (motion, found))
    angle = rot.geodesic_angle(true, other)
    by_window = np.sqrt((angle**2).mean((1, 2)))
    assert by_window.max() < 0.12
    assert by_window.min() < 0.5 * by_window.max()  # each window has a strength of its own
    assert np.abs(np.diff(angle, axis=1)).mean() < 0.15 * angle.mean()  # smooth
    assert np.abs(other @ np.swapaxes(other, -1, -2) - np.eye(3)).max() < 1e-5
    span = config.fitted_stats.root_max - config.fitted_stats.root_min
    moved = np.abs((found - motion)[..., -3:].numpy() * span)
    assert 0 < moved.max() < 0.05  # metres


def test_the_network_sees_what_strayed_and_is_judged_by_the_truth():
    model = tiny_model("common", fill="inertial", output="residual")
    motion, hidden, _ = tiny_batch(2, 30)
    hidden[:] = False
    hidden[:, 20:] = True
    far = motion.clone()
    far[:, 20:] = torch.nan  # never looked at
    perturbed = perturb_history(motion, 0.3, model.config, generator())
    plain = forward(model, Batch(far, hidden), False).prediction
    other = forward(model, Batch(far, hidden, perturbed=perturbed), False).prediction
    assert (plain - other)[:, 20:].abs().max() > 0.01
    assert torch.isfinite(plain[:, 20:]).all()


def test_every_window_comes_so_many_times():
    motion, hidden, music = tiny_batch(3, 10)
    twice = Batch(motion, hidden, music, body=torch.arange(3.0)[:, None, None]).repeated(2)
    assert torch.equal(twice.motion[0::2], motion)
    assert torch.equal(twice.motion[1::2], motion)
    assert torch.equal(twice.music[1::2], music)
    assert twice.body[:, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]


@pytest.fixture
def small():
    torch.manual_seed(3)
    model = make_model(
        make_config("inbetween", hidden_size=32, intermediate_size=32, encoder_layers=1)
    ).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.05)
    return model


def roles_batch(config, noise=None):
    local = torch.eye(3).expand(1, 24, 22, 3, 3)
    root = torch.zeros(1, 24, 3)
    root[..., 1], root[..., 2] = 0.9, torch.arange(24) / 30
    hidden = torch.zeros(1, 24, 22, dtype=torch.bool)
    hidden[:, 12:] = True
    body = torch.from_numpy(config.skeleton.offsets_m)[None]
    return Batch(torch.cat([local.flatten(-3), root], -1), hidden, body=body, noise=noise)


def test_new_inputs_leave_the_rest_as_it_was(small):
    wide = with_changes(small, {"noise_dim": 4, "horizon_s": [1.0, 1.0, 0.5]}).eval()
    assert wide.config.noise_dim == 4
    assert small.config.noise_dim == 0
    before = forward(small, roles_batch(small.config), False).prediction
    zeros = forward(wide, roles_batch(small.config, torch.zeros(1, 4)), False).prediction
    torch.testing.assert_close(before, zeros)
    torch.testing.assert_close(before, forward(wide, roles_batch(small.config), False).prediction)
    other = forward(wide, roles_batch(small.config, torch.ones(1, 4)), False).prediction
    assert (other - zeros)[:, 13:].abs().max() > 1e-3
    torch.testing.assert_close(other[:, :12], zeros[:, :12])


def test_another_network_is_refused(small):
    with pytest.raises(ModelError, match="of shape"):
        with_changes(small, {"hidden_size": 64})


def test_the_fill_coasts_on_and_comes_to_rest():
    frames = 60
    angles = np.linspace(0, 2, frames, dtype=np.float32)
    turn = rot.rotvec_to_matrix(angles[:, None] * np.array([[0, 1, 0]], np.float32))
    rotations = torch.from_numpy(turn)[None, :, None]
    root = torch.arange(frames).float()[None, :, None].expand(1, frames, 3).clone() / 30
    hidden = torch.zeros(1, frames, 1, dtype=torch.bool)
    hidden[:, 20:] = True
    rotations[:, 20:], root[:, 20:] = torch.nan, torch.nan
    found, path = inertial_fill(rotations, root, hidden, 30.0, Inertia(0.8, 1.6, 1.0, 0.2, 0.5))
    after = np.arange(1, 41) / 30
    angle = np.linalg.norm(rot.matrix_to_rotvec(found[0, 20:, 0].numpy()), axis=-1)
    speed = 2 / (frames - 1) * 30
    np.testing.assert_allclose(
        angle, 19 / 30 * speed + speed * 0.2 * (1 - np.exp(-after / 0.2)), atol=2e-4
    )
    np.testing.assert_allclose(
        path[0, 20:, 0], 19 / 30 + 0.5 * (1 - np.exp(-after / 0.5)), atol=1e-4
    )
    held, still = inertial_fill(rotations, root, hidden, 30.0)
    torch.testing.assert_close(held[0, 20:, 0], held[0, 19:20, 0].expand(40, -1, -1))
    assert (still[0, 20:] == still[0, 19]).all()


def test_one_known_frame_has_no_speed():
    rotations, root = torch.eye(3).expand(1, 9, 2, 3, 3).clone(), torch.zeros(1, 9, 3)
    hidden = torch.ones(1, 9, 2, dtype=torch.bool)
    hidden[:, 0] = False
    found, path = inertial_fill(rotations, root, hidden, 30.0, Inertia(0.8, 1.6, 1.0, 0.2, 0.5))
    torch.testing.assert_close(found, rotations)
    torch.testing.assert_close(path, root)


@pytest.mark.parametrize("name", [name for name in FINETUNING if name.endswith("-future")])
def test_recipes_of_the_future_hide_the_end(name):
    masks = FINETUNING[name].plan.masks
    assert masks.specs == [f"the last {masks.future_frames[0]}..{masks.future_frames[1]}"]
    assert FINETUNING[name].plan.history_noise > 0
