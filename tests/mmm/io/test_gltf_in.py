"""glTF in: our own files come back, and other samplers follow the specification (SciPy's values)."""

import base64
import json
import struct

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from mmm.errors import FileError, MMMError, SpecError
from mmm.io import load_clip, save_clip
from mmm.io.choosing import Choice
from mmm.motion.rotations import geodesic_angle
from tests.mmm.making import TINY, clip_of


class Scene:
    """A glTF document under construction."""

    def __init__(self, nodes, joints, bind=None):
        self.data = b""
        self.content = {
            "asset": {"version": "2.0"},
            "nodes": nodes,
            "skins": [{"joints": joints}],
            "accessors": [],
            "bufferViews": [],
            "animations": [],
        }
        if bind is not None:
            inverse = np.linalg.inv(bind).swapaxes(1, 2).reshape(-1, 16)
            self.content["skins"][0]["inverseBindMatrices"] = self.add(inverse, "MAT4")

    def add(self, values, kind, dtype="<f4"):
        raw = np.ascontiguousarray(values, dtype).tobytes()
        self.content["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)}
        )
        self.content["accessors"].append(
            {
                "bufferView": len(self.content["bufferViews"]) - 1,
                "componentType": {"<f4": 5126, "<i2": 5122}[dtype],
                "normalized": dtype == "<i2",
                "count": len(values),
                "type": kind,
            }
        )
        self.data += raw + bytes(-len(raw) % 4)
        return len(self.content["accessors"]) - 1

    def animate(self, name, *tracks):
        """Tracks are (node, path, times, values, interpolation)."""
        animation = {"name": name, "samplers": [], "channels": []}
        for node, path, times, values, how, *dtype in tracks:
            animation["samplers"].append(
                {
                    "input": self.add(times, "SCALAR"),
                    "output": self.add(values, "VEC4" if path == "rotation" else "VEC3", *dtype),
                    "interpolation": how,
                }
            )
            animation["channels"].append(
                {
                    "sampler": len(animation["samplers"]) - 1,
                    "target": {"node": node, "path": path},
                }
            )
        self.content["animations"].append(animation)

    def glb(self):
        self.content["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(self.content).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<I4s", len(text), b"JSON") + text
        body += struct.pack("<I4s", len(self.data), b"BIN\0") + self.data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def arm(turn_s=2.0):
    """An armature node that turns Z up to Y up and scales by 2, over three joints."""
    lay = [-(0.5**0.5), 0, 0, 0.5**0.5]
    nodes = [
        {"name": "Armature", "rotation": lay, "scale": [2, 2, 2], "children": [1]},
        {"name": "Hips", "translation": [0, 0, 0.5], "children": [2]},
        {"name": "Spine", "translation": [0, 0, 0.2], "children": [3]},
        {"name": "Head", "translation": [0.1, 0, 0.3]},
    ]
    scene = Scene(nodes, [1, 2, 3])
    times = np.array([0.0, 0.5, 1.25, turn_s])
    quats = Rotation.from_euler(
        "xyz", [[0, 0, 0], [40, 10, 0], [80, -30, 60], [10, 5, 200]], degrees=True
    ).as_quat()
    return scene, times, quats


def write(tmp_path, scene):
    path = tmp_path / "arm.glb"
    path.write_bytes(scene.glb())
    return path


def truth(clip, hips, spine):
    """World places of the three joints, for the places of the hips and the turns of the spine."""
    lay = Rotation.from_euler("x", -90, degrees=True)
    world = np.empty((len(clip), 3, 3))
    for frame in range(len(clip)):
        world[frame, 0] = lay.apply(2 * hips[frame])
        world[frame, 1] = lay.apply(2 * (hips[frame] + [0, 0, 0.2]))
        world[frame, 2] = lay.apply(
            2 * (hips[frame] + [0, 0, 0.2] + spine[frame].apply([0.1, 0, 0.3]))
        )
    return world


@pytest.mark.parametrize("skeleton", [None, TINY], ids=["smpl", "tiny"])
def test_our_own_files_come_back(tmp_path, smpl_clip, skeleton):
    clip = smpl_clip if skeleton is None else clip_of(9, skeleton, 25.0)
    save_clip(clip, tmp_path / "a.glb")
    again = load_clip(tmp_path / "a.glb")
    assert again.motion.skeleton.names == clip.motion.skeleton.names
    assert again.motion.skeleton.parents == clip.motion.skeleton.parents
    assert again.motion.fps == clip.motion.fps
    assert len(again) == len(clip)
    np.testing.assert_allclose(again.motion.positions(), clip.motion.positions(), atol=2e-5)
    assert geodesic_angle(again.motion.rotations, clip.motion.rotations).max() < 2e-3
    np.testing.assert_allclose(
        again.motion.skeleton.offsets_m[1:], clip.motion.skeleton.offsets_m[1:], atol=1e-5
    )


