"""Generating what comes next: what is promised of any network, trained or not."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import mmm.generation.rollout as generation
from mmm.errors import ModelError, SpecError
from mmm.generation.generate import generate, generate_clip
from mmm.generation.result import Generation
from mmm.generation.rollout import horizon, transpose_bars
from mmm.models import make_config, make_model
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from tests.mmm.networks import FPS, tiny_clip, tiny_model

HORIZON = [0.6, 0.5, 0.3]
KNOWN, AHEAD, KEPT = 18, 15, 9
"""The same in frames."""
SEED = 24


def network(kind="ecm", **changes):
    """A random network that takes eight numbers of chance; its noise matters from the start."""
    options = {
        "fill": "inertial",
        "output": "residual",
        "horizon_s": HORIZON,
        "noise_dim": 8,
        "trained_masks": ["the last 40..96"],
    }
    return tiny_model(kind, **(options | changes))


def roles_network(**changes):
    """A small random network on joint roles."""
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "encoder_layers": 1,
    }
    model = make_model(make_config("inbetween", horizon_s=HORIZON, **sizes, **changes)).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.01)
    return model


def arrays(found):
    """Rotations and root of a motion, a clip, or chunks one after another."""
    if isinstance(found, Generation):
        found = found.clip.motion
    if isinstance(found, Motion):
        return found.rotations, found.root_m
    parts = [chunk.motion for chunk in found]
    return np.concatenate([part.rotations for part in parts]), np.concatenate(
        [part.root_m for part in parts]
    )


def same(one, other):
    """Bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def clip():
    return tiny_clip(120)


def test_the_seed_comes_back_bit_for_bit(model, clip):
    found = generate_clip(model, clip, prefix_frames=SEED, frames=40)
    assert len(found.clip) == SEED + 40
    assert found.prefix_frames == SEED
    assert same(found.clip.motion.crop(0, SEED), clip.motion.crop(0, SEED))
    assert same(found.generated, found.clip.motion.crop(SEED, SEED + 40))
    assert found.clip.music is not None
    assert np.array_equal(found.clip.music.features, clip.music.features[: SEED + 40])


def test_chunks_join_to_the_whole(model, clip):
    chunks = list(
        generate(model, clip, prefix_frames=SEED, frames=40, random_seed=3, temperature=0.7)
    )
    assert [chunk.first for chunk in chunks] == [SEED, SEED + 9, SEED + 18, SEED + 27, SEED + 36]
    assert [len(chunk.motion) for chunk in chunks] == [9, 9, 9, 9, 4]
    told = []
    whole = generate_clip(
        model,
        clip,
        prefix_frames=SEED,
        frames=40,
        random_seed=3,
        temperature=0.7,
        progress=told.append,
    )
    assert same(whole.generated, chunks)
    assert told == pytest.approx([9 / 40, 18 / 40, 27 / 40, 36 / 40, 1])


@pytest.mark.parametrize("frames", [1, 8, 9, 10, 50])
def test_any_length_begins_alike(model, clip, frames):
    assert same(
        generate_clip(model, clip, prefix_frames=SEED, frames=frames).generated,
        generate_clip(model, clip, prefix_frames=SEED, frames=60).generated.crop(0, frames),
    )


@pytest.mark.slow
def test_longer_than_the_clip(model, clip):
    """Ten seconds from a clip of 40 frames: silence is heard where there is no music, and there is no truth."""
    short = replace(clip.crop(0, 40), music=None)
    found = generate_clip(model, short, prefix_frames=40, frames=300)
    assert len(found.generated) == 300
    assert found.truth is None
    assert found.clip.music is None
    assert any("silence" in note for note in found.notes)
    assert any("no truth" in note for note in found.notes)


def test_the_truth_stands_beside_as_far_as_it_goes(model, clip):
    found = generate_clip(model, clip, prefix_frames=SEED, frames=50)
    assert found.truth is not None
    assert same(found.truth.motion, clip.motion.crop(0, SEED + 50))
    deaf = network("common")
    assert len(generate_clip(deaf, clip, prefix_frames=100, frames=50).truth) == 120


