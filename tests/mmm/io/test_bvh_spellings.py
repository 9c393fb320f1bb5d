"""The same body in every spelling that programs write, against positions worked out by hand."""

import re

import numpy as np
import pytest

from mmm.errors import FileError, SpecError
from mmm.io import load_clip, save_clip
from mmm.io.body import body_height
from mmm.io.bvh_motion import frame_rate
from mmm.io.choosing import Choice
from mmm.motion.facing import facing_deg
from tests.mmm.io.bodies import BONES, HEAD_CM, HEIGHT_CM, HIPS_CM, body


def read(tmp_path, text, encoding="utf-8", **facts):
    path = tmp_path / "a.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return load_clip(path, **facts)


def head_m(clip, name="Head"):
    return clip.motion.positions()[0, clip.motion.skeleton.names.index(name)]


def stands(clip, head="Head", scale=1.0, hips_cm=HIPS_CM):
    """Head straight above the hips, in metres, whatever the file's unit and axes were."""
    np.testing.assert_allclose(
        head_m(clip, head), [0, scale * (hips_cm + HEAD_CM) / 100, 0], atol=2e-5 * scale
    )
    assert body_height(clip.motion.skeleton) == pytest.approx(scale * HEIGHT_CM / 100, abs=0.01)


# White space, keywords, marks


@pytest.mark.parametrize(
    "keyword", ["ROOT", "JOINT", "OFFSET", "CHANNELS", "End", "Frame", "Frames:"]
)
@pytest.mark.parametrize("space", ["\t", "\t ", "  \t  ", " \x0b", "\xa0"])
def test_any_white_space_after_any_keyword(tmp_path, keyword, space):
    stands(read(tmp_path, re.sub(rf"({keyword}) ", rf"\1{space}", body())))


def test_tabs_between_the_words_of_a_line(tmp_path):
    text = re.sub(r"(?<=\S) (?=\S)", "\t", body())
    stands(read(tmp_path, text.replace("End\tSite", "End Site")))


@pytest.mark.parametrize(
    "name",
    [
        "offset",
        "Channels",
        "Hips.Offset",
        "JOINT",
        "End Site",
        "Motion",
        "the ROOT of all",
        "CHANNELS 3",
    ],
)
def test_keywords_inside_joint_names(tmp_path, name):
    clip = read(tmp_path, body(names={"Neck": name}))
    assert clip.motion.skeleton.names[2] == name
    stands(clip)


@pytest.mark.parametrize(
    "end", ["EndSite", "End_Site", "end site", "End  Site", "End Site LeftToe_end"]
)
def test_spellings_of_the_end_site(tmp_path, end):
    stands(read(tmp_path, body().replace("End Site", end)))


def test_braces_and_statements_on_one_line(tmp_path):
    text = body()
    hierarchy, motion = text.split("MOTION")
    flat = re.sub(r"\s*\n\s*(?=[{}]|OFFSET|CHANNELS|End)", " ", hierarchy)
    assert flat.count("\n") < hierarchy.count("\n") / 2
    stands(read(tmp_path, flat + "MOTION" + motion))


@pytest.mark.parametrize("mark", ["\x1a", "\x1a\n", "\n\x1a\x1a", "\x1a\0\0\0"])
def test_the_end_of_file_mark_of_dos(tmp_path, mark):
    clip = read(tmp_path, body().replace("\n", "\r\n") + mark)
    assert len(clip) == 2
    stands(clip)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_files(tmp_path, encoding):
    names = {"Head": "Tête", "Neck": "首"}
    clip = read(tmp_path, body(names=names), encoding)
    assert set(names.values()) < set(clip.motion.skeleton.names)
    stands(clip, "Tête")


# Names


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp932", {"Hips": "センター", "Head": "頭", "LeftArm": "左腕", "RightArm": "右腕"}),
        ("cp932", {"Neck": "首"}),
        ("gb18030", {"Hips": "骨盆", "Head": "头", "LeftArm": "左上臂", "RightLeg": "右小腿"}),
        ("big5", {"Head": "頭", "LeftArm": "左臂", "Hips": "骨盆", "RightHand": "右手"}),
        ("cp949", {"Head": "머리", "LeftArm": "왼팔", "Neck": "목"}),
        ("cp1252", {"Head": "Tête", "LeftHand": "LeftHand_é"}),
        ("cp1252", {"Head": "Kopf", "Hips": "Hüfte", "LeftFoot": "Fuß_L"}),
        ("cp1251", {"Head": "голова", "Neck": "шея", "LeftArm": "левая рука"}),
    ],
)
def test_names_are_decoded_and_written_back_as_they_came(tmp_path, encoding, names):
    clip = read(tmp_path, body(names=names), encoding)
    expected = [names.get(name, name) for name, _, _ in BONES]
    assert list(clip.motion.skeleton.names) == expected
    save_clip(clip, tmp_path / "b.bvh")
    written = (tmp_path / "b.bvh").read_bytes()
    for name in names.values():
        assert name.encode(encoding) in written
    assert load_clip(tmp_path / "b.bvh").motion.skeleton.names == clip.motion.skeleton.names
    save_clip(clip, tmp_path / "c.npz")
    assert load_clip(tmp_path / "c.npz").motion.skeleton.names == clip.motion.skeleton.names


