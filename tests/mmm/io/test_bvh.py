import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mmm.io import load_clip, save_clip
from mmm.io.bvh_out import continuous_euler
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import geodesic_angle
from mmm.motion.skeleton import SMPL24, Skeleton

TINY = """HIERARCHY
ROOT Hips
{
  OFFSET 9 9 9
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 4
Frame Time: 0.0333333
1 2 3 0 0 0 0 0 0
0 0 0 90 0 0 0 90 0
0 0 0 90 90 0 0 0 0
0 0 0 0 0 90 90 0 0
"""


def write(tmp_path, text, name="a.bvh"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_positions_worked_out_by_hand(tmp_path):
    clip = load_clip(write(tmp_path, TINY), unit_m=1.0)
    assert clip.motion.fps == 30
    # The OFFSET of the root is replaced. Z by 90 takes y to -x; then the chest's X by 90 takes y to z, which Z keeps.
    # Third frame: intrinsic Z then X takes y to z (extrinsic would give -x). Fourth: Y leaves y, chest Z takes y to
    # -x, which Y by 90 takes to z.
    np.testing.assert_allclose(
        clip.motion.positions()[:, 0], [[1, 2, 3], [0, 0, 0], [0, 0, 0], [0, 0, 0]], atol=1e-5
    )
    np.testing.assert_allclose(
        clip.motion.positions()[:, 1], [[1, 12, 3], [-10, 0, 0], [0, 0, 10], [0, 10, 0]], atol=1e-5
    )
    np.testing.assert_allclose(
        clip.motion.tip_positions()[:, 0],
        [[1, 17, 3], [-10, 0, 5], [0, 0, 15], [0, 10, 5]],
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("  ", "\t"),
        lambda text: text.upper(),
        lambda text: text + "\n\n  \n",
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n{", " {"),
        lambda text: text.replace(
            "End Site\n    {\n      OFFSET 0 5 0\n    }", "End Site { OFFSET 0 5 0 }"
        ),
        lambda text: text.replace("Frames: 4", "FRAMES:4").replace("Frame Time:", "frame time :"),
        lambda text: text.replace(" 0 0 90 90 0 0", "\n0 0 90 90 0 0"),  # a frame over two lines
        lambda text: text.replace("CHANNELS 3 ", "CHANNELS  3\t").replace("rotation", "rotation "),
    ],
)
def test_ways_of_writing_the_same(tmp_path, change):
    plain = load_clip(write(tmp_path, TINY), unit_m=1.0).motion
    other = load_clip(write(tmp_path, change(TINY), "b.bvh"), unit_m=1.0).motion
    np.testing.assert_array_equal(other.positions(), plain.positions())
    np.testing.assert_array_equal(other.tip_positions(), plain.tip_positions())


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("Frames: 9", "The header promises 9 frames, the file holds 4."),
        ("Frames: 2", "The header promises 2 frames, the file holds 4."),
        ("", ""),
        ("Frames: many", ""),
        ("Frames:", ""),
    ],
)
def test_a_wrong_or_missing_frame_count_is_mended(tmp_path, header, note):
    clip = load_clip(write(tmp_path, TINY.replace("Frames: 4", header)))
    assert len(clip) == 4
    assert [said for said in clip.notes if "promises" in said] == ([note] if note else [])


@pytest.mark.parametrize(
    ("seconds", "fps"),
    [
        ("0.0333333", 30),
        ("0.033333", 30),
        ("0.033", 30),
        ("0.0166666", 60),
        ("0.008333", 120),
        ("0.0416667", 24),
        ("0.04", 25),
        ("0.01", 100),
        ("0.041708", 1 / 0.041708),
        ("0.05", 20),
        ("3.3333333e-02", 30),
    ],
)
def test_frame_times_mean_whole_rates(tmp_path, seconds, fps):
    assert load_clip(write(tmp_path, TINY.replace("0.0333333", seconds))).motion.fps == fps


