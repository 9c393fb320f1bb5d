"""Networks on joint roles that hear: silence changes nothing, music does, hidden values never."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm import masks
from mmm.errors import ModelError
from mmm.explain.frame_explainer import FrameExplainer
from mmm.models import make_config
from mmm.motion.clip import Music
from mmm.music.features import silence
from mmm.recovery.recover import recover
from tests.mmm.networks import clip_at, poisoned, roles_network

HEARING = {"uses_music": True, "cross_layers": 2, "cross_size": 16}
BOUNDS = {
    "root_min": [0.0] * 3,
    "root_max": [1.0] * 3,
    "music_min": [-4.0] * 35,
    "music_max": [4.0] * 35,
}


def pair(awake, **changes):
    """A network without music, and the same with a cross-modal encoder."""
    changes = {"num_attention_heads": 4, "symmetric": True} | changes
    deaf = roles_network(**changes)
    hearing = roles_network(**changes, **HEARING, stats=BOUNDS)
    with torch.no_grad():
        weights = {n: p for n, p in hearing.state_dict().items() if n.startswith("cross_encoder.")}
        hearing.load_state_dict(deaf.state_dict() | weights)
        if awake:
            hearing.cross_encoder.head.weight.normal_(std=0.2)
    return deaf, hearing


def noise(frames, fps, seed=0):
    features = np.random.default_rng(seed).normal(size=(frames, 35)).astype(np.float32)
    return Music(features, fps, np.zeros(0, dtype=int), 120.0)


def with_music(fps, seed=0):
    clip = clip_at(fps)
    return replace(clip, music=noise(len(clip), fps, seed))


def same(one, other):
    a, b = one.recovered.motion, other.recovered.motion
    return np.array_equal(a.rotations, b.rotations) and np.array_equal(a.root_m, b.root_m)


@pytest.mark.parametrize("fps", [30.0, 60.0, 25.0])
@pytest.mark.parametrize("symmetric", [True, False])
def test_it_begins_as_the_network_without_music(fps, symmetric):
    deaf, hearing = pair(awake=False, symmetric=symmetric)
    clip = with_music(fps)
    hidden = masks.parse("span:20-50", clip)
    assert same(recover(hearing, clip, hidden), recover(deaf, clip, hidden))


@pytest.mark.parametrize("symmetric", [True, False])
def test_without_sound_it_is_the_network_without_music(symmetric):
    deaf, hearing = pair(awake=True, symmetric=symmetric)
    clip = with_music(60.0)
    hidden = masks.parse("span:20-50", clip)
    expected = recover(deaf, clip, hidden)
    assert same(recover(hearing, replace(clip, music=None), hidden), expected)
    quiet = replace(clip, music=silence(len(clip), 60.0))
    assert same(recover(hearing, quiet, hidden), expected)
    assert not same(recover(hearing, clip, hidden), expected)


def test_other_music_gives_another_recovery():
    hearing = pair(awake=True)[1]
    clip = with_music(60.0)
    hidden = masks.parse("span:20-50", clip)
    other = replace(clip, music=noise(len(clip), 60.0, seed=1))
    assert not same(recover(hearing, clip, hidden), recover(hearing, other, hidden))


def test_silent_frames_are_not_attended_to():
    """What the features of silence are like does not matter where other frames have music."""
    hearing = pair(awake=True)[1]
    clip = with_music(30.0)
    quiet = silence(len(clip), 30.0).features
    features = clip.music.features.copy()
    features[60:] = quiet[60:]
    hidden = masks.parse("span:20-50", clip)
    part = replace(clip, music=replace(clip.music, features=features))
    maps = recover(hearing, part, hidden, attention=True).attention.block("motion", "music")
    assert maps[..., 60:].max() == 0
    assert maps[..., :60].max() > 0


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_known_entries_stay_and_hidden_ones_never_matter(fps):
    hearing = pair(awake=True)[1]
    clip = with_music(fps)
    hidden = masks.parse("span:20-50", clip).hidden
    result = recover(hearing, clip, hidden)
    assert same(result, recover(hearing, poisoned(clip, hidden), hidden))
    recovered = result.recovered.motion
    assert np.array_equal(recovered.rotations[~hidden], clip.motion.rotations[~hidden])
    assert np.array_equal(recovered.root_m[~hidden[:, 0]], clip.motion.root_m[~hidden[:, 0]])


@torch.inference_mode()
def test_nan_in_hidden_entries_changes_nothing():
    hearing = pair(awake=True)[1]
    clip = with_music(30.0)
    given = torch.rand(1, len(clip), 22 * 9 + 3, generator=torch.Generator().manual_seed(0))
    given[..., :-3] = torch.eye(3).flatten().repeat(22)
    hidden = torch.zeros(1, len(clip), 22, dtype=torch.bool)
    hidden[:, 20:50] = True
    music = torch.rand(1, len(clip), 35, generator=torch.Generator().manual_seed(1))
    body = torch.from_numpy(hearing.config.skeleton.offsets_m)[None]
    expected = hearing(given, hidden, music, body=body).prediction
    broken = given.clone()
    broken[:, 20:50] = torch.nan
    assert torch.equal(hearing(broken, hidden, music, body=body).prediction, expected)


def test_features_of_another_extractor_are_refused():
    hearing = pair(awake=True)[1]
    clip = with_music(30.0)
    other = replace(clip, music=replace(clip.music, features=clip.music.features[:, :20]))
    with pytest.raises(ModelError, match="20 music features a frame; expected the network's 35"):
        recover(hearing, other, masks.parse("span:20-50", clip))


def test_music_needs_a_cross_modal_encoder():
    with pytest.raises(ModelError, match="roles with zeros in gaps, or with music and no cross_l"):
        make_config("inbetween", uses_music=True)


def test_gradients_to_the_music_are_refused():
    """Attribution knows the representation on a skeleton's own joints only."""
    clip = with_music(30.0)
    with pytest.raises(ModelError, match="a network on joint roles"):
        FrameExplainer(pair(awake=True)[1], clip, masks.parse("span:20-50", clip), 30)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_cross_modal_maps_have_blocks_of_the_networks_own_frames(fps):
    hearing = pair(awake=True)[1]
    clip = with_music(fps)
    hidden = masks.parse("span:20-50", clip)
    trace = recover(hearing, clip, hidden, attention=True).attention
    rows = trace.encoders["motion"].shape[-1]
    assert abs(rows - len(clip) * 30 / fps) < 2
    assert trace.encoders["cross"].shape == (2, 4, 2 * rows, 2 * rows)
    assert trace.block("motion", "music").shape == (2, 4, rows, rows)
    scores = trace.head_scores("cross", "across")
    assert ((scores > 0) & (scores < 1)).all()
    silent = recover(hearing, replace(clip, music=None), hidden, attention=True).attention
    assert list(silent.encoders) == ["motion"]
    assert silent.segments is None