def test_the_same_number_gives_the_same_motion(model, clip):
    first, again, other = (
        generate_clip(model, clip, prefix_frames=SEED, frames=30, random_seed=seed)
        for seed in (5, 5, 6)
    )
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.slow
def test_variety_scales_chance(model, clip):
    def far(temperature):
        one, other = (
            generate_clip(
                model,
                clip,
                prefix_frames=SEED,
                frames=30,
                random_seed=seed,
                temperature=temperature,
            )
            for seed in (1, 2)
        )
        return float(np.abs(one.clip.motion.positions() - other.clip.motion.positions()).mean())

    assert far(0.0) == 0
    assert 0 < far(0.3) < far(1.0) < far(3.0)


def test_a_network_without_noise_knows_one_future(clip):
    certain = network(noise_dim=0)
    assert same(
        *(
            generate_clip(
                certain, clip, prefix_frames=SEED, frames=30, random_seed=s, temperature=v
            )
            for s, v in ((0, 1.0), (7, 0.0))
        )
    )


def changed_music(clip, start, stop):
    features = clip.music.features.copy()
    features[start:stop] += 1
    return replace(clip.music, features=features)


def test_the_music_ahead_is_heard(model, clip):
    before = generate_clip(model, clip, prefix_frames=SEED, frames=45)
    after = generate_clip(
        model, clip, prefix_frames=SEED, frames=45, music=changed_music(clip, SEED, 120)
    )
    assert not same(before.generated.crop(0, KEPT), after.generated.crop(0, KEPT))


def test_music_beyond_the_window_is_not(model, clip):
    """What is played after a window's end cannot matter to it."""
    before = generate_clip(model, clip, prefix_frames=SEED, frames=45)
    music = changed_music(clip, SEED + KEPT + AHEAD, 120)
    after = generate_clip(model, clip, prefix_frames=SEED, frames=45, music=music)
    assert same(before.generated.crop(0, 2 * KEPT), after.generated.crop(0, 2 * KEPT))
    assert not same(before, after)


def test_what_was_danced_after_the_seed_never_matters(model, clip):
    clean = generate_clip(model, clip, prefix_frames=SEED, frames=45)
    rotations, root_m = clip.motion.rotations.copy(), clip.motion.root_m.copy()
    motion = Motion(clip.motion.skeleton, rotations, root_m, FPS)
    rotations[SEED:], root_m[SEED:] = (
        np.nan,
        np.nan,
    )  # a motion keeps float32 arrays as they are: behind its back
    assert np.isnan(motion.root_m[SEED:]).all()
    chunks = generate(model, Clip("poisoned", motion, clip.music), prefix_frames=SEED, frames=45)
    assert same(chunks, clean.generated)


def test_nor_does_it_for_networks_on_roles():
    model, whole = roles_network(), Clip("walk", smooth_motion(0, 90, SMPL24, 60.0))
    rotations, root_m = whole.motion.rotations.copy(), whole.motion.root_m.copy()
    poisoned = Clip("walk", Motion(SMPL24, rotations, root_m, 60.0))
    rotations[40:], root_m[40:] = np.nan, np.nan
    assert same(
        list(generate(model, poisoned, prefix_frames=40, frames=50)),
        generate_clip(model, whole, prefix_frames=40, frames=50).generated,
    )


def test_memory_does_not_grow(model, clip, monkeypatch):
    """No window is longer than past and future together, and nothing is made before it is asked for."""
    lengths, run = [], generation.recover
    monkeypatch.setattr(
        generation,
        "recover",
        lambda model, window, *a, **k: (lengths.append(len(window)), run(model, window, *a, **k))[
            1
        ],
    )
    chunks = generate(model, replace(clip, music=None), prefix_frames=SEED, frames=10**9)
    assert lengths == []
    assert len(list(itertools.islice(chunks, 12))) == 12
    assert lengths == [KNOWN + AHEAD] * 12


