import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline, Slerp

from mmm import masks
from mmm.errors import SpecError
from mmm.interpolation.baselines import BASELINES, METHODS, fill
from mmm.metrics import errors as metrics
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24, SMPL_PELVIS_REST_M
from tests.mmm.interpolation.by_hand import inertial_by_hand
from tests.mmm.making import TINY, clip_of, smooth_motion, wild_motion

AIST = Path("../shared/data/aistpp/motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl")


def some_pattern(seed: int, frames: int, joints: int) -> np.ndarray:
    """A pattern of its own for each joint, with at least one known frame."""
    rng = np.random.default_rng(seed)
    hidden = rng.random((frames, joints)) < rng.random()
    hidden[rng.integers(frames, size=joints), np.arange(joints)] = False
    return hidden


def by_hand(motion: Motion, hidden: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """The definitions, entry by entry, with SciPy's own interpolators."""
    rotations, root_m = motion.rotations.copy(), motion.root_m.copy()
    if method == "inertial":
        for joint in range(hidden.shape[1]):
            filled = inertial_by_hand(motion, np.flatnonzero(~hidden[:, joint]).tolist())
            rotations[:, joint] = filled.rotations[:, joint]
            root_m = filled.root_m if joint == 0 else root_m
        return rotations, root_m
    for joint in range(hidden.shape[1]):
        known = np.flatnonzero(~hidden[:, joint])
        keys = Rotation.from_matrix(motion.rotations[known, joint])
        for frame in np.flatnonzero(hidden[:, joint]):
            before = known[known < frame]
            inside = min(max(frame, known[0]), known[-1])
            if method == "hold" or len(known) == 1:
                source = before[-1] if len(before) else known[0]
                rotations[frame, joint] = motion.rotations[source, joint]
            elif method == "slerp":
                rotations[frame, joint] = Slerp(known, keys)(inside).as_matrix()
            else:
                rotations[frame, joint] = RotationSpline(known, keys)(inside).as_matrix()
            if joint:
                continue
            if method == "hold" or len(known) == 1:
                root_m[frame] = motion.root_m[before[-1] if len(before) else known[0]]
            elif method == "slerp":
                root_m[frame] = [
                    np.interp(inside, known, motion.root_m[known, axis]) for axis in range(3)
                ]
            else:
                root_m[frame] = CubicSpline(known, motion.root_m[known], bc_type="natural")(inside)
    return rotations, root_m


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), frames=st.integers(1, 14))
def test_as_defined_frame_by_frame(method, seed, frames):
    motion = smooth_motion(seed, frames, TINY)
    hidden = some_pattern(seed, frames, len(TINY))
    rotations, root_m = fill(motion.rotations, motion.root_m, hidden, method, motion.fps)
    expected_rotations, expected_root = by_hand(motion, hidden, method)
    np.testing.assert_allclose(rotations, expected_rotations, atol=2e-5)
    np.testing.assert_allclose(root_m, expected_root, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_hidden_values_are_never_read_and_known_ones_come_back_exactly(method, seed):
    motion = wild_motion(seed)
    hidden = some_pattern(seed, len(motion), len(TINY))
    clean = fill(motion.rotations, motion.root_m, hidden, method, motion.fps)
    poisoned = motion.rotations.copy(), motion.root_m.copy()
    poisoned[0][hidden] = np.nan
    poisoned[1][hidden[:, 0]] = np.nan
    filled = fill(*poisoned, hidden, method, motion.fps)
    np.testing.assert_array_equal(filled[0], clean[0])
    np.testing.assert_array_equal(filled[1], clean[1])
    assert np.isfinite(filled[0]).all()
    assert np.isfinite(filled[1]).all()
    assert filled[0][~hidden].tobytes() == motion.rotations[~hidden].tobytes()
    assert filled[1][~hidden[:, 0]].tobytes() == motion.root_m[~hidden[:, 0]].tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_the_input_is_left_alone(method):
    motion = wild_motion()
    before = motion.digest()
    fill(
        motion.rotations, motion.root_m, some_pattern(1, len(motion), len(TINY)), method, motion.fps
    )
    assert motion.digest() == before


def test_all_on_a_clip_take_masks_and_patterns():
    clip = clip_of()
    mask = masks.every_nth(clip, 5)
    assert list(BASELINES) == ["hold", "slerp", "inertial", "spline"]
    for baseline in BASELINES.values():
        assert baseline(clip, mask).digest() == baseline(clip.motion, mask.hidden).digest()
    digests = {baseline(clip, mask).digest() for baseline in BASELINES.values()}
    assert len(digests) == 4


def test_outside_the_known_frames_the_nearest_is_held():
    motion = smooth_motion(3, 20, TINY)
    hidden = np.ones((20, len(TINY)), dtype=bool)
    hidden[[5, 9, 12]] = False
    for method in METHODS:
        rotations, root_m = fill(motion.rotations, motion.root_m, hidden, method, motion.fps)
        np.testing.assert_allclose(
            rotations[:5], np.repeat(motion.rotations[5:6], 5, axis=0), atol=1e-6
        )
        np.testing.assert_allclose(
            rotations[13:], np.repeat(motion.rotations[12:13], 7, axis=0), atol=1e-6
        )
        np.testing.assert_allclose(
            root_m[13:], np.repeat(motion.root_m[12:13], 7, axis=0), atol=1e-6
        )


def test_a_joint_that_is_never_known_is_named():
    motion = wild_motion()
    hidden = np.zeros((len(motion), len(TINY)), dtype=bool)
    hidden[:, 2] = True
    with pytest.raises(
        SpecError,
        match=r"joint LeftArm: hidden in every frame",
    ):
        BASELINES["slerp"](motion, hidden)


def test_bad_arguments_are_named():
    motion = wild_motion()
    with pytest.raises(SpecError, match="mask: made for 3 frames of 2 joints"):
        BASELINES["hold"](motion, np.zeros((3, 2), dtype=bool))
    with pytest.raises(
        SpecError, match="'magic': no such method; expected hold, slerp, inertial, spline"
    ):
        fill(motion.rotations, motion.root_m, np.zeros((20, 6), dtype=bool), "magic", 30.0)


@pytest.mark.shared_data
@pytest.mark.skipif(not AIST.exists(), reason="the real recordings are not beside the project")
def test_known_figures_on_a_real_dance():
    with AIST.open("rb") as file:
        stored = pickle.load(file)  # a file of ours; users' files go through mmm.io
    rotations = rotvec_to_matrix(stored["smpl_poses"].reshape(-1, 24, 3))
    root_m = stored["smpl_trans"] / stored["smpl_scaling"] + np.array(SMPL_PELVIS_REST_M)
    clip = Clip("dance", Motion(SMPL24, rotations, root_m, 60.0)).crop(0, 300)
    mask = masks.every_nth(clip, 15)
    expected = {
        "hold": (7.273, 9.713, 5.248),
        "slerp": (2.992, 3.589, 1.781),
        "inertial": (2.614, 2.736, 1.563),
        "spline": (2.615, 2.763, 1.560),
    }
    for name, figures in expected.items():
        summary = metrics.errors(clip.motion, BASELINES[name](clip, mask), mask).summary()
        assert [summary[kind] for kind in metrics.KINDS] == pytest.approx(figures, abs=0.01), name
