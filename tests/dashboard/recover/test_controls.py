"""The side bar's values: from a link, within their ranges, and the default gap."""

import pytest
import streamlit as st

from dashboard.recover import controls, link


@pytest.fixture
def state(monkeypatch):
    """A session's state without a session."""
    values: dict = {}

    class State(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    monkeypatch.setattr(st, "session_state", State(values))
    return st.session_state


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("span:3-9", {"kind": "span", "span": (3, 9)}),
        ("every:15@legs", {"kind": "every", "every": 15, "groups": ["legs"]}),
        ("keep:5,hide:7", {"kind": "keep", "keep": 5, "hide": 7}),
        ("random:.25", {"kind": "random", "share": 0.25}),
        ("first@left_arm,head", {"kind": "first", "groups": ["left_arm", "head"]}),
        ("frames:3,9", {"kind": "spec", "spec_text": "frames:3,9"}),
        ("span:3-9+first", {"kind": "spec", "spec_text": "span:3-9+first"}),
        ("span:3-9@left_wrist", {"kind": "spec", "spec_text": "span:3-9@left_wrist"}),
        ("banana", {"kind": "spec", "spec_text": "banana"}),
    ],
)
def test_a_spec_sets_the_widgets_that_say_it(state, spec, expected):
    link.put_spec(spec)
    assert dict(state) == expected


def test_what_the_user_has_already_set_is_left_alone(state):
    state["kind"] = "first"
    link.put_spec("every:4")
    assert state["kind"] == "first"


@pytest.mark.parametrize(
    ("default", "now", "expected"), [(15, 3, 3), (15, 0, 2), (15, 1000, 60), (15, None, 15)]
)
def test_values_beyond_a_widgets_range_are_moved_into_it(state, default, now, expected):
    if now is not None:
        state["every"] = now
    controls._clamped("every", default, 2, 60)
    assert state["every"] == expected


@pytest.mark.parametrize("frames", [3, 4, 10, 59, 90, 600])
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_the_default_gap_has_known_frames_on_both_sides(frames, fps):
    first, last = controls.default_gap(frames, fps)
    assert 0 < first <= last < frames - 1
    assert last - first + 1 == max(1, min(round(fps), frames // 3))


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (30, 59, "1.0 s. The networks are good for gaps up to 2 s."),
        (30, 89, "2.0 s. The networks are good for gaps up to 2 s."),
        (30, 119, "expect larger errors"),
        (0, 29, "without known frames on both sides"),
        (270, 299, "without known frames on both sides"),
    ],
)
def test_the_page_says_what_to_expect_of_a_gap(first, last, words):
    assert words in controls.gap_words(first, last, 300, 30.0)
