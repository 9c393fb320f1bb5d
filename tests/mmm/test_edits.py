from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import mmm
from mmm import edits, masks
from mmm.errors import SpecError
from mmm.evaluation.evaluate import evaluate, gaps, report
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.recovery.recover import recover
from mmm.spec import parse_term, split
from tests.mmm.making import TINY, clip_of, smooth_motion, wild_motion
from tests.mmm.networks import poisoned, tiny_clip, tiny_model

CLIP = clip_of(30)
SMOOTH = Clip("smooth", smooth_motion(frames=60, skeleton=TINY))


def same(a: edits.Edited, b: edits.Edited) -> bool:
    return bool(
        a.clip.digest() == b.clip.digest()
        and (a.mask.hidden == b.mask.hidden).all()
        and (a.posed == b.posed).all()
        and a.mask.label == b.mask.label
    )


@st.composite
def specs(draw) -> str:
    """SPECs with every kind of edit that fit a clip of 30 frames, whatever gaps were given another length before."""
    recorded, terms = (
        [True] * 30,
        [draw(st.sampled_from(["none", "every:5", "span:8-20", "first"]))],
    )
    for kind in draw(
        st.lists(
            st.sampled_from(["hide", "known", "pin", "unpin", "pose", "turn", "place", "retime"]),
            max_size=6,
        )
    ):
        frame = st.integers(0, len(recorded) - 1)
        a, b = sorted((draw(frame), draw(frame)))
        sources = [at for at, there in enumerate(recorded) if there]
        if kind == "retime" and b - a + 1 < len(recorded):
            now = draw(st.integers(1, 20))
            terms.append(f"retime:{a}-{b}={now}")
            recorded[a : b + 1] = recorded[a : b + 1] if now == b - a + 1 else [False] * now
        elif kind == "pose" and sources:
            source = draw(st.sampled_from(sources))
            terms.append(f"pose:{a}={source}" + draw(st.sampled_from(["", "@legs", "@Hips,Spine"])))
        elif kind == "turn":
            joint = draw(st.sampled_from(["Hips", "Spine"]))
            terms.append(f"pose:{a}={draw(st.integers(-360, 360))},-7.5,0@{joint}")
        elif kind == "place":
            terms.append(f"place:{a}={draw(st.integers(-9, 9))},0.95,-0.5")
        elif kind not in ("retime", "pose"):
            terms.append(f"{kind}:{a}-{b}")
    return "+".join(terms)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(spec=specs())
def test_the_label_makes_clip_and_mask_again(spec):
    edited = edits.apply(spec, CLIP)
    assert same(edits.apply(edited.mask.label, CLIP), edited)
    count = len(edited.clip)
    assert edited.mask.hidden.shape == edited.posed.shape == (count, len(TINY))
    assert len(edited.clip.truth) == len(edited.truth_frames) == count
    nothing = ~edited.truth_frames[:, None] & ~edited.posed  # nobody knows what was never recorded
    assert edited.mask.hidden[nothing].all()
    if not edits.changes_motion(spec):
        assert edited.clip is CLIP
        np.testing.assert_array_equal(edited.mask.hidden, masks.parse(spec, CLIP).hidden)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(spec=specs(), poison=st.integers(1, 99))
def test_what_is_hidden_of_the_recording_never_matters(spec, poison):
    """But for the poses that are copied on purpose, which are left out here."""
    spec = "+".join(
        term
        for term in spec.split("+")
        if not term.startswith(("pose", "place", "known", "pin", "unpin"))
    )
    hidden = masks.parse(spec.split("+")[0], CLIP).hidden
    wild, motion = wild_motion(poison, 30), CLIP.motion
    other = replace(
        CLIP,
        motion=Motion(
            TINY,
            np.where(hidden[..., None, None], wild.rotations, motion.rotations),
            np.where(hidden[:, :1], wild.root_m, motion.root_m),
            motion.fps,
        ),
    )
    ways = [edits.apply(spec, clip) for clip in (CLIP, other)]
    if ways[0].mask.hidden.all(axis=0).any():
        return
    first, second = (mmm.interpolate("slerp", way.clip, way.mask).recovered.motion for way in ways)
    np.testing.assert_array_equal(first.rotations, second.rotations)
    np.testing.assert_array_equal(first.root_m, second.root_m)


