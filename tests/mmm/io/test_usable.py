"""What is read is usable: it is drawn, written in every format, and read again as it was."""

import contextlib
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mmm.errors import FileError, MMMError
from mmm.evaluation.library import facts_of
from mmm.io import load_clip, save_clip
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.skeleton import Skeleton
from mmm.viewer.scene import scene_of
from tests.mmm.io.bodies import body
from tests.mmm.making import TINY, clip_of


def packed(path, **changes):
    """A clip's file with some of its arrays replaced."""
    save_clip(clip_of(3), path)
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **(arrays | {key: np.asarray(value) for key, value in changes.items()}))
    return path


FAR = np.float64([[1e6, 0, 0]])
MUSIC = {
    "music_features": np.zeros((3, 35), np.float32),
    "music_beats": np.zeros(0, int),
    "music_tempo_bpm": 120.0,
    "music_fps": 30.0,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tip_joints": [2], "tips_m": FAR}, "a joint or an end 1e\\+06 m away"),
        ({"tip_joints": [2], "tips_m": FAR * 1e302}, "a joint or an end inf m away"),
        ({"offsets_m": np.full((6, 3), 1e30, np.float32)}, "a joint or an end .* m away"),
        ({"rotations": -np.tile(np.eye(3, dtype=np.float32), (3, 6, 1, 1))}, "no rotations"),
        ({"rotations": np.full((3, 6, 3, 3), 1e30, np.float32)}, "no rotations"),
        (MUSIC | {"music_tempo_bpm": -92.0}, "music_tempo_bpm is -92"),
        (
            MUSIC | {"music_features": np.zeros((3, 1), np.float32)},
            r"music_features of shape \(3, 1\)",
        ),
        (
            MUSIC | {"music_features": np.full((3, 35), 1e30, np.float32)},
            "music_features .* up to 1e\\+30",
        ),
        ({"fps": 1e-320}, "frames a second"),
        ({"fps": -30.0}, "frame rate positive|frames a second"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_finite_but_useless_values_are_refused(tmp_path, changes, message):
    with pytest.raises(FileError, match=message) as caught:
        load_clip(packed(tmp_path / "a.npz", **changes))
    assert "\n" not in str(caught.value)


def test_poses_beyond_any_angle_are_refused(tmp_path):
    path = packed(tmp_path / "a.npz")
    with np.load(path) as stored:
        arrays = dict(stored)
    del arrays["rotations"]
    np.savez(path, **arrays, rotvec=np.full((3, 6, 3), 1e30, np.float32))
    with pytest.raises(FileError, match=r"rotvec goes up to 1e\+30"):
        load_clip(path)


def test_more_joints_than_a_body_has_are_refused(tmp_path):
    count = 200_000
    np.savez(
        tmp_path / "a.npz",
        fps=30.0,
        names=np.array([str(j) for j in range(count)]),
        parents=np.arange(-1, count - 1),
        offsets_m=np.ones((count, 3), np.float32),
        rotvec=np.zeros((1, count, 3), np.float16),
        root_m=np.zeros((1, 3), np.float32),
    )
    with pytest.raises(FileError, match="200,000 joints"):
        load_clip(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", [".bvh", ".pkl", ".npz", ".amc"])
def test_pipes_and_devices_are_refused(tmp_path, suffix):
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    (tmp_path / f"null{suffix}").symlink_to("/dev/zero")
    for path in (pipe, tmp_path / f"null{suffix}"):
        with pytest.raises(FileError, match="a pipe or a device"):
            load_clip(path)


def chain(count, name="x{}"):
    """A body of one line of joints."""
    lines = ["HIERARCHY"]
    for j in range(count):
        lines.append(f"{'JOINT' if j else 'ROOT'} {name.format(j)}\n{{\nOFFSET 0 1 0")
        lines.append("CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation")
    lines += ["}"] * count + ["MOTION", "Frames: 2", "Frame Time: 0.04"]
    return "\n".join([*lines, *[" ".join(["0 1 0 0 0 0"] * count)] * 2]) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x{}", "x"])
def test_the_time_is_linear_in_the_joints(tmp_path, name):
    """Twice the joints may take four times as long before the work is quadratic beyond doubt."""
    import time

    seconds = []
    for count in (250, 1_000):
        (tmp_path / "a.bvh").write_text(chain(count, name))
        took = []
        for _ in range(3):
            start = time.process_time()
            load_clip(tmp_path / "a.bvh")
            took.append(time.process_time() - start)
        seconds.append(min(took))
    assert seconds[1] < 10 * seconds[0]  # sixteen times where it is quadratic


# What is accepted goes round


def goes_round(clip, folder):
    """Draw a clip, write it in every format, and compare what is read again."""
    facts_of(clip)
    scene_of(clip).payload(None, 400)
    save_clip(clip, folder / "again.glb")
    compare(clip, folder / "again.npz", 0.0)
    if not any(set(name) & set("\r\n{}") for name in clip.motion.skeleton.names):
        up = "z" if z_up(clip) else "y"
        compare(clip, folder / "again.bvh", 2e-6, unit=unit_of(clip), up=up)


def compare(clip, path, accuracy, **facts):
    save_clip(clip, path)
    again = load_clip(path, **facts)
    assert len(again) == len(clip)
    if again.motion.skeleton.names == clip.motion.skeleton.names:
        positions = clip.motion.positions()
        reach = max(1.0, float(np.abs(positions).max()))
        np.testing.assert_allclose(
            again.motion.positions(), positions, atol=accuracy * (reach + 10)
        )


def unit_of(clip):
    return clip.meta.get("bvh", {}).get("unit_m", 0.01)


def z_up(clip):
    return clip.meta.get("bvh", {}).get("z_up", False)


def drawn_clip(draw):
    """Any tree of joints, moving wildly."""
    count = draw(st.integers(1, 12))
    parents = (-1, *(draw(st.integers(0, j - 1)) for j in range(1, count)))
    words = st.sampled_from(
        ["Hips", "LeftFoot", "Head", "x", "offset", "左腕", "é", "a b", "Right Arm", "_", "MOTION"]
    )
    names: list[str] = []
    for j in range(count):
        name = draw(words)
        names.append(name if name not in names else f"{name}{j}")
    number = st.floats(-3, 3, width=32)
    offsets = np.float32([[draw(number) for _ in range(3)] for _ in range(count)])
    if count > 1 and not offsets[1:].any():
        offsets[1, 1] = 1
    tips = tuple(
        (draw(st.integers(0, count - 1)), (draw(number), draw(number), 0.5))
        for _ in range(draw(st.integers(0, 3)))
    )
    skeleton = Skeleton(tuple(names), parents, offsets, end_sites=tips)
    frames = draw(st.integers(1, 4))
    angles = np.float64(
        [[[draw(number) for _ in range(3)] for _ in range(count)] for _ in range(frames)]
    )
    turns = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(frames, count, 3, 3)
    fps = draw(st.sampled_from([1.0, 24.0, 30.0, 120.0]))
    root = np.float32(
        [[draw(st.floats(-50, 50, width=32)) for _ in range(3)] for _ in range(frames)]
    )
    motion = Motion(skeleton, turns, root, fps)
    music = None
    if draw(st.booleans()):
        music = Music(
            np.zeros((frames, 35), np.float32), motion.fps, np.arange(0, frames, 2), 120.0
        )
    return Clip(draw(st.sampled_from(["a", "__x__", "*b*", "<i>", "名前", "a/b"])), motion, music)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_clip_goes_round(tmp_path, data):
    goes_round(drawn_clip(data.draw), tmp_path)


BVH = body(frames=3).encode()


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_file_that_is_accepted_goes_round(tmp_path, data):
    """Numbers and bytes of a real file are changed at random."""
    text = bytearray(BVH)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        change = data.draw(
            st.sampled_from([b"9", b"-", b"e7", b".", b"", b" ", b"\n", b"{", b"X", b"\xe9"])
        )
        text[place : place + data.draw(st.integers(0, 2))] = change
    path = tmp_path / "a.bvh"
    path.write_bytes(bytes(text))
    with contextlib.suppress(MMMError):
        goes_round(load_clip(path), tmp_path)


@pytest.mark.parametrize("tips", [(), ((2, (0.0, 0.1, 0.0)),)])
def test_bodies_of_one_point_go_round(tmp_path, tips):
    point = Skeleton(TINY.names, TINY.parents, 0 * TINY.offsets_m, end_sites=tips)
    for skeleton in (TINY, point):
        goes_round(clip_of(4, skeleton), tmp_path)
