"""Training on the network's own output."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm.models import make_config, make_model
from mmm.motion import rotations as rot
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from tests.mmm.networks import tiny_batch, tiny_model
from training.data.batch import Batch, forward
from training.engine.rollout import _moved_to, roll_out
from training.plans.plan import TrainingPlan
from training.plans.recipes import FINETUNING

PLAN = TrainingPlan(rollouts=2, rollout_frames=6, samples=2, bfloat16=False, loss="future")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    found = make_model(
        make_config(
            "inbetween",
            hidden_size=32,
            intermediate_size=32,
            encoder_layers=1,
            noise_dim=4,
            inertia=[0.8, 1.6, 1.0, 0.15, 0.4],
        )
    ).eval()
    with torch.no_grad():
        found.head.weight.normal_(std=0.05)
    return found


def batch(rounds: int, windows: int = 2, stretch: int = 30, ahead: int = 12) -> Batch:
    """Windows of two samples each, ``rounds`` times six frames longer than the stretch."""
    roles = match_roles(SMPL24)
    rows, bodies = [], []
    for seed in range(windows):
        motion = roles.to_roles(smooth_motion(seed, stretch + 6 * rounds, SMPL24, 30.0))
        rows.append(
            torch.from_numpy(
                np.concatenate([motion.rotations.reshape(len(motion), -1), motion.root_m], 1)
            )
        )
        bodies.append(torch.from_numpy(motion.skeleton.offsets_m))
    hidden = torch.zeros(windows, stretch + 6 * rounds, 22, dtype=torch.bool)
    hidden[:, -ahead:] = True
    generator = torch.Generator().manual_seed(1)
    past = torch.randn(windows, rounds, 4, generator=generator)
    one = Batch(
        torch.stack(rows).float(),
        hidden,
        body=torch.stack(bodies).float(),
        rounds=rounds,
        past_noise=past,
    )
    return replace(one.repeated(2), noise=torch.randn(2 * windows, 4, generator=generator))


def test_without_rounds_nothing_changes(model):
    plain = batch(0)
    assert roll_out(model, plain, PLAN, model.config) is plain


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_past_is_what_the_network_made(model, rounds):
    long = batch(rounds)
    found = roll_out(model, long, PLAN, model.config)
    assert found.motion.shape[1] == found.hidden.shape[1] == found.perturbed.shape[1] == 30
    assert found.rounds == 0
    assert torch.equal(found.noise, long.noise)
    assert torch.equal(found.hidden, long.hidden[:, -30:])
    # Its two samples go on from one past.
    assert torch.equal(found.perturbed[0::2], found.perturbed[1::2])
    # The last round by hand: frames 12 to 18 of the stretch are its first six hidden ones, shifted by six.
    shown = long.motion[::2].clone()
    for at in range(rounds):
        view = Batch(
            shown[:, 6 * at : 6 * at + 30],
            long.hidden[::2, -30:],
            body=long.body[::2],
            noise=long.past_noise[::2, at],
        )
        with torch.no_grad():
            new = forward(model, view, False).prediction[:, 18:24]
        shown[:, 6 * at + 18 : 6 * at + 24] = new
    torch.testing.assert_close(
        found.perturbed[::2, :18], shown[:, 6 * rounds : 6 * rounds + 18], atol=1e-4, rtol=1e-4
    )
    assert (
        found.perturbed[::2, 12:18] - long.motion[::2, 6 * rounds + 12 : 6 * rounds + 18]
    ).abs().max() > 1e-3


def test_the_truths_future_is_never_seen(model):
    long = batch(2)
    blind = long.motion.clone()
    blind[:, 18:] = torch.nan  # all that is hidden at first
    a, b = (
        roll_out(model, replace(long, motion=x), PLAN, model.config).perturbed[:, :18]
        for x in (long.motion, blind)
    )
    assert torch.equal(a, b)


def test_shares_roll_out_alike(model):
    long = batch(2, windows=3)
    whole = roll_out(model, long, PLAN, model.config)
    for rows in (slice(0, 2), slice(2, 6)):
        part = roll_out(model, long.part(rows), PLAN, model.config)
        torch.testing.assert_close(part.perturbed, whole.perturbed[rows], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(part.motion, whole.motion[rows], atol=1e-5, rtol=1e-5)


def test_the_truth_is_set_down_where_the_past_has_come_to():
    true = batch(0).motion[::2]
    turn = torch.from_numpy(rot.rotvec_to_matrix(np.array([0, 0.7, 0], np.float32)))
    moved = true.clone()
    moved[..., -3:] = true[..., -3:] @ turn.T + torch.tensor([2.0, 0.3, -1.0])
    moved[..., :9] = (turn @ true[..., :9].unflatten(-1, (3, 3))).flatten(-2)
    found = _moved_to(true, moved, torch.tensor([10, 17]))
    lifted = moved - torch.nn.functional.pad(torch.tensor([0.3, 0.0]), (true.shape[-1] - 2, 0))
    torch.testing.assert_close(found, lifted, atol=1e-4, rtol=1e-4)


def test_a_past_that_comes_apart_is_not_learned_from(model, monkeypatch):
    """A network throws the second window's root away: that window keeps its true past, the other its generated one."""
    import training.engine.rollout as rollout

    real = rollout.forward

    def throwing(*args):
        output = real(*args)
        found = output.prediction.clone()
        found[1, :, -3] += 2.0 * torch.arange(found.shape[1])  # 60 metres a second
        return replace(output, prediction=found)

    monkeypatch.setattr(rollout, "forward", throwing)
    long = batch(2)
    found = roll_out(model, long, PLAN, model.config)
    assert torch.equal(found.perturbed[2:], long.motion[2:, 12:])
    assert (found.perturbed[:2, 12:18] - long.motion[:2, 24:30]).abs().max() > 1e-3


def test_networks_on_joints_keep_the_truth_where_it_is():
    model = tiny_model(
        "common", fill="inertial", output="residual", inertia=[0.8, 1.6, 1.0, 0.15, 0.4]
    )
    motion, hidden, _ = tiny_batch(2, 36)
    hidden[:] = False
    hidden[:, 24:] = True
    long = Batch(motion, hidden, rounds=1)
    found = roll_out(model, long, replace(PLAN, samples=1), model.config)
    assert torch.equal(found.motion, motion[:, 6:])
    matrices = found.perturbed[:, 12:18, :-3].unflatten(-1, (-1, 3, 3))
    assert (matrices @ matrices.transpose(-1, -2) - torch.eye(3)).abs().max() < 1e-4
    assert (found.perturbed[:, 12:18] - motion[:, 18:24]).abs().max() > 1e-3  # generated


def test_a_recipe_uses_it():
    assert FINETUNING["inbetween-future"].plan.rollouts == 5