def test_an_inserted_pose_is_a_keyframe_where_the_dancer_is():
    edited = edits.apply("span:20-40+pose:30=5", SMOOTH)
    motion, was = edited.clip.motion, SMOOTH.motion
    assert edited.keyframes == [30]
    assert not edited.mask.hidden[30].any()
    assert edited.mask.hidden[[29, 31]].all()
    np.testing.assert_array_equal(motion.rotations[30, 1:], was.rotations[5, 1:])
    assert motion.root_m[30, 1] == was.root_m[5, 1]
    share = (30 - 19) / (41 - 19)
    np.testing.assert_allclose(
        motion.root_m[30, [0, 2]],
        (1 - share) * was.root_m[19, [0, 2]] + share * was.root_m[41, [0, 2]],
        atol=1e-6,
    )
    # It leans as the copied pose does, and no turn about the vertical brings it nearer to the way between.
    np.testing.assert_allclose(motion.rotations[30, 0][1], was.rotations[5, 0][1], atol=1e-5)
    between = mmm.interpolate(
        "slerp", SMOOTH, masks.parse("span:20-40", SMOOTH)
    ).recovered.motion.rotations[30, 0]

    def apart(turn: float) -> float:
        turned = Rotation.from_euler("y", turn).as_matrix() @ motion.rotations[30, 0]
        return float(Rotation.from_matrix(turned @ between.T).magnitude())

    assert apart(0) == pytest.approx(
        min(apart(turn) for turn in np.linspace(-np.pi, np.pi, 721)), abs=1e-4
    )


def test_the_recording_stays_the_truth_of_an_inserted_pose():
    edited = edits.apply("span:20-40+pose:30=5", SMOOTH)
    assert edited.truth_frames.all()
    np.testing.assert_array_equal(edited.clip.truth.rotations, SMOOTH.motion.rotations)
    result = mmm.interpolate("slerp", edited.clip, edited.mask)
    assert result.errors.summary()["hidden"] == 20 * len(TINY)
    assert "(frame 30)" in " ".join(edited.clip.notes)
    root = edits.apply(
        "span:20-40+pose:30=5@Hips", SMOOTH
    )  # the other joints are hidden at frame 30, and measured
    made = mmm.interpolate("slerp", root.clip, root.mask)
    expected = 100 * np.linalg.norm(
        made.recovered.motion.positions()[30] - SMOOTH.motion.positions()[30], axis=-1
    )
    np.testing.assert_allclose(made.errors.position_cm[30], expected, atol=1e-3)


def test_only_some_joints_of_a_pose():
    edited = edits.apply("span:20-40+pose:30=5@left_arm", SMOOTH)
    arm = TINY.names.index("LeftArm")
    assert np.flatnonzero(~edited.mask.hidden[30]).tolist() == [arm]
    np.testing.assert_array_equal(edited.clip.motion.root_m, SMOOTH.motion.root_m)
    np.testing.assert_array_equal(
        edited.clip.motion.rotations[30, arm], SMOOTH.motion.rotations[5, arm]
    )


def test_copying_a_hidden_pose_makes_that_pose_known_and_nothing_else():
    wild = edits.apply("span:20-40+pose:10=30", SMOOTH)
    np.testing.assert_array_equal(
        wild.clip.motion.rotations[10, 1:], SMOOTH.motion.rotations[30, 1:]
    )
    assert wild.mask.hidden[30].all()


@pytest.mark.parametrize("length", [1, 10, 21, 35])
def test_a_gap_of_another_length(length):
    edited = edits.apply(f"every:5+pin:50+retime:20-40={length}", SMOOTH)
    motion, was, end = edited.clip.motion, SMOOTH.motion, 20 + length
    assert len(motion) == 60 - 21 + length
    np.testing.assert_array_equal(motion.rotations[:20], was.rotations[:20])
    np.testing.assert_array_equal(motion.rotations[end:], was.rotations[41:])
    np.testing.assert_array_equal(motion.root_m[end:], was.root_m[41:])
    before = masks.parse("every:5", SMOOTH).hidden
    np.testing.assert_array_equal(
        edited.mask.hidden,
        np.concatenate([before[:20], np.ones((length, len(TINY)), dtype=bool), before[41:]]),
    )
    assert np.flatnonzero(edited.mask.pinned.any(axis=1)).tolist() == [50 - 21 + length]
    expected = np.ones(len(motion), dtype=bool)
    expected[20:end] = length == 21  # as long as it was: that was recorded
    np.testing.assert_array_equal(edited.truth_frames, expected)


