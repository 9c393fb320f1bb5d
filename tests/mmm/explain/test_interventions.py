"""Changing the music, and what of the motion changes with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm import masks, save_clip
from mmm.errors import FileError, ModelError, SpecError
from mmm.explain.interventions import intervene, intervene_generation
from mmm.explain.music_edits import reanalysed_clip
from mmm.explain.perturbations import apply, in_words, parse, swap
from mmm.generation.generate import generate_clip
from mmm.io import load_clip
from mmm.motion.clip import Audio, Music
from mmm.music.audio import write_audio
from mmm.music.features import FEATURE_SLICES, silence
from tests.mmm.networks import tiny_clip, tiny_model

SAMPLE = Path(__file__).parents[3] / "data" / "samples" / "dance_092bpm_test004_dancer03.npz"
QUIET = silence(1, 30.0).features[0]
BEAT = FEATURE_SLICES["beat"].start


def sounding(frames=150, rate=15_360, without=None):
    """A tiny clip at 30 fps with clicks on its beats (every 15 frames) over a low hum."""
    clip = tiny_clip(frames)
    time_s = np.arange(frames * rate // 30) / rate
    hum = 0.2 * np.sin(2 * np.pi * 110 * time_s)
    clicks = np.zeros_like(hum)
    burst = 0.4 * np.random.default_rng(0).normal(size=300) * np.exp(-np.arange(300) / 60)
    for beat in clip.music.beats:
        at = beat * rate // 30
        clicks[at : at + 300] = burst[: len(clicks[at : at + 300])]
    sound = {
        part: Audio(samples.astype(np.float32)[:, None], rate)
        for part, samples in {"whole": hum + clicks, "drums": hum, "chords": clicks}.items()
    }
    whole = sound.pop("whole")
    return replace(
        clip, music=replace(clip.music, audio=whole, without=sound if without is None else without)
    )


def level(clip, first, last):
    """Loudness of the clip's sound between two frames."""
    rate = clip.music.audio.rate_hz
    part = clip.music.audio.samples[int(first * rate / 30) : int(last * rate / 30)]
    return float(np.sqrt(np.mean(np.square(part))))


def struck(clip):
    """The mean over beats of the strongest onset within two frames of each."""
    onset = clip.music.features[:, 0]
    return float(np.mean([onset[beat - 2 : beat + 3].max() for beat in clip.music.beats[2:-2]]))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("loud", "SPEC 'loud': not a change of the music; expected mute"),
        ("mute:9", "not a change of the music"),
        ("shift:501", "SPEC 'shift:501': 501; expected -500 to 500; choose a value"),
        ("shift:nan", "not a change of the music"),
        ("stretch:0.4", "expected 0.5 to 2"),
        ("without:bass", "not a change of the music"),
        ("swap:", "not a change of the music"),
    ],
)
def test_wrong_specs_say_what_is_right(spec, message):
    with pytest.raises(SpecError, match=message):
        parse(spec)


def test_swap_needs_its_file(tmp_path):
    with pytest.raises(FileError, match=r"none\.npz: no such file"):
        parse(f"swap:{tmp_path / 'none.npz'}")
    save_clip(tiny_clip(40, music=False), tmp_path / "mute.npz")
    with pytest.raises(FileError, match="no music in it"):
        apply(parse(f"swap:{tmp_path / 'mute.npz'}"), tiny_clip(40))


def test_a_recording_may_start_at_a_given_time(tmp_path):
    rate, clip = 8000, tiny_clip(60)
    samples = np.sin(
        2 * np.pi * np.repeat([300, 900], 4 * rate) * np.arange(8 * rate) / rate
    ).astype(np.float32)
    write_audio(Audio(samples[:, None] * 0.5, rate), tmp_path / "two@tones.wav")
    for spec, hertz in (("two@tones.wav", 300), ("two@tones.wav@4.5", 900)):
        sound = apply(parse(f"swap:{tmp_path / spec}"), clip).music.audio.samples[:, 0]
        assert len(sound) == 2 * rate
        assert np.abs(np.fft.rfft(sound)).argmax() / 2 == pytest.approx(hertz, abs=1)
    with pytest.raises(SpecError, match="9 s"):
        apply(parse(f"swap:{tmp_path / 'two@tones.wav'}@9"), clip)
    with pytest.raises(FileError, match="no such file"):
        parse(f"swap:{tmp_path / 'none.wav'}@3")
    save_clip(tiny_clip(40), tmp_path / "clip.npz")
    with pytest.raises(SpecError, match=r"clip\.npz is no recording"):
        parse(f"swap:{tmp_path / 'clip.npz'}@3")


