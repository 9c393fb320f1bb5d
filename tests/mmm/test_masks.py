import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm import masks
from mmm.errors import SpecError
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton, joint_indices
from mmm.spec import split
from tests.mmm.making import TINY, clip_of, smooth_motion, wild_motion

CLIP = clip_of(30)


def frames_hidden(spec: str, clip: Clip = CLIP) -> list[int]:
    """Frames in which every joint is hidden; no frame may be hidden in part."""
    hidden = masks.parse(spec, clip).hidden
    assert (hidden.any(axis=1) == hidden.all(axis=1)).all()
    return np.flatnonzero(hidden.all(axis=1)).tolist()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("every:15", [*range(1, 15), *range(16, 30)]),
        ("every:2", list(range(1, 30, 2))),
        ("every:99", list(range(1, 30))),
        ("span:8-11", [8, 9, 10, 11]),
        ("span:0-0", [0]),
        ("span:29-29", [29]),
        ("first", [0]),
        ("keep:5,hide:5", [*range(5, 10), *range(15, 20), *range(25, 30)]),
        ("keep:1,hide:3", [f for f in range(30) if f % 4]),
        ("frames:3,9,20-23", [3, 9, 20, 21, 22, 23]),
        ("frames:9,3", [3, 9]),
        ("none", []),
        ("first+span:4-5", [0, 4, 5]),
        ("span:4-9+known:5,7-8", [4, 6, 9]),
        ("known:5+span:4-6", [4, 5, 6]),  # what is said later wins
        ("span:4-9+hide:12,14-15+known:14", [*range(4, 10), 12, 15]),
        ("pin:5+span:4-6+frames:5", [4, 6]),  # but of what is pinned
        ("span:4-6+pin:5+unpin:5", [4, 6]),  # it stays known
        ("span:4-6+pin:5+unpin:5+hide:5", [4, 5, 6]),  # until a term hides it
        ("pin:3-9+unpin:4+span:0-9", [0, 1, 2, 4]),
        (" span:4 - 5 ", [4, 5]),
    ],
)
def test_patterns(spec, expected):
    assert frames_hidden(spec) == expected


def test_random_hides_that_share_and_depends_on_the_seed_alone():
    clip = clip_of(2000)
    mask = masks.parse("random:0.15", clip, seed=4)
    assert 0.12 < mask.frames.mean() < 0.18
    np.testing.assert_array_equal(mask.hidden, masks.parse("random:0.15", clip, seed=4).hidden)
    assert (mask.hidden != masks.parse("random:0.15", clip, seed=5).hidden).any()


@given(
    frames=st.integers(2, 12), seed=st.integers(0, 1000), share=st.sampled_from([0.001, 0.5, 0.999])
)
def test_random_leaves_something_to_see_and_something_to_do(frames, seed, share):
    hidden = masks.random(clip_of(frames), share, seed).frames
    assert hidden.any()
    assert not hidden.all()


@pytest.mark.parametrize(
    ("groups", "joints"),
    [
        ("left_arm", {"LeftArm"}),
        ("left_arm,right_arm", {"LeftArm", "RightArm"}),
        ("arms", {"LeftArm", "RightArm"}),
        ("legs", {"LeftFoot", "RightFoot"}),
        ("lower", {"Hips", "LeftFoot", "RightFoot"}),
        ("upper", {"Spine", "LeftArm", "RightArm"}),
        ("root", {"Hips"}),
        ("torso", {"Hips", "Spine"}),
        ("all", set(TINY.names)),
        ("Spine,right_leg", {"Spine", "RightFoot"}),
    ],
)
def test_joint_groups(groups, joints):
    hidden = masks.parse(f"span:4-6@{groups}", CLIP).hidden
    assert np.flatnonzero(hidden.any(axis=1)).tolist() == [4, 5, 6]
    assert {TINY.names[j] for j in np.flatnonzero(hidden.any(axis=0))} == joints
    assert hidden.sum() == 3 * len(joints)


