import numpy as np
import pytest

from mmm.metrics import naturalness as metrics
from mmm.motion.clip import Motion
from mmm.motion.skeleton import Skeleton
from tests.mmm.making import TINY, wild_motion


def still(frames: int, path_m: np.ndarray | None = None, fps: float = 30.0) -> Motion:
    """A body that does not move but for its root."""
    eye = np.broadcast_to(np.eye(3), (frames, len(TINY), 3, 3))
    return Motion(TINY, eye, np.zeros((frames, 3)) if path_m is None else path_m, fps)


class TestNaturalness:
    def test_a_body_dragged_over_the_floor_skates_at_that_speed(self):
        path = np.zeros((31, 3))
        path[:, 0] = np.arange(31) / 30 * 0.5  # half a metre a second
        assert metrics.foot_skate_cm_s(still(31, path)) == pytest.approx(50, rel=1e-4)
        assert metrics.foot_skate_cm_s(still(31)) == pytest.approx(0, abs=1e-6)

    def test_feet_in_the_air_do_not_skate(self):
        path = np.zeros((61, 3))
        path[20:41, 1] = 0.4 * np.sin(np.pi * np.arange(21) / 20)  # one jump
        path[23:38, 0] = 0.05 * np.arange(15)
        path[38:, 0] = path[37, 0]
        motion = still(61, path)
        contacts = metrics.foot_contacts(motion)
        assert contacts.shape == (61, 2)
        assert contacts[:19].all()
        assert not contacts[23:38].any()
        assert metrics.foot_skate_cm_s(motion) == pytest.approx(0, abs=1e-4)
        assert metrics.foot_skate_cm_s(motion, np.ones((61, 2), dtype=bool)) > 10

    def test_a_foot_must_stand_in_both_frames(self):
        path = np.zeros((4, 3))
        path[2:, 0] = 0.1  # moves between frames 1 and 2 alone
        contacts = np.array([[1, 1], [0, 0], [1, 1], [1, 1]], dtype=bool)
        assert metrics.foot_skate_cm_s(still(4, path), contacts) == pytest.approx(0, abs=1e-6)
        contacts[1] = True
        assert metrics.foot_skate_cm_s(still(4, path), contacts) == pytest.approx(
            0.1 * 30 * 100 / 3, rel=1e-4
        )

    def test_no_foot_no_figure(self):
        footless = Skeleton(("root", "tip"), (-1, 0), np.ones((2, 3)))
        assert metrics.foot_skate_cm_s(wild_motion(1, 10, footless)) is None

    def test_energy_of_each_second(self):
        path = np.zeros((76, 3))
        path[:, 2] = np.concatenate(
            [np.arange(31) / 30 * 2, np.full(45, 2.0)]
        )  # 2 m/s for a second, then frozen
        np.testing.assert_allclose(metrics.motion_energy(still(76, path)), [4, 0, 0], atol=1e-4)

    def test_jerk_of_a_cubic(self):
        time_s = np.arange(20) / 30
        path = np.stack([time_s**3, 0 * time_s, 0 * time_s], axis=1)
        assert metrics.jerk_m_s3(still(20, path)) == pytest.approx(6, rel=1e-2)
        assert metrics.jerk_m_s3(still(3)) is None

    def test_a_jump_at_the_end_of_a_gap_shows(self):
        clip_path = np.zeros((40, 3))
        hidden = np.zeros((40, 6), dtype=bool)
        hidden[10:20] = True
        assert metrics.velocity_jump_cm_s(still(40, clip_path), hidden) == 0
        clip_path[10:20, 0] = 0.01  # a step of 1 cm into the gap and another out of it
        # four frames beside the two borders, each with one step of 1 cm beside it, at 30 fps
        assert metrics.velocity_jump_cm_s(still(40, clip_path), hidden) == pytest.approx(
            30, rel=1e-4
        )
        assert (
            metrics.velocity_jump_cm_s(still(40, clip_path), np.zeros((40, 6), dtype=bool)) is None
        )

    @pytest.mark.parametrize("kink", [9, 10, 19, 20])
    def test_both_sides_of_a_border_count(self, kink):
        path = np.zeros((40, 3))
        path[kink:, 0] = 0.01 * np.arange(40 - kink)  # sets off at once
        hidden = np.zeros((40, 6), dtype=bool)
        hidden[10:20] = True
        assert metrics.velocity_jump_cm_s(still(40, path), hidden) == pytest.approx(
            30 / 4, rel=1e-4
        )


class TestBeats:
    @pytest.mark.parametrize("fps", [30.0, 60.0])
    def test_beats_where_the_body_pauses(self, fps):
        frames = int(4 * fps)
        time_s = np.arange(frames) / fps
        path = np.stack(
            [np.cos(2 * np.pi * time_s), 0 * time_s, 0 * time_s], axis=1
        )  # turns twice a second
        beats = metrics.motion_beats(still(frames, path, fps)) / fps
        np.testing.assert_allclose(beats, np.arange(1, 8) / 2, atol=1.5 / fps)

    def test_both_directions(self):
        music, motion = np.array([0, 30, 60]), np.array([0, 33])
        found = metrics.beat_alignment(motion, music, 60.0)
        near = [np.exp(-(d**2) / 2 / 9) for d in (0, 3, 27)]
        assert found["per_music_beat"] == pytest.approx(np.mean(near))
        assert found["per_motion_beat"] == pytest.approx(np.mean(near[:2]))

    def test_sigma_is_in_time(self):
        at_60 = metrics.beat_alignment(np.array([4]), np.array([10]), 60.0)
        at_30 = metrics.beat_alignment(np.array([2]), np.array([5]), 30.0)
        assert at_60 == pytest.approx(at_30)

    def test_no_beats(self):
        none = np.zeros(0, dtype=np.int64)
        assert metrics.beat_alignment(none, np.array([3]), 60.0) == {
            "per_music_beat": 0.0,
            "per_motion_beat": None,
        }
        assert metrics.beat_alignment(none, none, 60.0) == {
            "per_music_beat": None,
            "per_motion_beat": None,
        }
        assert len(metrics.motion_beats(still(2))) == 0
        assert len(metrics.motion_beats(still(50))) == 0
