"""The speed prior of generation: what it draws, and which future is chosen."""

import numpy as np
import pytest

from mmm.generation.activity import STILL_M_S, SpeedPrior, log_speed
from mmm.generation.generate import generate, generate_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from tests.mmm.test_generation import roles_network, same


def moving(speed_m_s: float, frames: int = 31) -> Motion:
    """A stiff body that slides along at this speed."""
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, 24, 3, 3)).copy()
    root = np.stack([np.arange(frames) * speed_m_s / 30, np.ones(frames), np.zeros(frames)], axis=1)
    return Motion(SMPL24, rotations, root.astype(np.float32), 30.0)


@pytest.mark.parametrize("speed", [0.0, 0.5, 2.0])
def test_speed_is_read_from_the_joints(speed):
    assert np.exp(log_speed(moving(speed))) == pytest.approx(speed + STILL_M_S, rel=1e-3)


def test_the_next_speed_follows_the_past_and_deviates_by_sigma():
    rng, past = np.random.default_rng(0), moving(1.0)
    law = SpeedPrior(intercept=-0.2, slope=0.5, sigma=0.4)
    middle = -0.2 + 0.5 * log_speed(past)
    assert law.draw(past, 0.0, rng) == pytest.approx(middle)
    drawn = np.array([law.draw(past, 1.0, rng) for _ in range(2000)])
    assert drawn.mean() == pytest.approx(middle, abs=0.03)
    assert drawn.std() == pytest.approx(0.4, abs=0.02)
    assert np.std([law.draw(past, 0.5, rng) for _ in range(2000)]) == pytest.approx(0.2, abs=0.01)


def test_the_future_that_comes_nearest_is_taken():
    futures = [moving(speed) for speed in (3.0, 0.1, 1.1, 0.4)]
    assert [SpeedPrior.nearest(np.log(speed), futures) for speed in (0.01, 0.5, 1.2, 50.0)] == [
        1,
        3,
        2,
        0,
    ]


def walk() -> Clip:
    return Clip("walk", smooth_motion(0, 60, SMPL24, 60.0))


def energy(model, **asked) -> float:
    """Log speed of what a random network generates."""
    return log_speed(generate_clip(model, walk(), prefix_frames=60, frames=60, **asked).generated)


@pytest.mark.slow
def test_generated_motion_is_as_lively_as_the_law_says():
    slow, fast = (
        roles_network(noise_dim=4, speed_prior=[level, 0.0, 0.0]) for level in (-3.0, 2.0)
    )
    assert energy(slow) < energy(fast) - 0.02
    assert energy(slow, temperature=0.0) == energy(
        fast, temperature=0.0
    )  # without chance there is nothing to choose from


@pytest.mark.slow
def test_the_same_number_gives_the_same_motion_with_maps_and_without():
    model, clip = roles_network(noise_dim=4, speed_prior=[0.0, 0.6, 0.5]), walk()
    first, again, other = (
        generate_clip(model, clip, prefix_frames=60, frames=40, random_seed=seed)
        for seed in (5, 5, 6)
    )
    assert same(first, again)
    assert not same(first, other)
    shown = list(
        generate(model, clip, prefix_frames=60, frames=40, random_seed=5, attention_frame=80)
    )
    assert same(shown, first.generated)
    assert [chunk.attention is not None for chunk in shown] == [False, True, False]


@pytest.mark.parametrize("wrong", [[1.0], [1.0, 2.0, float("nan")]])
def test_a_law_of_another_form_is_refused(wrong):
    with pytest.raises(ValueError, match="speed_prior"):
        roles_network(noise_dim=4, speed_prior=wrong).config.check()
