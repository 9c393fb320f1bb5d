"""The loss of networks on joint roles, against plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm.errors import ModelError
from mmm.interpolation import baselines
from mmm.models import MaskedMotionOutput, make_config
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from training.data.batch import Batch
from training.losses.humanoid import RolesLoss
from training.losses.registry import make_loss
from training.plans.plan import TrainingPlan

FRAMES = 24
CONFIG = make_config("inbetween")


def features(motion: Motion) -> torch.Tensor:
    return torch.cat(
        [torch.from_numpy(motion.rotations).flatten(1), torch.from_numpy(motion.root_m)], dim=-1
    )


def case(expected_m: float = 0.05) -> tuple[list[Motion], list[Motion], Batch, MaskedMotionOutput]:
    roles = match_roles(SMPL24)
    true = [roles.to_roles(smooth_motion(seed, FRAMES, SMPL24, 30.0)) for seed in (0, 1)]
    other = [roles.to_roles(smooth_motion(seed, FRAMES, SMPL24, 30.0)) for seed in (5, 6)]
    hidden = torch.zeros(2, FRAMES, 22, dtype=torch.bool)
    hidden[0, 5:9] = True
    hidden[1, 3:20] = True
    body = torch.stack([torch.from_numpy(m.skeleton.offsets_m) for m in true])
    batch = Batch(torch.stack([features(m) for m in true]), hidden, body=body)
    output = MaskedMotionOutput(
        prediction=torch.stack([features(m) for m in other]),
        expected_m=torch.full((2, FRAMES), expected_m),
    )
    return true, other, batch, output


@pytest.mark.parametrize(
    "name", ["roles", "roles-fair", "roles-turns", "roles-pelvis", "roles-even"]
)
def test_a_network_on_one_skeletons_joints_has_no_such_loss(name):
    with pytest.raises(
        ModelError, match=r"loss of joint roles: a network on 24 joints .* choose pose or mse"
    ):
        make_loss(TrainingPlan(loss=name), make_config("ecm-small"))


def test_terms_equal_a_plain_loop():
    true, other, batch, output = case()
    loss = RolesLoss.of(CONFIG)
    sums, counts = np.zeros(8), np.zeros(8)
    feet = [
        true[0].skeleton.names.index(n)
        for n in ("left_ankle", "left_toe", "right_ankle", "right_toe")
    ]
    for b, (first, last) in enumerate(((5, 9), (3, 20))):
        gap = last - first + 1
        weight = np.zeros(FRAMES)
        weight[first:last] = 1 / (gap + 2)
        p, q = other[b].positions().astype(float), true[b].positions().astype(float)
        r, s = other[b].world_rotations().astype(float), true[b].world_rotations().astype(float)
        for t in range(FRAMES):
            if weight[t]:
                apart = np.mean([np.linalg.norm(p[t, j] - q[t, j]) for j in range(22)])
                felt = [
                    np.linalg.norm((p[t, j] - q[t, j]) * [1, 2, 1]) for j in range(22)
                ]  # heights count double
                sums[0] += (
                    weight[t]
                    * np.mean([np.linalg.norm(r[t, j] - s[t, j]) for j in range(22)])
                    / 2**0.5
                )
                sums[1] += (
                    weight[t]
                    * np.mean(
                        [
                            np.linalg.norm(other[b].rotations[t, j] - true[b].rotations[t, j])
                            for j in range(22)
                        ]
                    )
                    / 2**0.5
                )
                sums[2] += weight[t] * np.mean(felt)
                sums[3] += weight[t] * np.mean(np.square(felt)) ** 0.5
                sums[6] += np.mean([(one * weight[t] / 0.005) ** 2 for one in felt])
                sums[7] += weight[t] * abs(np.log(0.05) - np.log(apart + 1e-3))
                counts += [weight[t], weight[t], weight[t], weight[t], 0, 0, 1, weight[t]]
            pair = max(weight[t], weight[t + 1]) if t + 1 < FRAMES else 0
            if pair:
                step, truth = p[t + 1] - p[t], q[t + 1] - q[t]
                sums[4] += pair * np.mean(np.linalg.norm(step - truth, axis=-1))
                sums[5] += pair * np.mean(
                    [np.linalg.norm(step[j]) * (np.linalg.norm(truth[j]) < 0.006) for j in feet]
                )
                counts += [0, 0, 0, 0, pair, pair, 0, 0]
    np.testing.assert_allclose(loss.sums(output, batch), sums, rtol=2e-3)
    np.testing.assert_allclose(loss.counts(batch.hidden), counts, rtol=1e-5)


def test_the_truth_costs_nothing_and_shares_add_up():
    _, _, batch, output = case()
    loss = make_loss(TrainingPlan(loss="roles"), CONFIG)
    perfect = MaskedMotionOutput(prediction=batch.motion, expected_m=torch.full((2, FRAMES), 1e-3))
    sums = loss.sums(perfect, batch)
    assert sums[[0, 1, 2, 3, 4, 6]].max() < 2e-3
    counts = loss.counts(batch.hidden)
    parts = [
        loss.terms(
            MaskedMotionOutput(
                prediction=output.prediction[b : b + 1], expected_m=output.expected_m[b : b + 1]
            ),
            batch.share(b, 2),
            counts,
        )
        for b in range(2)
    ]
    torch.testing.assert_close(sum(parts), loss.terms(output, batch, counts))


def test_the_expected_error_teaches_itself_alone():
    _, _, batch, output = case()
    output.prediction.requires_grad_()
    output.expected_m = output.expected_m.clone().requires_grad_()
    RolesLoss.of(CONFIG).sums(output, batch)[7].backward()
    assert output.prediction.grad is None or not output.prediction.grad.any()
    assert (output.expected_m.grad[0, 5:9] != 0).all()


@pytest.mark.parametrize("gap", [4, 16])
def test_frames_of_short_gaps_count_more(gap):
    hidden = torch.zeros(1, 30, 22, dtype=torch.bool)
    hidden[:, 5 : 5 + gap] = True
    assert RolesLoss.of(CONFIG).counts(hidden)[0] == pytest.approx(gap / (gap + 3), rel=1e-5)


def test_what_moves_little_counts_like_what_moves_much():
    """With ``evenly`` a window counts by what its interpolation errs: at 1 the same motion at a tenth of its size
    weighs ten times as much, but for the little that stillness is given."""
    true, _, batch, output = case()
    plain, even = RolesLoss.of(CONFIG), replace(RolesLoss.of(CONFIG), evenly=1.0)
    one = Batch(batch.motion[1:], batch.hidden[1:], body=batch.body[1:])
    found = MaskedMotionOutput(prediction=output.prediction[1:], expected_m=output.expected_m[1:])
    filled = baselines.slerp(true[1], one.hidden[0].numpy())
    apart = np.linalg.norm(filled.positions() - true[1].positions(), axis=-1).mean(axis=1)
    erred = (apart[3:20] / 20).mean()  # 18 frames from known to known, and two
    factor = even.sums(found, one)[:5] / plain.sums(found, one)[:5]
    np.testing.assert_allclose(factor, 0.005 / (erred + 0.0005), rtol=2e-3)
    square = even.sums(found, one)[6] / plain.sums(found, one)[6]
    assert square == pytest.approx((0.005 / (erred + 0.0005)) ** 2, rel=4e-3)
    assert even.sums(found, one)[7] == pytest.approx(plain.sums(found, one)[7].item(), rel=1e-6)
    assert even.counts(batch.hidden).equal(plain.counts(batch.hidden))
