import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.metrics import inbetweening as metrics
from mmm.motion.rotations import matrix_to_unrolled_quat
from tests.mmm.making import wild_motion


class TestInBetweening:
    def test_quaternions_follow_each_other(self):
        angle = np.linspace(0, 4 * np.pi, 50)  # twice around: a canonical sign would jump
        world = (
            Rotation.from_euler("Y", angle[:, None]).as_matrix()[None, :, None].astype(np.float32)
        )
        quats = matrix_to_unrolled_quat(world)
        assert quats.shape == (1, 50, 1, 4)
        assert np.abs(np.diff(quats, axis=1)).max() < 0.2
        assert quats[0, 0, 0, 0] == pytest.approx(1)
        assert quats[0, 25, 0, 0] < -0.9  # once around is the other sign
        np.testing.assert_allclose(
            Rotation.from_quat(quats[0, :, 0], scalar_first=True).as_matrix(),
            world[0, :, 0],
            atol=1e-5,
        )

    def test_l2q_loop(self):
        a = matrix_to_unrolled_quat(np.stack([wild_motion(s).world_rotations() for s in (1, 2)]))
        b = matrix_to_unrolled_quat(np.stack([wild_motion(s).world_rotations() for s in (3, 4)]))
        norms = [np.sqrt(((a[s, t] - b[s, t]) ** 2).sum()) for s in range(2) for t in range(20)]
        assert metrics.l2q(a, b) == pytest.approx(np.mean(norms), rel=1e-5)
        assert metrics.l2q(a, a) == 0

    def test_l2p_loop(self):
        a, b = (
            np.stack([wild_motion(s).positions(), wild_motion(s + 5).positions()]) for s in (1, 2)
        )
        mean, std = a.mean(axis=(0, 1)), a.std(axis=(0, 1)) + 0.1
        std[0, 1] = 0  # never moved in training
        norms = []
        for s in range(2):
            for t in range(20):
                total = 0.0
                for j in range(6):
                    for axis in range(3):
                        scale = std[j, axis] or 1
                        total += ((a[s, t, j, axis] - b[s, t, j, axis]) / scale) ** 2
                norms.append(np.sqrt(total))
        assert metrics.l2p(a, b, mean, std) == pytest.approx(np.mean(norms), rel=1e-4)

    def test_l2p_does_not_depend_on_the_unit(self):
        a, b = wild_motion(1).positions(), wild_motion(2).positions()
        mean, std = a.mean(axis=0), a.std(axis=0)
        in_metres = metrics.l2p(a, b, mean, std)
        assert metrics.l2p(100 * a, 100 * b, 100 * mean, 100 * std) == pytest.approx(
            in_metres, rel=1e-4
        )

    def test_npss_loop(self):
        rng = np.random.default_rng(0)
        truth, other = rng.normal(size=(2, 3, 12, 5))
        top = bottom = 0.0
        for s in range(3):
            for f in range(5):
                curves, powers = [], []
                for x in (truth[s, :, f], other[s, :, f]):
                    power = np.array(
                        [
                            sum(x[t] * np.cos(2 * np.pi * k * t / 12) for t in range(12)) ** 2
                            for k in range(12)
                        ]
                    )
                    powers.append(power.sum())
                    curves.append(np.cumsum(power / power.sum()))
                top += np.abs(curves[0] - curves[1]).sum() * powers[0]
                bottom += powers[0]
        assert metrics.npss(truth, other) == pytest.approx(top / bottom, rel=1e-6)
        assert metrics.npss(truth, truth) == 0

    def test_npss_of_nothing_is_finite(self):
        zero, wave = np.zeros((1, 8, 2)), np.ones((1, 8, 2))
        assert metrics.npss(zero, wave) == 0
        assert np.isfinite(metrics.npss(wave, zero))