def test_nothing_is_known_of_a_gap_that_was_never_recorded_but_poses():
    edited = edits.apply(
        "none+retime:20-40=30+pin:10-45+known:25+pose:30=5+hide:30+known:0-59", SMOOTH
    )
    assert np.flatnonzero(edited.mask.frames).tolist() == [f for f in range(20, 50) if f != 30]
    assert not edited.mask.pinned[20:46].any()


def test_later_terms_speak_of_the_new_timeline():
    twice = edits.apply("none+retime:20-24=10+retime:30-34=1+pose:0=59", SMOOTH)
    assert len(twice.clip) == 60 + 5 - 4
    assert np.flatnonzero(twice.mask.frames).tolist() == [*range(20, 31)]
    moved = edits.apply("none+pose:50=3+retime:20-24=10", SMOOTH)
    assert moved.keyframes == [55]


def test_no_error_is_counted_where_nothing_was_recorded():
    edited = edits.apply("hide:5-9+retime:20-40=30", SMOOTH)
    result = mmm.interpolate("spline", edited.clip, edited.mask)
    assert result.errors.summary()["hidden"] == 5 * len(TINY)
    curve = result.errors.per_frame("position_cm")
    assert np.flatnonzero(np.isfinite(curve)).tolist() == [5, 6, 7, 8, 9]
    assert [row["position_cm"] is None for row in gaps(result)] == [False, True]
    told = report([result], "x", 0)
    assert (told["hidden"], told["measured"]) == (35 * len(TINY), 5 * len(TINY))
    only = edits.apply("retime:20-40=30", SMOOTH)
    assert mmm.interpolate("slerp", only.clip, only.mask).errors.summary()["position_cm"] is None
    assert "never recorded" in " ".join(only.clip.notes)


@pytest.mark.parametrize("network", ["3bert", "ecm"])
def test_known_frames_and_inserted_poses_come_back_bit_for_bit_from_a_network(network):
    edited = edits.apply(
        "span:10-25+pose:15=30+pin:20+pose:20=10,-30,5@Spine+move:20=22+retime:4-6=9", tiny_clip(36)
    )
    clip, hidden = edited.clip, edited.mask.hidden
    result = recover(tiny_model(network), clip, edited.mask)
    made, given_motion = result.recovered.motion, clip.motion
    np.testing.assert_array_equal(made.rotations[~hidden], given_motion.rotations[~hidden])
    np.testing.assert_array_equal(made.root_m[~hidden[:, 0]], given_motion.root_m[~hidden[:, 0]])
    assert not hidden[edited.keyframes].any()
    again = recover(tiny_model(network), poisoned(clip, hidden), edited.mask).recovered.motion
    np.testing.assert_array_equal(made.rotations, again.rotations)


def test_music_stays_as_it_is_in_time():
    audio = Audio(np.random.default_rng(0).normal(size=(16_000, 1)).astype(np.float32), 16_000)
    music = Music(
        np.arange(60 * 35, dtype=np.float32).reshape(60, 35),
        60.0,
        np.array([0, 30, 55]),
        120.0,
        audio,
    )
    clip = replace(SMOOTH, music=music)
    longer = edits.apply("retime:20-40=31", clip).clip
    np.testing.assert_array_equal(longer.music.features[:60], music.features)
    np.testing.assert_array_equal(longer.music.audio.samples[:16_000], audio.samples)
    assert not longer.music.audio.samples[16_000:].any()
    assert longer.music.audio.duration_s == pytest.approx(70 / 60, abs=1e-3)
    shorter = edits.apply("retime:20-40=11", clip).clip
    np.testing.assert_array_equal(shorter.music.features, music.features[:50])
    assert shorter.music.beats.tolist() == [0, 30]
    strange = replace(
        SMOOTH, music=Music(np.zeros((60, 3), np.float32), 60.0, np.zeros(0, np.int64), 0.0)
    )
    with pytest.raises(SpecError, match="make no gap longer"):
        edits.apply("retime:20-40=31", strange)


