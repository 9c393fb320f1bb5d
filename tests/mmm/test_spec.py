"""The terms of a SPEC as they are read, and the document that explains them."""

import re
from pathlib import Path

import pytest

from mmm import edits
from mmm.errors import SpecError
from mmm.motion.clip import Clip
from mmm.spec import Term, kind_of, parse_term, parse_terms, split
from tests.mmm.making import smooth_motion

DOCUMENT = (Path(__file__).parents[2] / "docs" / "spec.md").read_text(encoding="utf-8")
KINDS = {
    *("random", "every", "span", "first", "keep", "frames", "none"),
    *("hide", "known", "pin", "unpin", "pose", "reach", "place", "move", "retime"),
}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("random:.25", Term("random:.25", "random", share=0.25)),
        ("every:15", Term("every:15", "every", (15,))),
        ("keep:5,hide:3", Term("keep:5,hide:3", "keep", (5, 3))),
        ("first@legs,Hips", Term("first@legs,Hips", "first", joints=("legs", "Hips"))),
        ("first@", Term("first@", "first", joints=())),
        ("pin:3,5-9", Term("pin:3,5-9", "pin", ranges=((3, 3), (5, 9)))),
        ("pose:7=2@root", Term("pose:7=2@root", "pose", (7, 2), joints=("root",))),
        (
            "pose:7=1,-2.5,360@Left Arm",
            Term(
                "pose:7=1,-2.5,360@Left Arm",
                "pose",
                (7,),
                (),
                0.0,
                ("Left Arm",),
                (1.0, -2.5, 360.0),
            ),
        ),
        (
            "reach:7=1,-2.5,0@w",
            Term("reach:7=1,-2.5,0@w", "reach", (7,), joints=("w",), place_m=(1.0, -2.5, 0.0)),
        ),
        ("place:7=1,-2.5,0", Term("place:7=1,-2.5,0", "place", (7,), place_m=(1.0, -2.5, 0.0))),
        ("move:3,5-9=4", Term("move:3,5-9=4", "move", (4,), ((3, 3), (5, 9)))),
        ("retime:3-9=4", Term("retime:3-9=4", "retime", (3, 9, 4))),
    ],
)
def test_a_term_is_read(text, term):
    assert parse_term(text) == term


def test_spaces_do_not_count():
    assert [term.text for term in parse_terms(" every:5 @ Left Arm + first ")] == [
        "every:5@LeftArm",
        "first",
    ]


@pytest.mark.parametrize(
    "text", ["", "keep:5", "pin", "every:1.5", "first:1", "hidden:3", "keep:5,keep:5"]
)
def test_what_is_no_term_is_refused(text):
    with pytest.raises(
        SpecError, match=f"{re.escape(repr(text))} is not a pattern; expected random"
    ):
        parse_term(text)


@pytest.mark.parametrize("text", ["pose:3=4", "retime:3-9=4", "pin:3@legs", "first@pose:3"])
def test_the_kind_is_the_word_before_the_colon(text):
    assert kind_of(text) == re.match("[a-z]+", text)[0]


def test_the_document_names_every_kind_of_term():
    rows = set(re.findall(r"^\| `([a-z]+)", DOCUMENT, re.MULTILINE))
    assert rows >= KINDS


@pytest.mark.parametrize(
    "spec", re.findall(r"^\| `([a-z]+(?::[^`]*)?)` \|", DOCUMENT, re.MULTILINE)
)
def test_every_term_in_the_document_works(spec):
    clip = Clip("dance", smooth_motion(1, 200))
    edited = edits.apply(spec, clip)
    assert edits.apply(edited.mask.label, clip).mask.hidden.tolist() == edited.mask.hidden.tolist()
    pattern, terms = split(spec)
    assert "+".join(filter(None, [pattern if pattern != "none" else "", *terms])) in (spec, "")