TERMS = st.one_of(
    st.floats(0.01, 0.99).map(lambda share: lambda clip: masks.random(clip, share, 7)),
    st.integers(2, 40).map(lambda n: lambda clip: masks.every_nth(clip, n)),
    st.tuples(st.integers(0, 29), st.integers(0, 29)).map(
        lambda ab: lambda clip: masks.span(clip, min(ab), max(ab))
    ),
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(
        lambda kh: lambda clip: masks.keep_hide(clip, *kh)
    ),
    st.sets(st.integers(0, 29), min_size=1).map(
        lambda chosen: lambda clip: masks.frames(clip, chosen)
    ),
    st.just(masks.first),
    st.just(masks.none),
)
NAMES = st.lists(st.sampled_from([*TINY.names, *TINY.groups]), min_size=1, max_size=3)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    builders=st.lists(st.tuples(TERMS, st.none() | NAMES), min_size=1, max_size=3),
    outer=st.none() | NAMES,
)
def test_every_label_makes_its_mask_again(builders, outer):
    mask = None
    for build, names in builders:
        term = build(CLIP)
        term = term if names is None else masks.joints(CLIP, term, names)
        mask = term if mask is None else mask | term
    if outer is not None:
        mask = masks.joints(CLIP, mask, outer)
    again = masks.parse(mask.label, CLIP, seed=7)
    np.testing.assert_array_equal(again.hidden, mask.hidden)


SPANS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), min_size=1, max_size=3)
EDITS = st.tuples(
    st.sampled_from(["hide", "known", "pin", "unpin", "frames"]), SPANS, st.none() | NAMES
)


def spec_of(kind: str, spans: list[tuple[int, int]], names: list[str] | None) -> str:
    return (
        f"{kind}:"
        + ",".join(f"{min(s)}-{max(s)}" for s in spans)
        + (f"@{','.join(names)}" if names else "")
    )


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(terms=st.lists(EDITS, min_size=1, max_size=6), outer=st.none() | NAMES)
def test_edits_mean_what_a_loop_over_them_means(terms, outer):
    hidden, pinned = np.zeros((30, len(TINY)), dtype=bool), np.zeros((30, len(TINY)), dtype=bool)
    for kind, spans, names in terms:
        joints = joint_indices(TINY, names) if names else range(len(TINY))
        for frame in {f for a, b in spans for f in range(min(a, b), max(a, b) + 1)}:
            for joint in joints:
                if kind in ("known", "pin"):
                    hidden[frame, joint] = False
                elif kind in ("hide", "frames"):
                    hidden[frame, joint] |= not pinned[frame, joint]
                pinned[frame, joint] = (pinned[frame, joint] or kind == "pin") and kind != "unpin"
    mask = masks.parse("+".join(spec_of(*term) for term in terms), CLIP)
    np.testing.assert_array_equal(mask.hidden, hidden)
    np.testing.assert_array_equal(
        np.zeros_like(pinned) if mask.pinned is None else mask.pinned, pinned
    )
    if outer is not None:
        mask = masks.joints(CLIP, mask, outer)
    again = masks.parse(mask.label, CLIP)
    np.testing.assert_array_equal(again.hidden, mask.hidden)
    assert (again.pinned is None) == (mask.pinned is None)


def test_joined_masks_only_hide():
    plain, known = masks.parse("span:4-9", CLIP), masks.parse("span:2-5+known:3", CLIP)
    assert (known | plain).label == "span:2-5+known:3+span:4-9"
    for left, right in ((plain, known), (masks.parse("pin:5", CLIP), plain)):
        with pytest.raises(SpecError, match="join the SPECs"):
            left | right


@pytest.mark.parametrize(
    ("spec", "pattern", "edits"),
    [
        ("every:15", "every:15", ()),
        ("first+span:3-4@legs", "first+span:3-4@legs", ()),
        ("keep:5,hide:5+hide:3", "keep:5,hide:5", ("hide:3",)),
        ("pin:3 + every:5", "none", ("pin:3", "every:5")),
        ("first+pose:3=4+first", "first", ("pose:3=4", "first")),
    ],
)
def test_edits_begin_where_a_hand_has_been(spec, pattern, edits):
    assert split(spec) == (pattern, edits)