def test_evaluation_takes_edits():
    clips = [tiny_clip(30, 0), tiny_clip(45, 1)]
    row = evaluate(tiny_model(), clips, ["hide:5-9+retime:12-14=6"])[0]
    assert (row["clips"], row["frames"], row["hidden"]) == (
        2,
        81,
        2 * 5 * len(clips[0].motion.skeleton),
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "pose:30=2",
            r"pose:30=2: frame 30 is not among the 30 frames at that point; expected 0 to 29",
        ),
        ("pose:2=30", "frame 30 is not among"),
        ("pose:2", "not a pose to insert; expected pose:FRAME=FROM"),
        ("pose:2=3@tail", "@tail: no such joint or group"),
        ("pose:2=3@", "@: no joint named"),
        ("pose:2=nan,0,0@Spine", "not a pose to insert"),
        ("pose:2=1e30,0,0@Spine", "not a pose to insert"),
        ("pose:2=361,0,0@Spine", "three angles of -360 to 360 degrees"),
        ("pose:2=1,2@Spine", "not a pose to insert"),
        ("pose:2=1,2,3", "not a pose to insert"),
        ("pose:2=1,2,3@Spine,Hips", "not a pose to insert"),
        ("pose:2=1,2,3@legs", "@legs: no such joint; expected a joint"),
        ("pose:30=1,2,3@Spine", "frame 30 is not among the 30 frames"),
        ("+".join(["pose:2=1,2,3@Spine"] * 1001), "1,001 poses are set or moved; expected at most"),
        ("reach:2=nan,0,0@Spine", "not a place to reach"),
        ("reach:2=1e30,0,0@Spine", "not a place to reach"),
        ("reach:2=5000,0,0@Spine", "expected a known humanoid"),
        ("reach:2=1,2,3", "not a place to reach; expected reach:FRAME=X,Y,Z@JOINT"),
        ("reach:2=1,2,3@tail", "@tail: no such joint"),
        ("reach:30=1,2,3@Spine", "frame 30 is not among"),
        ("place:2=nan,0,0", "not a place for the body; expected place:FRAME=X,Y,Z"),
        ("place:2=1,2,3@Hips", "not a place for the body"),
        ("place:2=5000,0,0", "finite numbers within 1000 m"),
        ("place:30=1,2,3", "frame 30 is not among"),
        ("+".join(["place:2=1,2,3"] * 1001), "1,001 poses are set or moved"),
        ("move:2", "not keyframes to move; expected move:FRAMES=FRAME"),
        ("move:2=3@legs", "not keyframes to move"),
        ("move:2=30", "frame 30 is not among"),
        ("move:2,9=25", "frame 32 is not among"),
        ("move:9-3=4", "9-3 ends before it begins"),
        ("move:0-999999999=4", "frame 999999999 is not among"),
        ("hide:2+move:2=5", "nothing is known at frame 2; expected keyframes"),
        ("retime:3-30=4", "frame 30 is not among"),
        ("retime:9-3=4", "the gap ends before it begins"),
        ("retime:0-29=4", "the gap is the whole clip"),
        ("retime:3-9=0", "a gap of 0 frames; expected 1 to 10000"),
        ("retime:3-9=10001", "a gap of 10001 frames"),
        ("retime:3-9", "not a gap of another length"),
        ("retime:3-9=4@legs", "not a gap of another length"),
        ("retime:20-29=4+known:28", "known:28: not inside the clip's 24 frames"),
        (
            "retime:3-9=4+pose:1=4",
            "pose:1=4: nothing was recorded at frame 4; expected a frame with a pose",
        ),
        ("pose:1=2+", "'' is not a pattern"),
        ("pose:1=2+nonsense", "'nonsense' is not a pattern"),
    ],
)
def test_what_is_wrong_is_said(spec, message):
    with pytest.raises(SpecError, match=message) as caught:
        edits.apply(spec, CLIP)
    assert "\n" not in str(caught.value)


def test_a_keyframe_is_a_frame_that_stands_alone():
    def keys(spec: str) -> list[int]:
        return edits.apply(spec, CLIP).keyframes

    assert keys("every:10") == [0, 10, 20]
    assert keys("span:5-20") == []
    assert keys("span:5-20+known:9,12-13") == [9]
    assert keys("none+pin:4,10-12") == [4]
    assert keys("span:5-20+pose:9=2+pose:12=2@Spine") == [9, 12]
    assert keys("span:5-20+pose:9=2+hide:9") == []
    assert keys("every:10+hide:10@Spine") == [0, 20]


