"""The music of a motion: recordings found beside its file, or named by the user."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mmm.errors import FileError, MMMError
from mmm.io.aist import parse_aist_name
from mmm.motion.clip import Audio, Clip, Music

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""Recordings looked for beside a motion, in this order."""
PARTS = ("drums", "chords")
"""Parts of a song. For interventions, a recording without one of them may lie beside the song's."""


def with_music(clip: Clip, recording: Path, start_s: float = 0.0) -> Clip:
    """The clip with the features and the sound of a recording.

    Args:
        clip: a motion; music that it has is replaced.
        recording: a sound file.
        start_s: the time in the recording that falls on the clip's first frame, seconds.

    Raises:
        FileError: the recording is missing or cannot be read.
        SpecError: ``start_s`` is not inside the recording, or the clip's frame rate is too low.
    """
    # librosa takes a second to import, and most clips have no music.
    from mmm.music.features import load_music

    if not recording.is_file():
        raise FileError(
            str(recording), "no such recording", cure="check the spelling and the folder"
        )
    name = parse_aist_name(clip.name)
    music = load_music(
        recording,
        fps=clip.motion.fps,
        frames=len(clip),
        start_bpm=name.tempo_bpm if name else None,
        start_s=start_s,
    )
    # `load_music` starts at a whole frame, and recordings without a part have to start there too.
    first_frame_s = round(start_s * clip.motion.fps) / clip.motion.fps
    return _with_parts(clip, music, recording, first_frame_s)


def with_found_music(clip: Clip, path: Path) -> Clip:
    """The clip with a recording found beside its file, if there is one.

    A recording that cannot be read is left out with a note, since the user did not name it.
    """
    recording = _recording_beside(path)
    if recording is None:
        return clip
    # Our own `.npz` files hold features already; only their sound may be missing.
    if clip.music is not None:
        return _with_sound(clip, clip.music, recording)
    name = parse_aist_name(path.stem)
    if (
        name is not None
        and recording.stem == f"m{name.music}"
        and not path.stem.endswith(f"ch{name.choreography}")
    ):
        # Text after the choreography means that a program made the file from one of AIST++, perhaps
        # from a part of it. The time in the recording is then unknown.
        note = (
            f"{recording.name} was found by the file's name and taken from its beginning; "
            "if this is a later part of the dance, it is the wrong part."
        )
        clip = replace(clip, notes=(*clip.notes, note))
    try:
        return with_music(clip, recording)
    except MMMError as error:
        return replace(clip, notes=(*clip.notes, f"The music beside it was left out: {error}"))


def _recording_beside(path: Path) -> Path | None:
    return next((file for file in _candidates(path) if file.is_file()), None)


def _candidates(path: Path) -> Iterator[Path]:
    name = parse_aist_name(path.stem)
    if name is not None:
        # Several folders, separated as in PATH; an empty entry would be the current folder.
        listed = os.environ.get("MMM_DATA", "").split(os.pathsep)
        data = [Path(folder) / "music" for folder in listed if folder]
        for folder in (path.parent, path.parent / "music", path.parent.parent / "music", *data):
            yield from (folder / f"m{name.music}{suffix}" for suffix in SOUND_SUFFIXES)
    yield from (path.with_suffix(suffix) for suffix in SOUND_SUFFIXES)


def _with_sound(clip: Clip, music: Music, recording: Path) -> Clip:
    """A clip that has features already, with the sound that they were taken from."""
    if music.audio is not None:
        return clip
    from mmm.music.audio import read_audio

    try:
        audio = read_audio(recording)
    except MMMError as error:
        return replace(clip, notes=(*clip.notes, f"The sound beside it was left out: {error}"))
    sound = audio.crop_s(0.0, clip.motion.duration_s)
    return _with_parts(clip, replace(music, audio=sound), recording, 0.0)


def _with_parts(clip: Clip, music: Music, recording: Path, start_s: float) -> Clip:
    """The clip with its music, and with the recordings that lack one of its parts, if there are any.

    They are called ``NAME.without_drums.ogg`` and ``NAME.without_chords.ogg`` beside ``NAME.ogg``.
    """
    from mmm.music.audio import read_audio

    without: dict[str, Audio] = {}
    notes = clip.notes
    for part in PARTS:
        file = recording.with_name(f"{recording.stem}.without_{part}{recording.suffix}")
        if not file.is_file():
            continue
        try:
            sound = read_audio(file)
        except MMMError as error:
            notes = (*notes, f"A recording beside it was left out: {error}")
        else:
            without[part] = sound.crop_s(start_s, start_s + clip.motion.duration_s)
    # After decoding, these may be a few samples longer than the song.
    if without:
        music = replace(music, without=without).crop(0, len(clip))
    return replace(clip, music=music, notes=notes)
