"""Losses against loops over frames and joints."""

import numpy as np
import pytest
import torch

from mmm.errors import ModelError
from mmm.interpolation.known_frames import hidden_features
from mmm.interpolation.torch_fill import slerp_fill
from mmm.models import MaskedMotionOutput
from mmm.motion.clip import Motion
from mmm.motion.features import Stats
from tests.mmm.making import TINY
from tests.mmm.networks import tiny_batch, tiny_config
from training.data.batch import Batch
from training.losses.base import MseLoss, hidden_mse
from training.losses.pose import CONTACT_M_S, ContactLoss, PoseLoss, RelativeLoss
from training.losses.registry import LOSSES, make_loss
from training.plans.plan import TrainingPlan

STATS = Stats(
    np.array([-1, 0, -2], np.float32),
    np.array([1, 2, 2], np.float32),
    np.zeros(35, np.float32),
    np.ones(35, np.float32),
)


@pytest.fixture
def batch():
    motion, hidden, _ = tiny_batch(2, 12)
    prediction = tiny_batch(2, 12, seed=50)[
        0
    ]  # rotations, so that the library's own kinematics is the oracle
    return prediction, motion, hidden


def test_mse_over_hidden_features_alone(batch):
    prediction, motion, hidden = batch
    total, count = 0.0, 0
    for b, t, j in hidden.nonzero().tolist():
        columns = [*range(9 * j, 9 * j + 9), *([54, 55, 56] if j == 0 else [])]
        total += float((prediction[b, t, columns] - motion[b, t, columns]).square().sum())
        count += len(columns)
    assert hidden_mse(prediction, motion, hidden).item() == pytest.approx(total / count, rel=1e-5)


def test_pose_loss_against_loops(batch):
    prediction, motion, hidden = batch
    turns, places, speeds = [], [], []
    for b in range(2):
        poses = [
            Motion(
                TINY,
                x[b, :, :54].reshape(12, 6, 3, 3).numpy(),
                STATS.unscale_root(x[b, :, 54:].numpy()),
                30.0,
            )
            for x in (prediction, motion)
        ]
        there, here = (p.positions() for p in poses)
        for t in range(12):
            for j in range(6):
                if hidden[b, t, j]:
                    turns.append(
                        np.linalg.norm(poses[0].rotations[t, j] - poses[1].rotations[t, j])
                    )
                if hidden[b, t].any():
                    places.append(np.linalg.norm(there[t, j] - here[t, j]))
                if t and (hidden[b, t].any() or hidden[b, t - 1].any()):
                    speeds.append(
                        np.linalg.norm(
                            (there[t, j] - there[t - 1, j]) - (here[t, j] - here[t - 1, j])
                        )
                    )
    expected = np.mean(turns) + 2.0 * np.mean(places) + 2.0 * np.mean(speeds)
    expected += 10.0 * hidden_mse(prediction, motion, hidden).item()
    assert PoseLoss(TINY, STATS)(prediction, motion, hidden).item() == pytest.approx(
        expected, rel=1e-3
    )


def test_contact_loss_against_loops(batch):
    prediction, motion, hidden = batch
    motion[1] = motion[1, :1]  # one window in which the truth stands all the time
    loss = ContactLoss(TINY, STATS, fps=60.0, velocity=2.0, contact=30.0)
    poses = [
        [
            Motion(
                TINY,
                x[b, :, :54].reshape(12, 6, 3, 3).numpy(),
                STATS.unscale_root(x[b, :, 54:].numpy()),
                60.0,
            ).positions()
            for b in range(2)
        ]
        for x in (prediction, motion)
    ]
    slid, pairs = 0.0, 0
    for b in range(2):
        for t in range(1, 12):
            if not (hidden[b, t].any() or hidden[b, t - 1].any()):
                continue
            for j in TINY.feet:
                pairs += 1
                if np.linalg.norm(poses[1][b][t, j] - poses[1][b][t - 1, j]) * 60 < CONTACT_M_S:
                    slid += np.linalg.norm(poses[0][b][t, j] - poses[0][b][t - 1, j])
    assert pairs and slid > 0
    expected = PoseLoss(TINY, STATS)(prediction, motion, hidden).item() + 30.0 * slid / pairs
    assert loss(prediction, motion, hidden).item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("loss", [hidden_mse, PoseLoss(TINY, STATS)])
def test_known_entries_do_not_count(batch, loss):
    prediction, motion, _ = batch
    hidden = torch.zeros(2, 12, 6, dtype=torch.bool)
    hidden[:, 3:6] = True
    other = torch.where(hidden_features(hidden), prediction, prediction + 0.3)
    if loss is not hidden_mse:  # the velocity at a gap's ends includes the frame beside it
        other[:, [2, 6]] = prediction[:, [2, 6]]
    assert loss(other, motion, hidden).item() == pytest.approx(
        loss(prediction, motion, hidden).item(), rel=1e-6
    )


@pytest.mark.parametrize("loss", [hidden_mse, PoseLoss(TINY, STATS)])
def test_the_truth_costs_nothing_and_has_a_gradient(batch, loss):
    _, motion, hidden = batch
    truth = motion.clone().requires_grad_()
    value = loss(truth, motion, hidden)
    value.backward()
    assert value.item() < 2e-3
    assert torch.isfinite(truth.grad).all()