def test_a_keyframe_is_moved_with_its_place_and_its_pin():
    edited = edits.apply("every:10+pin:20+move:20,30=24", SMOOTH)
    assert edited.keyframes == [0, 10, 24, 34, 40, 50]
    assert np.flatnonzero(edited.mask.pinned.any(axis=1)).tolist() == [24]
    motion, was = edited.clip.motion, SMOOTH.motion
    np.testing.assert_array_equal(motion.rotations[[24, 34]], was.rotations[[20, 30]])
    np.testing.assert_array_equal(motion.root_m[[24, 34]], was.root_m[[20, 30]])
    np.testing.assert_array_equal(edited.clip.truth.rotations, was.rotations)
    # Moved over one another, and back to what was recorded where they left.
    both = edits.apply("every:10+move:10,20=20+known:10", SMOOTH)
    np.testing.assert_array_equal(both.clip.motion.rotations[[20, 30]], was.rotations[[10, 20]])
    np.testing.assert_array_equal(both.clip.motion.rotations[10], was.rotations[10])
    assert both.posed_frames == [20, 30]
    arm = edits.apply("span:20-40+pose:30=5@LeftArm+move:30=33", SMOOTH)
    assert np.flatnonzero(~arm.mask.hidden[33]).tolist() == [TINY.names.index("LeftArm")]
    assert arm.mask.hidden[30].all()


def test_a_joint_is_turned_and_nothing_else():
    edited = edits.apply("span:20-40+pin:30+pose:30=10,-20.5,37@Spine", SMOOTH)
    spine, motion = TINY.names.index("Spine"), edited.clip.motion
    expected = Rotation.from_euler("XYZ", [10, -20.5, 37], degrees=True).as_matrix()
    np.testing.assert_allclose(motion.rotations[30, spine], expected, atol=1e-6)
    others = [j for j in range(len(TINY)) if j != spine]
    np.testing.assert_array_equal(motion.rotations[30, others], SMOOTH.motion.rotations[30, others])
    assert not edited.mask.hidden[30].any()
    assert edited.posed_frames == edited.keyframes == [30]
    alone = edits.apply("span:20-40+pose:30=1,2,3@Spine", SMOOTH)
    assert np.flatnonzero(~alone.mask.hidden[30]).tolist() == [spine]


def test_a_hand_is_brought_to_a_place_by_terms():
    clip = Clip("dance", smooth_motion(1, 20))
    wrist = clip.motion.skeleton.names.index("left_wrist")
    goal = clip.motion.positions()[7, wrist] + [0.05, 0.1, -0.05]
    terms = edits.reach(clip, 7, "left_wrist", goal)
    edited = edits.apply("+".join(["span:5-9", "pin:7", *terms]), clip)
    np.testing.assert_allclose(edited.clip.motion.positions()[7, wrist], goal, atol=1e-3)
    assert [parse_term(term).joints for term in terms] == [
        ("left_shoulder",),
        ("left_elbow",),
        ("left_wrist",),
    ]
    place = ",".join(f"{value:.4f}" for value in goal)
    asked = edits.apply(f"span:5-9+reach:7={place}@left_wrist", clip)
    np.testing.assert_allclose(asked.clip.motion.positions()[7, wrist], goal, atol=1e-3)
    assert asked.posed.sum() == (~asked.mask.hidden[5:10]).sum() == 3
    with pytest.raises(SpecError, match="joint 'head': no hand or foot"):
        edits.apply("reach:7=0,1,0@head", clip)
    with pytest.raises(SpecError, match="frame 20 is not among"):
        edits.reach(clip, 20, "left_wrist", goal)


def test_the_body_is_moved_to_a_place_and_nothing_else():
    edited = edits.apply("span:20-40+pin:30+place:30=0.25,0.9,-1.5", SMOOTH)
    motion, was = edited.clip.motion, SMOOTH.motion
    np.testing.assert_allclose(motion.root_m[30], [0.25, 0.9, -1.5])
    np.testing.assert_array_equal(motion.rotations, was.rotations)
    others = [frame for frame in range(len(was)) if frame != 30]
    np.testing.assert_array_equal(motion.root_m[others], was.root_m[others])
    np.testing.assert_array_equal(edited.clip.truth.root_m, was.root_m)
    assert not edited.mask.hidden[30].any()
    assert edited.posed_frames == edited.keyframes == [30]
    # Alone it makes the root known: its position and its rotation, which belong to joint 0.
    alone = edits.apply("span:20-40+place:30=0.25,0.9,-1.5", SMOOTH)
    assert np.flatnonzero(~alone.mask.hidden[30]).tolist() == [0]
    for values, term in (
        ((0.25, 0.9, -1.5), "place:30=0.25,0.9,-1.5"),
        ((-0.00001, 123.45678, 100.0), "place:30=0,123.4568,100"),
    ):
        assert edits.place(30, values) == term
    # The recovery goes through the place.
    made = mmm.interpolate("spline", edited.clip, edited.mask).recovered.motion
    np.testing.assert_array_equal(made.root_m[30], motion.root_m[30])
    assert np.abs(made.root_m[29] - motion.root_m[30]).max() < 0.5


