"""How a file was read, and the visitor's word against it: unit of length, axis that is up, which way the body faces."""

from dataclasses import dataclass, replace

import streamlit as st

from dashboard.files import entries
from dashboard.files.entries import Entry
from mmm import Clip, MMMError
from mmm.io.body import (
    NATURAL_M,
    UNIT_NAMES,
    UP_AXES,
    body_height,
    how_read,
    parse_unit,
    short_unit,
    unit_name,
)
from mmm.motion.facing import FACINGS, facing_deg, nearest_axis

GUESS = ""


@dataclass(frozen=True)
class Said:
    """What the visitor says of a file; what is empty is guessed."""

    unit: str = GUESS
    up: str = GUESS
    facing: str = GUESS


def seed_from_url() -> None:
    """Start from what the address says (a shared link); for the first file that is no sample."""
    for name in ("unit", "up", "facing"):
        if name in st.query_params:
            st.session_state[f"url_{name}"] = st.query_params[name]


def in_address(entry: Entry) -> dict[str, str]:
    """What the page's address says of it."""
    said = {"unit": short_unit(entry.unit_m)} if entry.unit_m is not None else {}
    said |= {"up": entry.up} if entry.up is not None else {}
    return said | ({"facing": entry.facing} if entry.facing is not None else {})


def corrected(entry: Entry) -> Entry:
    """The entry with what the visitor knows better; draws nothing for the shipped samples."""
    if entry.group == "Samples":
        return entry
    state = st.session_state
    kept: dict[str, Said] = state.setdefault("corrections", {})
    # Popped: a link speaks of its own file, which is the first that is no sample.
    said = kept.get(entry.key) or Said(
        *(state.pop(f"url_{name}", GUESS) for name in ("unit", "up", "facing"))
    )
    has_unit = entry.path.suffix.lower() in (".bvh", ".amc")
    guess = _opened(entry)
    # Another unit may make a BVH readable, so its controls stay.
    if guess is None and entry.path.suffix.lower() != ".bvh":
        return entry  # the page says what is wrong
    # Other formats fix their unit, whatever a link says.
    said = said if has_unit else replace(said, unit=GUESS)
    # A fixed key keeps the box open although its title changes.
    with st.expander(_told(_corrected(entry, said)), key="read_as", icon=":material/straighten:"):
        chosen = _choices(entry, said, guess, has_unit)
    before = kept.get(entry.key, Said())
    kept[entry.key] = chosen
    if chosen != before:
        st.rerun()  # the box's title says how the file is read now
    return _corrected(entry, chosen)


def _opened(entry: Entry) -> Clip | None:
    try:
        return entries.open_clip(entry)
    except MMMError:
        return None


def _choices(entry: Entry, said: Said, guess: Clip | None, has_unit: bool) -> Said:
    """The controls: what was guessed, and what else it may be."""
    read = how_read(guess) if guess is not None else None
    unit = GUESS
    if has_unit:
        guessed = f"Guessed: {unit_name(read[0])}" if read else "Guessed"
        unit = _choice(
            "Unit of length", f"unit-{entry.key}", said.unit, {GUESS: guessed, **UNIT_NAMES}
        )
    stands = f"Guessed: {read[1].upper()}" if read else "As the format has it: Y"
    up = _choice(
        "Axis that is up",
        f"up-{entry.key}",
        said.up,
        {GUESS: stands} | {axis: axis.upper() for axis in UP_AXES},
    )
    # Which way it faces is known when it stands: of the file with the right axis up.
    standing = _opened(_corrected(entry, Said(unit, up)))
    faces = facing_deg(standing.motion) if standing is not None else None
    if faces is None:
        st.caption("Which way the body faces at the first frame cannot be told.")
        return Said(unit, up)
    axis, off = nearest_axis(faces)
    # Measured headings are never exact, so less than a degree counts as aligned.
    file = f"As in the file: {axis.upper()}" + (
        f", {abs(off):.0f}° to the {'left' if off > 0 else 'right'}" if abs(off) >= 1 else ""
    )
    facing = _choice(
        "The body faces, at the first frame",
        f"facing-{entry.key}",
        said.facing,
        {GUESS: file} | {name: f"Turned to {name.upper()}" for name in FACINGS},
        "The whole movement is turned about the vertical; it stays turned in what you export.",
    )
    return Said(unit, up, facing)


def _corrected(entry: Entry, said: Said) -> Entry:
    return replace(
        entry,
        unit_m=parse_unit(said.unit) if said.unit in UNIT_NAMES else None,
        up=said.up if said.up in UP_AXES else None,
        facing=said.facing if said.facing in FACINGS else None,
    )


def _choice(
    label: str, key: str, value: str, options: dict[str, str], hint: str | None = None
) -> str:
    # Not as a default of the widget: Streamlit warns if the session holds a value too.
    st.session_state.setdefault(key, value if value in options else GUESS)
    return str(
        st.selectbox(label, list(options), key=key, format_func=options.__getitem__, help=hint)
    )


def _told(entry: Entry) -> str:
    """How the file is read, in a line."""
    clip = _opened(entry)
    if clip is None:
        return "How the file is read"
    read, height, faces = how_read(clip), body_height(clip.motion.skeleton), facing_deg(clip.motion)
    way = f", facing {nearest_axis(faces)[0].upper()}" if faces is not None else ""
    if read is None or entry.path.suffix.lower() not in (".bvh", ".amc"):
        return f"Read with {(entry.up or 'y').upper()} up{way}"
    odd = "" if NATURAL_M[0] <= height <= NATURAL_M[1] else f", {height:.2f} m tall?"
    return f"Read in {unit_name(read[0])}, {read[1].upper()} up{way}{odd}"


def shell_reading(entry: Entry) -> list[str]:
    """How the file is read, where the visitor knows better than the guess."""
    words = ["--unit", short_unit(entry.unit_m)] if entry.unit_m is not None else []
    words += ["--up", entry.up] if entry.up is not None else []
    return words + (["--facing", entry.facing] if entry.facing is not None else [])


def python_reading(entry: Entry) -> list[str]:
    """The same as arguments of ``load_clip``."""
    words = [f"unit_m={entry.unit_m:g}"] if entry.unit_m is not None else []
    words += [f"up={entry.up!r}"] if entry.up is not None else []
    return words + ([f"facing={entry.facing!r}"] if entry.facing is not None else [])


def path_of(entry: Entry) -> str:
    """As a visitor would name it: what they brought along lies under its name in a folder of theirs."""
    if entry.group == entries.UPLOADS:
        return entry.label
    return str(
        entry.path.relative_to(entries.ROOT)
        if entry.path.is_relative_to(entries.ROOT)
        else entry.path
    )
