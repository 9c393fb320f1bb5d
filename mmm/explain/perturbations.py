"""Changes of a clip's music, to measure what changes in its motion.

A change is written as a SPEC, as masks are::

    mute   mute:120-179   shift:-200   stretch:1.1   swap:other.npz   swap:song.ogg@12.5
    without:drums

Spans are frames, both ends included. Shifts are milliseconds, later for positive values. A stretch
is a factor on the song's duration. A recording that is swapped in may have a start in seconds.
``mmm.explain.music_edits`` implements the changes.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mmm.errors import FileError, SpecError
from mmm.explain.music_edits import muted, shifted, stretched, without
from mmm.io import load_clip
from mmm.io.sound import PARTS, SOUND_SUFFIXES
from mmm.motion.clip import Clip, Music
from mmm.music.features import at_frame_rate, fitted, load_music

SPEC_HELP = (
    "mute, mute:120-179 (frames), shift:-200 (ms, -500 to 500), stretch:1.1 (0.5 to 2), swap:FILE "
    "(of a recording also swap:FILE@SECONDS), without:drums or without:chords"
)
LARGEST_SHIFT_MS = 500
STRETCHES = (0.5, 2.0)
REANALYSED = (
    "The features of both versions were computed from the clip's sound, so that they differ by "
    "the change alone."
)
"""Note of results whose music has its sound; see :func:`mmm.explain.music_edits.reanalysed`."""
# Suffixes that are cut off a song's name in labels.
_SONGS = (*SOUND_SUFFIXES, ".npz")
_BY_FEATURES = "The clip has no sound, so its music features were changed instead."


@dataclass(frozen=True, eq=False)
class Intervention:
    """One change of the music; :func:`parse` makes it from a SPEC, :func:`swap` from music."""

    kind: str
    """``mute``, ``shift``, ``stretch``, ``swap`` or ``without``."""
    label: str
    """The SPEC; for music that was passed in, ``swap:`` and its name."""
    span: tuple[int, int] | None = None
    """For ``mute``: first and last frame, both included; None for all."""
    amount: float = 0.0
    """Milliseconds of ``shift``, or the factor of ``stretch``."""
    part: str = ""
    """For ``without``: ``drums`` or ``chords``."""
    file: Path | None = None
    """For ``swap``: a clip with music, or a recording."""
    start_s: float = 0.0
    """For ``swap``: the time in the recording that falls on the first frame, seconds."""
    other: Clip | None = None
    """For ``swap``: a clip in place of a file."""
    music: Music | None = None
    """For ``swap``: music in place of both. It begins with the first frame, at the clip's rate."""

    @property
    def words(self) -> str:
        """The change in words, for figures."""
        return in_words(self.label)


