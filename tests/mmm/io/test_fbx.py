"""FBX against an evaluation that shares nothing with the reader, and damaged files."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest

from mmm.errors import FileError, MMMError, SpecError
from mmm.io import load_clip, save_clip
from mmm.io.body import body_height
from mmm.io.choosing import Choice
from mmm.io.fbx import reader
from tests.mmm.io.fbx_scene import ascii_fbx, walker, world

pytest.importorskip("ufbx", reason="the extra fbx is not installed")


@pytest.fixture
def write(tmp_path):
    def written(*arguments, **options):
        path = tmp_path / "walk.fbx"
        path.write_text(ascii_fbx(*arguments, **options))
        return path

    return written


def expected(bones, clip, take=0, **options):
    """World joint positions by the format's own chain, in the clip's order."""
    frames = [world(bones, frame, take, **options) for frame in range(len(clip))]
    order = [[bone.name for bone in bones].index(name) for name in clip.motion.skeleton.names]
    return np.array(frames)[..., :3, 3][:, order]


@pytest.mark.parametrize(("unit_cm", "up", "fps"), [(1.0, 1, 30.0), (100.0, 2, 120.0)])
def test_positions_follow_the_transform_chain(write, unit_cm, up, fps):
    bones = walker()
    clip = load_clip(write(bones, unit_cm=unit_cm, up=up, fps=fps))
    assert clip.motion.fps == fps
    assert len(clip) == 7
    assert clip.motion.skeleton.names[0] == "Hips"
    assert set(clip.motion.skeleton.names) == {bone.name for bone in bones[1:8]}
    truth = expected(bones, clip, unit_m=unit_cm / 100, up=up)
    # A pivot moves the foot's parent along with its rotation, which is no constant bone.
    steady = [j for j, name in enumerate(clip.motion.skeleton.names) if "Right" not in name]
    off = np.linalg.norm(clip.motion.positions() - truth, axis=-1)[:, steady]
    assert off.max() < 1e-4 * max(unit_cm, 1)


def test_bones_without_pivots_are_exact(write):
    bones = walker(seed=1)
    bones[6].pivot = (0.0, 0.0, 0.0)
    clip = load_clip(write(bones))
    assert np.linalg.norm(clip.motion.positions() - expected(bones, clip), axis=-1).max() < 1e-4
    assert not any("lengths" in note for note in clip.notes)


def test_a_take_is_chosen_by_name_or_number(write):
    bones = walker(takes=3)
    path = write(bones, ("Idle", "Walk", "Armature|Run"))
    assert "Idle was read; Walk, Armature|Run can be chosen as take" in load_clip(path).notes[0]
    for wish, take in (("Walk", 1), ("3", 2), (3, 2), ("Run", 2), (None, 0)):
        clip = load_clip(path, take=wish)
        truth = expected(bones, clip, take)
        assert np.abs(clip.motion.positions()[:, 0] - truth[:, 0]).max() < 1e-4, wish
        several = Choice.of(clip.meta, "take")
        assert several == Choice("take", ("Idle", "Walk", "Armature|Run"), take)
    with pytest.raises(SpecError, match="one of Idle, Walk"):
        load_clip(path, take="Jump")


def test_a_body_is_chosen(write):
    clip = load_clip(write(walker()), body="HandControl")
    assert clip.motion.skeleton.names == ("HandControl",)
    np.testing.assert_allclose(clip.motion.root_m[0], [0.5, 1.2, 0], atol=1e-6)


def test_the_unit_can_be_corrected(write):
    path = write(walker())
    ratio = load_clip(path, unit="m").motion.root_m / load_clip(path).motion.root_m
    np.testing.assert_allclose(ratio, 100, rtol=1e-4)


def test_a_character_without_a_take_is_one_frame(write):
    bones = walker()
    for bone in bones:
        bone.keys = []
    clip = load_clip(write(bones, ()))
    assert len(clip) == 1
    assert "no take" in " ".join(clip.notes)
    # Not moved, so no joint is turned against the rest pose.
    np.testing.assert_allclose(clip.motion.rotations[0, 1], np.eye(3), atol=1e-6)


def test_rest_pose_follows_the_scene_and_bvh_keeps_the_places(write, tmp_path):
    clip = load_clip(write(walker(seed=2)))
    save_clip(clip, tmp_path / "again.bvh")
    again = load_clip(tmp_path / "again.bvh", unit="cm", up="y").motion
    order = [again.skeleton.names.index(name) for name in clip.motion.skeleton.names]
    assert np.abs(again.positions()[:, order] - clip.motion.positions()).max() < 1e-3


def test_options_of_other_formats_are_refused(write, tmp_path):
    save_clip(load_clip(write(walker())), tmp_path / "a.bvh")
    with pytest.raises(SpecError, match="take"):
        load_clip(tmp_path / "a.bvh", take="1")


def test_a_long_take_is_refused_before_it_is_evaluated(write):
    with pytest.raises(FileError, match="frames"):
        load_clip(write(walker()), largest=20)


def test_the_cure_is_named_where_the_library_is_missing(write, monkeypatch):
    path = write(walker())
    monkeypatch.setattr(reader.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=r"pip install 'masked-motion-workbench\[fbx\]'"):
        load_clip(path)


def test_a_crash_of_the_library_is_one_line(write, monkeypatch, tmp_path):
    path, program = write(walker()), tmp_path / "extract.py"
    program.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(reader, "PROGRAM", program)
    with pytest.raises(FileError, match="crashes or stalls"):
        load_clip(path)


def test_a_library_that_stalls_is_ended(write, monkeypatch, tmp_path):
    path, program = write(walker()), tmp_path / "extract.py"
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(reader, "PROGRAM", program)
    monkeypatch.setattr(reader, "LIMIT_S", 0.2)
    with pytest.raises(FileError, match="crashes or stalls"):
        load_clip(path)


def test_damaged_files_are_refused_in_a_line(write, tmp_path):
    text = write(walker()).read_bytes()
    rng, refused = random.Random(0), 0
    damaged = tmp_path / "damaged.fbx"
    for cut in (0.02, 0.3, 0.6, 0.95):
        data = bytearray(text[: int(len(text) * cut)])
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        damaged.write_bytes(data)
        try:
            load_clip(damaged)
        except MMMError as error:
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 2
    damaged.write_bytes(b"\x89PNG not a scene")
    with pytest.raises(FileError, match="not a readable FBX"):
        load_clip(damaged)


# What real programs wrote. The oracle reads their curves raw, and composes them by the chain above.

ORACLE = r"""
import gc, json, os, sys
gc.disable()
import ufbx
kept = []
def keep(x):
    kept.append(x)
    return x
