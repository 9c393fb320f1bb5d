"""Every broken BVH gives one line that names the file, the line and the cure."""

import re

import pytest

from mmm.errors import FileError
from mmm.io import load_clip
from tests.mmm.io.test_bvh import TINY

BROKEN = {
    "cut off in the last line": (
        lambda t: t[:-8],
        r"a\.bvh line 22: 6 values; expected 9 .*the file is cut off",
    ),
    "cut off inside the tree": (
        lambda t: t[:120],
        r"a\.bvh line 6: the file ends without MOTION; .*cut off",
    ),
    "cut off after the tree": (
        lambda t: t[: t.index("MOTION")],
        r"line 16: the file ends without MOTION",
    ),
    "a short line in the middle": (
        lambda t: t.replace("0 0 0 90 0 0 0 90 0", "0 0 0 90"),
        r"a\.bvh line 20: 4 values; expected 9 \(one per channel\); export it again$",
    ),
    "a long and a short line": (
        lambda t: t.replace("1 2 3 0 0 0 0 0 0\n0 0", "1 2 3 0 0 0 0 0 0 0\n0").replace(
            "Frames: 4", "Frames: 5"
        ),
        r"a\.bvh line 19: 10 values; expected 9",
    ),
    "NaN": (lambda t: t.replace("1 2 3", "1 nan 3"), r"a\.bvh line 19: nan is not a finite number"),
    "NaN first": (
        lambda t: t.replace("1 2 3", "nan 2 3"),
        r"a\.bvh line 19: nan is not a finite number",
    ),
    "infinity": (
        lambda t: t.replace("1 2 3", "1 2 -inf"),
        r"a\.bvh line 19: -inf is not a finite number",
    ),
    "too large": (
        lambda t: t.replace("1 2 3", "1 2 1e300"),
        r"a\.bvh line 19: 1e300 is not a finite number",
    ),
    "decimal commas": (
        lambda t: t.replace("1 2 3", "1,5 2 3"),
        r"a\.bvh line 19: '1,5' is no number; expected 9",
    ),
    "a word": (
        lambda t: t.replace("0 90 90", "0 ninety 90"),
        r"a\.bvh line 21: 'ninety' is no number",
    ),
    "no frames": (
        lambda t: t[: t.index("1 2 3")].replace("Frames: 4", "Frames: 0"),
        r"a\.bvh line 19: no frames",
    ),
    "no frame time": (
        lambda t: t.replace("Frame Time: 0.0333333\n", ""),
        r"line 18: no Frame Time above zero; .*give the true frame rate",
    ),
    "frame time zero": (lambda t: t.replace("0.0333333", "0"), r"no Frame Time above zero"),
    "frame time NaN": (lambda t: t.replace("0.0333333", "nan"), r"no Frame Time above zero"),
    "a wrong offset": (
        lambda t: t.replace("OFFSET 0 10 0", "OFFSET 0 10"),
        r"line 8: OFFSET 0 10; expected three numbers",
    ),
    "an infinite offset": (
        lambda t: t.replace("OFFSET 0 10 0", "OFFSET 0 inf 0"),
        r"line 8: OFFSET 0 inf 0 is not finite",
    ),
    "too few channel names": (
        lambda t: t.replace("CHANNELS 3 Z", "CHANNELS 4 Z"),
        r"line 9: CHANNELS 4 followed by 3 names; expected as many names",
    ),
    "an unknown channel": (
        lambda t: t.replace("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation"),
        r"line 9: channel 'Wrotation'; expected Xposition \.\.\. Zrotation",
    ),
    "one axis twice running": (
        lambda t: t.replace("CHANNELS 3 Zrotation X", "CHANNELS 3 Xrotation X"),
        r"line 9: channels Xrotation Xrotation Yrotation",
    ),
    "one position twice": (
        lambda t: t.replace("Xposition Y", "Yposition Y"),
        r"line 5: channels Yposition Yposition",
    ),
    "no channels at all": (
        lambda t: re.sub(r"CHANNELS.*", "CHANNELS 0", t),
        r"a\.bvh: no joint has channels",
    ),
    "a brace too few": (
        lambda t: t.replace("}\nMOTION", "MOTION"),
        r"line 14: 1 braces are not closed before MOTION",
    ),
    "a brace too many": (
        lambda t: t.replace("}\nMOTION", "}\n}\nMOTION"),
        r"line 16: a \} too many",
    ),
    "a joint outside the tree": (
        lambda t: t.replace("      OFFSET 0 5 0\n", "      OFFSET 0 5 0\n      JOINT Tip\n"),
        r"line 13: a joint under an end site",
    ),
    "an unknown word": (
        lambda t: t.replace("  JOINT", "  BONE"),
        r"line 6: 'BONE Chest'; expected ROOT, JOINT, End Site",
    ),
    "no root": (lambda t: "HIERARCHY\n" + t[t.index("MOTION") :], r"a\.bvh line 1: no ROOT"),
    "an unknown header": (
        lambda t: t.replace("Frames: 4", "Speed: 4"),
        r"a\.bvh line 17: 'Speed: 4'; expected Frames:",
    ),
    "something else": (
        lambda t: "solid cube\nfacet",
        r"a\.bvh line 1: 'solid cube.*'; expected HIERARCHY",
    ),
    "nothing": (lambda t: "", r"a\.bvh: the file is empty; download or export it again"),
    "blank lines": (lambda t: "\n\n", r"a\.bvh line 1: ''; expected HIERARCHY"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_message(tmp_path, name):
    breaks, message = BROKEN[name]
    text = breaks(TINY)
    assert text != TINY
    path = tmp_path / "a.bvh"
    path.write_text(text)
    with pytest.raises(FileError, match=message) as caught:
        load_clip(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG picture"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"Kaydara FBX Binary  \x00", "an FBX scene"),
        (b"PK\x03\x04", "a zip archive"),
        (b"abc\0def", "not text"),
    ],
)
def test_renamed_files(tmp_path, data, kind):
    path = tmp_path / "a.bvh"
    path.write_bytes(data)
    with pytest.raises(FileError, match=f"a.bvh: {kind}; expected a BVH file; rename it"):
        load_clip(path)