def test_music_itself_may_be_swapped_in():
    clip, other = tiny_clip(30), tiny_clip(20, seed=5).music
    changed = apply(swap(other, "mine"), clip)
    assert np.array_equal(changed.music.features[:20], other.features)
    assert (changed.music.features[20:] == QUIET).all()
    assert changed.notes == ("mine ends before the clip does; silence follows.",)
    with pytest.raises(SpecError, match="60 rows per second"):
        apply(swap(replace(other, fps=60.0), "mine"), clip)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("mute", "Muted"),
        ("mute:20-40", "Muted 20-40"),
        ("shift:-200", "Music 200 ms earlier"),
        ("shift:50", "Music 50 ms later"),
        ("stretch:1.1", "Stretched ×1.1"),
        ("without:drums", "Without drums"),
        ("swap:a/b:c.npz", "Another song (b:c)"),
        ("swap:Song No. 5", "Another song (Song No. 5)"),
        ("swap:C:\\x\\Song.MP3@12.5", "Another song (Song)"),
    ],
)
def test_changes_are_named_in_words(spec, label):
    assert in_words(spec) == label


def test_spaces_around_a_spec_do_not_count():
    assert parse(" shift:-200 ").words == parse("shift:-200").words == "Music 200 ms earlier"


@pytest.mark.slow
def test_a_dance_goes_on_to_changed_music():
    model = tiny_model("ecm", horizon_s=[0.6, 0.5, 0.3])
    clip = tiny_clip(90)
    shares = []
    same, quiet, late = intervene_generation(
        model,
        clip,
        ["shift:0", "mute", "mute:60-80"],
        prefix_frames=24,
        frames=60,
        progress=shares.append,
    )
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert not same.change_deg.any()
    assert np.array_equal(quiet.after.clip.motion.rotations[:24], clip.motion.rotations[:24])
    assert not quiet.change_cm[:24].any()
    assert quiet.change_deg[24:].mean(axis=1).min() > 0
    # What is changed later is heard by the windows that reach it alone: 15 frames ahead.
    assert not late.change_deg[: 60 - 15].any()
    assert late.change_deg[60:].any()
    assert not quiet.after.clip.music.beats.size
    assert [len(run.clip) for run in (quiet.before, quiet.after)] == [84, 84]
    assert [len(run.truth) for run in (quiet.before, quiet.after)] == [84, 84]
    summary = quiet.summary()
    assert summary["change_cm"] == pytest.approx(quiet.change_cm[24:].mean(), rel=1e-5)
    assert summary["energy_before"] == same.summary()["energy_after"]
    again = generate_clip(model, clip, prefix_frames=24, frames=60)
    assert np.array_equal(again.clip.motion.rotations, quiet.before.clip.motion.rotations)


def test_another_songs_dance_is_changed_too():
    model, clip, song = (
        tiny_model("ecm", horizon_s=[0.6, 0.5, 0.3]),
        tiny_clip(30),
        tiny_clip(90, seed=3).music,
    )
    change = intervene_generation(model, clip, ["mute"], prefix_frames=24, frames=40, music=song)[0]
    assert change.before.truth is None
    assert np.array_equal(change.before.clip.music.features, song.features[:64])
    with pytest.raises(SpecError, match="it lasts 30 frames"):
        intervene_generation(model, clip, ["mute"], prefix_frames=24, frames=40)
    with pytest.raises(ModelError, match="it takes no music"):
        intervene_generation(tiny_model("common"), clip, ["mute"], prefix_frames=24, frames=4)


