"""Recovery on joint roles: any skeleton and frame rate, without leaks of hidden values."""

import numpy as np
import pytest
import torch

from mmm import masks
from mmm.errors import ModelError
from mmm.interpolation import baselines
from mmm.motion.clip import Clip, Motion
from mmm.motion.features import to_features
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.recovery.recover import interpolate, recover
from mmm.recovery.resampling import distances_between, moments
from mmm.recovery.windows import windows
from tests.mmm.making import TINY, smooth_motion
from tests.mmm.networks import clip_at, poisoned
from tests.mmm.networks import roles_network as network
from tests.mmm.role_names import tree

EXTRA = Skeleton(
    (*SMPL24.names, "prop"), (*SMPL24.parents, 23), np.vstack([SMPL24.offsets_m, [[0.1, 0, 0]]])
)
"""SMPL with a prop in its right hand."""


PATTERNS = ("every:7", "span:20-50", "span:20-50@left_arm", "keep:5,hide:5")


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30.0, 60.0, 25.0, 120.0])
@pytest.mark.parametrize("spec", PATTERNS)
def test_known_entries_stay_and_hidden_ones_never_matter(fps, spec):
    clip = clip_at(fps)
    hidden = masks.parse(spec, clip).hidden
    model = network()
    result = recover(model, clip, hidden)
    again = recover(model, poisoned(clip, hidden), hidden)
    recovered, other = result.recovered.motion, again.recovered.motion
    np.testing.assert_array_equal(recovered.rotations[~hidden], clip.motion.rotations[~hidden])
    np.testing.assert_array_equal(
        recovered.root_m[~hidden[:, 0]], clip.motion.root_m[~hidden[:, 0]]
    )
    np.testing.assert_array_equal(recovered.rotations, other.rotations)
    np.testing.assert_array_equal(recovered.root_m, other.root_m)
    assert recovered.fps == fps
    filled = interpolate("slerp", clip, hidden).recovered.motion
    assert np.abs(recovered.rotations - filled.rotations)[hidden].max() > 0.05  # it does something


@pytest.mark.parametrize("fps", [30.0, 60.0, 24.0])
def test_an_untrained_network_returns_its_fill_on_the_clips_own_frames(fps):
    clip = clip_at(fps)
    hidden = masks.parse("span:20-50", clip).hidden
    recovered = recover(network(awake=False, fill="slerp"), clip, hidden).recovered.motion
    expected = baselines.slerp(clip, hidden)
    np.testing.assert_allclose(recovered.rotations, expected.rotations, atol=3e-6)
    np.testing.assert_allclose(recovered.root_m, expected.root_m, atol=3e-6)


def test_bones_keep_their_length_and_poses_are_rotations():
    clip = clip_at(60.0)
    recovered = recover(network(), clip, masks.parse("every:9", clip)).recovered.motion
    places = recovered.positions()
    for j, parent in enumerate(SMPL24.parents[1:], start=1):
        length = np.linalg.norm(places[:, j] - places[:, parent], axis=-1)
        np.testing.assert_allclose(length, np.linalg.norm(SMPL24.offsets_m[j]), atol=1e-5)
    product = np.swapaxes(recovered.rotations, -1, -2) @ recovered.rotations
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-5)


def test_the_rate_hardly_matters():
    """A movement at 30 and at 60 fps with the same known moments is recovered alike."""
    model = network()
    slow, fast = clip_at(30.0), clip_at(60.0)
    at_30 = np.zeros((len(slow), 24), dtype=bool)
    at_30[20:50] = True
    at_60 = np.zeros((len(fast), 24), dtype=bool)
    at_60[39:100] = True  # the first and last known moments are those of 30 frames a second
    at_60[39], at_60[99:] = True, False
    places = [
        recover(model, clip, hidden).recovered.motion.positions()
        for clip, hidden in ((slow, at_30), (fast, at_60))
    ]
    filled = interpolate("slerp", slow, at_30).recovered.motion.positions()
    moved = np.abs(places[0] - filled)[20:50].mean()
    assert np.abs(places[0] - places[1][::2])[22:48].mean() < 0.15 * moved


def test_joints_without_a_role_are_interpolated():
    clip = clip_at(30.0, skeleton=EXTRA)
    hidden = masks.parse("span:20-50", clip).hidden
    result = recover(network(), clip, hidden)
    expected = (
        interpolate("inertial", clip, hidden).recovered.motion
        if "inertial" in baselines.METHODS
        else None
    )
    prop = EXTRA.names.index("prop")
    if expected is not None:
        np.testing.assert_allclose(
            result.recovered.motion.rotations[:, prop], expected.rotations[:, prop], atol=3e-6
        )
    assert "the other 3 joints are interpolated" in result.notes[0]


