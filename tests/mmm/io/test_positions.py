"""Joint positions without rotations: AIST++'s key points, MDM's results, named joints in ``.npz``."""

import pickle
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from mmm.errors import FileError, SpecError
from mmm.io import load_clip, save_clip
from mmm.io.choosing import Choice
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion

DANCES = Path(__file__).parents[4] / "shared/data/aistpp/motions"
T = 40
# From the head joint of a body that faces +Z, metres; only the left side.
FACE = {"nose": (0, 0.04, 0.12), "eye": (0.033, 0.08, 0.1), "ear": (0.075, 0.06, 0.01)}
COCO = ["nose"] + [
    f"{side}_{point}"
    for point in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]


def coco_points(motion):
    """COCO's 17 points of an SMPL motion, metres."""
    points, world = motion.positions(), motion.world_rotations()
    head = SMPL24.names.index("head")
    result = []
    for name in COCO:
        side, _, point = name.rpartition("_")
        if point in FACE:
            x, y, z = FACE[point]
            offset = np.array([-x if side == "right" else x, y, z])
            result.append(points[:, head] + world[:, head] @ offset)
        else:
            result.append(points[:, SMPL24.names.index(name)])
    return np.stack(result, axis=1)


def apart_m(clip, points, names):
    """How far the clip's joints of these names are from points."""
    joints = [clip.motion.skeleton.names.index(name) for name in names]
    return np.linalg.norm(clip.motion.positions()[:, joints] - points, axis=-1)


def write_pickle(path, content):
    path.write_bytes(pickle.dumps(content, protocol=4))
    return path


@pytest.fixture(scope="module")
def motion():
    """A body that moves its limbs and its head; the trunk of COCO's points is one stiff bone."""
    motion = smooth_motion(1, T)
    stiff = [j for j, name in enumerate(SMPL24.names) if re.search("spine|neck|collar", name)]
    motion.rotations[:, stiff] = np.eye(3)
    return Motion(SMPL24, motion.rotations, motion.root_m, motion.fps)


# AIST++'s key points


def test_key_points_stand_where_they_were(tmp_path, motion):
    points = coco_points(motion)
    name = "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
    path = write_pickle(tmp_path / name, {"keypoints3d": 100 * points, "more": None})
    clip = load_clip(path)
    assert clip.motion.fps == 60
    assert clip.name == "gBR_sBM_cAll_d04_mBR0_ch01"
    apart = apart_m(clip, points, COCO)
    assert np.median(apart) < 0.01
    assert clip.meta["keypoints3d"]["residual_m"] == pytest.approx(np.median(apart), abs=1e-4)
    assert f"{1000 * np.median(apart):.1f} mm (median)" in clip.notes[-1]
    match_roles(clip.motion.skeleton)  # networks and retargeting take it


def test_key_points_of_a_stiff_body_are_exact(tmp_path, motion):
    """All that this skeleton can show comes back: the same fit twice, from its own positions."""
    first = load_clip(write_pickle(tmp_path / "a.pkl", {"keypoints3d": 100 * coco_points(motion)}))
    joints = [first.motion.skeleton.names.index(name) for name in COCO]
    points = first.motion.positions()[:, joints].astype(float)
    again = load_clip(write_pickle(tmp_path / "b.pkl", {"keypoints3d": 100 * points}))
    assert np.median(apart_m(again, points, COCO)) < 0.002


def test_the_smoothed_points_are_taken_and_lost_ones_filled(tmp_path, motion):
    points = coco_points(motion)
    lost = points.copy()
    lost[5:9, COCO.index("left_wrist")] = np.nan
    content = {"keypoints3d": points * 0, "keypoints3d_optim": 100 * lost}
    clip = load_clip(write_pickle(tmp_path / "a.pkl", content))
    assert np.median(apart_m(clip, points, COCO)) < 0.01
    assert apart_m(clip, points, ["left_wrist"] * 17)[5:9, COCO.index("left_wrist")].max() < 0.1
    assert "missing; they are interpolated" in clip.notes[0]


def test_key_points_in_an_npz_are_those_of_a_pickle(tmp_path, motion):
    points = coco_points(motion)
    pickled = load_clip(write_pickle(tmp_path / "a.pkl", {"keypoints3d": 100 * points}))
    np.savez(tmp_path / "a.npz", keypoints3d=100 * points)
    np.savez(tmp_path / "metres.npz", keypoints3d_optim=points)
    for clip in (load_clip(tmp_path / "a.npz"), load_clip(tmp_path / "metres.npz", unit="m")):
        np.testing.assert_allclose(clip.motion.positions(), pickled.motion.positions(), atol=1e-4)
        assert clip.motion.fps == 60
    np.savez(tmp_path / "b.npz", keypoints3d=points[:, :16])
    with pytest.raises(FileError, match=r"shape \(\d+, 16, 3\); expected numbers \(T, 17, 3\)"):
        load_clip(tmp_path / "b.npz")


def test_the_unit_of_key_points_can_be_given(tmp_path, motion):
    points = coco_points(motion)
    path = write_pickle(tmp_path / "a.pkl", {"keypoints3d": points})
    clip = load_clip(path, unit="m", true_fps=30)
    assert clip.motion.fps == 30
    assert np.median(apart_m(clip, points, COCO)) < 0.01


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not DANCES.is_dir(), reason="the real recordings are not beside the project")
def test_points_on_real_dances_are_reached_within_a_centimetre(tmp_path):
    """The figures of the documentation; AIST++'s own key points are not at hand."""
    for path in sorted(DANCES.glob("*.pkl")):
        points = coco_points(load_clip(path).motion)
        clip = load_clip(write_pickle(tmp_path / path.name, {"keypoints3d": 100 * points}))
        assert np.median(apart_m(clip, points, COCO)) < 0.01


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 17, 3)),
        np.zeros((4, 16, 3)),
        np.full((4, 17, 3), np.nan),
        np.full((4, 17, 3), 1e9),
        "text",
        None,
    ],
)
def test_key_points_that_are_none_are_refused_in_one_line(tmp_path, values):
    path = write_pickle(tmp_path / "a.pkl", {"keypoints3d": values})
    with pytest.raises(FileError) as refusal:
        load_clip(path)
    assert "\n" not in str(refusal.value)


