import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.motion.rotations import geodesic_angle

ASF = """# a comment
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lfemur
    direction 0 -1 0
    length 10
    axis 0 0 90 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
    id 2
    name lfoot
    direction 0 0 1
    length 4
    axis 30 40 50 ZXY
    dof rz rx
  end
  begin
    id 3
    name spine
    direction 0 1 0
    length 12
    axis 0 0 0 XYZ
  end
  begin
    id 4
    name head
    direction 0 1 0
    length 5
    axis 90 0 0 XYZ
    dof ry
  end
:hierarchy
  begin
    root lfemur spine
    lfemur lfoot
    spine head
  end
"""
AMC = """#!OML:ASF somewhere
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
lfemur 0 0 0
lfoot 0 0
head 0
2
root 0 0 0 90 0 90
lfemur 90 0 0
lfoot 10 20
head 90
"""
UNIT = 0.0254 / 0.45


@pytest.fixture
def write(tmp_path):
    def make(amc=AMC, asf=ASF, name="05_01.amc", asf_name="05.asf", folder=tmp_path):
        folder.mkdir(parents=True, exist_ok=True)
        if asf is not None:
            (folder / asf_name).write_text(asf)
        (folder / name).write_text(amc)
        return folder / name

    return make


def test_positions_worked_out_by_hand(write):
    clip = load_clip(write())
    skeleton = clip.motion.skeleton
    assert skeleton.names == ("root", "lfemur", "lfoot", "spine", "head")
    assert skeleton.parents == (-1, 0, 1, 0, 3)
    # At rest: bones begin where the one before ends.
    at_rest = np.array([[1, 2, 3], [1, 2, 3], [1, -8, 3], [1, 2, 3], [1, 14, 3]])
    np.testing.assert_allclose(clip.motion.positions()[0], at_rest * UNIT, atol=1e-5)
    np.testing.assert_allclose(
        clip.motion.tip_positions()[0], np.array([[1, -8, 7], [1, 19, 3]]) * UNIT, atol=1e-5
    )
    # Second frame, root: Rz(90) Rx(90) takes y to z, z to x. The femur's axes are turned by Rz(90): its x is the
    # world's y, so it turns by 90 about y: its own direction -y stays, and the root makes it -z.
    np.testing.assert_allclose(
        clip.motion.positions()[1, 2], np.array([0, 0, -10]) * UNIT, atol=1e-5
    )
    np.testing.assert_allclose(
        clip.motion.positions()[1, 4], np.array([0, 0, 12]) * UNIT, atol=1e-5
    )
    # The head's y is turned to z by its axis: 90 about z takes its direction y to -x, which the root takes to -y.
    np.testing.assert_allclose(
        clip.motion.tip_positions()[1, 1], np.array([0, -5, 12]) * UNIT, atol=1e-5
    )


def test_axis_and_channel_orders_are_extrinsic_as_scipy_has_them(write):
    clip = load_clip(write())
    c = Rotation.from_euler("zxy", [30, 40, 50], degrees=True)
    m = Rotation.from_euler("zx", [10, 20], degrees=True)
    np.testing.assert_allclose(
        clip.motion.rotations[1, 2], (c * m * c.inv()).as_matrix(), atol=1e-6
    )


def test_radians(write):
    degrees = load_clip(write())
    in_radians = (
        AMC.replace(":DEGREES", ":RADIANS")
        .replace("90", repr(np.pi / 2))
        .replace("lfoot 10 20", f"lfoot {np.pi / 18!r} {np.pi / 9!r}")
    )
    asf = (
        ASF.replace("angle deg", "angle rad")
        .replace("axis 0 0 90", f"axis 0 0 {np.pi / 2!r}")
        .replace("axis 30 40 50", "axis " + " ".join(map(repr, np.radians([30, 40, 50]).tolist())))
        .replace("axis 90 0 0", f"axis {np.pi / 2!r} 0 0")
    )
    again = load_clip(
        write(amc=in_radians, asf=asf, name="b.amc"), asf=write(asf=asf).parent / "05.asf"
    )
    np.testing.assert_allclose(again.motion.positions(), degrees.motion.positions(), atol=1e-5)


def test_carriage_returns_and_bones_in_any_order(write):
    plain = load_clip(write()).motion
    mixed = AMC.replace("lfoot 10 20\nhead 90", "head 90\nlfoot 10 20").replace("\n", "\r\n")
    np.testing.assert_array_equal(load_clip(write(amc=mixed)).motion.positions(), plain.positions())


@pytest.mark.parametrize(
    ("folder", "header", "given", "fps"),
    [
        ("plain", "", None, 120),
        ("walks_60fps/05", "", None, 60),
        ("walks_30fps", "", None, 30),
        ("walks_60fps", ":SAMPLES-PER-SECOND 25\n", None, 25),
        ("walks_60fps", "", 24.0, 24),
    ],
)
def test_frame_rate(write, tmp_path, folder, header, given, fps):
    path = write(amc=header + AMC, folder=tmp_path / folder)
    assert load_clip(path, fps=given).motion.fps == fps


def test_the_unit_is_inches_by_the_length_unless_the_body_says_otherwise(write):
    assert load_clip(write()).meta["amc"]["unit_m"] == pytest.approx(UNIT)
    inches = load_clip(
        write(
            asf=ASF.replace("length 0.45", "length 1")
            .replace("length 10", "length 30")
            .replace("length 12", "length 36")
        )
    )
    assert inches.meta["amc"]["unit_m"] == 0.0254
    assert (
        load_clip(
            write(
                asf=ASF.replace("length 0.45", "length 1")
                .replace("length 10", "length 80")
                .replace("length 12", "length 90")
            )
        ).meta["amc"]["unit_m"]
        == 0.01
    )
    assert load_clip(write(), unit_m=0.05).meta["amc"]["unit_m"] == 0.05