def test_single_joints_move_alone():
    clip = clip_at(30.0)
    hidden = masks.parse("span:20-50@left_wrist", clip).hidden
    recovered = recover(network(), clip, hidden).recovered.motion
    np.testing.assert_array_equal(recovered.root_m, clip.motion.root_m)
    joints = np.flatnonzero(hidden.any(axis=0))
    others = np.setdiff1d(np.arange(24), joints)
    np.testing.assert_array_equal(recovered.rotations[:, others], clip.motion.rotations[:, others])


def test_the_joints_of_one_role_may_be_hidden_in_alternation():
    """CMU's hip joint and thigh make one role; no frame has both known."""
    skeleton = tree("cmu bvh")
    clip = clip_at(30.0, skeleton=skeleton)
    hidden = np.zeros((len(clip), len(skeleton)), dtype=bool)
    hidden[:45, skeleton.names.index("LHipJoint")] = True
    hidden[45:, skeleton.names.index("LeftUpLeg")] = True
    recovered = recover(network(), clip, hidden)
    np.testing.assert_array_equal(
        recovered.recovered.motion.rotations[~hidden], clip.motion.rotations[~hidden]
    )
    assert np.isfinite(recovered.recovered.motion.positions()).all()
    assert (recovered.expected_cm > 0).all()


@pytest.mark.parametrize("fps", [25.0, 24.0, 50.0, 100.0])
def test_distances_between_frames_are_exact(fps):
    """Distances jump from zero to the gap's length where a gap begins or ends."""
    times_s = np.arange(round(2 * fps) + 1) / fps
    hidden = (times_s > 0.5) & (times_s < 1.5)
    first, last = (
        times_s[~hidden & (times_s <= 0.5)].max(),
        times_s[~hidden & (times_s >= 1.5)].min(),
    )
    exact = [
        np.where(hidden, times_s - first, 0)[:, None],
        np.where(hidden, last - times_s, 0)[:, None],
    ]
    at_s = np.arange(60) / 30
    inside = (at_s > first + 1e-6) & (at_s < last - 1e-6)
    before, after = distances_between(*exact, at_s * fps, fps)
    np.testing.assert_allclose(before[:, 0], np.where(inside, at_s - first, 0), atol=1e-6)
    np.testing.assert_allclose(after[:, 0], np.where(inside, last - at_s, 0), atol=1e-6)


def test_long_clips_are_recovered_in_windows_without_seams():
    model = network(max_frames=40)
    clip = clip_at(30.0, seconds=6)
    hidden = np.ones((len(clip), 24), dtype=bool)
    hidden[::10] = False
    steps = []
    recovered = recover(model, clip, hidden, progress=steps.append).recovered.motion
    assert steps[-1] == 1
    assert len(steps) > 4
    jump = np.abs(np.diff(recovered.rotations, axis=0)).max(axis=(1, 2, 3))
    at_borders = np.zeros(len(jump), dtype=bool)
    at_borders[
        [edge - 1 for cut in windows(len(clip), 40) for edge in cut if 0 < edge < len(clip)]
    ] = True
    both = hidden[1:, 0] & hidden[:-1, 0]
    assert jump[both & at_borders].max() <= 1.5 * np.percentile(jump[both & ~at_borders], 95)


def test_the_expected_error_is_reported_for_hidden_frames():
    clip = clip_at(60.0)
    hidden = masks.parse("span:20-50", clip).hidden
    expected = recover(network(), clip, hidden).expected_cm
    assert expected is not None
    assert (expected[20:51] > 0).all()
    assert not expected[:20].any()
    assert not expected[51:].any()


def test_attention_is_of_the_window_with_the_requested_frame():
    model = network(max_frames=40)
    clip = clip_at(60.0, seconds=4)  # 121 frames for the network, in windows of 40
    result = recover(model, clip, masks.parse("every:9", clip), attention=True, attention_frame=200)
    trace = result.attention
    assert trace is not None
    assert trace.frames[0] <= 200 < trace.frames[1]
    assert trace.encoders["motion"].shape == (2, 8, 40, 40)
    np.testing.assert_allclose(trace.encoders["motion"].astype(np.float32).sum(-1), 1, atol=2e-3)
    plain = recover(model, clip, masks.parse("every:9", clip))
    np.testing.assert_allclose(
        result.recovered.motion.root_m, plain.recovered.motion.root_m, atol=1e-5
    )