def test_bytes_that_no_encoding_explains_are_kept(tmp_path):
    text = body(names={"Neck": "NECK"}).encode().replace(b"NECK", b"N\x81\x8d\xff\x9d")
    clip = read(tmp_path, text)
    save_clip(clip, tmp_path / "b.bvh")
    assert b"N\x81\x8d\xff\x9d" in (tmp_path / "b.bvh").read_bytes()


# Frame rates


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.005", 200), ("0.008", 125), ("0.006", 1 / 0.006), ("0.021", 48), ("0.011", 90),
        ("0.004", 250), ("0.0139", 72), ("0.014", 72), ("0.0083", 120), ("0.0333", 30),
        ("0.03", 1 / 0.03), ("0.02", 50), ("0.016", 60), ("0.017", 60), ("0.041", 24),
        ("0.042", 24), ("0.0417", 24), ("0.00694", 144), ("0.1", 10), ("1.0", 1),
        ("0.002", 500), ("0.001", 1000), ("0.0066667", 150), ("0.033367", 1 / 0.033367),
    ],
)  # fmt: skip
def test_frame_times_mean_the_nearest_rate_that_rounds_to_them(written, fps):
    assert frame_rate(written) == pytest.approx(fps, rel=1e-9)


@pytest.mark.parametrize(
    "rate", [10, 12, 15, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 200, 240]
)
@pytest.mark.parametrize("digits", [4, 5, 6, 8])
def test_a_rounded_time_of_a_usual_rate_means_it(rate, digits):
    assert frame_rate(f"{1 / rate:.{digits}f}") == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("written", ["0", "-0.1", "1e-320", "1e400", "", "x"])
def test_what_is_no_time_has_no_rate(written):
    assert frame_rate(written) is None


@pytest.mark.parametrize(
    "written",
    ["0.033333 s", "0.033333 sec", "0.033333s", "33.333 ms", "0,033333", "0.033333 seconds"],
)
def test_units_after_the_frame_time(tmp_path, written):
    assert read(tmp_path, body(frame_time=written)).motion.fps == 30


def test_the_true_frame_rate_can_be_given(tmp_path):
    slow = read(tmp_path, body(frame_time="1.0", frames=21))
    assert "give the true frame rate" in " ".join(slow.notes)
    clip = read(tmp_path, body(frame_time="1.0", frames=21), true_fps=30)
    assert (clip.motion.fps, clip.motion.duration_s) == (30, 0.7)
    assert not clip.notes
    missing = body().replace("Frame Time: 0.0333333\n", "")
    with pytest.raises(FileError, match=r"no Frame Time .* give the true frame rate"):
        read(tmp_path, missing)
    assert read(tmp_path, missing, true_fps=30).motion.fps == 30
    with pytest.raises(SpecError, match="true frame rate"):
        read(tmp_path, missing, true_fps=1e-320)


# Which way is up


@pytest.mark.parametrize("scale", [1.0, 0.01, 1 / 2.54, 10.0])
@pytest.mark.parametrize("hips_cm", [HIPS_CM, 0.0])
def test_z_up_is_found_at_its_place_and_at_the_origin(tmp_path, scale, hips_cm):
    clip = read(tmp_path, body(scale=scale, z_up=True, root=(0, hips_cm, 0)))
    stands(clip, hips_cm=hips_cm)
    assert any("Z up" in note for note in clip.notes)


def test_z_up_is_found_for_a_giant(tmp_path):
    stands(read(tmp_path, body(scale=2.0, z_up=True)), scale=2.0)


RIGIFY = {
    "Hips": "DEF-spine", "Spine": "DEF-spine.002", "Neck": "DEF-spine.004", "Head": "DEF-spine.006",
    "LeftArm": "DEF-upper_arm.L", "LeftForeArm": "DEF-forearm.L", "LeftHand": "DEF-hand.L",
    "RightArm": "DEF-upper_arm.R", "RightForeArm": "DEF-forearm.R", "RightHand": "DEF-hand.R",
    "LeftUpLeg": "DEF-thigh.L", "LeftLeg": "DEF-shin.L", "LeftFoot": "DEF-foot.L",
    "RightUpLeg": "DEF-thigh.R", "RightLeg": "DEF-shin.R", "RightFoot": "DEF-foot.R",
}  # fmt: skip


def test_z_up_is_found_where_the_head_is_a_numbered_spine(tmp_path):
    stands(read(tmp_path, body(z_up=True, names=RIGIFY)), "DEF-spine.006")


