"""Edits by hand: their history, and what the page makes of them, without a browser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st_

from dashboard.recover import editing
from dashboard.recover.editing import History
from mmm import edits, load_clip, masks
from tests.dashboard.conftest import ROOT, SAMPLE

SHORT = {"sequence": SAMPLE, "frames": "0-120", "method": "slerp"}
KEY = f"{SAMPLE} 0-120"


@pytest.fixture(scope="module")
def clip():
    return load_clip(ROOT / "data" / "samples" / f"{SAMPLE.partition('/')[2]}.npz", frames=(0, 120))


@given(steps=st_.lists(st_.sampled_from(["a", "b", "undo", "redo"]), max_size=40))
def test_a_history_is_what_two_stacks_say(steps):
    history, done, undone = History(), [()], []
    for step in steps:
        if step == "undo":
            history.undo()
            if len(done) > 1:
                undone.append(done.pop())
        elif step == "redo":
            history.redo()
            if undone:
                done.append(undone.pop())
        else:
            history.do((*history.edits, step))
            done.append((*done[-1], step))
            undone = []
        assert history.edits == done[-1]
        assert (history.can_undo, history.can_redo) == (len(done) > 1, bool(undone))


def test_a_history_forgets_the_oldest_steps_and_steps_that_change_nothing():
    history = History()
    for number in range(editing.MOST_STEPS + 50):
        history.do((f"hide:{number}",))
    history.do(history.edits)
    assert len(history.states) == editing.MOST_STEPS
    history.undo()
    assert history.edits == (f"hide:{editing.MOST_STEPS + 48}",)


@pytest.mark.parametrize(
    ("action", "term"),
    [
        ({"do": "hide", "first": 3, "last": 9, "groups": []}, "hide:3-9"),
        (
            {"do": "pin", "first": 3, "last": 3, "groups": ["left_arm", "head"]},
            "pin:3@left_arm,head",
        ),
        ({"do": "pose", "frame": 9, "from": 3, "groups": ["torso"]}, "pose:9=3@torso"),
        (
            {"do": "retime", "first": 3, "last": 9, "length": 12, "groups": ["torso"]},
            "retime:3-9=12",
        ),
    ],
)
def test_an_action_is_a_term(action, term):
    assert editing.term_of(action) == term


@pytest.mark.parametrize(
    ("action", "terms"),
    [
        ({"do": "hide", "first": 3, "last": 3}, ["hide:3"]),
        ({"do": "move", "frames": [9, 3], "by": -2}, ["move:3,9=1"]),
        ({"do": "copy", "frames": [3, 9], "by": 6}, ["pose:15=9", "pose:9=3"]),
        ({"do": "copy", "frames": [3, 9], "by": -2}, ["pose:1=3", "pose:7=9"]),
        ({"do": "drop", "frames": [3, 9], "pinned": True}, ["unpin:3,9", "hide:3,9"]),
        ({"do": "drop", "frames": [3], "pinned": False}, ["hide:3"]),
        (
            {"do": "turn", "frame": 9, "joint": "left elbow", "angles": [0, -90.123, 5]},
            ["pose:9=0,-90.12,5@leftelbow"],
        ),
        (
            {"do": "place", "frame": 9, "joint": "pelvis", "place": [0.1, 0.95, -2]},
            ["place:9=0.1,0.95,-2"],
        ),
    ],
)
def test_an_action_on_keyframes_is_one_or_more_terms(action, terms):
    assert editing.terms_of(action) == terms


def frames(page) -> list[int]:
    return np.flatnonzero(page.stage[1]["hidden"].any(axis=1)).tolist()


def do(page, *actions):
    """What the stage's tools would ask for, and the page after it."""
    steps: History = page.app.session_state["edit_steps"][KEY]
    for action in actions:
        if action in ("undo", "redo"):
            getattr(steps, action)()
        else:
            steps.do(edits.add(steps.edits, action))
    page.app.run()
    return page


@pytest.mark.slow
def test_a_link_with_edits_opens_with_them(open_workbench, clip):
    spec = "span:40-79+hide:90-95+known:50-55+pin:60+pose:70=5+retime:100-104=12"
    page = open_workbench(**SHORT, hide=spec)
    expected = edits.apply(spec, clip)
    np.testing.assert_array_equal(page.stage[1]["hidden"], expected.mask.hidden)
    header = page.stage[0]
    assert (header["edit"]["spec"], header["edit"]["pinned"], header["edit"]["keyframes"]) == (
        spec,
        [60],
        [60, 70],
    )
    assert header["edit"]["posed"] == [70]
    assert page.stage[1]["recorded"].tolist() == expected.truth_frames.tolist()
    assert page.address["hide"] == spec
    assert page.app.session_state["span"] == (40, 79)


@pytest.mark.slow
def test_edits_too_long_for_a_link_lie_in_a_file_of_the_visit(open_workbench):
    joints = ("left_elbow", "right_elbow", "neck", "left_knee")
    turns = [f"pose:{f}=10.25,-20.5,{f}@{j}" for f in range(50, 70) for j in joints]
    spec = "+".join(("span:40-79", "pin:50-69", *turns))
    page = open_workbench(**SHORT, hide=spec)
    assert page.stage[0]["edit"]["spec"] == spec
    address = page.address["hide"]
    assert address.startswith("file-")
    other = open_workbench(**SHORT, hide=address)  # of another visit
    assert "too long for an address" in other.said
    assert other.errors == []
    do(other, "hide:3")
    assert "too long for an address" not in other.said


