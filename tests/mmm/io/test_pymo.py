from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.io.pymo import from_pymo, to_pymo
from tests.mmm.io.test_bvh import TINY


def parsed():
    """What PyMO's parser makes of the tiny file (by its source: pymo/parsers.py)."""
    six = ["Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation"]
    three = six[3:]
    skeleton = {
        "Hips": {
            "parent": None,
            "channels": six,
            "offsets": [9.0, 9.0, 9.0],
            "children": ["Chest"],
        },
        "Chest": {
            "parent": "Hips",
            "channels": three,
            "offsets": [0.0, 10.0, 0.0],
            "children": ["Chest_Nub"],
        },
        "Chest_Nub": {
            "parent": "Chest",
            "channels": [],
            "offsets": [0.0, 5.0, 0.0],
            "children": [],
        },
    }
    names = [("Hips", channel) for channel in six] + [("Chest", channel) for channel in three]
    rows = [[float(word) for word in line.split()] for line in TINY.split("\n")[18:22]]
    values = pd.DataFrame(
        rows,
        index=pd.to_timedelta(np.arange(4) * 0.0333333, unit="s"),
        columns=[f"{name}_{channel}" for name, channel in names],
    )
    return SimpleNamespace(
        skeleton=skeleton, values=values, channel_names=names, framerate=0.0333333, root_name="Hips"
    )


def test_reads_what_pymo_parses_as_we_read_the_file(tmp_path):
    (tmp_path / "a.bvh").write_text(TINY)
    ours, theirs = (
        load_clip(tmp_path / "a.bvh", unit_m=1.0).motion,
        from_pymo(parsed(), unit_m=1.0).motion,
    )
    assert theirs.digest() == ours.digest()


def test_columns_may_stand_in_any_order():
    data = parsed()
    data.values = data.values[data.values.columns[::-1]]
    np.testing.assert_array_equal(
        from_pymo(data).motion.rotations, from_pymo(parsed()).motion.rotations
    )


def test_gives_pymo_what_it_would_parse_from_our_file(tmp_path):
    (tmp_path / "a.bvh").write_text(TINY)
    data = to_pymo(load_clip(tmp_path / "a.bvh", unit_m=1.0))
    wanted = parsed()
    assert data.skeleton == {
        name: {**joint, "offsets": pytest.approx(joint["offsets"])}
        for name, joint in wanted.skeleton.items()
    }
    assert (data.channel_names, data.root_name) == (wanted.channel_names, "Hips")
    assert data.framerate == pytest.approx(1 / 30)
    assert list(data.values.columns) == list(wanted.values.columns)
    # 90 about X under Z by 90 has one writing only; the angles may differ by whole turns.
    np.testing.assert_allclose(
        data.values.to_numpy() % 360 % 359.9999, wanted.values.to_numpy() % 360, atol=1e-3
    )
    assert list(data.traverse()) == ["Hips", "Chest", "Chest_Nub"]
    assert data.values.index[1] == pd.Timedelta(seconds=1 / 30)


def test_there_and_back(smpl_clip):
    again = from_pymo(to_pymo(smpl_clip)).motion
    assert again.skeleton.same_joints(smpl_clip.motion.skeleton)
    np.testing.assert_allclose(again.rotations, smpl_clip.motion.rotations, atol=1e-6)
    np.testing.assert_allclose(again.root_m, smpl_clip.motion.root_m, atol=1e-6)
    assert again.fps == 60


def test_a_clone_can_be_changed_alone(smpl_clip):
    data = to_pymo(smpl_clip)
    other = data.clone()
    other.values = other.values * 0
    other.skeleton.pop("head")
    assert data.values.to_numpy().any()
    assert "head" in data.skeleton


def test_written_as_bvh_it_is_the_same(tmp_path, smpl_clip):
    save_clip(from_pymo(to_pymo(smpl_clip)), tmp_path / "a.bvh")
    np.testing.assert_allclose(
        load_clip(tmp_path / "a.bvh").motion.positions(), smpl_clip.motion.positions(), atol=1e-5
    )


def change(**changes):
    data = parsed()
    for key, value in changes.items():
        setattr(data, key, value)
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            SimpleNamespace(values=1),
            "a SimpleNamespace without skeleton, framerate, root_name; expected a MocapData",
        ),
        (change(root_name="Pelvis"), "root 'Pelvis', 0.0333333 seconds per frame, 4 frames"),
        (change(framerate=0.0), "0.0 seconds per frame"),
        (change(values=parsed().values.iloc[:0]), "0 frames"),
        (
            change(values=parsed().values.drop(columns="Chest_Xrotation")),
            "no column Chest_Xrotation; .*inverse of",
        ),
        (change(values=parsed().values.replace(90.0, np.nan)), "not finite in frame 1"),
        (
            change(skeleton={"Hips": {**parsed().skeleton["Hips"], "children": ["Lost"]}}),
            "joint 'Lost' is incomplete",
        ),
    ],
)
def test_messages(data, message):
    with pytest.raises(FileError, match=message) as caught:
        from_pymo(data)
    assert "\n" not in str(caught.value)
