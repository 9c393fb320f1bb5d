"""The picker of the sequence that the workbench shows."""

import streamlit as st

from dashboard.common import escape
from dashboard.common.widgets import pick
from dashboard.files import import_options
from dashboard.files.entries import UPLOADS, Entry
from mmm import MMMError


def _pick_instead_of_linked(by_key: dict[str, Entry]) -> None:
    """Draw an empty picker, for a link to a sequence that is not available.

    Raises:
        MMMError: until the user picks a sequence. Opening another one automatically would show
            something else than the link refers to.
    """
    state = st.session_state
    linked = state.linked_sequence
    chosen = st.selectbox(
        "Sequence", list(by_key), None, key="pick-unlinked", placeholder="Choose a sequence"
    )
    if chosen is None:
        raise MMMError(
            "link",
            f"it asks for the sequence {linked}, which is not here",
            "one of the sequences in the side bar",
            "choose one there, or add the file and open the link again",
        )
    state.sequence, state.linked_sequence = chosen, None
    st.rerun()


def pick_sequence(entries: list[Entry]) -> Entry:
    """Draw the sequence picker and the import options; returns the chosen entry."""
    by_key = {entry.key: entry for entry in entries}
    state = st.session_state
    if state.get("sequence") not in by_key:
        if str(state.get("sequence")).startswith(f"{UPLOADS}/") and "url_frames" in state:
            state.awaited = str(state.sequence)
        elif state.get("sequence") is not None and state.sequence == state.get("linked_sequence"):
            _pick_instead_of_linked(by_key)
        state.sequence = entries[0].key
    if state.get("awaited") in by_key:
        # The file that the link waits for has arrived.
        state.sequence = state.pop("awaited")
    elif "awaited" in state:
        st.info(
            f"This link needs the file {escape.markdown(state.awaited.partition('/')[2])}. "
            "Add it to restore the shared view.",
            icon=":material/link:",
        )

    def label(key: str) -> str:
        entry = by_key[key]
        return entry.title if entry.group == "Samples" else f"{entry.label}  ·  {entry.group}"

    chosen = pick(
        "Sequence",
        list(by_key),
        "sequence",
        label,
        "Your own files, the samples, then files (.npz .pkl .bvh .amc) in data/raw and in the "
        "folders that MMM_DATA names.",
    )
    return import_options.corrected(by_key[chosen])
