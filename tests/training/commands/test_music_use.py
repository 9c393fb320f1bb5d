"""The hearing test: it must see a network that listens, and one that does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm.errors import SpecError
from mmm.models import make_config, make_model
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY
from tests.training.conftest import write_split
from training.benchmark.bootstrap import interval
from training.benchmark.songs import partners, song_of, songs_of
from training.commands.music_use import gap_errors, music_ablation
from training.data.dataset import MotionSet


def loud_clips(count: int = 4, frames: int = 100) -> list[Clip]:
    """Clips whose first music feature is the bend of one joint, and says where the others do not."""
    clips = []
    for number in range(count):
        bend = np.sin(np.arange(frames) / 7 + number).astype(np.float32)
        rotvec = np.zeros((frames, 24, 3), np.float32)
        rotvec[:, 4, 0] = bend
        features = np.zeros((frames, 35), np.float32)
        features[:, 0] = (bend + 1) / 2
        motion = Motion(SMPL24, rotvec_to_matrix(rotvec), np.zeros((frames, 3), np.float32), 60.0)
        clips.append(
            Clip(f"song{number}", motion, Music(features, 60.0, np.zeros(0, dtype=int), 120.0))
        )
    return clips


def follow_the_music(inputs, music, maps, positions):
    """Stands in for a decoder that has learned the rule of ``loud_clips``: it bends the joint as the music says."""
    raw = torch.zeros(*inputs.shape[:2], 24 * 9 + 3)
    bend = 2 * music[..., 0] - 1
    now = torch.atan2(inputs[..., 4 * 9 + 7], inputs[..., 4 * 9 + 4])  # the fill's bend about x
    for entry, value in (
        (4, bend.cos() - now.cos()),
        (5, now.sin() - bend.sin()),
        (7, bend.sin() - now.sin()),
        (8, bend.cos() - now.cos()),
    ):
        raw[..., 4 * 9 + entry] = value
    return raw


def network(listens: bool):
    model = make_model(make_config("ecm-small", encoder_layers=1, cross_layers=1)).eval()
    if listens:
        object.__setattr__(model, "decode", follow_the_music)
    return model


def test_a_network_that_listens_is_seen():
    row = music_ablation(network(True), loud_clips())[0]
    assert row["right"][0] < 0.05
    assert row["another"][0] > 10 * row["right"][0]
    assert row["saved_against_another"][1] > 0.9  # the lower end of the interval


@pytest.mark.slow
def test_an_untrained_network_gains_nothing_from_music():
    row = music_ablation(network(False), loud_clips())[0]
    assert row["right"] == row["another"] == row["silence"]
    assert row["saved_against_another"][0] == 0


def test_each_kind_of_music_is_really_given():
    errors = gap_errors(network(True), loud_clips(), 60)
    assert len({round(np.mean(values), 3) for values in errors.values()}) == 3


def test_interval_holds_the_mean_and_narrows():
    values = np.random.default_rng(0).normal(5, 1, 400)
    mean, low, high = interval(list(values))
    assert low < mean < high
    assert mean == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_one_clip_is_not_compared_with_itself():
    with pytest.raises(SpecError, match=r"clips: 1 with 1 songs"):
        music_ablation(network(False), loud_clips(1))
    with pytest.raises(SpecError, match=r"clips: 0 with 0 songs"):
        gap_errors(network(False), [], 60)
    with pytest.raises(SpecError, match=r"clips: 4 with 1 songs"):
        gap_errors(network(False), loud_clips(4), 60, ["the same"] * 4)


def test_another_song_is_another_song():
    clips = loud_clips(5)
    for songs in ("ababa", "aabbb", "abbbb", "aaaab", "abcde"):
        chosen = partners(clips, list(songs))
        assert all(songs[one] != songs[other] for one, other in enumerate(chosen)), songs
    assert partners(loud_clips(4), list("abcd")) == [2, 3, 0, 1]  # half the list away
    alike = gap_errors(
        network(True),
        [replace(clip, music=clips[k // 4].music) for k, clip in enumerate(clips)],
        60,
        list("aaaab"),
    )
    assert alike["another"][4] != pytest.approx(alike["right"][4])


def test_clips_without_music_cannot_be_compared():
    clips = loud_clips(3)
    clips[1] = replace(clips[1], music=None)
    with pytest.raises(SpecError, match="song1: a clip without music"):
        gap_errors(network(False), clips, 60)


def test_a_clip_must_reach_around_the_gap():
    with pytest.raises(SpecError, match="song0: 61 frames"):
        gap_errors(network(False), loud_clips(2, 61), 60)


def test_which_song_a_clip_has():
    assert song_of("test004_dancer03_at0626", {"song": "test004"}) == "test004"
    assert song_of("gBR_sBM_cAll_d04_mBR0_ch01", {"tempo_bpm": 80}) == "mBR0"
    assert song_of("gHO_sBM_cAll_d20_mHO5_ch10") == "mHO5"
    assert song_of("any other") == "any other"


def test_stretches_of_a_recording_have_its_song(tmp_path):
    write_split(tmp_path / "test", [60, 20])
    stored = MotionSet(tmp_path / "test")
    clips = stored.cut_clips(9, 20, TINY, 30.0)
    assert songs_of(clips, stored.clips) == ["clip0", "clip0", "clip0", "clip1"]
    stored.clips[0]["song"] = "mBR0"
    assert songs_of(clips, stored.clips) == ["mBR0", "mBR0", "mBR0", "clip1"]
