import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm import masks
from mmm.errors import SpecError
from mmm.metrics import errors as metrics
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, clip_of, smooth_motion, wild_motion


def moved(motion: Motion, by_m: tuple[float, float, float]) -> Motion:
    return Motion(motion.skeleton, motion.rotations, motion.root_m + np.array(by_m), motion.fps)


def pattern(motion: Motion, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(motion.rotations.shape[:2]) < 0.4


def still(frames: int, path_m: np.ndarray | None = None, fps: float = 30.0) -> Motion:
    """A body that does not move but for its root."""
    eye = np.broadcast_to(np.eye(3), (frames, len(TINY), 3, 3))
    return Motion(TINY, eye, np.zeros((frames, 3)) if path_m is None else path_m, fps)


class TestErrors:
    def test_loop_over_every_entry(self):
        truth, other = wild_motion(1), wild_motion(2)
        hidden = pattern(truth)
        result = metrics.errors(truth, other, hidden)
        angles, distances, roots = [], [], []
        for t, j in zip(*np.nonzero(hidden), strict=True):
            turn = Rotation.from_matrix(truth.rotations[t, j]).inv() * Rotation.from_matrix(
                other.rotations[t, j]
            )
            angles.append(np.degrees(turn.magnitude()))
            distances.append(
                100 * np.linalg.norm(truth.positions()[t, j] - other.positions()[t, j])
            )
            if j == 0:
                roots.append(100 * np.linalg.norm(truth.root_m[t] - other.root_m[t]))
        summary = result.summary()
        assert summary["rotation_deg"] == pytest.approx(np.mean(angles), rel=1e-5)
        assert summary["position_cm"] == pytest.approx(np.mean(distances), rel=1e-5)
        assert summary["root_cm"] == pytest.approx(np.mean(roots), rel=1e-5)
        assert (summary["frames"], summary["hidden"]) == (20, hidden.sum())
        assert summary["hidden_frames"] == hidden.any(axis=1).sum()

    def test_known_entries_do_not_count(self):
        truth = wild_motion(1)
        hidden = np.zeros((20, 6), dtype=bool)
        hidden[4, :] = True
        rotations = truth.rotations.copy()
        rotations[5] = np.eye(3)  # wrong, but known
        summary = metrics.errors(
            truth, Motion(TINY, rotations, truth.root_m, 30.0), hidden
        ).summary()
        assert summary["rotation_deg"] == 0

    def test_a_moved_root_moves_every_joint_as_far(self):
        truth = smooth_motion()
        result = metrics.errors(truth, moved(truth, (0.03, 0, 0.04)), np.ones((60, 24), dtype=bool))
        np.testing.assert_allclose(result.position_cm, 5, atol=1e-3)
        np.testing.assert_allclose(result.root_cm, 5, atol=1e-3)
        assert result.rotation_deg.max() == 0

    def test_nothing_hidden_is_none_and_json(self):
        truth = wild_motion(1)
        summary = metrics.errors(truth, truth, np.zeros((20, 6), dtype=bool)).summary()
        assert summary == {
            "rotation_deg": None,
            "position_cm": None,
            "root_cm": None,
            "frames": 20,
            "hidden": 0,
            "hidden_frames": 0,
        }
        assert "NaN" not in json.dumps(summary)

    def test_root_is_judged_where_the_root_is_hidden(self):
        truth = wild_motion(1)
        hidden = np.zeros((20, 6), dtype=bool)
        hidden[3:6, 2] = True
        result = metrics.errors(truth, moved(truth, (1, 0, 0)), hidden)
        assert result.summary()["root_cm"] is None
        assert result.summary()["position_cm"] == pytest.approx(100, rel=1e-4)
        hidden[3, 0] = True
        assert metrics.errors(truth, moved(truth, (1, 0, 0)), hidden).summary()[
            "root_cm"
        ] == pytest.approx(100)

    @pytest.mark.parametrize("kind", metrics.KINDS)
    def test_per_frame(self, kind):
        truth, other = wild_motion(1), wild_motion(2)
        hidden = pattern(truth)
        hidden[7] = False
        result = metrics.errors(truth, other, hidden)
        found = result.per_frame(kind)
        for t in range(20):
            if kind == "root_cm":
                expected = result.root_cm[t] if hidden[t, 0] else np.nan
            else:
                expected = getattr(result, kind)[t][hidden[t]].mean() if hidden[t].any() else np.nan
            np.testing.assert_allclose(found[t], expected, rtol=1e-5)
        assert np.isnan(found[7])

    def test_per_frame_knows_its_kinds(self):
        truth = wild_motion(1)
        with pytest.raises(
            SpecError, match="'speed': no such error; expected rotation_deg, position_cm, root_cm"
        ):
            metrics.errors(truth, truth, pattern(truth)).per_frame("speed")

    def test_per_group(self):
        truth, other = smooth_motion(1), smooth_motion(2)
        hidden = np.zeros((60, 24), dtype=bool)
        arm = list(SMPL24.groups["left_arm"])
        hidden[10:20, arm] = True
        result = metrics.errors(truth, other, hidden)
        groups = result.per_group()
        assert set(groups) == set(SMPL24.groups)
        assert groups["left_arm"]["rotation_deg"] == pytest.approx(
            result.rotation_deg[10:20][:, arm].mean(), rel=1e-5
        )
        assert groups["left_arm"]["hidden"] == 50
        assert groups["all"]["position_cm"] == pytest.approx(result.summary()["position_cm"])
        assert groups["right_leg"] == {"rotation_deg": None, "position_cm": None, "hidden": 0}

    def test_takes_a_mask(self):
        clip = clip_of()
        mask = masks.every_nth(clip, 4)
        assert (
            metrics.errors(clip.motion, clip.motion, mask).summary()["hidden"] == mask.hidden.sum()
        )

    def test_what_does_not_fit_is_named(self):
        truth = wild_motion(1)
        with pytest.raises(
            SpecError, match="comparison: 10 frames of 6 joints; expected the truth's 20 frames"
        ):
            metrics.errors(truth, wild_motion(1, 10), pattern(truth))
        renamed = Skeleton(tuple(f"{n}x" for n in TINY.names), TINY.parents, TINY.offsets_m)
        with pytest.raises(SpecError, match="of the same 6 joints"):
            metrics.errors(truth, wild_motion(1, 20, renamed), pattern(truth))
        with pytest.raises(SpecError, match=r"mask: made for \(3, 2\)"):
            metrics.errors(truth, truth, np.zeros((3, 2), dtype=bool))


class TestInBetweening:
    def test_quaternions_follow_each_other(self):
        angle = np.linspace(0, 4 * np.pi, 50)  # twice around: a canonical sign would jump
        world = (
            Rotation.from_euler("Y", angle[:, None]).as_matrix()[None, :, None].astype(np.float32)
        )
        quats = metrics.unrolled_quaternions(world)
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
        a = metrics.unrolled_quaternions(
            np.stack([wild_motion(s).world_rotations() for s in (1, 2)])
        )
        b = metrics.unrolled_quaternions(
            np.stack([wild_motion(s).world_rotations() for s in (3, 4)])
        )
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
