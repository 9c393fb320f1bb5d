"""The picker of the song that goes with a sequence."""

import streamlit as st

from dashboard.common.widgets import pick
from dashboard.files import visits
from dashboard.files.uploaded_music import Chosen
from dashboard.files.windows import pick_start
from mmm import Clip

OWN, UPLOADED = "own", "upload/"
"""The key of the clip's own music, and the prefix of the keys of uploaded songs."""


def pick_song(clip: Clip) -> Chosen:
    """Draw the song picker of a sequence, if the session has uploaded songs.

    Returns:
        The song and its start in seconds, or None for the clip's own music.
    """
    songs, state = {song.name: song for song in visits.uploads().songs}, st.session_state
    if not songs:
        return None
    if state.get("song") not in songs and state.get("song") != OWN:
        state.song = next(iter(songs))
    own_label = "The clip's own" if clip.music is not None else "None"
    name = pick(
        "Music",
        [*songs, OWN],
        "song",
        lambda n: own_label if n == OWN else n,
        "Uses an uploaded song instead of the sequence's own music.",
    )
    return (
        None if name == OWN else (songs[name], pick_start(songs[name], len(clip) / clip.motion.fps))
    )