@pytest.mark.parametrize(
    "loss", [MseLoss(), PoseLoss(TINY, STATS), RelativeLoss(PoseLoss(TINY, STATS))]
)
def test_shares_add_up_to_the_whole(loss):
    """Shares of unequal size, with unequally many hidden entries: divided by the whole batch's counts they add up."""
    motion, hidden, _ = tiny_batch(5, 12)
    prediction = tiny_batch(5, 12, seed=50)[0]
    hidden[:2, 6:] = False
    batch, counts = Batch(motion, hidden), loss.counts(hidden)
    parts = [slice(0, 1), slice(1, 3), slice(3, 5)]
    shares = [
        loss.terms(MaskedMotionOutput(prediction=prediction[rows]), batch.part(rows), counts)
        for rows in parts
    ]
    assert torch.stack(shares).sum(0).tolist() == pytest.approx(
        loss.terms(MaskedMotionOutput(prediction=prediction), batch, counts).tolist(), rel=1e-5
    )
    assert loss(prediction, motion, hidden).item() == pytest.approx(
        torch.stack(shares).sum().item(), rel=1e-5
    )
    assert len(loss.names) == len(loss.weights) == len(counts)


def test_positions_are_of_the_windows_own_bones(batch):
    prediction, motion, hidden = batch
    bones = torch.from_numpy(TINY.offsets_m)[None] * torch.tensor([1.0, 2.0])[:, None, None]
    loss = PoseLoss(TINY, STATS)
    plain = loss.window_sums(prediction, Batch(motion, hidden))
    own = loss.window_sums(prediction, Batch(motion, hidden, body=bones))
    assert own[0].tolist() == pytest.approx(plain[0].tolist(), rel=1e-5)
    assert own[1, 1] > 1.2 * plain[1, 1]
    assert own[1, 0] == pytest.approx(plain[1, 0].item(), rel=1e-5)  # rotations know no bones


def filled(motion, hidden):
    rotations, root = slerp_fill(
        motion[..., :-3].unflatten(-1, (-1, 3, 3)), motion[..., -3:], hidden
    )
    return torch.cat([rotations.flatten(-3), root], dim=-1)


def test_relative_to_slerp():
    """Interpolation costs about 1 whatever the gap, half its error about half, in short gaps as in long ones."""
    motion, hidden, _ = tiny_batch(2, 30)
    hidden[:] = False
    hidden[0, 10:12], hidden[1, 3:27] = True, True
    inner = PoseLoss(TINY, STATS, square=0.0)
    loss = RelativeLoss(inner, floor=1e-6)
    fill = filled(motion, hidden)
    each = [inner(fill[row], motion[row], hidden[row]).item() for row in (slice(0, 1), slice(1, 2))]
    assert each[1] > 5 * each[0]
    assert loss(fill, motion, hidden).item() == pytest.approx(1, rel=1e-2)
    for row in (slice(0, 1), slice(1, 2)):
        value = loss(fill[row], motion[row], hidden[row]).item()
        assert value == pytest.approx(1, rel=1e-2)
    worse = fill.clone()
    worse[0] += 2 * (worse[0] - motion[0])  # three times as far off, in the short gap alone
    assert loss(worse, motion, hidden).item() > 1.5
    assert inner(worse, motion, hidden).item() < 1.5 * inner(fill, motion, hidden).item()


def test_a_window_without_movement_does_not_count_for_everything(batch):
    prediction, motion, hidden = batch
    still = motion[:, :1].expand_as(motion)
    assert RelativeLoss(PoseLoss(TINY, STATS), floor=0.01)(still, still, hidden).item() < 1.5
    assert torch.isfinite(RelativeLoss(MseLoss())(prediction, still, hidden))


def test_half_precision_ends_at_the_network(batch):
    prediction, motion, hidden = batch
    output = MaskedMotionOutput(prediction=prediction.bfloat16())
    sums = PoseLoss(TINY, STATS).sums(output, Batch(motion, hidden))
    assert sums.dtype == torch.float32
    assert (
        sums.tolist()
        == PoseLoss(TINY, STATS)
        .window_sums(prediction.bfloat16().float(), Batch(motion, hidden))
        .sum(0)
        .tolist()
    )


def test_losses_by_name(monkeypatch):
    config = tiny_config()
    assert isinstance(make_loss(TrainingPlan(loss="mse"), config), MseLoss)
    assert isinstance(make_loss(TrainingPlan(loss="pose"), config), PoseLoss)
    relative = make_loss(TrainingPlan(normalise_by_fill=True, fill_floor=0.5), config)
    assert (type(relative), type(relative.loss), relative.floor) == (RelativeLoss, PoseLoss, 0.5)
    with pytest.raises(ModelError, match="loss 'huber': no such loss"):
        make_loss(TrainingPlan(loss="huber"), config)

    class Whole(MseLoss):
        """Made from all that a network returns."""

        def sums(self, output, batch):
            return super().sums(output, batch)

    monkeypatch.setitem(LOSSES, "whole", lambda config: Whole())
    motion, hidden, _ = tiny_batch(2, 12)
    whole = make_loss(TrainingPlan(loss="whole"), config)
    assert whole(motion + 1, motion, hidden).item() == pytest.approx(1, rel=1e-5)
    with pytest.raises(ModelError, match="it does not tell windows apart"):
        make_loss(TrainingPlan(loss="whole", normalise_by_fill=True), config)
