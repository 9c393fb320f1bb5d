"""Recovery of whole clips."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm import masks
from mmm.errors import ModelError, SpecError
from mmm.interpolation import baselines
from mmm.models import MaskedMotionOutput, make_model
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import geodesic_angle
from mmm.recovery.own_joints import AMBIGUOUS_RESIDUAL, OwnJoints
from mmm.recovery.recover import interpolate, recover
from mmm.recovery.windows import fade, windows
from tests.mmm.making import TINY, smooth_motion
from tests.mmm.networks import NETWORKS, WAYS, poisoned, tiny_clip, tiny_config, tiny_model

every_way = pytest.mark.parametrize(
    ("network", "fill", "output"), [(n, *way) for n, way in itertools.product(NETWORKS, WAYS)]
)


def joint_wise(clip, seed=0):
    """A random pattern for each joint; frame 4 is known."""
    hidden = np.random.default_rng(seed).random((len(clip), len(clip.motion.skeleton))) < 0.5
    hidden[4] = False
    return hidden


@pytest.mark.slow
@every_way
def test_known_entries_come_back_bit_identical(network, fill, output):
    """Known entries are copied, not predicted."""
    clip = tiny_clip(70)
    hidden = joint_wise(clip)
    recovered = recover(
        tiny_model(network, fill=fill, output=output), clip, hidden
    ).recovered.motion
    assert np.array_equal(recovered.rotations[~hidden], clip.motion.rotations[~hidden])
    assert np.array_equal(recovered.root_m[~hidden[:, 0]], clip.motion.root_m[~hidden[:, 0]])
    assert not np.array_equal(recovered.rotations[hidden], clip.motion.rotations[hidden])


@every_way
def test_hidden_values_never_reach_the_network(network, fill, output):
    """The recovery has the same bits for any values in hidden entries."""
    clip = tiny_clip(70)
    hidden = joint_wise(clip)
    model = tiny_model(network, fill=fill, output=output)
    clean, dirty = (recover(model, c, hidden) for c in (clip, poisoned(clip, hidden)))
    assert np.array_equal(
        clean.recovered.motion.rotations[hidden], dirty.recovered.motion.rotations[hidden]
    )
    assert np.array_equal(clean.recovered.motion.root_m, dirty.recovered.motion.root_m)
    assert np.array_equal(clean.so3_residual, dirty.so3_residual)


def test_not_even_nan_in_hidden_entries_reaches_the_network():
    clip = tiny_clip(50)
    hidden = joint_wise(clip)
    clean = recover(tiny_model("ecm", fill="slerp", output="residual"), clip, hidden)
    broken = replace(
        clip, motion=replace(clip.motion)
    )  # a Motion refuses NaN, so it is put in behind its back
    object.__setattr__(
        broken.motion, "rotations", np.where(hidden[..., None, None], np.nan, clip.motion.rotations)
    )
    object.__setattr__(
        broken.motion,
        "root_m",
        np.where(hidden[:, :1], np.nan, clip.motion.root_m).astype(np.float32),
    )
    dirty = recover(tiny_model("ecm", fill="slerp", output="residual"), broken, hidden)
    assert np.array_equal(clean.recovered.motion.rotations, dirty.recovered.motion.rotations)
    assert np.array_equal(clean.recovered.motion.root_m, dirty.recovered.motion.root_m)


@pytest.mark.parametrize("network", NETWORKS)
def test_an_untrained_residual_network_is_the_slerp_baseline(network):
    model = make_model(tiny_config(network, fill="slerp", output="residual")).eval()
    clip = tiny_clip(90)
    hidden = joint_wise(clip)
    recovered, expected = (
        recover(model, clip, hidden).recovered.motion,
        baselines.slerp(clip, hidden),
    )
    assert np.abs(recovered.rotations - expected.rotations).max() < 1e-4
    assert np.abs(recovered.root_m - expected.root_m).max() < 1e-4


@every_way
def test_outputs_are_rotations_and_the_residual_is_reported(network, fill, output):
    """Predicted matrices are projected to rotations, and their distance is reported."""
    clip = tiny_clip(30)
    hidden = masks.every_nth(clip, 5)
    result = recover(tiny_model(network, fill=fill, output=output), clip, hidden)
    matrices = result.recovered.motion.rotations.astype(np.float64)
    assert np.abs(matrices @ matrices.swapaxes(-1, -2) - np.eye(3)).max() < 1e-5
    assert np.abs(np.linalg.det(matrices) - 1).max() < 1e-5
    assert (result.so3_residual[~hidden.hidden] == 0).all()
    assert result.so3_residual[hidden.hidden].mean() > 1e-3  # random weights do not give rotations


def test_recovery_is_deterministic():
    """BERT's random corruption must not run in recovery."""
    clip = tiny_clip(70)
    model = tiny_model("ecm")
    first, second = (
        recover(model, clip, masks.parse("random:0.3", clip, 5)).recovered.digest()
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(("fill", "output"), WAYS)
def test_a_clip_elsewhere_on_the_floor(fill, output):
    clip = tiny_clip(60)
    moved = replace(
        clip, motion=replace(clip.motion, root_m=clip.motion.root_m + np.float32([5, 0, -8]))
    )
    model = tiny_model("ecm", fill=fill, output=output)
    here, there = (recover(model, c, masks.every_nth(c, 6)).recovered.motion for c in (clip, moved))
    assert np.abs(there.root_m - here.root_m - np.float32([5, 0, -8])).max() < 1e-3
    assert np.abs(there.rotations - here.rotations).max() < 1e-3


@settings(max_examples=200, deadline=None)
@given(frames=st.integers(1, 2000), size=st.integers(2, 300))
def test_windows_cover_the_clip(frames, size):
    cuts = windows(frames, size)
    covered = np.zeros(frames, dtype=int)
    for start, stop in cuts:
        assert 0 <= start < stop <= frames
        assert stop - start == min(size, frames)
        covered[start:stop] += 1
    assert (covered > 0).all()
    assert all(
        a[1] - b[0] >= int(size / 3) for a, b in itertools.pairwise(cuts)
    )  # enough to fade over
    assert (fade(min(size, frames), size) > 0).all()


def test_short_clips_are_one_window():
    assert windows(300, 300) == [(0, 300)]
    assert windows(7, 300) == [(0, 7)]
    assert windows(301, 300) == [(0, 300), (1, 301)]


@pytest.mark.parametrize(
    ("network", "fill", "output"), [("common", "zero", "absolute"), ("ecm", "slerp", "residual")]
)
def test_longer_clips_have_no_seams(network, fill, output):
    """Long clips are recovered in windows, at whose ends nothing may jump."""
    clip = tiny_clip(200)
    hidden = np.ones((200, 6), dtype=bool)
    hidden[::10] = False
    model = tiny_model(network, fill=fill, output=output)
    motion = recover(model, clip, hidden).recovered.motion
    jump = np.abs(np.diff(motion.rotations, axis=0)).max(axis=(1, 2, 3))
    both = (
        hidden[1:, 0] & hidden[:-1, 0]
    )  # between two recovered frames, away from the exact known ones
    borders = sorted({edge - 1 for cut in windows(200, 40) for edge in cut if 0 < edge < 200})
    at_borders = np.zeros(199, dtype=bool)
    at_borders[borders] = True
    assert (both & at_borders).sum() >= 5
    assert jump[both & at_borders].max() <= 1.5 * np.percentile(jump[both & ~at_borders], 95)


def test_windows_that_disagree_are_cross_faded():
    """Every second window puts the root one unit higher; it must climb in between, not jump."""
    clip, model, number = (
        tiny_clip(200),
        tiny_model("common", fill="slerp", output="residual"),
        itertools.count(),
    )
    model.predict = lambda filled, *rest, **more: MaskedMotionOutput(
        prediction=filled.features + next(number) % 2
    )
    hidden = np.ones((200, 6), dtype=bool)
    hidden[0] = False
    root_m = recover(model, clip, hidden).recovered.motion.root_m[1:, 0] / 2  # two metres a unit
    assert root_m.max() - root_m.min() > 0.99
    assert np.abs(np.diff(root_m)).max() < 2 / 13  # 13 frames in common


def test_a_gap_longer_than_a_window():
    clip = tiny_clip(120)
    hidden = np.zeros((120, 6), dtype=bool)
    hidden[20:100] = True
    model = make_model(tiny_config("ecm", fill="slerp", output="residual")).eval()
    recovered, expected = (
        recover(model, clip, hidden).recovered.motion,
        baselines.slerp(clip, hidden),
    )
    assert (
        np.abs(recovered.root_m - expected.root_m).max() < 1e-3
    )  # filled from its true neighbours, not the window's


@pytest.mark.parametrize("frames", [1, 2, 39, 40, 41])
@pytest.mark.parametrize("network", NETWORKS)
def test_any_length(network, frames):
    clip = tiny_clip(frames)
    result = recover(tiny_model(network), clip, masks.none(clip))
    assert np.array_equal(result.recovered.motion.rotations, clip.motion.rotations)


def test_silence_stands_in_for_missing_music():
    clip = tiny_clip(30, music=False)
    result = recover(tiny_model("ecm"), clip, masks.every_nth(clip, 5))
    assert result.notes == (
        "This network takes music and the clip has none, so it was given silence.",
    )
    assert recover(tiny_model("common"), clip, masks.every_nth(clip, 5)).notes == ()
    assert recover(tiny_model("ecm"), tiny_clip(30), masks.every_nth(clip, 5)).notes == ()


def test_music_changes_the_recovery():
    clip, hidden = tiny_clip(30), masks.every_nth(tiny_clip(30), 5)
    other = replace(clip, music=replace(clip.music, features=clip.music.features[::-1].copy()))
    with_it, without = (
        recover(tiny_model("ecm"), c, hidden).recovered.motion for c in (clip, other)
    )
    assert not np.array_equal(with_it.rotations, without.rotations)


def test_the_result_says_what_it_is():
    clip = tiny_clip(30)
    model = tiny_model("ecm")
    model.name_or_path = "my-network"
    result = recover(model, clip, masks.span(clip, 5, 9))
    assert (result.model_name, result.clip, result.hidden.sum()) == ("my-network", clip, 5 * 6)
    assert result.elapsed_s > 0
    assert result.errors.summary()["hidden"] == 30
    assert result.recovered.music is clip.music


def test_progress_is_reported_and_may_stop_the_run():
    clip, reports = tiny_clip(100), []
    recover(tiny_model("ecm"), clip, masks.every_nth(clip, 5), progress=reports.append)
    assert reports == [i / len(windows(100, 40)) for i in range(1, len(reports) + 1)]
    assert reports[-1] == 1

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover(tiny_model("ecm"), clip, masks.every_nth(clip, 5), progress=stop)


def test_another_skeleton_is_refused():
    clip = Clip("walk", smooth_motion(0, 20, fps=30.0))
    with pytest.raises(ModelError) as caught:
        recover(tiny_model("ecm"), clip, masks.first(clip))
    assert caught.value.source == "walk"
    assert "24 joints without Hips, Spine, LeftArm, RightArm, ..." in caught.value.problem
    tree = replace(TINY, parents=(-1, 0, 1, 1, 0, 4))
    with pytest.raises(ModelError, match="6 joints in another tree"):
        recover(
            tiny_model("ecm"),
            Clip("walk", smooth_motion(0, 20, tree, 30.0)),
            np.zeros((20, 6), bool),
        )


def test_bones_of_another_length_are_accepted():
    clip = tiny_clip(20)
    taller = replace(TINY, offsets_m=TINY.offsets_m * 1.3)
    motion = Motion(taller, clip.motion.rotations, clip.motion.root_m, 30.0)
    result = recover(tiny_model("ecm"), replace(clip, motion=motion), masks.first(clip))
    assert result.recovered.motion.skeleton is taller


def test_another_frame_rate_is_refused():
    clip = tiny_clip(20, fps=60.0)
    with pytest.raises(ModelError) as caught:
        recover(tiny_model("ecm"), clip, masks.first(clip))
    assert (caught.value.source, caught.value.problem) == ("tiny0", "60 frames a second")
    assert "--fps 30" in caught.value.cure


@pytest.mark.parametrize(
    "method",
    [lambda c, h: recover(tiny_model("common"), c, h), lambda c, h: interpolate("slerp", c, h)],
)
def test_masks_that_do_not_fit_are_refused(method):
    clip = tiny_clip(20)
    with pytest.raises(SpecError, match=r"bool of shape \(19, 6\)"):
        method(clip, np.zeros((19, 6), bool))
    bytes_for_bools = masks.first(clip)
    object.__setattr__(bytes_for_bools, "hidden", bytes_for_bools.hidden.astype(np.uint8))
    with pytest.raises(SpecError, match="uint8 of shape"):  # ~ of a byte is not its opposite
        method(clip, bytes_for_bools)
    never = np.zeros((20, 6), bool)
    never[:, 2] = True
    with pytest.raises(SpecError, match=r"hidden: 1 joints are never known \(LeftArm"):
        method(clip, never)


def test_ambiguous_matrices_are_blended_towards_the_fill(monkeypatch):
    """The average of two opposite rotations has no stable projection: rounding decides."""
    clip, model = tiny_clip(30), tiny_model("common", fill="slerp", output="residual")
    hidden = masks.every_nth(clip, 5).hidden
    slerp = interpolate("slerp", clip, hidden).recovered.motion.rotations
    about = np.eye(3, dtype=np.float32)
    about[:2, :2] *= -1  # half a turn
    read = OwnJoints.read

    def ambiguous(self, output):
        (features,) = read(self, output)
        matrices = slerp @ np.diag([0, 0, 1]).astype(np.float32)  # the middle of both
        odd = (np.arange(30) % 2 == 1)[:, None, None, None]
        matrices = matrices + 0.01 * slerp @ np.where(odd, about, np.eye(3, dtype=np.float32))
        rows = torch.from_numpy(matrices.reshape(1, 30, -1).astype(np.float32))
        return (torch.cat([rows, features[..., -3:]], dim=-1),)

    monkeypatch.setattr(OwnJoints, "read", ambiguous)
    result = recover(model, clip, hidden)
    assert result.so3_residual[hidden].min() > AMBIGUOUS_RESIDUAL
    assert geodesic_angle(result.recovered.motion.rotations[hidden], slerp[hidden]).max() < 0.01


@pytest.mark.parametrize("method", ["hold", "slerp", "inertial", "spline"])
def test_baselines_as_results(method):
    clip = tiny_clip(30)
    hidden = joint_wise(clip)
    result = interpolate(method, clip, hidden)
    expected = baselines.BASELINES[method](clip, hidden)
    assert np.array_equal(result.recovered.motion.rotations, expected.rotations)
    assert (result.model_name, result.so3_residual.max(), result.notes) == (method, 0, ())


def test_unknown_baselines_are_refused():
    clip = tiny_clip(20)
    with pytest.raises(SpecError, match="baseline 'magic': no such method"):
        interpolate("magic", clip, masks.first(clip))


@pytest.mark.parametrize("fill", ["zero", "slerp"])
def test_windows_without_a_known_root_stay_near_the_dancer(fill):
    """The prediction does not depend on the place in the world, for gaps of any length."""
    model, clip = tiny_model(fill=fill, output="absolute"), tiny_clip(200)
    far_m = np.array([50, 0, -30], np.float32)
    far = replace(clip, motion=replace(clip.motion, root_m=clip.motion.root_m + far_m))
    here, there = (
        recover(model, c, masks.span(c, 20, 180)).recovered.motion.root_m for c in (clip, far)
    )
    assert np.allclose(there - here, far_m, atol=1e-2)


def test_another_number_of_music_features_is_refused():
    clip = tiny_clip(20)
    narrow = replace(clip, music=replace(clip.music, features=clip.music.features[:, :20]))
    with pytest.raises(ModelError, match="20 music features a frame"):
        recover(tiny_model(), narrow, masks.first(narrow))
    recover(tiny_model("common"), narrow, masks.first(narrow))  # it does not listen


@pytest.mark.parametrize("frame", [-1, 20])
def test_an_attention_frame_outside_the_clip_is_refused(frame):
    clip = tiny_clip(20)
    with pytest.raises(
        SpecError, match=f"attention_frame {frame}: the clip has 20 frames; expected 0 to 19"
    ):
        recover(tiny_model(), clip, masks.first(clip), attention=True, attention_frame=frame)


def test_a_network_named_like_a_baseline_gets_another_name():
    clip, model = tiny_clip(20), tiny_model()
    model.name_or_path = "slerp"
    assert recover(model, clip, masks.first(clip)).model_name == "slerp network"
