"""The known answer, checked by brute force: change the music in one place and see which motion changes."""

from dataclasses import replace

import numpy as np
import pytest

from data.dance.choreography import dance
from data.dance.song import make_song
from data.dance.style import Dancer, make_dancer
from data.dance.truth import JOINTS, Truth, load_truths, save_truths, truth_of

SONG = make_song("test", 5)
DANCERS = [Dancer("plain"), make_dancer("test", 4), make_dancer("test", 8)]


def changed(song, other, dancer):
    """Which local rotations (T, 24) and root positions (T,) are not bit for bit the same."""
    one, two = dance(song, dancer), dance(other, dancer)
    rotations = (one.rotations != two.rotations).any(axis=(-2, -1))
    return rotations, (one.root_m != two.root_m).any(axis=-1)


def with_bar(song, index, **changes):
    bars = list(song.bars)
    bars[index] = replace(bars[index], **changes)
    return replace(song, bars=tuple(bars))


def frames_of(song, dancer, music_frames, rule):
    """The motion frames that the table says are decided by these music frames, by a rule."""
    return truth_of(song, dancer).matrix(rules=[rule])[:, music_frames].any(axis=1)


@pytest.mark.parametrize("dancer", DANCERS, ids=lambda dancer: dancer.name)
@pytest.mark.parametrize("bar", [0, 9, len(SONG.bars) - 1])
def test_another_chord_in_one_bar_changes_what_the_table_says_and_nothing_else(dancer, bar):
    other = with_bar(SONG, bar, root=(SONG.bars[bar].root + 5) % 12)
    rotations, root = changed(SONG, other, dancer)
    middle = round((bar + 0.5) * SONG.bar_s * 60)
    said = frames_of(SONG, dancer, [middle], "chord")
    moved = rotations.any(axis=1) | root
    assert not (moved & ~said).any()
    assert moved[said].mean() > 0.97  # the very ends of a blend move by less than a float can show
    assert set(np.flatnonzero(rotations.any(axis=0))) <= set(JOINTS["chord"])


def test_another_section_for_one_bar_changes_that_bar_alone():
    bar = next(k for k, bar in enumerate(SONG.bars) if bar.section == "chorus")
    rotations, root = changed(SONG, with_bar(SONG, bar, section="break"), DANCERS[0])
    moved = rotations.any(axis=1) | root
    assert moved.any()
    assert not (
        moved & ~frames_of(SONG, DANCERS[0], [round((bar + 0.5) * SONG.bar_s * 60)], "chord")
    ).any()


@pytest.mark.slow
def test_chords_move_all_the_joints_that_the_table_lists():
    moved = np.zeros(24, dtype=bool)
    for step in range(1, 12):
        other = with_bar(SONG, 9, root=(SONG.bars[9].root + step) % 12)
        moved |= changed(SONG, other, DANCERS[0])[0].any(axis=0)
    assert set(np.flatnonzero(moved)) == set(JOINTS["chord"])


@pytest.mark.parametrize("dancer", DANCERS, ids=lambda dancer: dancer.name)
@pytest.mark.parametrize(("rule", "drums"), [("kick", "kicks"), ("snare", "snares")])
def test_a_drum_stroke_left_out_changes_its_window_and_its_joints_alone(dancer, rule, drums):
    bar = next(k for k, bar in enumerate(SONG.bars) if k > 3 and len(getattr(bar, drums)) > 1)
    slot = getattr(SONG.bars[bar], drums)[1]
    kept = tuple(s for s in getattr(SONG.bars[bar], drums) if s != slot)
    rotations, root = changed(SONG, with_bar(SONG, bar, **{drums: kept}), dancer)
    onset = (bar + slot / 16) * SONG.bar_s
    stroke = int(np.ceil(onset * 60))
    said = next(
        one.motion
        for one in truth_of(SONG, dancer).influences
        if one.rule == rule and one.music[0] == stroke
    )
    moved = rotations.any(axis=1) | root
    inside = np.zeros(len(moved), dtype=bool)
    inside[slice(*said)] = True
    assert not (moved & ~inside).any()
    assert moved[inside].mean() > 0.8
    assert set(np.flatnonzero(rotations.any(axis=0))) <= set(JOINTS[rule])
    assert len(np.flatnonzero(rotations.any(axis=0))) >= len(JOINTS[rule]) - 2
    assert root.any() == (rule == "kick")


def test_hats_and_bass_decide_nothing():
    silent = replace(SONG, bars=tuple(replace(bar, hats=(), bass=()) for bar in SONG.bars))
    rotations, root = changed(SONG, silent, DANCERS[1])
    assert not rotations.any()
    assert not root.any()


def test_every_frame_is_decided_by_its_own_bar_and_near_bar_lines_by_two():
    dancer = DANCERS[0]
    truth = truth_of(SONG, dancer)
    matrix = truth.matrix(rules=["chord"])
    frames = np.arange(truth.frames)
    assert matrix[frames, frames].mean() > 0.99
    bar_frames = SONG.bar_s * 60
    assert np.abs(matrix[round(5.5 * bar_frames)].sum() - bar_frames) < 2
    assert np.abs(matrix[round(6 * bar_frames)].sum() - 2 * bar_frames) < 3


def test_a_clips_table_is_the_songs_table_cut_out():
    dancer, start, frames = DANCERS[2], 700, 300
    whole, part = truth_of(SONG, dancer), truth_of(SONG, dancer, start, frames)
    cut = slice(start, start + frames)
    assert np.array_equal(part.matrix(), whole.matrix()[cut, cut])
    assert part.frames == 300
    assert all(0 <= one.motion[0] < one.motion[1] <= 300 for one in part.influences)


def test_joints_and_rules_choose_rows():
    truth = truth_of(SONG, DANCERS[0], 600, 300)
    kick = next(one for one in truth.influences if one.rule == "kick" and one.motion[0] > 0)
    frame = sum(kick.motion) // 2
    assert truth.deciding(frame, joint=0, rules=["kick"])[kick.music[0]]
    assert not truth.deciding(
        frame, joint=18, rules=["kick"]
    ).any()  # the elbow knows of snares only
    assert not truth.deciding(frame, joint=22).any()  # hands are never bent
    assert np.array_equal(truth.matrix(joint=0)[frame], truth.deciding(frame, joint=0))


def test_saved_and_loaded_again(tmp_path):
    truths = [truth_of(SONG, dancer, 60 * k, 240) for k, dancer in enumerate(DANCERS)]
    save_truths(tmp_path / "truth.npz", truths)
    assert load_truths(tmp_path / "truth.npz") == truths
    assert isinstance(truths[0], Truth)