def parse(spec: str) -> Intervention:
    """The intervention that a SPEC describes.

    Raises:
        SpecError: the text is not a SPEC, or a number is out of bounds.
        FileError: the file of ``swap`` does not exist.
    """
    # Without the spaces of a shell or a form: the SPEC becomes the label, which is read again.
    spec = spec.strip()
    kind, _, rest = spec.partition(":")
    # File names may contain colons and "@", so ``swap`` has a parser of its own.
    if kind == "swap" and rest:
        return _parse_swap(spec, rest)
    if spec == "mute":
        return Intervention("mute", "mute")
    if kind == "mute" and (match := re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", rest)):
        return Intervention("mute", spec, span=(int(match[1]), int(match[2])))
    if kind == "without" and rest in PARTS:
        return Intervention("without", spec, part=rest)
    # The number of digits is bounded, so that the text always converts to a finite number.
    if kind in ("shift", "stretch") and re.fullmatch(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?", rest):
        amount = float(rest)
        low, high = (-LARGEST_SHIFT_MS, LARGEST_SHIFT_MS) if kind == "shift" else STRETCHES
        if not low <= amount <= high:
            raise SpecError(
                f"SPEC {spec!r}",
                f"{amount:g}",
                f"{low:g} to {high:g}",
                "choose a value in this range",
            )
        return Intervention(kind, spec, amount=amount)
    raise SpecError(f"SPEC {spec!r}", "not a change of the music", SPEC_HELP)


def _parse_swap(spec: str, rest: str) -> Intervention:
    file, start_s = Path(rest), 0.0
    # The whole text first: "@" may be a part of a file's name.
    if not file.is_file() and (match := re.fullmatch(r"(.+)@([0-9]{1,5}(?:\.[0-9]{1,3})?)", rest)):
        file, start_s = Path(match[1]), float(match[2])
    if not file.is_file():
        raise FileError(
            rest, "no such file", "a clip with music, or a recording", "check the spelling"
        )
    # A clip's music is aligned with its frames, so only sound files take a start.
    if start_s and file.suffix.lower() not in SOUND_SUFFIXES:
        raise SpecError(
            f"SPEC {spec!r}",
            f"{file.name} is no recording",
            " or ".join(SOUND_SUFFIXES),
            "leave the moment out",
        )
    return Intervention("swap", spec, file=file, start_s=start_s)


def swap(other: Clip | Music, name: str = "") -> Intervention:
    """An intervention that replaces the music by another clip's, or by given music.

    Args:
        other: a clip with music, or music at the clip's frame rate.
        name: the song's name in labels and notes; if empty, the other clip's name.
    """
    if isinstance(other, Music):
        return Intervention("swap", f"swap:{name or 'music'}", music=other)
    return Intervention("swap", f"swap:{name or other.name}", other=other)


def in_words(spec: str) -> str:
    """A SPEC in words, for labels: ``shift:-200`` is "Music 200 ms earlier"."""
    kind, _, rest = spec.partition(":")
    number = rest.lstrip("+-")  # "earlier" or "later" replaces the sign
    if kind == "swap":
        # Windows paths too: a link or a result may come from another machine.
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
    """The clip with its music changed, and remarks for the user added to its notes.

    Raises:
        SpecError: the clip has no music, a span is not inside it, or a part is to be taken out of
            music without sound.
        FileError: the file of ``swap`` cannot be read, or holds no music.
    """
    changed, notes = changed_music(intervention, music_of(clip), clip.name)
    return replace(clip, music=changed, notes=(*clip.notes, *notes))


def music_of(clip: Clip, music: Music | None = None) -> Music:
    """The given music, else the clip's own.

    Raises:
        SpecError: there is neither.
    """
    chosen = music or clip.music
    if chosen is None:
        raise SpecError(clip.name, "no music", "a clip with music", "give its recording (--music)")
    return chosen


def changed_music(
    intervention: Intervention, music: Music, name: str
) -> tuple[Music, tuple[str, ...]]:
    """Music after a change, as long as before, and notes for the user.

    Args:
        name: the clip's name, for errors, which are those of :func:`apply`.
    """
    notes: tuple[str, ...] = ()
    if intervention.kind == "mute":
        changed = muted(music, intervention.span, intervention.label)
    elif intervention.kind == "swap":
        changed, notes = _swapped(music, intervention)
    elif intervention.kind == "shift":
        changed = shifted(music, intervention.amount)
    elif intervention.kind == "stretch":
        changed = stretched(music, intervention.amount)
    else:
        changed, notes = without(music, intervention.part, name)
    edited = intervention.kind in ("mute", "shift", "stretch")
    # Features of full silence are exact, so they need no remark.
    if music.audio is None and edited and intervention.label != "mute":
        notes = (*notes, _BY_FEATURES)
    return changed, notes


def _swapped(music: Music, intervention: Intervention) -> tuple[Music, tuple[str, ...]]:
    """Other music at this music's frame rate and length, and notes for the user."""
    count, file = len(music), intervention.file
    if intervention.music is not None:
        return _given_music(music, intervention.music, intervention.label)
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
    # Music has one row for each frame, so the other clip's is resampled to this clip's rate first.
    other = at_frame_rate(other, music.fps)
    assert other.music is not None
    if len(other) >= count:
        return fitted(other.music, count), ()
    note = f"{other.name} ends after {len(other)} frames; silence follows."
    return fitted(other.music, count), (note,)


def _given_music(music: Music, other: Music, label: str) -> tuple[Music, tuple[str, ...]]:
    """The passed music, cut or padded to the clip's length, and notes for the user."""
    if other.fps != music.fps:
        raise SpecError(
            label,
            f"{other.fps:g} rows per second",
            f"the clip's {music.fps:g}",
            "compute its features at the clip's rate",
        )
    if len(other) >= len(music):
        return fitted(other, len(music)), ()
    note = f"{label.removeprefix('swap:')} ends before the clip does; silence follows."
    return fitted(other, len(music)), (note,)
