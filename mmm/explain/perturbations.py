"""Changes of a clip's music, to see what of a motion changes with it. SPEC, as for masks::

    mute   mute:120-179   shift:-200   stretch:1.1   swap:other.npz   swap:song.ogg@12.5   without:drums

Spans are frames, both ends included; shifts are milliseconds (later is above zero); a stretch is a factor on the song's
duration; of a recording to swap for, the moment at which it begins may be given, in seconds. Where music has its sound,
the sound is changed and listened to anew, and beats and tempo are moved with it, not guessed again. Where it has only
features, these are changed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from mmm.errors import FileError, SpecError
from mmm.io import load_clip
from mmm.io.sound import PARTS, SOUND_SUFFIXES
from mmm.motion.clip import Audio, Clip, Music
from mmm.music.features import (
    FEATURE_SLICES,
    at_frame_rate,
    features_of,
    fitted,
    load_music,
    silence,
)

Array = np.ndarray

SPEC_HELP = (
    "mute, mute:120-179 (frames), shift:-200 (ms, -500 to 500), stretch:1.1 (0.5 to 2), swap:FILE "
    "(of a recording also swap:FILE@SECONDS), without:drums or without:chords"
)
LARGEST_SHIFT_MS = 500
STRETCHES = (0.5, 2.0)
HEARD_ANEW = "Both sides listen anew to the clip's sound, so that they differ by the change alone."
_SONGS = (*SOUND_SUFFIXES, ".npz")
_FADE_S = 0.005
"""Cut sound fades, for a click would be heard as a stroke."""
_SEPARATED = (
    "There is no recording without its {part}: the sound was separated into {kept} and the rest by a filter "
    "(harmonic-percussive separation), which leaves traces of both."
)
_BY_FEATURES = "The clip has no sound at hand: its music features were changed instead."


@dataclass(frozen=True, eq=False)
class Intervention:
    """One change of the music; see the SPEC above, and :func:`parse`."""

    kind: str
    """``mute``, ``shift``, ``stretch``, ``swap`` or ``without``."""
    label: str
    """The SPEC, or what stands for it."""
    span: tuple[int, int] | None = None
    """Of ``mute``: frames, both ends included; None for all."""
    amount: float = 0.0
    """Milliseconds of ``shift``, factor of ``stretch``."""
    part: str = ""
    """Of ``without``: ``drums`` or ``chords``."""
    file: Path | None = None
    """Of ``swap``: a clip with music, or a recording."""
    start_s: float = 0.0
    """Of ``swap``: the moment of the recording that falls on the first frame."""
    other: Clip | None = None
    """Of ``swap``: the clip itself, in place of a file."""
    music: Music | None = None
    """Of ``swap``: the music itself, in place of both; begins with the first frame, at the clip's rate."""

    @property
    def words(self) -> str:
        """What was done, as a figure's label."""
        return in_words(self.label)


