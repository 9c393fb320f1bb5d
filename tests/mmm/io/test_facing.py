"""Which way a body faces, and turning it: made-up bodies, and real ones, who walk the way they face."""

import tarfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.cli.app import main
from mmm.cli.info import clip_facts
from mmm.errors import SpecError
from mmm.io import load_clip, save_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.facing import FACINGS, facing_deg, nearest_axis, parse_facing, turned_to_face
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import smooth_motion, unpacked


def standing(yaw_deg: float, frames: int = 3) -> Motion:
    """SMPL's rest pose, which faces +Z, turned about Y."""
    rotations = np.repeat(np.eye(3, dtype=np.float32)[None, None], frames * 24, axis=0).reshape(
        frames, 24, 3, 3
    )
    rotations[:, 0] = Rotation.from_euler("Y", yaw_deg, degrees=True).as_matrix()
    return Motion(SMPL24, rotations, np.tile([[2.0, 1.0, -1.0]], (frames, 1)), 60.0)


@pytest.mark.parametrize("yaw", [0.0, 37.0, 90.0, 135.0, 170.0, -90.0, -150.0])
def test_the_facing_is_how_far_the_body_is_turned(yaw):
    still = facing_deg(standing(0.0))
    assert abs(still) < 3  # SMPL's hips and collars are not quite alike
    assert facing_deg(standing(yaw)) - still == pytest.approx(yaw, abs=1e-2)


@pytest.mark.parametrize(
    ("degrees", "axis", "off"),
    [
        (0.0, "z", 0),
        (50.0, "x", -40),
        (-44.0, "z", -44),
        (170.0, "-z", -10),
        (-170.0, "-z", 10),
        (-100.0, "-x", -10),
    ],
)
def test_the_nearest_axis(degrees, axis, off):
    assert nearest_axis(degrees) == (axis, pytest.approx(off))


@pytest.mark.parametrize("facing", FACINGS)
def test_turned_it_faces_the_axis_and_is_otherwise_the_same(facing):
    motion = smooth_motion(3, 30)
    turned = turned_to_face(motion, facing)
    apart = (facing_deg(turned) - FACINGS[facing] + 180) % 360 - 180
    assert apart == pytest.approx(0, abs=1e-2)
    turn = Rotation.from_euler("Y", FACINGS[facing] - facing_deg(motion), degrees=True)
    np.testing.assert_allclose(
        turned.positions(),
        turn.apply(motion.positions().reshape(-1, 3)).reshape(30, 24, 3),
        atol=1e-5,
    )
    np.testing.assert_array_equal(turned.rotations[:, 1:], motion.rotations[:, 1:])


def test_who_lies_on_the_side_or_has_no_left_faces_nowhere():
    lying = standing(0.0)
    rotations = lying.rotations.copy()
    rotations[:, 0] = Rotation.from_euler("Z", 90, degrees=True).as_matrix()
    nameless = Skeleton(tuple(f"Bone{j}" for j in range(24)), SMPL24.parents, SMPL24.offsets_m)
    for motion in (replace(lying, rotations=rotations), replace(lying, skeleton=nameless)):
        assert facing_deg(motion) is None
        with pytest.raises(
            SpecError, match="facing x: which way the body faces at the first frame cannot be told"
        ):
            turned_to_face(motion, "x")
        assert "faces" not in dict(clip_facts(Clip("a", motion)))


@pytest.mark.parametrize(("text", "axis"), [("x", "x"), ("+X", "x"), (" -z ", "-z"), ("+z", "z")])
def test_axes_by_name(text, axis):
    assert parse_facing(text) == axis


@pytest.mark.parametrize("text", ["y", "", "north", "--x"])
def test_other_words_are_refused(tmp_path, text):
    save_clip(Clip("a", standing(0.0)), tmp_path / "a.bvh")
    with pytest.raises(SpecError, match="no horizontal axis"):
        load_clip(tmp_path / "a.bvh", facing=text)


@pytest.mark.parametrize("suffix", [".bvh", ".npz", ".pkl"])
def test_it_stays_turned_in_what_is_saved(tmp_path, suffix, capsys):
    save_clip(Clip("a", standing(20.0)), tmp_path / f"a{suffix}")
    assert (
        main(["convert", str(tmp_path / f"a{suffix}"), str(tmp_path / "b.bvh"), "--facing", "-x"])
        == 0
    )
    assert facing_deg(load_clip(tmp_path / "b.bvh").motion) == pytest.approx(-90, abs=1e-2)
    assert main(["info", str(tmp_path / "b.bvh")]) == 0
    assert "-X, +0 degrees off" in capsys.readouterr().out.replace("-0 degrees", "+0 degrees")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("place", "member"),
    [
        ("lafan1/walk1_subject1.bvh", ""),
        ("bandai_namco/dataset-1.tar.xz", "walk_normal_001.bvh"),
        ("cmu/subjects_bvh_60fps.tar.xz", "08_01.bvh"),
    ],
)
def test_real_people_walk_the_way_they_face(shared, tmp_path, place, member):
    path = shared / place
    if member:
        with tarfile.open(path) as packed:
            found = next((m for m in packed if m.name.endswith(member)), None)
            assert found is not None, member
            path = unpacked(packed, found, tmp_path)
    motion = load_clip(path).motion
    step = round(motion.fps / 2)
    agree = []
    for frame in range(step, min(len(motion) - step, 1200), step):
        way = motion.root_m[frame + step // 2] - motion.root_m[frame - step // 2]
        if np.hypot(way[0], way[2]) / 0.5 > 0.5:  # faster than half a metre a second
            goes = np.degrees(np.arctan2(way[0], way[2]))
            agree.append(abs((facing_deg(motion, frame) - goes + 180) % 360 - 180))
    assert len(agree) >= 3
    assert np.median(agree) < 30
    turned = load_clip(path, facing="-z").motion
    assert abs(facing_deg(turned)) == pytest.approx(180, abs=0.05)
    np.testing.assert_allclose(turned.positions()[..., 1], motion.positions()[..., 1], atol=1e-4)