def test_linear_keys_are_slerped_and_the_rate_is_that_of_the_keys(tmp_path):
    scene, times, quats = arm()
    path = [[0, 0, 0.5], [0.3, 0.1, 0.6]]
    scene.animate(
        "Wave",
        (2, "rotation", times, -quats, "LINEAR"),  # -q is the same rotation
        (1, "translation", [0.0, 2.0], path, "LINEAR"),
    )
    clip = load_clip(write(tmp_path, scene))
    assert clip.motion.fps == 24  # the slowest usual rate with a frame on every key
    at = np.arange(49) / 24
    hips = np.array([np.interp(at, [0, 2], column) for column in np.transpose(path)]).T
    spine = Slerp(times, Rotation.from_quat(quats))(at)
    np.testing.assert_allclose(clip.motion.positions(), truth(clip, hips, spine), atol=1e-4)
    assert clip.motion.skeleton.names == ("Hips", "Spine", "Head")


def test_steps_hold_until_the_next_key(tmp_path):
    scene, times, quats = arm()
    scene.animate("Wave", (2, "rotation", times, quats, "STEP"))
    clip = load_clip(write(tmp_path, scene), true_fps=20)
    index = np.searchsorted(times, np.arange(41) / 20 + 1e-6) - 1
    spine = Rotation.from_quat(quats[np.maximum(index, 0)])
    hips = np.tile([0, 0, 0.5], (41, 1))
    np.testing.assert_allclose(clip.motion.positions(), truth(clip, hips, spine), atol=1e-4)


def test_cubic_splines_have_tangents(tmp_path):
    scene, times, quats = arm()
    rng = np.random.default_rng(0)
    ins, outs = rng.normal(0, 0.5, (2, 4, 4))
    values = np.stack([ins, quats, outs], axis=1).reshape(-1, 4)
    scene.animate("Wave", (2, "rotation", times, values, "CUBICSPLINE"))
    clip = load_clip(write(tmp_path, scene), true_fps=60)
    at, spine = np.arange(121) / 60, np.empty((121, 4))
    for k in range(3):
        # A span of its own has the out-tangent of its first key and the in-tangent of its second.
        piece = CubicHermiteSpline(times[k : k + 2], quats[k : k + 2], [outs[k], ins[k + 1]])
        inside = (at >= times[k] - 1e-9) & (at <= times[k + 1] + 1e-9)
        spine[inside] = piece(at[inside])
    hips = np.tile([0, 0, 0.5], (121, 1))
    world = truth(clip, hips, Rotation.from_quat(spine))
    np.testing.assert_allclose(clip.motion.positions(), world, atol=1e-4)


def test_normalised_integers(tmp_path):
    scene, times, quats = arm()
    packed = np.round(quats * 32767)
    scene.animate("Wave", (2, "rotation", times, packed, "STEP", "<i2"))
    clip = load_clip(write(tmp_path, scene), true_fps=4)
    index = np.maximum(np.searchsorted(times, np.arange(9) / 4 + 1e-6) - 1, 0)
    world = truth(clip, np.tile([0, 0, 0.5], (9, 1)), Rotation.from_quat(quats[index]))
    np.testing.assert_allclose(clip.motion.positions(), world, atol=1e-4)


def test_a_take_is_chosen(tmp_path):
    scene, times, quats = arm()
    scene.animate("Idle", (2, "rotation", times, quats * 0 + [0, 0, 0, 1], "LINEAR"))
    scene.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    path = write(tmp_path, scene)
    idle, wave = load_clip(path), load_clip(path, take="Wave")
    assert "Of 2 takes Idle was read; Wave can be chosen as take." in idle.notes
    for clip, chosen in ((idle, 0), (wave, 1)):
        assert Choice.of(clip.meta, "take") == Choice("take", ("Idle", "Wave"), chosen)
        assert Choice.of(clip.meta, "body") is None
    assert np.ptp(idle.motion.positions()[:, 2], axis=0).max() < 1e-6
    assert np.ptp(wave.motion.positions()[:, 2], axis=0).max() > 0.1
    np.testing.assert_array_equal(load_clip(path, take=2).motion.rotations, wave.motion.rotations)
    with pytest.raises(SpecError, match="one of Idle, Wave"):
        load_clip(path, take="Run")