def test_before_and_after_are_shown_with_the_music_that_was_heard(tmp_path):
    model, clip = tiny_model("ecm", horizon_s=[0.6, 0.5, 0.3]), sounding(60)
    recovered = intervene(model, clip, masks.span(clip, 10, 25), ["mute"])[0]
    generated = intervene_generation(model, clip, ["mute"], prefix_frames=24, frames=36)[0]
    for result in (recovered, generated):
        scene = result.scene()
        assert [p.role for p in scene.performers] == ["truth", "model", "model"]
        assert [p.name.split(", ")[-1] for p in scene.performers] == ["Truth", "as it is", "Muted"]
        assert [p.look for p in scene.performers] == ["", "", "second"]
        assert not scene.music.audio.samples.any()
        result.save(tmp_path / "after.npz")
        assert np.array_equal(
            load_clip(tmp_path / "after.npz").motion.rotations, scene.performers[2].motion.rotations
        )
        result.save(tmp_path / "after.html")
        assert (tmp_path / "after.html").read_text().startswith("<!doctype html>")


def test_all_is_silent():
    for clip in (tiny_clip(30), sounding()):
        music = apply(parse("mute"), clip).music
        assert (music.features == QUIET).all()
        assert not len(music.beats)
        assert music.audio is None or not music.audio.samples.any()


def test_a_span_of_features_is_silent_and_nothing_else():
    clip = tiny_clip(60)
    changed = apply(parse("mute:14-30"), clip)
    here = np.zeros(60, dtype=bool)
    here[14:31] = True
    assert (changed.music.features[here] == QUIET).all()
    assert np.array_equal(changed.music.features[~here], clip.music.features[~here])
    assert changed.music.beats.tolist() == [0, 45]
    assert changed.notes == ("The clip has no sound, so its music features were changed instead.",)
    with pytest.raises(SpecError, match="mute:14-60: not inside the clip's 60 frames"):
        apply(parse("mute:14-60"), clip)


def test_a_span_of_sound_is_silent_and_so_are_its_features():
    clip = sounding()
    changed = apply(parse("mute:60-89"), clip)
    assert level(changed, 61, 89) == 0
    assert level(changed, 0, 59) == level(clip, 0, 59)
    assert changed.music.beats.tolist() == [0, 15, 30, 45, 90, 105, 120, 135]
    plain = reanalysed_clip(clip).music.features
    moved = np.abs(changed.music.features - plain).max(axis=1)
    assert moved[65:85].min() > 10  # decibels in the first cepstral coefficient
    assert changed.notes == ()


@pytest.mark.parametrize("milliseconds", [-500, -100, 100, 400])
def test_a_shift_moves_sound_features_and_beats_alike(milliseconds):
    frames = round(milliseconds * 30 / 1000)
    bare, clip = tiny_clip(60), sounding()
    features = apply(parse(f"shift:{milliseconds}"), bare).music.features
    inside = slice(20, 40)
    assert np.array_equal(features[20 + frames : 40 + frames], bare.music.features[inside])
    changed = apply(parse(f"shift:{milliseconds}"), clip).music
    assert len(changed) == 150
    assert changed.audio.duration_s == pytest.approx(5)
    assert set(changed.beats.tolist()) == {
        b + frames for b in clip.music.beats if 0 <= b + frames < 150
    }
    assert np.flatnonzero(changed.features[:, BEAT]).tolist() == changed.beats.tolist()
    assert struck(replace(clip, music=changed)) > 3 * np.median(changed.features[:, 0])
    filled = range(0, frames) if frames > 0 else range(150 + frames, 150)
    assert level(replace(clip, music=changed), filled[0], filled[-1]) == 0


def test_no_shift_changes_nothing():
    bare, clip = tiny_clip(60), sounding()
    assert np.array_equal(apply(parse("shift:0"), bare).music.features, bare.music.features)
    assert np.array_equal(
        apply(parse("shift:0"), clip).music.features, reanalysed_clip(clip).music.features
    )


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.8, 1.5])
def test_a_stretch_moves_beats_and_tempo(factor):
    for clip in (tiny_clip(150), sounding()):
        music = apply(parse(f"stretch:{factor}"), clip).music
        assert music.tempo_bpm == pytest.approx(120 / factor)
        expected = {round(beat * factor) for beat in clip.music.beats} & set(range(150))
        assert set(music.beats.tolist()) == expected
        assert len(music) == 150
    assert struck(replace(clip, music=music)) > 3 * np.median(music.features[:, 0])


def test_another_song():
    clip, other = tiny_clip(60), tiny_clip(40, seed=5)
    changed = apply(swap(other), clip)
    assert np.array_equal(changed.music.features[:40], other.music.features)
    assert (changed.music.features[40:] == QUIET).all()
    assert changed.notes == ("tiny5 ends after 40 frames; silence follows.",)
    assert np.array_equal(changed.motion.rotations, clip.motion.rotations)