def test_the_skeleton_is_found_by_name_then_by_fit_then_above(write, tmp_path):
    other = ASF.replace("length 10", "length 11")
    write(asf=other, asf_name="04.asf")
    path = write()
    assert load_clip(path).meta["amc"]["asf"] == "05.asf"
    assert load_clip(path, asf=tmp_path / "04.asf").motion.skeleton.offsets_m[
        2, 1
    ] == pytest.approx(-11 * UNIT)
    inner = write(asf=None, folder=tmp_path / "in" / "side", name="walk.amc")
    (tmp_path / "03.asf").write_text(ASF.replace("dof ry", "dof ry rz"))
    clip = load_clip(inner)
    assert clip.meta["amc"]["asf"] == "04.asf"
    assert clip.notes == (
        "The skeleton was taken from 04.asf; 05.asf would fit too (give the right .asf if that is wrong).",
    )


def test_bvh_written_from_it_keeps_the_movement(write, tmp_path):
    clip = load_clip(write())
    save_clip(clip, tmp_path / "a.bvh")
    again = load_clip(tmp_path / "a.bvh", unit_m=0.01)
    assert again.motion.skeleton.same_joints(clip.motion.skeleton)
    assert np.degrees(geodesic_angle(again.motion.rotations, clip.motion.rotations).max()) < 0.01
    np.testing.assert_allclose(again.motion.tip_positions(), clip.motion.tip_positions(), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace("lfoot 10 20", "lfoot 10"),
            r"05_01\.amc line 12: 'lfoot 10'; expected lfoot and 2 finite",
        ),
        (lambda t: t.replace("head 90", "head nan"), r"line 13: 'head nan'; .*cut off"),
        (lambda t: t.replace("lfemur 0 0 0", "lfemur 0 zero 0"), r"line 6: 'lfemur 0 zero 0'"),
        (
            lambda t: t.replace("head 90\n", ""),
            r"line 13: the last frame has no line for head; .*cut off",
        ),
        (
            lambda t: t.replace("head 0\n", ""),
            r"line 11: .*head|line \d+: frame 1 has no line for head",
        ),
        (lambda t: t[: t.index("1\nroot")], r"line 4: no frames; expected at least one"),
        (
            lambda t: t.replace("1\nroot", "root", 1),
            r"line 4: 'root 1 2 3 0 0 0' before the first frame number",
        ),
        (
            lambda t: t.replace("head 90", "head 90\nhead 80"),
            r"line 14: 'head 80' a second time in one frame",
        ),
        (
            lambda t: t.replace("head", "skull"),
            r"no fitting \.asf beside it \(skull is no bone of 05\.asf\)",
        ),
        (
            lambda t: t.replace("lfoot 10 20", "lfoot 1 2 3").replace("lfoot 0 0", "lfoot 0 0 0"),
            r"no fitting \.asf beside it \(lfoot has 3 numbers per frame, not the 2 of 05\.asf\)",
        ),
        (
            lambda t: t.replace("head 90\n", "").replace("head 0\n", ""),
            r"\(no line for head, a bone of 05\.asf\)",
        ),
        (
            lambda t: ":SAMPLES-PER-SECOND fast\n" + t,
            r"line 1: SAMPLES-PER-SECOND fast; expected a positive number",
        ),
        (lambda t: "", "the file is empty"),
    ],
)
def test_broken_motions(write, change, message):
    with pytest.raises(FileError, match=message) as caught:
        load_clip(write(amc=change(AMC)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace("direction 0 -1 0", "direction 0 -1"),
            r"05\.asf line 16: 0 -1; expected 3 numbers",
        ),
        (lambda t: t.replace("length 10", "length nan"), r"line 17: nan; expected 1 numbers"),
        (
            lambda t: t.replace("axis 0 0 90 XYZ", "axis 0 0 90 XYY"),
            r"line 18: axis order 'XYY'; expected XYZ",
        ),
        (
            lambda t: t.replace("dof rx ry rz", "dof rx ry rw"),
            r"line 19: channels \['rw'\]; expected tx ty tz rx ry rz",
        ),
        (lambda t: t.replace("dof rx ry rz", "dof rx rx rz"), r"line 19: channels rx rx rz"),
        (
            lambda t: t.replace("name lfoot", "name lfemur"),
            r"line 31: bone name 'lfemur'; expected a name of its own",
        ),
        (
            lambda t: t.replace("    spine head", "    spine tail"),
            r"line 51: child 'tail'; expected a bone of :bonedata",
        ),
        (lambda t: t.replace("    spine head\n", ""), r"1 bones are not in :hierarchy"),
        (
            lambda t: t.replace("    spine head", "    spine head\n    head lfoot"),
            r"bone 'lfoot' has two parents",
        ),
        (lambda t: t[:200], r"the file ends without :bonedata and :hierarchy"),
        (
            lambda t: t.replace("length 0.45", "length 0"),
            r"line 5: length 0; expected a positive number",
        ),
        (lambda t: "\xff\xd8\xff", r"expected an ASF skeleton|the file ends without"),
    ],
)
def test_broken_skeletons(write, tmp_path, change, message):
    path = write(asf=change(ASF))
    with pytest.raises(FileError, match=message) as caught:
        load_clip(path, asf=tmp_path / "05.asf")
    assert "\n" not in str(caught.value)


def test_no_skeleton_anywhere(write):
    with pytest.raises(
        FileError,
        match=r"no fitting \.asf beside it; .*; put it in the same folder, or give its \.asf",
    ):
        load_clip(write(asf=None))
    with pytest.raises(FileError, match=r"nowhere\.asf: no such file"):
        load_clip(write(), asf="nowhere.asf")