def test_fps_can_be_given_against_the_header(tmp_path):
    text = TINY.replace("Frame Time: 0.0333333", "Frame Time: 0")
    assert load_clip(write(tmp_path, text), fps=50.0).motion.fps == 50


def test_names_with_spaces_colons_and_duplicates(tmp_path):
    text = TINY.replace("JOINT Chest", "JOINT mixamorig:Left Arm").replace(
        "ROOT Hips", "ROOT mixamorig:Left Arm"
    )
    clip = load_clip(write(tmp_path, text))
    assert clip.motion.skeleton.names == ("mixamorig:Left Arm", "mixamorig:Left Arm_2")
    assert "A second joint 'mixamorig:Left Arm' is called mixamorig:Left Arm_2 here." in clip.notes
    save_clip(clip, tmp_path / "b.bvh")
    assert load_clip(tmp_path / "b.bvh").motion.skeleton.names == clip.motion.skeleton.names


def body(channels, rows, hips="OFFSET 0 0 0", root="OFFSET 0 0 0"):
    """A reference root, hips, a spine and a head, in centimetres; ``channels`` and ``rows`` as in the file."""
    return (
        f"HIERARCHY\nROOT Reference\n{{\n{root}\nCHANNELS {channels[0]}\nJOINT Hips\n{{\n{hips}\n"
        f"CHANNELS {channels[1]}\nJOINT Spine\n{{\nOFFSET 0 50 0\nCHANNELS {channels[2]}\nJOINT Head\n{{\n"
        f"OFFSET 0 20 0\nCHANNELS 1 Zrotation\nEnd Site\n{{\nOFFSET 0 10 0\n}}\n}}\n}}\nJOINT LeftLeg\n{{\n"
        "OFFSET 0 -40 0\nCHANNELS 0\nJOINT LeftFoot\n{\nOFFSET 0 -40 0\nCHANNELS 0\nEnd Site\n{\nOFFSET 0 0 0\n}\n"
        f"}}\n}}\n}}\n}}\nMOTION\nFrames: {len(rows)}\nFrame Time: 0.04\n" + "\n".join(rows) + "\n"
    )


SIX = "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
THREE = "3 Zrotation Xrotation Yrotation"


def test_a_moving_root_above_moving_hips_becomes_one_root(tmp_path):
    # The reference turns by 90 about Y (z to x) and stands at (100, 0, 0); hips at (0, 90, 10) in it, turned by Z 90.
    rows = ["100 0 0 0 0 90  0 90 10 90 0 0  0 0 0  0", "100 0 0 0 0 0  0 90 40 0 0 0  0 0 0  0"]
    clip = load_clip(write(tmp_path, body((SIX, SIX, THREE), rows)))
    assert clip.motion.skeleton.names == ("Hips", "Spine", "Head", "LeftLeg", "LeftFoot")
    np.testing.assert_allclose(clip.motion.root_m, [[1.1, 0.9, 0], [1, 0.9, 0.4]], atol=1e-6)
    # In the first frame the spine goes along the hips' y: Z by 90 makes it -x, Y by 90 makes that z.
    np.testing.assert_allclose(
        clip.motion.positions()[:, 1], [[1.1, 0.9, 0.5], [1, 1.4, 0.4]], atol=1e-6
    )
    assert clip.notes == (
        "Reference moved the whole body together with Hips; they are one root here.",
    )


def test_hips_that_travel_are_the_root_however_near(tmp_path):
    rows = ["0 80 0 0 0 0  0 10 0 0 0 0  0 0 0  0", "0 80 0 0 0 0  0 10 40 0 0 0  0 0 0  0"]
    clip = load_clip(write(tmp_path, body((SIX, SIX, THREE), rows)))
    assert clip.motion.skeleton.names[0] == "Hips"
    np.testing.assert_allclose(clip.motion.root_m, [[0, 0.9, 0], [0, 0.9, 0.4]], atol=1e-6)


