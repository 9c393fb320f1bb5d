"""A BVH that goes through the workbench comes back with its own skeleton, names, units, channels, rate and up axis.

The oracle reads a file by the format's rules alone, as Blender does: intrinsic turns in the order of the channels,
position channels in place of the OFFSET; only SciPy turns anything.
"""

import io
import tarfile

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm import interpolate, masks
from mmm.io import load_clip, save_clip


def oracle(text):
    """Frame rate, what stands in the hierarchy line by line, and world places (T, J, 3) in the file's unit."""
    head, _, table = text.partition("MOTION")
    lines = table.strip().split("\n")
    values = np.array(
        [[float(word) for word in line.split()] for line in lines[2:] if line.strip()]
    )
    names, parents, offsets, channels, open_ = [], [], [], [], []
    for words in (line.split() for line in head.split("\n")):
        if words and words[0] in ("ROOT", "JOINT"):
            parents.append(next((j for j in reversed(open_) if j >= 0), -1))
            names.append(words[1])
            pending = len(names) - 1
        elif words[:1] == ["End"]:
            pending = -1
        elif words == ["{"]:
            open_.append(pending)
        elif words == ["}"]:
            open_.pop()
        elif words[:1] == ["OFFSET"] and open_[-1] >= 0:
            offsets.append([float(word) for word in words[1:]])
        elif words[:1] == ["CHANNELS"]:
            channels.append(words[2:])
    return {
        "names": names,
        "parents": parents,
        "channels": channels,
        "frame_time": float(lines[1].split(":")[1]),
        "values": values,
        "world": places(values, parents, offsets, channels),
    }


def places(values, parents, offsets, channels):
    """World places by the rules: intrinsic turns in channel order, position channels instead of the OFFSET."""
    at, world, turned = 0, np.zeros((len(values), len(parents), 3)), []
    for j, words in enumerate(channels):
        columns = values[:, at : at + len(words)]
        at += len(words)
        place = np.tile(offsets[j], (len(values), 1))
        for c, word in enumerate(words):
            if word.endswith("position"):
                place[:, "XYZ".index(word[0])] = columns[:, c]
        turns = [c for c, word in enumerate(words) if word.endswith("rotation")]
        order = "".join(words[c][0] for c in turns)
        local = (
            Rotation.from_euler(order, columns[:, turns], degrees=True)
            if order
            else Rotation.identity(len(values))
        )
        above = turned[parents[j]] if j else None
        turned.append(above * local if above is not None else local)
        world[:, j] = place if above is None else world[:, parents[j]] + above.apply(place)
    return world


def there_and_back(text, folder, unit_m):
    """The file recovered with a gap and written again: known frames are where they were, the layout is the file's."""
    (folder / "in.bvh").write_text(text)
    clip = load_clip(folder / "in.bvh")
    hidden = masks.parse(f"span:{len(clip) // 3}-{len(clip) // 2}", clip)
    result = interpolate("slerp", clip, hidden)
    save_clip(result.recovered, folder / "out.bvh")
    before, after = oracle(text), oracle((folder / "out.bvh").read_text())
    assert after["names"] == before["names"]
    assert after["parents"] == before["parents"]
    assert after["channels"] == before["channels"]
    assert after["frame_time"] == pytest.approx(before["frame_time"], rel=1e-3)
    assert len(after["values"]) == len(before["values"])
    known = ~hidden.frames
    apart_mm = 1000 * unit_m * np.linalg.norm(after["world"] - before["world"], axis=2)[known]
    top = len(before["names"]) - len(
        clip.motion.skeleton
    )  # what stood above the root is put back unmoved
    assert apart_mm[:, top:].max() < 0.1
    assert (
        1000 * unit_m * np.abs(after["world"] - before["world"])[~known][:, top:].max() > 0.1
    )  # the gap is another
    words = [word for channels in after["channels"] for word in channels]
    rotations = [c for c, word in enumerate(words) if word.endswith("rotation")]
    assert np.abs(np.diff(after["values"][:, rotations], axis=0)).max() < 180
    return clip, before, after


