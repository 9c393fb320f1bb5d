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
        with pytest.raises(SpecError, match="'speed': no such error"):
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
        with pytest.raises(SpecError, match="comparison: 10 frames of 6 joints"):
            metrics.errors(truth, wild_motion(1, 10), pattern(truth))
        renamed = Skeleton(tuple(f"{n}x" for n in TINY.names), TINY.parents, TINY.offsets_m)
        with pytest.raises(SpecError, match="of the same 6 joints"):
            metrics.errors(truth, wild_motion(1, 20, renamed), pattern(truth))
        with pytest.raises(SpecError, match=r"mask: made for \(3, 2\)"):
            metrics.errors(truth, truth, np.zeros((3, 2), dtype=bool))