@pytest.mark.slow
@pytest.mark.parametrize(
    "written", ["span:40-79 pin:45-46 hide:3@legs, head", "span:40-79+pin:45-46+hide:3@legs,head"]
)
def test_a_link_written_by_hand(open_workbench, written):
    page = open_workbench(**SHORT, hide=written)
    assert page.address["hide"] == "span:40-79+pin:45-46+hide:3@legs,head"
    assert frames(page) == [3, *(f for f in range(40, 80) if f not in (45, 46))]


@pytest.mark.slow
def test_undo_restores_the_exact_mask_and_redo_brings_it_back(open_workbench):
    page = open_workbench(**SHORT, hide="every:10")
    masks_seen = [page.stage[1]["hidden"].copy()]
    for action in (
        "hide:20-40@left_arm,head",
        "pin:25",
        "hide:0-60",
        "retime:70-75=20",
        "pose:72=3",
    ):
        masks_seen.append(do(page, action).stage[1]["hidden"].copy())
    for before in masks_seen[-2::-1]:
        np.testing.assert_array_equal(do(page, "undo").stage[1]["hidden"], before)
    for after in masks_seen[1:]:
        np.testing.assert_array_equal(do(page, "redo").stage[1]["hidden"], after)
    assert page.errors == []


@pytest.mark.slow
def test_pins_and_edits_outlive_a_change_of_the_pattern(open_workbench):
    page = do(open_workbench(**SHORT, hide="span:40-79"), "pin:45-46")
    page.set("kind", "keep").set("keep", 1).set("hide", 119)
    assert frames(page) == [f for f in range(1, 120) if f not in (45, 46)]
    assert page.address["hide"] == "keep:1,hide:119+pin:45-46"


@pytest.mark.slow
def test_each_part_of_a_sequence_has_edits_of_its_own(open_workbench):
    page = do(open_workbench(**SHORT, hide="span:40-79"), "hide:3")
    page.set(f"frames-{SAMPLE}", (0, 110))
    assert page.address["hide"] == "span:40-79"
    page.set(f"frames-{SAMPLE}", (0, 120))
    assert page.address["hide"] == "span:40-79+hide:3"


@pytest.mark.slow
def test_edits_that_do_not_fit_are_said_and_can_be_undone(open_workbench):
    page = open_workbench(**SHORT, hide="span:40-79+hide:500")
    assert "hide:500: not inside the clip's 120 frames" in " ".join(page.errors)
    assert frames(page) == []
    assert page.stage[0]["edit"]["edits"] == 1  # so that Clear is there
    do(page, "hide:3")  # what is wrong stays wrong
    page.app.session_state["edit_steps"][KEY].do(())
    page.app.run()
    assert page.errors == []
    assert frames(page) == list(range(40, 80))


@pytest.mark.slow
def test_where_nothing_was_recorded_no_number_is_shown(open_workbench):
    page = open_workbench(**SHORT, hide="none+retime:40-79=50").until(lambda page: page.app.info)
    assert "No error can be measured" in " ".join(info.value for info in page.app.info)
    assert page.table == ""
    assert "50 frames lie in gaps" in page.said


def test_actions_come_once_and_in_order(monkeypatch, clip):
    state = {}

    class State(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    state = State(stage={"edit": None})
    monkeypatch.setattr(editing.st, "session_state", state)
    said = []
    monkeypatch.setattr(editing.st, "toast", lambda text, icon: said.append(text))
    nothing = masks.none(clip)
    desk = editing.Desk("key", clip, "none", 0, "none", edits.Edited(clip, nothing, nothing.hidden))
    log = [{"serial": n, "do": "hide", "first": n, "last": n, "groups": []} for n in range(3)]
    state["stage"]["edit"] = {"client": "a", "log": log[:2]}
    editing.receive(desk)
    state["stage"]["edit"] = {"client": "a", "log": log}  # what was heard comes along once more
    editing.receive(desk)
    assert editing.history("key").edits == ("hide:0,1,2",)
    state["stage"]["edit"] = {
        "client": "a",
        "log": [
            {"serial": 3, "do": "undo"},
            {"serial": 4, "do": "clear"},
            {"serial": 5, "do": "hide", "first": 500, "last": 500},
        ],
    }
    editing.receive(desk)
    assert editing.history("key").edits == ()
    assert "500" in said[0]
    # A hand is brought to a place with the edits so far; what cannot be is said in one line.
    reach = {"do": "reach", "frame": 9, "joint": "left_wrist", "place": [0.3, 1.2, 0.2]}
    state["stage"]["edit"]["log"] += [
        {"serial": 6, **reach},
        {"serial": 7, "do": "undo"},
        {"serial": 8, **reach, "place": [1e30, 0, 0]},
        {"serial": 9, **reach, "joint": "tail"},
        {"serial": 10, "do": "turn", "frame": 9, "joint": "head", "angles": [float("nan"), 0, 0]},
    ]
    editing.receive(desk)
    assert [len(states) for states in editing.history("key").states][-1] == 3
    assert editing.history("key").edits == ()
    assert ["within 1000 m" in said[1], "no such joint" in said[2], "not a pose" in said[3]] == [
        True
    ] * 3
    state["stage"]["edit"] = {"client": "b", "log": log[:1]}  # another stage counts for itself
    editing.receive(desk)
    assert editing.history("key").edits == ("hide:0",)
    assert desk.is_old