def items(xs):
    keep(xs)
    return [keep(xs[i]) for i in range(len(xs))]
scene = ufbx.load_file(sys.argv[1])
nodes, zero, one = items(scene.nodes), (0, 0, 0), (1, 1, 1)
stack = keep(scene.anim_stacks)[0]
frames = json.loads(sys.argv[2])
layers = items(keep(stack).layers)
curves = {}
for layer in layers:
    for p in items(layer.anim_props):
        curves.setdefault((keep(p.element).element_id, p.prop_name), []).append(keep(p.anim_value))
answer = []
for node in nodes:
    props, parent = keep(node.props), keep(node.parent)
    def vec(name, default):
        prop = keep(ufbx.find_prop(props, name))
        return list(default if prop is None else prop.value_vec4[:3])
    entry = dict(
        name=node.name, parent=-1 if parent is None else parent.typed_id,
        pre=vec("PreRotation", zero), post=vec("PostRotation", zero),
        pivot=vec("RotationPivot", zero), off=vec("RotationOffset", zero),
        order=ufbx.find_int(props, "RotationOrder", 0),
        active=ufbx.find_bool(props, "RotationActive", False),
        inherit=ufbx.find_int(props, "InheritType", 0), frames=[])
    for f in frames:
        t = stack.time_begin + f / scene.settings.frames_per_second
        now = []
        for name, default in (("Lcl Translation", zero), ("Lcl Rotation", zero), ("Lcl Scaling", one)):
            values = curves.get((node.element_id, name), [])
            value = vec(name, default)
            if values:
                cs = values[0].curves
                base = values[0].default_value
                value = [
                    base[i] if cs[i] is None else ufbx.evaluate_curve(keep(cs[i]), t, base[i])
                    for i in range(3)]
            now.append(value)
        entry["frames"].append(now)
    answer.append(entry)