def made(root, moving, z_up=False):
    """Twelve joints' worth of odd layout: six channels on a child, positions after rotations, an extra root."""
    frames = np.arange(40)
    up = "0 0 {0}" if z_up else "0 {0} 0"
    lines = [
        "HIERARCHY",
        *root,
        "JOINT Hips",
        "{",
        f"OFFSET {up.format(93.9)}",
        f"CHANNELS {moving}",
        "JOINT RightLeg",
        "{",
        f"OFFSET {up.format(-45)}",
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
        "JOINT RightFoot",
        "{",
        f"OFFSET {up.format(-45)}",
        "CHANNELS 3 Yrotation Xrotation Zrotation",
        "End Site",
        "{",
        "OFFSET 0 0 0",
        "}",
        "}",
        "}",
        "JOINT LeftLeg",
        "{",
        f"OFFSET {up.format(-45)}",
        "CHANNELS 1 Xrotation",
        "JOINT LeftFoot",
        "{",
        f"OFFSET {up.format(-45)}",
        "CHANNELS 0",
        "End Site",
        "{",
        "OFFSET 0 0 10",
        "}",
        "}",
        "}",
        "JOINT Head",
        "{",
        f"OFFSET {up.format(70)}",
        "CHANNELS 3 Zrotation Yrotation Xrotation",
        "End Site",
        "{",
        f"OFFSET {up.format(5)}",
        "}",
        "}",
        "}",
        "}",
        "MOTION",
        f"Frames: {len(frames)}",
        "Frame Time: 0.008333",
    ]
    leg = (0, 0, -45) if z_up else (0, -45, 0)
    for t in frames:
        hips = {
            "Xposition": t,
            "Yposition": 3 if z_up else 90,
            "Zposition": 90 if z_up else t / 2,
            "Xrotation": 3 * np.sin(t / 9),
            "Yrotation": 5 * t if not z_up else 1.0,
            "Zrotation": 4 * np.cos(t / 5),
        }
        row = [0.0] * 6 + [hips[word] for word in moving.split()[1:]] + [*leg, t, -2 * t, 10]
        row += [30 * np.sin(t / 7), t, -t, 20 * np.sin(t / 4), t / 3, 10, t]
        lines.append(" ".join(f"{value:.6f}" for value in row))
    return "\n".join(lines) + "\n"


SIX = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
ROOT = ("ROOT joint_Root", "{", "OFFSET 0 0 0", SIX)


def test_an_extra_root_six_channels_and_odd_orders(tmp_path):
    clip, _, after = there_and_back(made(ROOT, SIX.partition(" ")[2]), tmp_path, 0.01)
    assert "joint_Root" not in clip.motion.skeleton.names  # folded on reading, put back on writing
    assert after["names"][0] == "joint_Root"
    assert clip.motion.fps == 120


def test_positions_behind_rotations(tmp_path):
    there_and_back(
        made(ROOT, "6 Yrotation Xrotation Zrotation Zposition Xposition Yposition"), tmp_path, 0.01
    )


def test_z_up_stays_z_up(tmp_path):
    clip, _, after = there_and_back(made(ROOT, SIX.partition(" ")[2], z_up=True), tmp_path, 0.01)
    assert any("turned to Y up" in note for note in clip.notes)
    assert clip.motion.positions()[:, 0, 1].mean() == pytest.approx(0.9, abs=0.01)
    assert after["world"][:, 1, 2].mean() == pytest.approx(90, abs=1)


def test_the_layout_lives_through_npz(tmp_path):
    (tmp_path / "a.bvh").write_text(made(ROOT, SIX.partition(" ")[2], z_up=True))
    save_clip(load_clip(tmp_path / "a.bvh"), tmp_path / "a.npz")
    save_clip(load_clip(tmp_path / "a.bvh"), tmp_path / "direct.bvh")
    save_clip(load_clip(tmp_path / "a.npz"), tmp_path / "by_npz.bvh")
    assert (tmp_path / "by_npz.bvh").read_text() == (tmp_path / "direct.bvh").read_text()


def short(text, frames=90):
    lines = text.replace("\r\n", "\n").split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("Frames"))
    return "\n".join([*lines[:at], f"Frames: {frames}", *lines[at + 1 : at + 2 + frames]]) + "\n"


def from_tar(path, ending):
    with tarfile.open(path) as packed:
        member = next(m for m in packed if m.name.endswith(ending))
        return io.TextIOWrapper(packed.extractfile(member), newline="").read()


@pytest.mark.shared_data
def test_a_lafan1_take(shared, tmp_path):
    there_and_back(short((shared / "lafan1" / "jumps1_subject1.bvh").read_text()), tmp_path, 0.01)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("archive", "ending", "unit_m"),
    [
        ("bandai_namco/dataset-1.tar.xz", "dash_proud_001.bvh", 0.01),
        ("cmu/salsa_indian_bvh_60fps.tar.xz", "salsa_07.bvh", 0.0254 / 0.45),
        ("cmu/subjects_bvh_60fps.tar.xz", "01_01.bvh", 0.0254 / 0.45),
    ],
)
def test_a_bandai_namco_clip_and_cmu_takes(shared, tmp_path, archive, ending, unit_m):
    there_and_back(short(from_tar(shared / archive, ending)), tmp_path, unit_m)