def test_hips_high_above_a_root_are_the_root_even_when_nobody_moves(tmp_path):
    clip = load_clip(
        write(tmp_path, body((SIX, SIX, THREE), ["0 0 0 0 0 0  0 90 0 0 0 0  0 0 0  0"]))
    )
    assert clip.motion.skeleton.names[0] == "Hips"


def test_a_root_whose_child_only_turns_is_kept(tmp_path):
    rows = ["0 90 0 0 0 0  0 0 0  0 0 0  0", "50 90 0 0 0 0  0 0 0  0 0 0  0"]
    clip = load_clip(write(tmp_path, body((SIX, THREE, THREE), rows)))
    assert clip.motion.skeleton.names[:2] == ("Reference", "Hips")
    assert not clip.notes


def test_position_channels_of_a_bone_replace_its_offset(tmp_path):
    rows = ["0 0 0 0 0 0  0 90 0 0 0 0  0 45 0 0 0 0  0"] * 2
    clip = load_clip(write(tmp_path, body((SIX, SIX, SIX), rows)))
    np.testing.assert_allclose(clip.motion.skeleton.offsets_m[1], [0, 0.45, 0], atol=1e-6)


def test_position_channels_that_stay_zero_are_added_to_the_offset(tmp_path):
    rows = ["0 0 0 0 0 0  0 90 0 0 0 0  0 0 0 0 0 0  0"] * 2
    clip = load_clip(write(tmp_path, body((SIX, SIX, SIX), rows)))
    np.testing.assert_allclose(clip.motion.skeleton.offsets_m[1], [0, 0.5, 0], atol=1e-6)


def test_a_stretching_bone_takes_its_mean_and_says_so(tmp_path):
    rows = [f"0 0 0 0 0 0  0 90 0 0 0 0  0 {y} 0 0 0 0  0" for y in (44, 46)]
    clip = load_clip(write(tmp_path, body((SIX, SIX, SIX), rows)))
    np.testing.assert_allclose(clip.motion.skeleton.offsets_m[1], [0, 0.45, 0], atol=1e-6)
    assert (
        "1 joints move against their parents, Spine by up to 10.0 mm; their mean offsets are used."
        in clip.notes
    )


def test_a_root_without_position_channels_stands_at_its_offset(tmp_path):
    rows = ["0 0 0  0 0 0  0 0 0  0"]
    clip = load_clip(write(tmp_path, body((THREE, THREE, THREE), rows, root="OFFSET 10 20 30")))
    np.testing.assert_allclose(clip.motion.root_m, [[0.1, 0.2, 0.3]], atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "unit_m"), [(1, 0.01), (0.01, 1.0), (1 / 2.54, 0.0254), (10, 0.001)]
)
def test_the_unit_is_guessed_from_the_body(tmp_path, smpl_clip, scale, unit_m):
    sized = Clip("a", smpl_clip.motion, meta={"bvh": {"unit_m": 0.01 / scale}})
    save_clip(sized, tmp_path / "a.bvh")
    again = load_clip(tmp_path / "a.bvh")
    assert again.meta["bvh"]["unit_m"] == unit_m
    np.testing.assert_allclose(again.motion.positions(), smpl_clip.motion.positions(), atol=1e-4)
    assert not again.notes


def test_an_unnatural_body_is_noted(tmp_path):
    assert (
        "The body is 12.00 m tall with the unit as given; give the true unit if that is wrong."
        in load_clip(write(tmp_path, TINY), unit_m=1.0).notes
    )


def test_z_up_is_turned_upright(tmp_path, smpl_clip):
    still = np.repeat(np.eye(3, dtype=np.float32)[None, None], 20, 0).repeat(24, 1)
    path = np.linspace([0, 0.95, 0], [2, 0.95, 1], 20).astype(np.float32)
    upright = Motion(SMPL24, still, path, 30.0)
    turn = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # y to z
    lying = still.copy()
    lying[:, 0] = turn
    save_clip(Clip("a", Motion(SMPL24, lying, path @ turn.T, 30.0)), tmp_path / "a.bvh")
    clip = load_clip(tmp_path / "a.bvh")
    assert clip.notes == ("The file has Z up; it is turned to Y up here.",)
    np.testing.assert_allclose(clip.motion.positions(), upright.positions(), atol=1e-5)