def test_recordings_without_a_part_are_used_where_the_clip_has_them():
    clip = sounding()
    no_drums, no_chords = (apply(parse(f"without:{part}"), clip) for part in ("drums", "chords"))
    assert no_drums.notes == no_chords.notes == ()
    assert np.allclose(no_drums.music.audio.samples, clip.music.without["drums"].samples)
    assert np.array_equal(no_drums.music.beats, clip.music.beats)
    plain = struck(reanalysed_clip(clip))
    assert struck(no_drums) < 0.2 * plain
    assert struck(no_chords) > 0.5 * plain


@pytest.mark.slow
def test_sound_without_stems_is_separated_and_says_so():
    clip = sounding(without={})
    changed = apply(parse("without:drums"), clip)
    assert "harmonic-percussive separation" in changed.notes[0]
    assert struck(changed) < 0.7 * struck(reanalysed_clip(clip))
    with pytest.raises(SpecError, match="without:drums: tiny0 has no sound, only features"):
        apply(parse("without:drums"), tiny_clip(40))


def test_samples_bring_their_stems():
    """And they are cut with the clip."""
    clip = load_clip(SAMPLE)
    assert set(clip.music.without) == {"drums", "chords"}
    part = clip.crop(60, 180)
    for sound in part.music.without.values():
        assert sound.duration_s == pytest.approx(2, abs=1e-3)
    whole, bare = part.music.audio.samples, part.music.without["drums"].samples
    assert np.abs(whole).max() > 1.2 * np.abs(bare).max()
    plain = reanalysed_clip(part).music.features
    assert (
        apply(parse("without:drums"), part).music.features[:, 0].mean() < 0.8 * plain[:, 0].mean()
    )


def test_a_reanalysed_clip_keeps_beats_and_tempo():
    clip = load_clip(SAMPLE, frames=(0, 300))
    music = reanalysed_clip(clip).music
    assert np.array_equal(music.beats, clip.music.beats)
    assert music.tempo_bpm == clip.music.tempo_bpm
    mfcc = FEATURE_SLICES["mfcc"]
    spread = clip.music.features[:, mfcc].std(axis=0).mean()
    assert np.abs(music.features - clip.music.features)[20:-20, mfcc].mean() < 0.1 * spread


def test_before_and_after():
    model, clip = tiny_model("ecm"), tiny_clip(36)
    mask = masks.span(clip, 10, 25)
    same, quiet, part = intervene(model, clip, mask, ["shift:0", parse("mute"), "mute:12-20"])
    assert not same.change_deg.any()
    assert same.before is quiet.before
    for result in (quiet, part):
        assert result.change_deg.shape == result.change_cm.shape == (36, 6)
        assert result.change_deg[10:26].min() > 0
        assert not result.change_deg[:10].any()
        assert not result.change_cm[26:].any()
        assert result.summary()["change_deg"] == pytest.approx(
            result.change_deg[mask.hidden].mean(), rel=1e-5
        )
    assert (quiet.change_deg != part.change_deg).any()
    assert part.notes == ("The clip has no sound, so its music features were changed instead.",)


def test_both_sides_go_through_the_same_analysis():
    model, clip = tiny_model("ecm"), sounding(60)
    result = intervene(model, clip, masks.span(clip, 10, 25), ["shift:0"])[0]
    assert not result.change_deg.any()
    assert "computed from the clip's sound" in result.notes[0]


def test_what_cannot_be_changed_says_so():
    clip = tiny_clip(30)
    with pytest.raises(ModelError, match="it takes no music"):
        intervene(tiny_model("common"), clip, masks.span(clip, 10, 20), ["mute"])
    with pytest.raises(SpecError, match="tiny0: no music"):
        intervene(tiny_model("ecm"), tiny_clip(30, music=False), masks.span(clip, 10, 20), ["mute"])


def test_progress_may_stop_it():
    shares = []
    clip = tiny_clip(30)
    intervene(
        tiny_model("ecm"),
        clip,
        masks.span(clip, 10, 20),
        ["mute", "shift:100"],
        progress=shares.append,
    )
    assert shares == pytest.approx([2 / 3, 1])


def test_music_keeps_its_kind():
    assert isinstance(apply(parse("mute"), sounding()).music, Music)
