"""How a file was read, and the visitor's word against it: unit of length, axis that is up."""

from dataclasses import replace

import streamlit as st

from dashboard import library
from dashboard.library import Entry
from mmm import MMMError
from mmm.io.body import NATURAL_M, UNIT_NAMES, UP_AXES, body_height, how_read, parse_unit, short_unit, unit_name

GUESS = ""


def seed_from_url() -> None:
    """Start from what the address says (a shared link); for the first file that is no sample."""
    for name in ("unit", "up"):
        if name in st.query_params:
            st.session_state[f"url_{name}"] = st.query_params[name]


def in_address(entry: Entry) -> dict[str, str]:
    """What the page's address says of it."""
    said = {"unit": short_unit(entry.unit_m)} if entry.unit_m is not None else {}
    return said | ({"up": entry.up} if entry.up is not None else {})


def corrected(entry: Entry) -> Entry:
    """The entry with what the visitor knows better; draws nothing for the shipped samples."""
    if entry.group == "Samples":
        return entry
    state = st.session_state
    kept: dict[str, tuple[str, str]] = state.setdefault("corrections", {})
    unit, up = kept.get(entry.key, (state.pop("url_unit", GUESS), state.pop("url_up", GUESS)))
    try:
        guess = how_read(library.open_clip(entry))
    except MMMError:
        guess = None  # the page says what is wrong
        if entry.path.suffix.lower() != ".bvh":
            return entry
    has_unit = entry.path.suffix.lower() in (".bvh", ".amc")
    now = _corrected(entry, unit if has_unit else GUESS, up)
    with st.expander(_told(now), key="read_as", icon=":material/straighten:"):
        if has_unit:
            guessed = f"Guessed: {unit_name(guess[0])}" if guess else "Guessed"
            unit = _choice("Unit of length", f"unit-{entry.key}", unit, {GUESS: guessed, **UNIT_NAMES})
        said = f"Guessed: {guess[1].upper()}" if guess else "As the format has it: Y"
        axes = {GUESS: said} | {axis: axis.upper() for axis in UP_AXES}
        up = _choice("Axis that is up", f"up-{entry.key}", up, axes)
    chosen = unit if has_unit else GUESS, up
    if chosen != kept.get(entry.key, (GUESS, GUESS)):
        kept[entry.key] = chosen
        st.rerun()  # the box's title says how the file is read now
    kept[entry.key] = chosen
    return _corrected(entry, *chosen)


def _corrected(entry: Entry, unit: str, up: str) -> Entry:
    return replace(entry, unit_m=parse_unit(unit) if unit in UNIT_NAMES else None, up=up if up in UP_AXES else None)


def _choice(label: str, key: str, value: str, options: dict[str, str]) -> str:
    st.session_state.setdefault(key, value if value in options else GUESS)
    return str(st.selectbox(label, list(options), key=key, format_func=options.__getitem__))


def _told(entry: Entry) -> str:
    """How the file is read, in a line."""
    try:
        clip = library.open_clip(entry)
    except MMMError:
        return "How the file is read"
    read, height = how_read(clip), body_height(clip.motion.skeleton)
    if read is None or entry.path.suffix.lower() not in (".bvh", ".amc"):
        return f"Read with {(entry.up or 'y').upper()} up"
    odd = "" if NATURAL_M[0] <= height <= NATURAL_M[1] else f", {height:.2f} m tall?"
    return f"Read in {unit_name(read[0])}, {read[1].upper()} up{odd}"