def test_a_body_without_legs_is_refused_and_names_can_be_given_by_hand():
    odd = Skeleton(tuple(f"bone{j}" for j in range(24)), SMPL24.parents, SMPL24.offsets_m)
    clip = Clip(
        "odd",
        Motion(odd, *(lambda m: (m.rotations, m.root_m))(smooth_motion(2, 40, SMPL24, 30.0)), 30.0),
    )
    hidden = np.zeros((40, 24), dtype=bool)
    hidden[10:20] = True
    with pytest.raises(ModelError, match="no joint found for"):
        recover(network(), clip, hidden)
    with pytest.raises(ModelError, match="no joint found for"):
        recover(
            network(),
            Clip("tiny", smooth_motion(0, 40, TINY, 30.0)),
            np.pad(hidden[:, :5], ((0, 0), (0, 1))),
        )
    from mmm.motion.humanoid import match_roles

    named = {
        role: f"bone{SMPL24.names.index(joint)}"
        for role, joint in match_roles(SMPL24).joint_names.items()
    }
    by_hand = recover(network(), clip, hidden, joint_names=named).recovered.motion
    known = Clip("known", Motion(SMPL24, clip.motion.rotations, clip.motion.root_m, 30.0))
    np.testing.assert_array_equal(
        by_hand.rotations, recover(network(), known, hidden).recovered.motion.rotations
    )


def test_two_frames_are_enough():
    clip = clip_at(60.0).crop(0, 3)
    hidden = np.zeros((3, 24), dtype=bool)
    hidden[1] = True
    assert np.isfinite(recover(network(), clip, hidden).recovered.motion.positions()).all()


@pytest.mark.parametrize(
    ("fps", "step"), [(60.0, 15), (60.0, 9), (24.0, 11), (120.0, 31), (119.88, 40)]
)
def test_a_network_of_another_rate_samples_known_frames_exactly(fps, step):
    """At 60 fps every 15th frame lies half a step of a 30 fps network off its steps."""
    known = np.arange(200) % step == 0
    samples = moments(known, fps, 30.0)
    assert samples[0] == 0
    assert set(np.flatnonzero(known).tolist()) <= set(samples.tolist())
    clock = np.diff(samples) / fps * 30
    assert clock.min() > 0.8
    assert clock.max() < 1.25
    assert (
        np.abs(samples / fps * 30 - np.arange(len(samples))).max() < 1
    )  # and it neither gains nor loses
    assert 0 <= 199 - samples[-1] < fps / 30  # the rest goes on at the network's own rate


def test_ends_of_gaps_close_together_do_not_change_the_rate_much():
    known = np.random.default_rng(0).random(300) < 0.85
    samples = moments(known, 60.0, 30.0)
    clock = np.diff(samples) / 2
    assert clock.min() > 0.75
    assert clock.max() < 1.34
    assert np.abs(samples / 2 - np.arange(len(samples))).max() < 1


@pytest.mark.parametrize("known", [np.ones(50, bool), np.arange(50) < 20])
def test_without_gaps_samples_have_the_rate_of_the_network(known):
    samples = moments(known, 60.0, 30.0)
    np.testing.assert_allclose(np.diff(samples)[known[:-2:2].sum() :], 2)
    if known.all():
        np.testing.assert_allclose(samples, np.arange(0, 50, 2))
    else:
        assert 19.0 in samples


@pytest.mark.parametrize(("count", "fps"), [(1, 60.0), (2, 60.0), (3, 240.0)])
def test_the_shortest_clips_have_one_or_two_samples(count, fps):
    samples = moments(np.ones(count, bool), fps, 30.0)
    assert samples.tolist() == [0.0, count - 1.0]


@pytest.mark.parametrize("spec", ["span:0-20", "span:60-90", "every:7", "keep:5,hide:9"])
def test_recovery_gives_a_network_the_inputs_of_training(spec, monkeypatch):
    """The pattern, the distances and the weights, open ends included."""
    model, clip = network(), clip_at(30.0)
    hidden = masks.parse(spec, clip).hidden
    inputs = []
    predict = model.predict
    monkeypatch.setattr(
        model,
        "predict",
        lambda filled, pattern, **more: (
            inputs.append((filled, pattern)),
            predict(filled, pattern, **more),
        )[1],
    )
    recover(model, clip, hidden)
    ((filled, pattern),) = inputs
    roles = match_roles(SMPL24)
    motion = roles.to_roles(clip.motion)
    features = torch.from_numpy(to_features(motion.rotations, motion.root_m))[None]
    role_hidden = torch.from_numpy(roles.role_max(hidden))[None]
    expected = model.fill(features, role_hidden)
    assert torch.equal(pattern, role_hidden)
    torch.testing.assert_close(filled.extra, expected.extra, atol=1e-5, rtol=0)
    torch.testing.assert_close(filled.blend_weight, expected.blend_weight, atol=1e-5, rtol=0)
