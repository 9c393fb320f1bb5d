"""The dance: follows the written rule, stays smooth, stands on its feet, and is the same every time."""

from dataclasses import replace

import numpy as np
import pytest

from data.dance import controls
from data.dance.choreography import channels, dance, kick_pulses, leads_left, move_of
from data.dance.moves import MOVES, evaluate
from data.dance.rig import BALL_HEIGHT_M
from data.dance.song import Bar, Song, make_song
from data.dance.style import DANCERS, Dancer, make_dancer
from mmm.metrics.naturalness import beat_alignment, foot_skate_cm_s, motion_beats, motion_energy
from mmm.motion.rotations import geodesic_angle, matrix_to_rotvec
from mmm.motion.skeleton import SMPL24

BALLS = (10, 11)
PAIRS = [(make_song("train", k), make_dancer("train", 3 * k)) for k in range(12)]


@pytest.fixture(scope="module")
def dances():
    return [dance(song, dancer) for song, dancer in PAIRS]


def bars_of(*roots, minor=False, tempo_bpm=100, kicks=(), snares=()):
    """A song without drums (unless given), one bar a root."""
    made = tuple(Bar(root, minor, "chorus", kicks, snares, (), ()) for root in roots)
    return Song("made", "train", (0, 0), tempo_bpm, made)


def test_same_song_and_dancer_give_the_same_motion_whole_or_in_parts(dances):
    song, dancer = make_song("train", 2), make_dancer("train", 6)
    again = dance(song, dancer)
    assert again.digest() == dances[2].digest()
    part = dance(song, dancer, 700, 300)
    assert np.array_equal(part.rotations, again.rotations[700:1000])
    assert np.array_equal(part.root_m, again.root_m[700:1000])


def test_dancers_differ_and_no_split_has_another_ones():
    everyone = [make_dancer(split, k) for split in DANCERS for k in range(DANCERS[split])]
    assert len({replace(dancer, name="") for dancer in everyone}) == len(everyone)
    assert all(abs(dancer.late_s) <= 2 / 60 for dancer in everyone)
    with pytest.raises(ValueError, match="val has dancers 0 to 7"):
        make_dancer("val", 8)


def test_twelve_moves_all_unlike_each_other():
    beats = np.linspace(0, 4, 120)
    drawn = [evaluate(move, beats) for move in MOVES]
    assert len(MOVES) == 12
    for k, one in enumerate(drawn):
        assert all(np.abs(one - other).max() > 0.3 for other in drawn[k + 1 :])


def test_the_chords_root_chooses_the_move_whatever_the_song():
    dancer = Dancer("plain")
    fast, slow = (bars_of(3, 8, 3, 5, tempo_bpm=tempo) for tempo in (120, 90))
    # Frames of bar 3's middle: the same pose at the same beat, though tempo and place in the song differ.
    at_fast = channels(fast, dancer, np.array([round(2.5 * fast.bar_s * 60)]))
    at_slow = channels(slow, dancer, np.array([round(0.5 * slow.bar_s * 60)]))
    assert np.abs(at_fast - at_slow).max() < 0.02
    other = channels(slow, dancer, np.array([round(1.5 * slow.bar_s * 60)]))
    assert np.abs(other - at_slow).max() > 0.2
    assert [move_of(bar) for bar in slow.bars] == ["twist", "body_roll", "twist", "arm_hits"]


def test_minor_chords_mirror_the_move():
    dancer = Dancer("plain")
    # Tempo's own small turn (spine2_yaw, sway_x, swing) is not mirrored; the move is.
    for root in range(12):
        major, minor = (
            channels(bars_of(root, minor=m), dancer, np.arange(30, 120)) for m in (False, True)
        )
        away = np.abs(controls.mirror(major) - minor)
        assert away.max() < 0.11
        assert np.abs(major - minor).max() > 0.3 or MOVES[root].__name__ in ("body_roll", "groove")
    assert leads_left(Bar(0, False, "verse", (), (), (), ()))
    assert not leads_left(Bar(0, True, "verse", (), (), (), ()))


def test_mirrored_channels_give_the_mirrored_motion():
    """Up to the body's own asymmetry: SMPL's left and right bones differ by a few millimetres."""
    song, dancer = bars_of(*range(12)), Dancer("plain")
    values = channels(song, dancer, np.arange(0, song.frames(), 7))
    from data.dance.choreography import perform

    swap = list(SMPL24.mirror_index)
    straight = perform(values, dancer).positions()[:, swap] * np.array([-1, 1, 1])
    assert np.abs(perform(controls.mirror(values), dancer).positions() - straight).max() < 0.06


@pytest.mark.parametrize(("section", "larger"), [("break", False), ("chorus", True)])
def test_fuller_sections_are_danced_larger(section, larger):
    verse = bars_of(4, 4)
    verse = replace(verse, bars=tuple(replace(bar, section="verse") for bar in verse.bars))
    other = replace(verse, bars=tuple(replace(bar, section=section) for bar in verse.bars))
    energies = [motion_energy(dance(song, Dancer("plain"))).mean() for song in (other, verse)]
    assert (energies[0] > energies[1]) == larger


def test_each_kick_lowers_the_pelvis():
    dancer = Dancer("plain")
    still = dance(bars_of(1, 1), dancer).root_m[:, 1]
    kicked = bars_of(1, 1, kicks=(0, 6, 8))
    down = still - dance(kicked, dancer).root_m[:, 1]
    for onset in kicked.onsets_s("kick")[1:]:
        around = slice(round(onset * 60) - 9, round(onset * 60) + 10)
        assert 0.03 < down[around].max() < 0.07
        assert abs(np.argmax(down[around]) - 9 - 2.4) < 2.5
    assert down.min() > -1e-4
    quiet = kick_pulses(kicked, np.arange(len(down)) / 60) == 0
    assert quiet.sum() > 20
    assert np.abs(down[quiet]).max() < 1e-6


