"""The page's address in mode Generate: read once in a session, then kept up to date."""

import re

import streamlit as st

from dashboard.common import url
from dashboard.files.entries import Entry
from dashboard.files.songs import Song

NUMBERS = {
    "gen_seed_s": "seed_s",
    "gen_length_s": "length_s",
    "gen_variety": "variety",
    "gen_number": "seed",
}
"""Session keys of the controls, and their names in the page's address."""


def seed_from_url() -> None:
    """On the first run of a session, read the controls' values from the address (a shared link)."""
    state, query = st.session_state, st.query_params
    if "gen_seeded" in state:
        return
    state.gen_seeded = True
    if query.get("mode") != "generate":
        return
    for key, name in NUMBERS.items():
        # An address is untrusted: only short plain numbers are accepted.
        if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", query.get(name, "")):
            state[key] = int(float(query[name])) if name == "seed" else float(query[name])
    for key, name in (("gen_method", "method"), ("gen_song", "song")):
        # The pickers replace values that they do not offer.
        if name in query:
            state[key] = query[name]
    if re.fullmatch(r"\d{1,7}", query.get("start", "")):
        # Kept aside, because the slider's key includes the sequence, which is not known yet.
        state.gen_url_start = int(query["start"])


def share_in_url(entry: Entry, start: int, song: Song, method: str) -> None:
    """Write the controls' values into the page's address."""
    query = {"mode": "generate", "sequence": entry.key, "start": str(start), "method": method}
    query |= {
        name: f"{st.session_state[key]:g}"
        for key, name in NUMBERS.items()
        if key in st.session_state
    }
    # An upload exists in this session only, so a link cannot name it.
    if not song.key.startswith("upload/"):
        query["song"] = song.key
    url.show_in_url(query)