def test_a_parsed_label_stays_as_it_was():
    for spec in (
        "random:0.15",
        "every:15",
        "span:3-8",
        "first",
        "keep:5,hide:5",
        "frames:3,9,20-25",
        "none",
        "span:3-6@left_arm,right_arm",
        "first+span:4-5@legs",
        "every:5+hide:3-4@legs+known:5+pin:7+unpin:7@legs",
    ):
        assert masks.parse(spec, CLIP).label == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is not a pattern; expected random:0.15"),
        ("evry:15", "'evry:15' is not a pattern"),
        ("every:-3", "is not a pattern"),
        ("every:1e3", "is not a pattern"),
        ("every:" + "9" * 5000, "is not a pattern"),
        ("every:١٥", "is not a pattern"),
        ("random:nan", "is not a pattern"),
        ("first+", "'' is not a pattern"),
        ("every:1", "every:1: nothing would be hidden; expected a step of 2 or more"),
        ("random:0", "random:0: a share outside 0 to 1"),
        ("random:1.5", "random:1.5: a share outside 0 to 1"),
        ("keep:0,hide:5", "keep:0,hide:5: a count below 1"),
        ("span:8-30", "span:8-30: not inside the clip's 30 frames; expected 0 to 29"),
        ("span:9-8", "span:9-8: not inside"),
        ("frames:30", "frames:30: not inside the clip's 30 frames"),
        ("frames:9-3", "frames:9-3: not inside"),
        ("frames:5,9-3", "frames:9-3: not inside"),
        ("frames:0-999999999", "frames:0-999999999: not inside"),
        ("known:30", "known:30: not inside the clip's 30 frames"),
        ("known:", "'known:' is not a pattern"),
        ("pin:x", "'pin:x' is not a pattern"),
        (
            "first+pose:3=4",
            "'pose:3=4' changes the motion, not only what is hidden of it.*mmm.edits.apply",
        ),
        ("retime:3-4=9", "'retime:3-4=9' changes the motion"),
        ("every:5@", "@: no joint named; expected a group .*left_arm"),
        (
            "every:5@tail",
            "@tail: no such joint or group; expected a group .*left_arm.* or a joint .*LeftArm",
        ),
        ("every:5@legs@arms", "@legs@arms: no such joint or group"),
    ],
)
def test_what_is_wrong_is_said(spec, message):
    with pytest.raises(SpecError, match=message) as caught:
        masks.parse(spec, CLIP)
    assert "\n" not in str(caught.value)


def test_no_frame_named():
    with pytest.raises(SpecError, match="frames: no frame named"):
        masks.frames(CLIP, [])


def test_groups_fit_the_body():
    clip = Clip("dance", smooth_motion(frames=5))
    arm = masks.parse("every:5@left_arm", clip).hidden.any(axis=0)
    expected = {"left_collar", "left_shoulder", "left_elbow", "left_wrist", "left_hand"}
    assert {SMPL24.names[j] for j in np.flatnonzero(arm)} == expected


def test_joint_names_with_spaces_can_be_named():
    spaced = Skeleton(("Bip01", "Bip01 L Thigh"), (-1, 0), np.ones((2, 3)))
    clip = Clip("spaced", wild_motion(1, 30, spaced))
    mask = masks.joints(clip, masks.first(clip), ["Bip01 L Thigh"])
    assert mask.hidden.sum() == 1
    np.testing.assert_array_equal(masks.parse(mask.label, clip).hidden, mask.hidden)


def test_frames_with_anything_hidden():
    mask = masks.parse("span:4-6@left_arm", CLIP)
    assert np.flatnonzero(mask.frames).tolist() == [4, 5, 6]


def test_a_mask_is_of_the_clips_size():
    for frames, skeleton in ((1, TINY), (7, SMPL24)):
        clip = Clip(
            "any",
            Motion(
                skeleton,
                np.broadcast_to(np.eye(3), (frames, len(skeleton), 3, 3)),
                np.zeros((frames, 3)),
                30.0,
            ),
        )
        assert masks.parse("every:3", clip).hidden.shape == (frames, len(skeleton))
