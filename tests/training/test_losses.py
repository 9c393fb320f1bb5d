"""Losses against loops over frames and joints."""

import numpy as np
import pytest
import torch

from mmm.features import Stats
from mmm.models.prefill import hidden_features
from mmm.motion import Motion
from tests.mmm.making import TINY
from tests.mmm.networks import tiny_batch
from training.losses import PoseLoss, hidden_mse

STATS = Stats(np.array([-1, 0, -2], np.float32), np.array([1, 2, 2], np.float32),
              np.zeros(35, np.float32), np.ones(35, np.float32))


@pytest.fixture
def batch():
    motion, hidden, _ = tiny_batch(2, 12)
    prediction = tiny_batch(2, 12, seed=50)[0]  # rotations, so that the library's own kinematics is the oracle
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
        poses = [Motion(TINY, x[b, :, :54].reshape(12, 6, 3, 3).numpy(), STATS.unscale_root(x[b, :, 54:].numpy()), 30.0)
                 for x in (prediction, motion)]
        there, here = (p.positions() for p in poses)
        for t in range(12):
            for j in range(6):
                if hidden[b, t, j]:
                    turns.append(np.linalg.norm(poses[0].rotations[t, j] - poses[1].rotations[t, j]))
                if hidden[b, t].any():
                    places.append(np.linalg.norm(there[t, j] - here[t, j]))
                if t and (hidden[b, t].any() or hidden[b, t - 1].any()):
                    speeds.append(np.linalg.norm((there[t, j] - there[t - 1, j]) - (here[t, j] - here[t - 1, j])))
    expected = np.mean(turns) + 2.0 * np.mean(places) + 2.0 * np.mean(speeds)
    expected += 10.0 * hidden_mse(prediction, motion, hidden).item()
    assert PoseLoss(TINY, STATS)(prediction, motion, hidden).item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("loss", [hidden_mse, PoseLoss(TINY, STATS)])
def test_known_entries_do_not_count(batch, loss):
    prediction, motion, _ = batch
    hidden = torch.zeros(2, 12, 6, dtype=torch.bool)
    hidden[:, 3:6] = True
    other = torch.where(hidden_features(hidden), prediction, prediction + 0.3)
    if loss is not hidden_mse:  # the velocity at a gap's ends includes the frame beside it
        other[:, [2, 6]] = prediction[:, [2, 6]]
    assert loss(other, motion, hidden).item() == pytest.approx(loss(prediction, motion, hidden).item(), rel=1e-6)


@pytest.mark.parametrize("loss", [hidden_mse, PoseLoss(TINY, STATS)])
def test_the_truth_costs_nothing_and_has_a_gradient(batch, loss):
    _, motion, hidden = batch
    truth = motion.clone().requires_grad_()
    value = loss(truth, motion, hidden)
    value.backward()
    assert value.item() < 2e-3
    assert torch.isfinite(truth.grad).all()
