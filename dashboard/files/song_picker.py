"""The picker of the song that is heard with a sequence."""

import streamlit as st

from dashboard.common.widgets import pick
from dashboard.files import uploads
from dashboard.files.uploaded_music import Chosen
from dashboard.files.windows import pick_start
from mmm import Clip

OWN, UPLOADED = "own", "upload/"
"""The key of the clip's own music, and the beginning of the keys of uploaded songs."""


def pick_song(clip: Clip) -> Chosen:
    """Which song is heard with the sequence, and from which moment on; None for what the clip has of its own.

    Draws nothing as long as no song was brought along.
    """
    songs, state = {song.name: song for song in uploads.session().songs}, st.session_state
    if not songs:
        return None
    if state.get("song") not in songs and state.get("song") != OWN:
        state.song = next(iter(songs))
    own = "The clip's own" if clip.music is not None else "None"
    name = pick(
        "Music",
        [*songs, OWN],
        "song",
        lambda n: own if n == OWN else n,
        "A song of yours instead of the sequence's own music.",
    )
    return (
        None if name == OWN else (songs[name], pick_start(songs[name], len(clip) / clip.motion.fps))
    )
