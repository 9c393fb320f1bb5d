"""Features of uploaded songs, and clips with an uploaded song in place of their own music."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from dashboard.files.uploads import Recording
from mmm import Clip, Music
from mmm.music.features import bpm_of_name, fitted, load_music, music_from

Chosen = tuple[Recording, float] | None
"""A song and the moment (seconds) at which it starts, or None for the clip's own music."""


def song_features(song: Recording, fps: float) -> Music:
    """The features of a whole song, cached for the next choice of a part.

    Raises:
        MMMError: the frame rate is too low to follow music.
    """
    return _song_features(str(song.path), song.digest, fps)


@st.cache_resource(max_entries=3, show_spinner="Analysing the song")
def _song_features(path: str, digest: str, fps: float) -> Music:
    # Features are stored beside the song and not in the user's cache, because nothing of an upload
    # may stay on disk after its visit.
    return load_music(
        path, fps, start_bpm=bpm_of_name(Path(path).stem), cache_dir=Path(path).parent / "features"
    )


def with_song(clip: Clip, song: Recording, start_s: float, first_frame: int = 0) -> Clip:
    """Replace the music of a part of a file by a song.

    Args:
        clip: the part.
        song: the recording.
        start_s: position in the song at the file's first frame, in seconds.
        first_frame: the part's first frame in the file.

    Raises:
        MMMError: the song ends before ``start_s``, or the frame rate is too low to follow music.
    """
    # The name is part of the key, so that an equal file of another visitor does not replace it.
    which = f"{clip.name} {clip.source} {clip.digest()}"
    return _with_song(which, song.digest, start_s, first_frame, _clip=clip, _song=song)


@st.cache_resource(max_entries=12, show_spinner=False)
def _with_song(
    which: str, song: str, start_s: float, first_frame: int, *, _clip: Clip, _song: Recording
) -> Clip:
    stop = first_frame + len(_clip)
    music = fitted(music_from(song_features(_song, _clip.motion.fps), start_s, _song.name), stop)
    return replace(_clip, music=music.crop(first_frame, stop))


def with_chosen_song(clip: Clip, chosen: Chosen, first_frame: int) -> Clip:
    """Replace the music of a part of a file by the chosen song, if there is one.

    Raises:
        MMMError: the song cannot be analysed at this frame rate.
    """
    return clip if chosen is None else with_song(clip, *chosen, first_frame)