@pytest.mark.parametrize(("fps", "seed"), [(24.0, 30), (50.0, 40), (120.0, 100)])
def test_any_rate_on_roles(fps, seed):
    """Networks on roles go on at the clip's own rate, on its own skeleton."""
    names = tuple(f"mixamorig:{name}" for name in SMPL24.names)
    body = replace(SMPL24, names=names, offsets_m=SMPL24.offsets_m * 1.3)
    walk = Clip("walk", smooth_motion(1, seed + 3, body, fps))
    found = generate_clip(roles_network(), walk, prefix_frames=seed, frames=round(1.5 * fps))
    assert found.clip.motion.fps == fps
    assert found.clip.motion.skeleton is body
    assert len(found.generated) == round(1.5 * fps)
    steps = np.linalg.norm(np.diff(found.clip.motion.positions(), axis=0), axis=-1) * fps
    assert (
        steps[seed - 1 :].max() < 3 * steps[:seed].max() + 1
    )  # it goes on from where the seed was


def test_joints_named_by_hand():
    names = tuple(
        f"Bone{j}" if name in ("left_hip", "left_knee") else name
        for j, name in enumerate(SMPL24.names)
    )
    walk = Clip("walk", smooth_motion(1, 40, replace(SMPL24, names=names), 60.0))
    with pytest.raises(ModelError, match="left_hip"):
        generate(roles_network(), walk, prefix_frames=40, frames=20)
    named = {"left_hip": "Bone1", "left_knee": "Bone4"}
    assert (
        len(
            generate_clip(
                roles_network(), walk, prefix_frames=40, frames=20, joint_names=named
            ).generated
        )
        == 20
    )


@pytest.mark.parametrize("floor_m", [-3.0, 0.9, 25.0])
def test_a_floor_far_from_zero(floor_m):
    """Recordings float: what comes out floats as high, and is otherwise what it would be on the ground."""
    motion = smooth_motion(0, 60, SMPL24, 60.0)
    low = replace(motion, root_m=motion.root_m - np.float32([0, motion.floor_m(), 0]))
    high = replace(low, root_m=low.root_m + np.float32([0, floor_m, 0]))
    ground, off = (
        generate_clip(roles_network(), Clip("walk", m), prefix_frames=60, frames=60)
        for m in (low, high)
    )
    assert (
        np.abs(off.clip.motion.positions() - ground.clip.motion.positions() - [0, floor_m, 0]).max()
        < 1e-3
    )
    assert np.array_equal(off.clip.motion.root_m[:60], high.root_m)


@pytest.mark.slow
def test_own_music_for_a_clip_without(model, clip):
    """A song that goes on after the motion: nobody is told of silence, and the clip's truth is another song's."""
    silent = replace(clip.crop(0, 40), music=None)
    song = tiny_clip(200, seed=4).music
    found = generate_clip(model, silent, prefix_frames=SEED, frames=150, music=song)
    assert not same(
        found.generated, generate_clip(model, silent, prefix_frames=SEED, frames=150).generated
    )
    assert found.clip.music is not None
    assert len(found.clip.music) == SEED + 150
    assert found.truth is None
    assert not any("silence" in note for note in found.notes)


def test_a_song_is_danced_to_its_end(model, clip):
    assert (
        len(generate_clip(model, clip, prefix_frames=SEED, frames=120 - SEED).generated)
        == 120 - SEED
    )


def test_networks_that_fill_gaps_say_so(clip):
    found = generate_clip(
        network(trained_masks=["every:4..40"]), clip, prefix_frames=SEED, frames=9
    )
    assert any("not trained to continue" in note for note in found.notes)


