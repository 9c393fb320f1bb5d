"""Our BVH, in and out, against bvhio, an independent reader."""

import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.io import load_clip, save_clip
from mmm.motion.clip import Clip

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", PendingDeprecationWarning
    )  # bvhio imports PyGLM by its old name
    import bvhio


def bvhio_pose(path, frames):
    """World positions and rotations by joint name, as bvhio has them."""
    root = bvhio.readAsHierarchy(str(path))
    positions, rotations = {}, {}
    for frame in frames:
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            positions.setdefault(joint.Name, []).append(list(joint.PositionWorld))
            quat = joint.RotationWorld
            rotations.setdefault(joint.Name, []).append([quat.x, quat.y, quat.z, quat.w])
    return positions, rotations


def agree(path, motion, unit_m, frames):
    positions, rotations = bvhio_pose(path, frames)
    assert set(positions) >= set(motion.skeleton.names)
    for j, name in enumerate(motion.skeleton.names):
        np.testing.assert_allclose(
            np.array(positions[name]) * unit_m, motion.positions()[frames, j], atol=1e-4
        )
        # bvhio turns each joint's axes along its bone, alike in every frame: compare what happened since the first.
        theirs = Rotation.from_quat(rotations[name])
        ours = Rotation.from_matrix(motion.world_rotations()[frames, j])
        apart = (theirs * theirs[0].inv()).inv() * (ours * ours[0].inv())
        assert np.degrees(apart.magnitude().max()) < 0.01


def test_smpl_written_by_us(tmp_path, smpl_clip):
    save_clip(smpl_clip, tmp_path / "a.bvh")
    agree(tmp_path / "a.bvh", smpl_clip.motion, 0.01, [0, 7, 39])


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
@pytest.mark.parametrize("unit_m", [0.01, 1.0, 0.0254])
def test_every_order_and_unit_written_by_us(tmp_path, tree_clip, order, unit_m):
    channels = {
        name: " ".join(f"{axis}rotation" for axis in turns)
        for name, turns in zip(
            tree_clip.motion.skeleton.names, (order, order[::-1], "ZYX"), strict=True
        )
    }
    clip = Clip("a", tree_clip.motion, meta={"bvh": {"unit_m": unit_m, "channels": channels}})
    save_clip(clip, tmp_path / "a.bvh")
    assert (
        f"CHANNELS 6 Xposition Yposition Zposition {order[0]}rotation"
        in (tmp_path / "a.bvh").read_text()
    )
    agree(tmp_path / "a.bvh", clip.motion, unit_m, [0, 5, 11])


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["walk1_subject1", "jumps1_subject1", "multipleActions1_subjectX"])
def test_lafan1_read_by_both_and_written_by_us(shared, tmp_path, name):
    source = shared / "lafan1" / f"{name}.bvh"
    lines = source.read_text().split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("Frames"))
    short = tmp_path / "short.bvh"  # bvhio takes minutes for the whole file
    short.write_text("\n".join([*lines[:at], "Frames: 60", *lines[at + 1 : at + 62]]) + "\n")
    clip = load_clip(short)
    agree(short, clip.motion, 0.01, [0, 30, 59])
    save_clip(clip, tmp_path / "again.bvh")
    agree(tmp_path / "again.bvh", clip.motion, 0.01, [0, 30, 59])