def parse(spec: str) -> Intervention:
    """The intervention that a SPEC describes.

    Raises:
        SpecError: the text is not a SPEC, or a number is out of bounds.
        FileError: the file of ``swap`` does not exist.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind == "swap" and rest:
        return _parse_swap(spec, rest)
    if spec.strip() == "mute":
        return Intervention("mute", "mute")
    if kind == "mute" and (match := re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", rest)):
        return Intervention("mute", spec, span=(int(match[1]), int(match[2])))
    if kind == "without" and rest in PARTS:
        return Intervention("without", spec, part=rest)
    if kind in ("shift", "stretch") and re.fullmatch(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?", rest):
        amount = float(rest)
        low, high = (-LARGEST_SHIFT_MS, LARGEST_SHIFT_MS) if kind == "shift" else STRETCHES
        if not low <= amount <= high:
            raise SpecError(f"SPEC {spec!r}", f"{amount:g}", f"{low:g} to {high:g}", "choose less")
        return Intervention(kind, spec, amount=amount)
    raise SpecError(f"SPEC {spec!r}", "not a change of the music", SPEC_HELP, "correct it")


def _parse_swap(spec: str, rest: str) -> Intervention:
    file, start_s = Path(rest), 0.0
    if not file.is_file() and (match := re.fullmatch(r"(.+)@([0-9]{1,5}(?:\.[0-9]{1,3})?)", rest)):
        file, start_s = Path(match[1]), float(match[2])
    if not file.is_file():
        raise FileError(
            rest, "no such file", "a clip with music, or a recording", "check the spelling"
        )
    if start_s and file.suffix.lower() not in SOUND_SUFFIXES:
        raise SpecError(
            f"SPEC {spec!r}",
            f"{file.name} is no recording",
            " or ".join(SOUND_SUFFIXES),
            "leave the moment out",
        )
    return Intervention("swap", spec, file=file, start_s=start_s)


def swap(other: Clip | Music, name: str = "") -> Intervention:
    """The music of another clip, or music itself, in place of a file; ``name`` is what it is called."""
    if isinstance(other, Music):
        return Intervention("swap", f"swap:{name or 'music'}", music=other)
    return Intervention("swap", f"swap:{name or other.name}", other=other)


def in_words(spec: str) -> str:
    """A SPEC as a chip or a label says it."""
    kind, _, rest = spec.partition(":")
    number = rest.lstrip("+-")
    if kind == "swap":
        song = re.sub(r"@[0-9.]+$", "", rest.replace("\\", "/").rsplit("/", 1)[-1])
        return (
            f"Another song ({song.rpartition('.')[0] if song.lower().endswith(_SONGS) else song})"
        )
    return {
        "mute": f"Muted {rest}".strip(),
        "without": f"Without {rest}",
        "stretch": f"Stretched ×{rest}",
        "shift": f"Music {number} ms {'earlier' if rest.startswith('-') else 'later'}",
    }[kind]


def apply(intervention: Intervention, clip: Clip) -> Clip:
    """The clip with its music changed; what the user should know is added to its notes.

    Raises:
        SpecError: the clip has no music, a span is not inside it, or a part is asked for of a clip without sound.
        FileError: the file of ``swap`` cannot be read, or holds no music.
    """
    changed, notes = changed_music(intervention, music_of(clip), clip.name)
    return replace(clip, music=changed, notes=(*clip.notes, *notes))


def music_of(clip: Clip, music: Music | None = None) -> Music:
    """What is there to be changed: the music given, else the clip's own.

    Raises:
        SpecError: neither.
    """
    found = music or clip.music
    if found is None:
        raise SpecError(clip.name, "no music", "a clip with music", "give its recording (--music)")
    return found


def changed_music(
    intervention: Intervention, music: Music, name: str
) -> tuple[Music, tuple[str, ...]]:
    """Music after a change, as long as it was, and what the user should know.

    ``name`` and errors are those of :func:`apply`.
    """
    notes: tuple[str, ...] = ()
    if intervention.kind == "mute":
        changed = _muted(music, intervention)
    elif intervention.kind == "swap":
        changed, notes = _swapped(music, intervention)
    elif intervention.kind == "shift":
        changed = _shifted(
            music, round(intervention.amount * music.fps / 1000), intervention.amount / 1000
        )
    elif intervention.kind == "stretch":
        changed = _stretched(music, intervention.amount)
    else:
        changed, notes = _without(music, intervention.part, name)
    if (
        music.audio is None
        and intervention.kind in ("mute", "shift", "stretch")
        and intervention.label != "mute"
    ):
        notes = (*notes, _BY_FEATURES)
    return changed, notes


def heard_anew(clip: Clip) -> Clip:
    """The clip with its music as :func:`listened_anew` hears it. A clip without sound comes back as it is."""
    if clip.music is None or clip.music.audio is None:
        return clip
    return replace(clip, music=listened_anew(clip.music))


def listened_anew(music: Music) -> Music:
    """Music with the features of its own sound as it is at hand, listened to as a changed one is.

    Stored features may come from the whole song, or from sound that was not compressed; a change is compared with what
    the same ears make of the sound unchanged. Beats and tempo stay. Music without sound comes back as it is.
    """
    return (
        music
        if music.audio is None
        else _listened(music, music.audio, music.beats, music.tempo_bpm)
    )


def _listened(music: Music, audio: Audio, beats: Int[Array, "_"], tempo_bpm: float) -> Music:
    """What other sound is heard as, its beats and tempo given; as long as the music was."""
    count = len(music)
    heard = features_of(audio, music.fps, count, start_bpm=tempo_bpm or None)
    beats = beats[(beats >= 0) & (beats < count)]
    features = heard.features.copy()
    features[:, FEATURE_SLICES["beat"]] = 0
    features[beats, FEATURE_SLICES["beat"]] = 1
    return replace(heard, features=features, beats=beats, tempo_bpm=tempo_bpm)


def _muted(music: Music, intervention: Intervention) -> Music:
    if intervention.span is None:
        quiet = silence(len(music), music.fps)
        audio = music.audio and Audio(np.zeros_like(music.audio.samples), music.audio.rate_hz)
        return replace(quiet, audio=audio)
    first, last = intervention.span
    if not 0 <= first <= last < len(music):
        raise SpecError(
            intervention.label,
            f"not inside the clip's {len(music)} frames",
            f"0 to {len(music) - 1}, the lower first",
            "choose frames of the clip",
        )
    beats = music.beats[(music.beats < first) | (music.beats > last)]
    if music.audio is None:
        features = music.features.copy()
        features[first : last + 1] = silence(1, music.fps).features
        return replace(music, features=features, beats=beats)
    time_s = np.arange(len(music.audio.samples)) / music.audio.rate_hz
    start_s, stop_s = first / music.fps, (last + 1) / music.fps
    outside = np.clip(np.maximum(start_s - time_s, time_s - stop_s) / _FADE_S, 0, 1).astype(
        np.float32
    )
    sound = Audio(music.audio.samples * outside[:, None], music.audio.rate_hz)
    return _listened(music, sound, beats, music.tempo_bpm)


def _shifted(music: Music, frames: int, seconds: float) -> Music:
    """Later where above zero; what comes in at the end is silence, for nothing is known of it."""
    beats = music.beats + frames
    if music.audio is not None:
        later, earlier = max(seconds, 0.0), max(-seconds, 0.0)
        moved = music.audio.crop_s(earlier, earlier + music.audio.duration_s - later)
        before = round(later * moved.rate_hz)
        return _listened(
            music,
            Audio(np.pad(moved.samples, ((before, 0), (0, 0))), moved.rate_hz),
            beats,
            music.tempo_bpm,
        )
    features = silence(len(music), music.fps).features
    features[max(frames, 0) : len(music) + min(frames, 0)] = music.features[
        max(-frames, 0) : len(music) - max(frames, 0)
    ]
    return replace(music, features=features, beats=beats[(beats >= 0) & (beats < len(music))])


def _stretched(music: Music, factor: float) -> Music:
    """The song slower (above 1) or faster at the same pitch; a faster one is followed by silence."""
    beats = np.unique(np.round(music.beats * factor).astype(np.int64))
    beats, tempo_bpm = beats[beats < len(music)], music.tempo_bpm / factor
    if music.audio is not None:
        from librosa.effects import time_stretch  # slow to import: only where sound is touched

        stretched = time_stretch(np.ascontiguousarray(music.audio.samples.T), rate=1 / factor)
        return _listened(
            music, Audio(stretched.T.astype(np.float32), music.audio.rate_hz), beats, tempo_bpm
        )
    at = np.round(np.arange(len(music)) / factor).astype(int)
    features = np.where(
        (at < len(music))[:, None],
        music.features[np.minimum(at, len(music) - 1)],
        silence(1, music.fps).features,
    )
    return replace(music, features=features.astype(np.float32), beats=beats, tempo_bpm=tempo_bpm)


def _swapped(music: Music, intervention: Intervention) -> tuple[Music, tuple[str, ...]]:
    count, file = len(music), intervention.file
    if intervention.music is not None:
        if intervention.music.fps != music.fps:
            raise SpecError(
                intervention.label,
                f"{intervention.music.fps:g} rows a second",
                f"the clip's {music.fps:g}",
                "take its features at the clip's rate",
            )
        short = len(intervention.music) < count
        note = f"{intervention.label.removeprefix('swap:')} ends before the clip does; silence follows."
        return fitted(intervention.music, count), (note,) if short else ()
    if file is not None and file.suffix.lower() in SOUND_SUFFIXES:
        return load_music(file, music.fps, count, start_s=intervention.start_s), ()
    other = intervention.other if file is None else load_clip(file)
    if other is None or other.music is None:
        raise FileError(
            intervention.label,
            "no music in it",
            "a clip with music, or a recording",
            "choose another",
        )
    other = at_frame_rate(other, music.fps)
    assert other.music is not None
    notes = (
        ()
        if len(other) >= count
        else (f"{other.name} ends after {len(other)} frames; silence follows.",)
    )
    return fitted(other.music, count), notes


def _without(music: Music, part: str, name: str) -> tuple[Music, tuple[str, ...]]:
    if music.audio is None:
        raise SpecError(
            f"without:{part}",
            f"{name} has no sound at hand",
            "a clip with its recording",
            "give it (--music), or choose another change",
        )
    own: Mapping[str, Audio] = music.without
    if part in own:
        return _listened(music, own[part], music.beats, music.tempo_bpm), ()
    from librosa.effects import hpss

    harmonic, percussive = hpss(np.ascontiguousarray(music.audio.samples.T))
    kept = harmonic if part == "drums" else percussive
    sound = Audio(kept.T.astype(np.float32), music.audio.rate_hz)
    note = _SEPARATED.format(part=part, kept="tones" if part == "drums" else "strokes")
    return _listened(music, sound, music.beats, music.tempo_bpm), (note,)