def test_moves_angles_and_places_are_merged():
    assert edits.add(("move:30,40=31",), "move:31,41=35") == ("move:30,40=35",)
    assert edits.add(("hide:3", "move:30=31"), "move:31=30") == ("hide:3",)
    assert edits.add(("move:30=31",), "move:40=41") == ("move:30=31", "move:40=41")
    turned = ("pose:3=1,2,3@Spine", "pose:3=1,2,3@Hips")
    assert edits.add(turned, "pose:3=4,5,6@Spine") == (turned[1], "pose:3=4,5,6@Spine")
    copied = ("pose:3=1,2,3@Spine", "pose:3=5")
    assert edits.add(copied, "pose:3=4,5,6@Spine") == (*copied, "pose:3=4,5,6@Spine")
    placed = ("place:3=1,2,3", "pose:3=1,2,3@Spine", "place:4=1,2,3")
    assert edits.add(placed, "place:3=4,5,6") == (*placed[1:], "place:3=4,5,6")
    # A hand was brought to a place in the room after the body was.
    reached = (placed[0], "reach:3=1,1,1@LeftHand")
    assert edits.add(reached, "place:3=4,5,6") == (*reached, "place:3=4,5,6")


def test_edits_that_carry_on_are_one():
    spec = edits.add(edits.add(edits.add(("known:3",), "pin:3"), "pin:5-6"), "pin:7@legs")
    assert spec == ("known:3", "pin:3,5-6", "pin:7@legs")
    assert edits.add(spec, "pin:8@legs") == ("known:3", "pin:3,5-6", "pin:7,8@legs")
    assert edits.add(("pose:1=2",), "pose:1=2") == ("pose:1=2", "pose:1=2")


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(spec=specs())
def test_writing_edits_as_one_changes_nothing(spec):
    pattern, given_edits = split(spec)
    kept: tuple[str, ...] = ()
    for term in given_edits:
        kept = edits.add(kept, term)
    one, other = (edits.apply("+".join((pattern, *terms)), CLIP) for terms in (given_edits, kept))
    np.testing.assert_array_equal(one.mask.hidden, other.mask.hidden)
    assert one.clip.digest() == other.clip.digest()


def test_a_crop_takes_its_recording_along():
    clip = edits.apply("retime:20-40=30+pose:55=1", SMOOTH).clip
    part = clip.crop(45, 60)
    assert np.flatnonzero(~part.recorded).tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(part.truth.rotations, clip.truth.rotations[45:60])
    assert part.digest() != replace(part, recording=None).digest()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "take", ["lafan1/walk1_subject1.bvh", "lafan1/jumps1_subject1.bvh", "aistpp"]
)
def test_a_real_take_is_edited_recovered_and_taken_home(take, tmp_path):
    """From the file to a BVH in which known frames, inserted poses and what follows a longer gap stand exactly."""
    shared = Path(__file__).parents[2].parent / "shared" / "data"
    path = (
        shared / take
        if take.endswith(".bvh")
        else next(iter(sorted(shared.glob("aistpp/motions/*.pkl"))), shared)
    )
    if not path.is_file():
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    clip = mmm.load_clip(path, frames=(100, 300))
    edited = edits.apply("every:20+hide:50-90+pin:70+pose:80=5+retime:120-139=40", clip)
    known = ~edited.mask.frames
    assert known[[70, 80]].all() and not known[120:160].any()
    result = mmm.interpolate("spline", edited.clip, edited.mask)
    result.save(tmp_path / "edited.bvh")
    again = mmm.load_clip(tmp_path / "edited.bvh").motion.positions()
    assert np.abs(again[known] - edited.clip.motion.positions()[known]).max() < 1e-4
    was = clip.motion.positions()
    assert np.abs(again[160:][known[160:]] - was[140:][known[160:]]).max() < 1e-4
    # The pasted pose: as the copied one (seen from the root), and the dancer does not jump across the room.
    pasted, before, copied = edited.clip.motion, clip.motion, 5
    np.testing.assert_allclose(
        np.linalg.norm(pasted.positions()[80] - pasted.root_m[80], axis=-1),
        np.linalg.norm(was[copied] - before.root_m[copied], axis=-1),
        atol=1e-4,
    )
    ends = before.root_m[[70, 100]][:, [0, 2]]
    assert (pasted.root_m[80, [0, 2]] >= ends.min(axis=0) - 1e-4).all()
    assert (pasted.root_m[80, [0, 2]] <= ends.max(axis=0) + 1e-4).all()