def test_someone_lying_on_the_floor_is_left_lying(tmp_path):
    turn = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    lying = np.repeat(np.eye(3, dtype=np.float32)[None, None], 5, 0).repeat(24, 1)
    lying[:, 0] = turn
    save_clip(
        Clip("a", Motion(SMPL24, lying, np.full((5, 3), 0.1, np.float32), 30.0)), tmp_path / "a.bvh"
    )
    clip = load_clip(tmp_path / "a.bvh")
    assert not clip.notes
    np.testing.assert_allclose(clip.motion.rotations[:, 0], lying[:, 0], atol=1e-6)


def same(a, b, degrees=0.01, millimetres=0.1):
    assert a.skeleton.same_joints(b.skeleton)
    assert np.degrees(geodesic_angle(a.rotations, b.rotations).max()) < degrees
    assert 1000 * np.abs(a.positions() - b.positions()).max() < millimetres
    assert a.fps == pytest.approx(b.fps)


def test_smpl_comes_back_in_its_own_joint_order(tmp_path, smpl_clip):
    save_clip(smpl_clip, tmp_path / "a.bvh")
    again = load_clip(tmp_path / "a.bvh")
    assert again.motion.skeleton.names == SMPL24.names
    assert not again.motion.skeleton.end_sites
    same(again.motion, smpl_clip.motion, 0.0005, 0.01)


def test_the_writer_puts_units_orders_and_channels_back(tmp_path):
    rows = ["0 90 0 10 20 30  40 50 60  7 8 9  11", "5 90 0 20 20 30  40 50 60  7 8 9  11"]
    text = body(
        (
            "6 Xposition Yposition Zposition Xrotation Zrotation Yrotation",
            "3 Yrotation Xrotation Zrotation",
            THREE,
        ),
        rows,
    )
    save_clip(load_clip(write(tmp_path, text)), tmp_path / "b.bvh")
    lines = (tmp_path / "b.bvh").read_text().split("\n")
    assert [line.strip() for line in lines if "CHANNELS" in line] == [
        "CHANNELS 6 Xposition Yposition Zposition Xrotation Zrotation Yrotation",
        "CHANNELS 3 Yrotation Xrotation Zrotation",
        "CHANNELS 3 Zrotation Xrotation Yrotation",
        "CHANNELS 1 Zrotation",
        "CHANNELS 0",
        "CHANNELS 0",
    ]
    np.testing.assert_allclose(
        [[float(x) for x in line.split()] for line in lines[-3:-1]],
        [[float(x) for x in row.split()] for row in rows],
        atol=1e-4,
    )
    assert sum("End Site" in line for line in lines) == 2


@pytest.mark.parametrize(
    "kept",
    [
        {
            "unit_m": -1,
            "channels": {"Hips": "QQ", "Spine": "Xrotation Xrotation", "Head": 5},
            "above": [["Hips", [0, 0, 0], ""]],
        },
        {
            "unit_m": "big",
            "channels": 3,
            "above": [["A", [0, 0], ""], 4],
            "added": 7,
            "z_up": "yes",
        },
        "no",
        None,
    ],
)
def test_meta_that_makes_no_sense_is_not_put_back(tmp_path, tree_clip, kept):
    save_clip(Clip("a", tree_clip.motion, meta={"bvh": kept}), tmp_path / "a.bvh")
    again = load_clip(tmp_path / "a.bvh")
    same(again.motion, tree_clip.motion)
    turns = "Zrotation Yrotation Xrotation"
    assert again.meta["bvh"] == {
        "unit_m": 0.01,
        "channels": {
            "Hips": f"Xposition Yposition Zposition {turns}",
            "Spine": turns,
            "Head": turns,
        },
    }