def test_y_up_stays(tmp_path):
    for hips_cm in (HIPS_CM, 0.0):
        clip = read(tmp_path, body(root=(0, hips_cm, 0)))
        stands(clip, hips_cm=hips_cm)
        assert not clip.notes


# Height and unit


@pytest.mark.parametrize("scale", [1.0, 0.01, 1 / 2.54, 10.0])
@pytest.mark.parametrize("floor_root", [False, True])
@pytest.mark.parametrize(
    "extra",
    [
        (),
        (("Hair1", "Head", (0, 18, 0)), ("Hair2", "Hair1", (0, 90, 0))),
        (("Hat", "Head", (0, 40, 0)),),
        (("Sword", "RightHand", (0, 150, 0)), ("SwordTip", "Sword", (0, 50, 0))),
        (("Pony", "Neck", (0, 100, -50)),),
        (("Tail", "Hips", (0, 0, -200)),),
    ],
)
def test_the_unit_is_told_by_the_body_alone(tmp_path, scale, floor_root, extra):
    clip = read(tmp_path, body(scale=scale, floor_root=floor_root, extra=extra))
    stands(clip)
    assert not [note for note in clip.notes if "tall" in note]


@pytest.mark.parametrize("size", [0.5, 0.58, 0.7])
def test_children_in_centimetres(tmp_path, size):
    stands(read(tmp_path, body(scale=size)), scale=size)


def test_the_unit_can_be_given_by_name(tmp_path):
    for unit, metres in (("cm", 0.01), ("inch", 0.0254), (0.02, 0.02), ("0.5", 0.5)):
        clip = read(tmp_path, body(), unit=unit)
        stands(clip, scale=metres * 100)


# Position channels


@pytest.mark.parametrize(
    "positions",
    [
        lambda name, offset: (0, 0, 0),
        lambda name, offset: (1e-6, -1e-6, 0),
        lambda name, offset: (1e-3, 0, -1e-3),
        lambda name, offset: offset,
        lambda name, offset: tuple(value + 1e-6 for value in offset),
        lambda name, offset: (0, 0, 0) if name == "LeftHand" else offset,
    ],
)
@pytest.mark.parametrize("floor_root", [False, True])
def test_positions_replace_offsets_or_are_added_to_them(tmp_path, positions, floor_root):
    clip = read(tmp_path, body(positions=positions, floor_root=floor_root))
    names = clip.motion.skeleton.names
    np.testing.assert_allclose(head_m(clip)[1], (HIPS_CM + HEAD_CM) / 100, atol=1e-4)
    hands = clip.motion.positions()[0, [names.index("LeftHand"), names.index("RightHand")]]
    np.testing.assert_allclose(hands[:, 0], [0.69, -0.69], atol=1e-4)
    assert not clip.notes or floor_root
    save_clip(clip, tmp_path / "b.bvh")
    again = load_clip(tmp_path / "b.bvh")
    np.testing.assert_allclose(again.motion.positions(), clip.motion.positions(), atol=1e-5)


def test_one_joint_that_moves_does_not_decide_for_itself(tmp_path):
    clip = read(
        tmp_path,
        body(positions=lambda name, offset: (0, 0.2, 0) if name == "Spine" else (0, 0, 0)),
    )
    np.testing.assert_allclose(head_m(clip), [0, (HIPS_CM + HEAD_CM + 0.2) / 100, 0], atol=1e-5)
    save_clip(clip, tmp_path / "b.bvh")
    np.testing.assert_allclose(head_m(load_clip(tmp_path / "b.bvh")), head_m(clip), atol=1e-5)


# Several bodies


def test_one_of_several_bodies_is_read(tmp_path):
    one, two = body(frames=1), body(frames=1, root=(200, HIPS_CM, 0), names={"Hips": "Anna"})
    (above, numbers), (other, others) = one.split("MOTION"), two.split("MOTION")
    row = numbers.strip().split("\n")[-1] + " " + others.strip().split("\n")[-1]
    text = (
        above + other.replace("HIERARCHY\n", "") + f"MOTION\nFrames: 1\nFrame Time: 0.04\n{row}\n"
    )
    first = read(tmp_path, text)
    stands(first)
    assert "Of 2 bodies Hips was read; Anna can be chosen as body." in first.notes
    for choice in ("Anna", "2", 2):
        second = read(tmp_path, text, body=choice)
        np.testing.assert_allclose(second.motion.root_m[0], [2, HIPS_CM / 100, 0], atol=1e-6)
        assert second.motion.skeleton.names[0] == "Anna"
    assert Choice.of(first.meta, "body") == Choice("body", ("Hips", "Anna"), 0)
    assert Choice.of(second.meta, "body") == Choice("body", ("Hips", "Anna"), 1)
    with pytest.raises(SpecError, match="body Bob: "):
        read(tmp_path, text, body="Bob")


def test_facing_is_told_where_only_the_role_finder_knows_the_names(tmp_path):
    assert facing_deg(read(tmp_path, body(names=RIGIFY)).motion) == pytest.approx(0, abs=0.1)
