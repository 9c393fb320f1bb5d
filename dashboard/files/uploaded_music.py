"""The music of uploaded songs: its features, and clips that play one instead of their own."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from dashboard.files.uploads import Recording
from mmm import Clip, Music
from mmm.music.features import bpm_of_name, fitted, later, load_music

Chosen = tuple[Recording, float] | None
"""A song and the moment (seconds) at which it starts, or None for the clip's own music."""


def hear(song: Recording, fps: float) -> Music:
    """The whole song as a network hears it, kept for the next choice of a part.

    Raises:
        MMMError: the frame rate is too low to follow music.
    """
    return _hear(str(song.path), song.digest, fps)


@st.cache_resource(max_entries=3, show_spinner="Listening to the song")
def _hear(path: str, digest: str, fps: float) -> Music:
    # Its features are kept beside it, not in the user's cache: nothing of an upload outlives its session on disk.
    return load_music(
        path, fps, start_bpm=bpm_of_name(Path(path).stem), cache_dir=Path(path).parent / "features"
    )


def with_song(clip: Clip, song: Recording, start_s: float, first_frame: int = 0) -> Clip:
    """A part of a file with a song instead of its own music.

    Args:
        clip: the part.
        song: the recording.
        start_s: the moment of the song that falls on the file's first frame.
        first_frame: the part's first frame in the file.

    Raises:
        MMMError: the song ends before ``start_s``, or the frame rate is too low to follow music.
    """
    # The name is part of the key: another visitor's equal file must not lend this one its name.
    which = f"{clip.name} {clip.source} {clip.digest()}"
    return _with_song(which, song.digest, start_s, first_frame, _clip=clip, _song=song)


@st.cache_resource(max_entries=12, show_spinner=False)
def _with_song(
    which: str, song: str, start_s: float, first_frame: int, *, _clip: Clip, _song: Recording
) -> Clip:
    stop = first_frame + len(_clip)
    music = fitted(later(hear(_song, _clip.motion.fps), start_s, _song.name), stop)
    return replace(_clip, music=music.crop(first_frame, stop))


def with_chosen_song(clip: Clip, chosen: Chosen, first_frame: int) -> Clip:
    """A part of a file with the song that was chosen for it.

    Raises:
        MMMError: the song cannot be heard at this frame rate.
    """
    return clip if chosen is None else with_song(clip, *chosen, first_frame)