def test_the_rest_pose_is_that_of_the_skin(tmp_path):
    """Joints that the scene shows bent are not turned where the skin was bound so."""
    scene, times, quats = arm()
    bind = np.tile(np.eye(4), (3, 1, 1))
    bind[:, :3, :3] = Rotation.from_euler("y", 35, degrees=True).as_matrix()
    nodes = scene.content["nodes"]
    bound = Scene(nodes, [1, 2, 3], bind)
    bound.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    clip = load_clip(write(tmp_path, bound), true_fps=4)
    # Hips, spine and head are bound with the same rotation, so the head's local one is none.
    np.testing.assert_allclose(
        clip.motion.rotations[:, 2], np.tile(np.eye(3), (9, 1, 1)), atol=1e-6
    )
    world = truth(
        clip,
        np.tile([0, 0, 0.5], (9, 1)),
        Slerp(times, Rotation.from_quat(quats))(np.arange(9) / 4),
    )
    np.testing.assert_allclose(clip.motion.positions(), world, atol=1e-4)


def test_text_documents_with_their_buffers(tmp_path):
    scene, times, quats = arm()
    scene.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    same = load_clip(write(tmp_path, scene)).motion.positions()
    (tmp_path / "arm.bin").write_bytes(scene.data)
    for uri in (
        "arm.bin",
        "data:application/octet-stream;base64," + base64.b64encode(scene.data).decode(),
    ):
        scene.content["buffers"] = [{"byteLength": len(scene.data), "uri": uri}]
        (tmp_path / "arm.gltf").write_text(json.dumps(scene.content))
        np.testing.assert_array_equal(load_clip(tmp_path / "arm.gltf").motion.positions(), same)


@pytest.mark.parametrize(
    "uri", ["../arm.bin", "/etc/passwd", "file:arm.bin", "%2e%2e%2farm.bin", ".."]
)
def test_buffers_outside_the_folder_are_refused(tmp_path, uri):
    scene, times, quats = arm()
    scene.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    (tmp_path / "arm.bin").write_bytes(scene.data)
    (tmp_path / "in").mkdir()
    scene.content["buffers"] = [{"byteLength": len(scene.data), "uri": uri}]
    (tmp_path / "in" / "arm.gltf").write_text(json.dumps(scene.content))
    with pytest.raises(FileError, match="elsewhere"):
        load_clip(tmp_path / "in" / "arm.gltf")


def broken(change):
    scene, times, quats = arm()
    scene.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    change(scene.content)
    return scene


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["accessors"][0].update(count=10**9),
        lambda c: c["accessors"][0].update(count=-1),
        lambda c: c["accessors"][0].update(byteOffset=-8),
        lambda c: c["accessors"][0].update(componentType=1),
        lambda c: c["accessors"][0].pop("bufferView"),
        lambda c: c["bufferViews"][0].update(byteLength=10**12, byteOffset=10**12),
        lambda c: c["nodes"][3].update(children=[1]),
        lambda c: c["nodes"][3].update(children=[99]),
        lambda c: c["nodes"][1].update(translation=[0, 0]),
        lambda c: c["skins"][0].update(joints=[77]),
        lambda c: c["animations"][0]["channels"][0].update(sampler=5),
        lambda c: c["animations"][0]["samplers"][0].update(interpolation="WAVES"),
        lambda c: c["animations"][0].update(extras={"fps": float("nan")}),
        lambda c: c.update(asset={"version": "1.0"}),
        lambda c: c.update(nodes=[]),
        lambda c: c.update(nodes={"a": 1}),
    ],
)
def test_contradictions_are_refused_in_a_line(tmp_path, change):
    with pytest.raises(MMMError) as caught:
        load_clip(write(tmp_path, broken(change)))
    assert "\n" not in str(caught.value)


def test_a_file_that_breaks_off(tmp_path):
    scene, times, quats = arm()
    scene.animate("Wave", (2, "rotation", times, quats, "LINEAR"))
    whole = write(tmp_path, scene).read_bytes()
    for length in (4, 13, 300, len(whole) - 5):
        (tmp_path / "arm.glb").write_bytes(whole[:length])
        with pytest.raises(FileError):
            load_clip(tmp_path / "arm.glb")


def test_the_limit_of_size_counts(tmp_path, smpl_clip):
    save_clip(smpl_clip, tmp_path / "a.glb")
    with pytest.raises(FileError, match="frames of 24 joints"):
        load_clip(tmp_path / "a.glb", largest=100)