@pytest.mark.slow
def test_a_chain_deeper_than_python_recurses(tmp_path):
    count = 1500
    skeleton = Skeleton(
        tuple(f"j{j}" for j in range(count)),
        tuple(range(-1, count - 1)),
        np.tile(np.float32([0, 0.001, 0]), (count, 1)),
    )
    still = np.tile(np.eye(3, dtype=np.float32), (2, count, 1, 1))
    save_clip(
        Clip("a", Motion(skeleton, still, np.ones((2, 3), np.float32), 30.0)), tmp_path / "a.bvh"
    )
    assert len(load_clip(tmp_path / "a.bvh").motion.skeleton) == count


def test_a_hinge_that_was_made_to_turn_freely_gets_all_channels(tmp_path):
    rows = ["0 90 0 0 0 0  0 0 0  0 0 0  11"] * 2
    clip = load_clip(write(tmp_path, body((SIX, THREE, THREE), rows)))
    free = clip.motion.rotations.copy()
    free[:, 3] = Rotation.from_euler("X", 0.5).as_matrix()
    save_clip(
        Clip("a", Motion(clip.motion.skeleton, free, clip.motion.root_m, 25.0), meta=clip.meta),
        tmp_path / "b.bvh",
    )
    np.testing.assert_allclose(
        load_clip(tmp_path / "b.bvh").motion.rotations[:, 3], free[:, 3], atol=1e-6
    )


ORDERS = ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "XYX", "ZXZ", "XY", "ZX", "Y", "Z", ""]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    orders=st.lists(st.sampled_from(ORDERS), min_size=2, max_size=6),
    seed=st.integers(0, 2**32 - 1),
    position_at=st.integers(0, 3),
    shuffle=st.booleans(),
)
def test_any_channel_layout_reads_as_scipy_composes_it_and_survives_a_round_trip(
    tmp_path_factory, orders, seed, position_at, shuffle
):
    rng = np.random.default_rng(seed)
    frames, joints = 5, len(orders)
    parents = [-1] + [int(rng.integers(max(0, j - 2), j)) for j in range(1, joints)]
    places = list(
        rng.permutation(["Xposition", "Yposition", "Zposition"])
        if shuffle
        else ["Xposition", "Yposition", "Zposition"]
    )
    angles = [rng.uniform(-180, 180, (frames, len(order))) for order in orders]
    position, offsets = rng.uniform(-2, 2, (frames, 3)), rng.uniform(-1, 1, (joints, 3))
    order_of_output, text, columns = [], [], []

    def emit(j):
        order_of_output.append(j)
        turns = [f"{axis}rotation" for axis in orders[j]]
        split = min(position_at, len(turns))
        channels = turns if j else turns[:split] + places + turns[split:]
        text.extend(
            [
                f"{'JOINT' if j else 'ROOT'} j{j}",
                "{",
                "OFFSET " + " ".join(map(repr, offsets[j].tolist())),
                f"CHANNELS {len(channels)} " + " ".join(channels),
            ]
        )
        taken = 0
        for channel in channels:
            if channel.endswith("position"):
                columns.append(position[:, "XYZ".index(channel[0])])
            else:
                columns.append(angles[j][:, taken])
                taken += 1
        children = [k for k in range(joints) if parents[k] == j]
        for k in children:
            emit(k)
        text.extend([] if children else ["End Site", "{", "OFFSET 0 0.1 0", "}"])
        text.append("}")

    emit(0)
    rows = [" ".join(map(repr, row)) for row in np.stack(columns, axis=1).tolist()]
    folder = tmp_path_factory.mktemp("layout")
    path = write(
        folder,
        "HIERARCHY\n"
        + "\n".join(text)
        + f"\nMOTION\nFrames: {frames}\nFrame Time: 0.05\n"
        + "\n".join(rows),
    )
    clip = load_clip(path, unit_m=1.0)
    assert clip.motion.skeleton.names == tuple(f"j{j}" for j in order_of_output)

    for frame in range(frames):  # one joint and one frame at a time
        where, turned = {}, {}
        for place, j in enumerate(order_of_output):
            local = (
                Rotation.from_euler(orders[j], angles[j][frame], degrees=True)
                if orders[j]
                else Rotation.identity()
            )
            if j == 0:
                where[j], turned[j] = position[frame], local
            else:
                p = parents[j]
                where[j], turned[j] = where[p] + turned[p].apply(offsets[j]), turned[p] * local
            np.testing.assert_allclose(clip.motion.positions()[frame, place], where[j], atol=2e-5)
            np.testing.assert_allclose(
                clip.motion.world_rotations()[frame, place], turned[j].as_matrix(), atol=1e-5
            )

    save_clip(clip, folder / "again.bvh")
    same(load_clip(folder / "again.bvh", unit_m=1.0).motion, clip.motion)