def test_horizon_of_other_networks():
    assert horizon(network(horizon_s=None)) == generation.Horizon(2.0, 1.5, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prefix_frames": 14}, "seed of 14 frames"),
        ({"prefix_frames": 121}, "15 to 120"),
        ({"prefix_frames": 0}, "seed of 0"),
        ({"prefix_frames": -5}, "seed of -5"),
        ({"frames": 0}, "0 frames to generate"),
        ({"frames": -1}, "nothing to do"),
        ({"temperature": -0.1}, "temperature -0.1"),
        ({"temperature": 3.5}, "0 to 3"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"random_seed": -1}, "random seed -1"),
        ({"frames": 97}, "at most 96 frames"),
        (
            {"music": Music(np.zeros((500, 35), np.float32), 60.0, np.zeros(0, int), 0.0)},
            "60 rows per second",
        ),
    ],
)
def test_bad_arguments_are_told_at_once(model, clip, arguments, message):
    """By the call itself, not by the first frame."""
    with pytest.raises(SpecError, match=message):
        generate(model, clip, **({"prefix_frames": SEED, "frames": 20} | arguments))
    with pytest.raises(SpecError, match=message):
        generate_clip(model, clip, **({"prefix_frames": SEED, "frames": 20} | arguments))


def test_bad_clips_are_told_at_once(model, clip):
    with pytest.raises(ModelError, match="skeleton"):
        generate(model, Clip("other", smooth_motion(0, 60)), prefix_frames=60)
    with pytest.raises(ModelError, match="frames a second"):
        generate(
            model,
            replace(clip, motion=replace(clip.motion, fps=60.0), music=None),
            prefix_frames=60,
        )
    other = replace(clip.music, features=np.zeros((120, 12), np.float32))
    with pytest.raises(ModelError, match="12 music features"):
        generate(model, clip, prefix_frames=SEED, frames=20, music=other)


def test_music_of_another_rate_beside_a_deaf_network(clip):
    """It is not heard, so it is not laid beside the motion either."""
    song = Music(np.zeros((500, 35), np.float32), 60.0, np.zeros(0, int), 0.0)
    found = generate_clip(
        network("common"), replace(clip, music=None), prefix_frames=SEED, frames=20, music=song
    )
    assert found.clip.music is None


def music_of(frames: int, beats: bool = True) -> Music:
    features = np.random.default_rng(0).random((frames, 35)).astype(np.float32)
    return Music(features, 60.0, np.arange(0, frames, 30) if beats else np.zeros(0, int), 120.0)


@pytest.mark.parametrize("beats", [True, False])
def test_bars_are_heard_in_other_keys_and_rhythm_as_it_is(beats):
    music = music_of(960, beats)
    found = transpose_bars(music, 1.0, 240, np.random.default_rng(1))
    chroma = slice(21, 33)
    rest = [c for c in range(35) if not 21 <= c < 33]
    np.testing.assert_array_equal(found.features[:, rest], music.features[:, rest])
    np.testing.assert_array_equal(found.features[:240], music.features[:240])  # the seed's bars
    for bar in range(240, 960, 120):
        one, other = (
            music.features[bar : bar + 120, chroma],
            found.features[bar : bar + 120, chroma],
        )
        assert [k for k in range(12) if np.array_equal(np.roll(one, k, axis=1), other)] not in (
            [],
            [0],
        )


def test_half_the_bars_and_another_number_other_bars():
    music = music_of(12_000)
    found = transpose_bars(music, 0.5, 0, np.random.default_rng(1))
    changed = (found.features != music.features).any(axis=1).reshape(-1, 120).any(axis=1)
    assert 0.35 < changed.mean() < 0.65
    other = transpose_bars(music, 0.5, 0, np.random.default_rng(2))
    assert (other.features != found.features).any()
    assert (
        transpose_bars(music, 0.0, 0, np.random.default_rng(1)).features.tobytes()
        == music.features.tobytes()
    )


def test_chunks_are_handed_out_as_they_come(model, clip):
    chunks = []
    whole = generate_clip(model, clip, prefix_frames=SEED, frames=40, on_chunk=chunks.append)
    assert same(whole.generated, chunks)


def test_a_run_that_is_told_to_stop_returns_what_it_has(model, clip):
    seen = []

    def stop_after_two(chunk):
        seen.append(chunk)
        return len(seen) < 2

    found = generate_clip(model, clip, prefix_frames=SEED, frames=40, on_chunk=stop_after_two)
    assert len(found.generated) == 18
    assert same(found.generated, seen)
