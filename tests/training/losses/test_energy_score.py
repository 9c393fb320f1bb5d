"""The energy score, against loops and against what it is for: samples spread as the truth is."""

import numpy as np
import pytest
import torch

from mmm.errors import ModelError
from mmm.models import MaskedMotionOutput, make_config
from mmm.motion.clip import Motion
from tests.mmm.making import TINY, smooth_motion
from tests.mmm.networks import tiny_config
from training.data.batch import Batch
from training.losses.energy_score import FutureLoss
from training.losses.registry import make_loss
from training.plans.plan import TrainingPlan


def features(motion: Motion) -> torch.Tensor:
    return torch.from_numpy(
        np.concatenate([motion.rotations.reshape(len(motion), -1), motion.root_m], axis=1)
    )


def setup(frames: int = 14):
    config = tiny_config("common", stats=None)
    loss = FutureLoss.of(config)
    truth = [smooth_motion(seed, frames, TINY, 30.0) for seed in (1, 2)]
    samples = [smooth_motion(seed, frames, TINY, 30.0) for seed in (3, 4, 5, 6)]
    hidden = torch.zeros(4, frames, 6, dtype=torch.bool)
    hidden[:2, 9:], hidden[2:, 5:] = True, True
    batch = Batch(torch.stack([features(truth[k // 2]) for k in range(4)]), hidden)
    return loss, truth, samples, batch


def norms(a: np.ndarray, b: np.ndarray, rows: list[int]) -> float:
    """Half the mean of the frames' norms and half the norm of all, by loops."""
    squares = [np.mean([np.sum((a[t, j] - b[t, j]) ** 2) for j in range(6)]) for t in rows]
    return 0.5 * np.mean(np.sqrt(squares)) + 0.5 * np.sqrt(np.mean(squares))


def test_against_loops():
    loss, truth, samples, batch = setup()
    output = MaskedMotionOutput(prediction=torch.stack([features(m) for m in samples]))
    found = loss.sums(output, batch) / loss.counts(batch.hidden)
    expected = np.zeros(4)
    for w, first in ((0, 9), (1, 5)):
        rows = list(range(first, 14))
        views = [
            lambda m: m.rotations.reshape(14, 6, 9) / 2**0.5,
            lambda m: m.positions(),
            lambda m: np.concatenate([np.zeros((1, 6, 3)), np.diff(m.positions(), axis=0)]),
        ]
        for k, view in enumerate(views):
            one, two, true = view(samples[2 * w]), view(samples[2 * w + 1]), view(truth[w])
            expected[k] += (norms(one, true, rows) + norms(two, true, rows)) / 2 - norms(
                one, two, rows
            ) / 2
        lowest = truth[w].positions()[:, TINY.feet, 1].min(axis=0)
        for sample in samples[2 * w : 2 * w + 2]:
            feet = sample.positions()[:, TINY.feet]
            for t in rows:
                for f in range(len(TINY.feet)):
                    down = 1 / (1 + np.exp(-(lowest[f] + 0.04 - feet[t, f, 1]) / 0.01))
                    speed = np.linalg.norm((feet[t, f] - feet[t - 1, f])[[0, 2]])
                    expected[3] += down * speed / len(rows) / len(TINY.feet) / 2
    assert len(TINY.feet) > 0
    np.testing.assert_allclose(found.numpy(), expected / 2, rtol=5e-3)


def test_what_is_known_does_not_count():
    loss, _, samples, batch = setup()
    rows = torch.stack([features(m) for m in samples])
    other = rows.clone()
    other[:2, :8] += 1.0  # the step into the first hidden frame counts, so the frame before it does
    a, b = (loss.sums(MaskedMotionOutput(prediction=x), batch) for x in (rows, other))
    assert torch.equal(a, b)


def test_least_where_samples_are_spread_as_the_truth_is():
    """Truths to the left or to the right: the middle, that plain distances like as much, loses to guessing a side."""
    left, right = smooth_motion(1, 14, TINY, 30.0), smooth_motion(1, 14, TINY, 30.0)
    right = Motion(TINY, right.rotations, right.root_m + np.float32(0.4), 30.0)
    middle = Motion(TINY, left.rotations, (left.root_m + right.root_m) / 2, 30.0)
    config = tiny_config("common", stats=None)
    loss = FutureLoss.of(config)
    hidden = torch.zeros(2, 14, 6, dtype=torch.bool)
    hidden[:, 5:] = True

    def score(pairs) -> float:
        total = 0.0
        for truth in (left, right):
            for pair in pairs:
                batch = Batch(torch.stack([features(truth)] * 2), hidden)
                output = MaskedMotionOutput(prediction=torch.stack([features(m) for m in pair]))
                total += float(loss.sums(output, batch)[1]) / len(pairs)
        return total

    spread = score([(left, left), (left, right), (right, left), (right, right)])
    assert spread < 0.8 * score([(middle, middle)])


def test_parts_add_up_to_the_whole():
    loss, _, samples, batch = setup()
    rows = torch.stack([features(m) for m in samples])
    counts = loss.counts(batch.hidden)
    whole = loss.terms(MaskedMotionOutput(prediction=rows), batch, counts)
    parts = sum(
        loss.terms(MaskedMotionOutput(prediction=rows[part]), batch.part(part), counts)
        for part in (slice(0, 2), slice(2, 4))
    )
    torch.testing.assert_close(parts, whole)


def test_roles_are_judged_in_the_world():
    config = make_config("inbetween", hidden_size=32, intermediate_size=32, encoder_layers=1)
    loss = FutureLoss.of(config)
    torch.manual_seed(0)
    eye = torch.eye(3).expand(2, 8, 22, 3, 3).clone()
    turned = eye.clone()
    turned[:, :, 0] = torch.tensor(
        [[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    )  # the pelvis, and with it everything
    body = torch.from_numpy(config.skeleton.offsets_m).expand(2, -1, -1)
    hidden = torch.zeros(2, 8, 22, dtype=torch.bool)
    hidden[:, 4:] = True
    rows = [torch.cat([x.flatten(-3), torch.zeros(2, 8, 3)], -1) for x in (turned, eye)]
    found = loss.sums(MaskedMotionOutput(prediction=rows[0]), Batch(rows[1], hidden, body=body))
    assert float(found[0]) == pytest.approx(
        2**0.5, rel=1e-3
    )  # 90 degrees as a chord, of all joints alike


def test_samples_are_asked_for():
    config = tiny_config("common", stats=None)
    assert isinstance(make_loss(TrainingPlan(loss="future", samples=2), config), FutureLoss)
    with pytest.raises(ModelError, match="1 samples"):
        make_loss(TrainingPlan(loss="future"), config)
    with pytest.raises(ModelError, match="2 samples"):
        make_loss(TrainingPlan(loss="pose", samples=2), config)