print(json.dumps(dict(nodes=answer, unit=scene.settings.unit_meters, layers=len(layers))), flush=True)
os._exit(0)
"""


def raw_positions(path, frames):
    """World positions of nodes by name, metres, from the file's curves."""
    ran = subprocess.run(
        [sys.executable, "-c", ORACLE, str(path), json.dumps(frames)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)
    assert told["layers"] == 1
    from tests.mmm.io.fbx_scene import ORDERS, Rotation, matrix

    places: dict[str, list] = {}
    for f in range(len(frames)):
        # Rotation with translation, and the scale that children inherit, kept apart.
        full: list[np.ndarray] = []
        for node in told["nodes"]:
            place, turn, scale = node["frames"][f]
            order = ORDERS[node["order"] if node["active"] else 0]
            turned = Rotation.from_euler(
                order, [turn["xyz".index(a)] for a in order], degrees=True
            ).as_matrix()
            pre = np.eye(3)
            post = np.eye(3)
            if node["active"]:
                pre = Rotation.from_euler("xyz", node["pre"], degrees=True).as_matrix()
                post = Rotation.from_euler("xyz", node["post"], degrees=True).as_matrix()
            pivot, off = np.array(node["pivot"]), np.array(node["off"])
            local = (
                matrix(place=np.add(place, off + pivot))
                @ matrix(pre @ turned @ post.T)
                @ matrix(place=-pivot)
                @ matrix(scale=scale)
            )
            above = matrix(scale=[told["unit"]] * 3) if node["parent"] < 0 else full[node["parent"]]
            full.append(above @ local if node["parent"] >= 0 else above)
            places.setdefault(node["name"], []).append(full[-1][:3, 3])
    return {name: np.array(values) for name, values in places.items()}


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "joints", "frames", "height"),
    [
        ("maya_character_7500_binary", 62, 120, (1.4, 1.8)),
        ("maya_kenney_character_7700_binary", 40, 21, (2.5, 3.0)),
        ("maya_axes_anim_7700_ascii", 4, 21, (0, 1)),
    ],
)
def test_real_files_follow_their_curves(shared, name, joints, frames, height):
    clip = load_clip(shared / "fbx" / f"{name}.fbx")
    assert (len(clip.motion.skeleton), len(clip)) == (joints, frames)
    assert clip.motion.fps == 24
    assert height[0] <= body_height(clip.motion.skeleton) <= height[1]
    some = [0, 3, frames // 2, frames - 1]
    raw = raw_positions(shared / "fbx" / f"{name}.fbx", some)
    ours = clip.motion.positions()[some]
    off = [np.abs(ours[:, j] - raw[n]).max() for j, n in enumerate(clip.motion.skeleton.names)]
    assert max(off) < 1e-4


@pytest.mark.shared_data
def test_controls_of_a_rig_are_left_out(shared):
    """MotionBuilder's markers and HumanIK's effectors lie beside the bones; the unit is a node's."""
    clip = load_clip(shared / "fbx" / "maya_human_ik_7400_binary.fbx")
    names = clip.motion.skeleton.names
    assert len(names) == 62
    assert not any("Ctrl" in name or "Effector" in name for name in names)
    assert 1.4 < body_height(clip.motion.skeleton) < 1.8
    assert abs(clip.motion.floor_m()) < 0.1


@pytest.mark.shared_data
def test_takes_and_layers_of_real_files(shared):
    path = shared / "fbx" / "blender_279_sausage_7400_binary.fbx"
    clips = [load_clip(path, take=take) for take in ("Base", "Spin", "Skeleton|Wiggle")]
    assert [len(clip) for clip in clips] == [2, 20, 20]
    assert np.abs(clips[1].motion.positions() - clips[2].motion.positions()).max() > 0.1
    # Three layers that are added up: their sum is neither of them.
    layered = load_clip(shared / "fbx" / "maya_anim_layers_7500_binary.fbx")
    assert len(layered) == 120
    assert np.ptp(layered.motion.root_m, axis=0).max() > 0.001