# MDM's results


def write_results(path, positions, **more):
    motion = np.stack([np.moveaxis(p, 0, -1) for p in positions]).astype(np.float32)
    np.save(path, {"motion": motion, "num_samples": 1, "num_repetitions": 2, **more})
    return path


def test_a_motion_of_mdms_results_is_chosen_by_its_prompt(tmp_path, motion):
    one = motion.positions()[:, :22]
    two = one[::-1] + np.array([1, 0, 0])
    path = write_results(
        tmp_path / "results.npy",
        [one, two, one],
        text=["a person waves", "a person\nsits", "a person waves"],
        lengths=np.array([T, 25, T]),
    )
    first, second = load_clip(path), load_clip(path, take="a person sits")
    np.testing.assert_allclose(first.motion.positions(), one, atol=1e-4)
    # What follows the length is padding.
    np.testing.assert_allclose(second.motion.positions(), two[:25], atol=1e-4)
    assert first.motion.fps == 20
    names = ("a person waves", "a person sits", "a person waves (2)")
    assert Choice.of(second.meta, "take") == Choice("take", names, 1)
    assert len(load_clip(path, take=3)) == T
    with pytest.raises(SpecError):
        load_clip(path, take="a person flies")


def test_results_without_prompts_and_lengths_are_numbered(tmp_path, motion):
    one = motion.positions()[:, :22]
    path = write_results(tmp_path / "results.npy", [one, one])
    assert "Of 2 takes motion 1 was read; motion 2 can be chosen as take." in load_clip(path).notes
    assert len(load_clip(path, take=2)) == T


@pytest.mark.parametrize(
    "content",
    [
        {"motion": np.zeros((2, 21, 3, 5), np.float32)},
        {"motion": np.zeros((0, 22, 3, 5), np.float32)},
        {"motion": np.zeros((1, 22, 3, 0), np.float32)},
        {"motion": np.full((1, 22, 3, 5), np.nan, np.float32)},
        {"motion": np.zeros((1, 22, 3, 5), int)},
        {"motion": [1, 2]},
        {},
        [1, 2],
        {"motion": {"motion": np.zeros((1, 22, 3, 5), np.float32)}},
    ],
)
def test_results_of_another_kind_are_refused_in_one_line(tmp_path, content):
    np.save(tmp_path / "results.npy", np.array(content, dtype=object))
    with pytest.raises(FileError) as refusal:
        load_clip(tmp_path / "results.npy")
    assert "\n" not in str(refusal.value)


class Program:
    """Pickled, it asks the reader to make a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_program_in_results_never_runs(tmp_path, wrapped):
    program = Program(tmp_path / "owned")
    content = np.array({"motion": program} if wrapped else program, dtype=object)
    np.save(tmp_path / "results.npy", content)
    with pytest.raises(FileError, match="could run a program"):
        load_clip(tmp_path / "results.npy")
    assert not (tmp_path / "owned").exists()


# Named joints


def write_named(path, motion, **changed):
    arrays = {
        "positions": motion.positions(),
        "names": np.array(motion.skeleton.names),
        "parents": np.array(motion.skeleton.parents),
        "fps": np.array(50.0),
    }
    np.savez(path, **{key: value for key, value in (arrays | changed).items() if value is not None})
    return path


def test_a_header_that_breaks_off_is_refused_in_a_line(tmp_path):
    # NumPy's reader of headers ends with an error of Python's tokenizer here.
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,\n"
    path = tmp_path / "torn.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(FileError, match=r"torn\.npy"):
        load_clip(path)


def test_named_joints_are_reached(tmp_path, motion):
    path = write_named(tmp_path / "a.npz", motion)
    clip = load_clip(path)
    assert clip.motion.skeleton.names == motion.skeleton.names
    assert clip.motion.fps == 50
    np.testing.assert_allclose(clip.motion.positions(), motion.positions(), atol=2e-3)
    save_clip(clip, tmp_path / "b.bvh")
    assert len(load_clip(tmp_path / "b.bvh")) == T


def test_the_frame_rate_of_named_joints_can_be_given(tmp_path, motion):
    path = write_named(tmp_path / "a.npz", motion, fps=None)
    with pytest.raises(FileError):
        load_clip(path)
    assert load_clip(path, true_fps=25).motion.fps == 25


@pytest.mark.parametrize(
    "changed",
    [
        {"parents": np.arange(24)},
        {"parents": np.zeros(23, int)},
        {"parents": None},
        {"names": None},
        {"names": np.array(["a"] * 24)},
        {"names": np.arange(24)},
        {"positions": np.zeros((3, 24, 2))},
        {"positions": np.zeros((0, 24, 3))},
        {"positions": np.full((3, 24, 3), np.nan)},
        {"fps": np.array(-1.0)},
        {"fps": np.array(np.nan)},
    ],
)
def test_named_joints_that_make_no_sense_are_refused_in_one_line(tmp_path, motion, changed):
    with pytest.raises(FileError) as refusal:
        load_clip(write_named(tmp_path / "a.npz", motion, **changed))
    assert "\n" not in str(refusal.value)