def test_each_snare_is_an_accent_of_shoulders_and_arms():
    dancer = Dancer("plain")
    plain, hit = (dance(bars_of(2, 2, snares=snares), dancer) for snares in ((), (4, 12)))
    change = geodesic_angle(plain.rotations, hit.rotations)
    onsets = bars_of(2, 2, snares=(4, 12)).onsets_s("snare")
    for onset in onsets:
        at = round(onset * 60) + 2
        assert change[at, [9, 13, 14, 18, 19]].min() > 0.1
        assert change[at - 12].max() < 1e-3
        assert change[at + 20].max() < 1e-3
    assert change[:, [0, 1, 2, 4, 5]].max() < 1e-3


def test_tempo_sets_the_pace():
    dancer = Dancer("plain")
    for tempo in (80, 140):
        song = bars_of(
            *[2] * 8, tempo_bpm=tempo
        )  # sways: one side to the other and back in two beats
        sway = dance(song, dancer).root_m[:, 0]
        spectrum = np.abs(np.fft.rfft(sway - sway.mean()))
        hz = np.argmax(spectrum) * 60 / len(sway)
        assert hz == pytest.approx(tempo / 60 / 2, rel=0.03)


def test_planted_feet_do_not_slide_or_sink(dances):
    for (song, _), motion in zip(PAIRS, dances, strict=True):
        balls = motion.positions()[:, BALLS]
        assert balls[..., 1].min() > BALL_HEIGHT_M - 2e-4, song.name
        down = (
            balls[..., 1] < BALL_HEIGHT_M + 1e-4
        )  # a tenth of a millimetre: on the floor, not about to leave it
        both = down[1:] & down[:-1]
        slide_m = np.linalg.norm(np.diff(balls, axis=0), axis=-1)[both]
        assert both.mean() > 0.5
        assert slide_m.mean() < 1e-5
        assert slide_m.max() < 1e-3
        skate = foot_skate_cm_s(motion)
        assert skate is not None
        assert skate < 1
        assert motion.positions()[..., 1].min() > 0.02


def test_legs_reach_their_feet_and_knees_and_elbows_bend_one_way(dances):
    for motion in dances:
        positions = motion.positions()
        for hip, elbow, sign in ((1, 18, -1), (2, 19, 1)):
            knee = matrix_to_rotvec(motion.rotations[:, hip + 3])
            assert np.abs(knee[:, 1:]).max() < 1e-3
            assert knee[:, 0].min() > 0.02
            assert knee[:, 0].max() < 2.3
            bend = sign * matrix_to_rotvec(motion.rotations[:, elbow])[:, 1]
            assert bend.min() > -0.1
            assert bend.max() < 2.45
            # The knee is in front of the line from hip to ankle, as the pelvis faces.
            hip_at, knee_at, ankle_at = (positions[:, j] for j in (hip, hip + 3, hip + 6))
            forward = motion.world_rotations()[:, 0, :, 2]
            assert ((knee_at - (hip_at + ankle_at) / 2) * forward).sum(axis=-1).min() > -0.05


def test_smooth_and_as_lively_as_real_dance(dances):
    """Bounds from three AIST++ recordings: joints' mean speeds of .4 to 8 rad/s, 99 % of accelerations below 12 to 128
    m/s^2, mean squared speeds of .26 to 2.6 m^2/s^2."""
    speeds = np.concatenate(
        [geodesic_angle(m.rotations[1:], m.rotations[:-1]) * 60 for m in dances]
    )
    assert speeds.max() < 18
    mean = speeds.mean(axis=0)
    for low, high, joints in (
        (0.4, 2.8, [0]),
        (0.8, 1.95, [1, 2]),
        (0.8, 2.7, [4, 5]),
        (0.3, 2.4, [3, 6, 9]),
        (0.5, 4.4, [16, 17]),
        (1.0, 8.0, [18, 19]),
    ):
        assert (mean[joints] > low).all()
        assert (mean[joints] < high).all()
    bends = np.concatenate(
        [np.linalg.norm(np.diff(m.positions(), n=2, axis=0), axis=-1) * 3600 for m in dances]
    )
    assert np.percentile(bends, 99) < 128
    assert bends.max() < 260
    assert all(0.25 < motion_energy(m).mean() < 2.6 for m in dances)


def test_moves_join_without_a_jump_at_bar_lines(dances):
    for (song, _), motion in zip(PAIRS, dances, strict=True):
        acceleration = (
            np.linalg.norm(np.diff(motion.positions(), n=2, axis=0), axis=-1).max(axis=1) * 3600
        )
        lines = (np.arange(1, len(song.bars)) * song.bar_s * 60).astype(int)
        near = np.unique(np.clip(lines[:, None] + np.arange(-8, 8), 0, len(acceleration) - 1))
        assert acceleration[near].max() < 1.4 * np.delete(acceleration, near).max()


def test_motion_beats_fall_on_the_music_more_than_on_another_beat():
    on, off = [], []
    for song, dancer in PAIRS:
        beats = motion_beats(dance(song, dancer))
        music = np.round(song.beats_s() * 60).astype(int)
        on.append(beat_alignment(beats, music, 60.0)["per_music_beat"])
        off.append(beat_alignment(beats, music + round(song.beat_s * 20), 60.0)["per_music_beat"])
    assert np.mean(on) > np.mean(off) + 0.1
