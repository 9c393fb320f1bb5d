"""The form of every message: where, what was found, what was expected, what to do."""

import pytest

from mmm.errors import FileError, MMMError, ModelError, SpecError


@pytest.mark.parametrize("kind", [MMMError, FileError, SpecError, ModelError])
def test_a_message_has_four_parts(kind):
    error = kind("walk.bvh", "2 frames", "at least 3", "choose a longer file")
    assert str(error) == "walk.bvh: 2 frames; expected at least 3; choose a longer file"
    assert (error.source, error.problem) == ("walk.bvh", "2 frames")
    assert (error.expected, error.cure) == ("at least 3", "choose a longer file")


def test_parts_may_be_missing():
    assert str(FileError("a.npz", "no such file")) == "a.npz: no such file"
    assert (
        str(FileError("a.npz", "damaged", cure="copy it again")) == "a.npz: damaged; copy it again"
    )
    assert str(SpecError("x", "not a pattern", "every:N")) == "x: not a pattern; expected every:N"


def test_a_message_is_one_line_however_long_its_parts_are():
    error = FileError("a\nb" * 400, "line one\r\n\tline two" * 400)
    assert "\n" not in str(error)
    assert "\t" not in str(error)
    assert len(str(error)) < 1_500
    assert " ... " in error.source