@pytest.mark.parametrize("order", ["XYZ", "ZYX", "ZXY", "YXZ", "ZXZ"])
def test_written_angles_do_not_jump(order):
    # Several turns about changing axes: plain Euler angles would jump by 180 and 360 degrees all the way.
    time_s = np.linspace(0, 6, 2000)
    axis = np.stack([np.sin(time_s), np.cos(0.7 * time_s), 0.3 + 0 * time_s], axis=1)
    steps = Rotation.from_rotvec(0.02 * axis / np.linalg.norm(axis, axis=1, keepdims=True))
    turned, all_turns = Rotation.identity(), []
    for step in steps:
        turned = turned * step
        all_turns.append(turned.as_matrix())
    matrices = np.array(all_turns, dtype=np.float32)
    angles = continuous_euler(matrices, order)
    np.testing.assert_allclose(Rotation.from_euler(order, angles).as_matrix(), matrices, atol=1e-5)
    middle = np.sin(angles[:, 1]) if order == "ZXZ" else np.cos(angles[:, 1])
    calm = np.abs(middle)[1:] > 0.1  # at gimbal lock angles must hurry
    assert np.abs(np.diff(angles, axis=0))[calm].max() < np.radians(20)
    plain = Rotation.from_matrix(matrices).as_euler(order)
    assert np.abs(np.diff(plain, axis=0))[calm].max() > 3  # the test would notice


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_turning_about_the_middle_axis_goes_on_past_the_poles(order):
    middle = np.linspace(0.1, 4 * np.pi, 1001)  # past four poles, none of them hit
    angles = np.stack([np.full(1001, 0.3), middle, np.full(1001, -0.2)], axis=1)
    matrices = Rotation.from_euler(order, angles).as_matrix().astype(np.float32)
    np.testing.assert_allclose(continuous_euler(matrices, order), angles, atol=1e-3)


@pytest.mark.slow
def test_ten_thousand_frames_of_22_joints_read_in_a_second(tmp_path):
    chain = "".join(
        f"JOINT j{j} {{\nOFFSET 0 7 0\nCHANNELS 3 Zrotation Yrotation Xrotation\n"
        for j in range(1, 22)
    )
    values = np.random.default_rng(0).uniform(-170, 170, (10_000, 69))
    row = " ".join(["%.6f"] * 69)
    text = (
        "HIERARCHY\nROOT Hips {\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation "
        f"Xrotation\n{chain}End Site {{\nOFFSET 0 7 0\n}}\n{'}' * 22}\nMOTION\nFrames: 10000\n"
        "Frame Time: 0.033333\n" + "\n".join(row % tuple(frame) for frame in values.tolist())
    )
    path = write(tmp_path, text)
    took = []
    for _ in range(3):
        began = time.process_time()
        clip = load_clip(path)
        took.append(time.process_time() - began)
    assert clip.motion.rotations.shape == (10_000, 22, 3, 3)
    assert min(took) < 1.0
