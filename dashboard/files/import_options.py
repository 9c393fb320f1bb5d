"""Import options of a file: its take and body, and corrections of unit and axes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

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
from mmm.io.choosing import Choice
from mmm.motion.facing import FACINGS, facing_deg, nearest_axis

GUESS = ""
_MANY = (".bvh", ".fbx", ".glb", ".gltf", ".npy")
"""Files that may hold several takes or bodies."""


@dataclass(frozen=True)
class Correction:
    """The user's choices for a file's import; empty fields are left to the reader."""

    unit: str = GUESS
    up: str = GUESS
    facing: str = GUESS
    take: str = GUESS
    body: str = GUESS


_NAMES = tuple(field.name for field in fields(Correction))


def seed_from_url() -> None:
    """Read the corrections of a shared link, which apply to the first file that is not a sample."""
    for name in _NAMES:
        if name in st.query_params:
            st.session_state[f"url_{name}"] = st.query_params[name]


def in_address(entry: Entry) -> dict[str, str]:
    """The corrections of an entry as parameters of the page's address."""
    correction = {"unit": short_unit(entry.unit_m)} if entry.unit_m is not None else {}
    return correction | _given(entry)


def _given(entry: Entry) -> dict[str, str]:
    """All corrections except the unit, whose spelling depends on its use."""
    names = ("up", "facing", "take", "body")
    return {name: str(value) for name in names if (value := getattr(entry, name)) is not None}


def corrected(entry: Entry) -> Entry:
    """Draw the import options and return the corrected entry; samples have no options."""
    if entry.group == "Samples":
        return entry
    state = st.session_state
    kept: dict[str, Correction] = state.setdefault("corrections", {})
    # Popped, because they belong to the link's own file, the first that is not a sample.
    correction = kept.get(entry.key) or Correction(
        *(state.pop(f"url_{name}", GUESS) for name in _NAMES)
    )
    has_unit = entry.path.suffix.lower() in (".bvh", ".amc")
    guess = _opened(entry)
    # Another unit may make a BVH readable, so its controls stay.
    if guess is None and entry.path.suffix.lower() != ".bvh":
        return entry  # the page says what is wrong
    # The unit of other formats is fixed, so a link cannot change it.
    correction = correction if has_unit else replace(correction, unit=GUESS)
    parts = _parts(entry, correction, guess)
    correction = replace(correction, **parts)
    if any(parts.values()):
        guess = _opened(_corrected(entry, Correction(**parts)))
    # A fixed key keeps the box open although its title changes.
    with st.expander(
        _summary(_corrected(entry, correction)), key="read_as", icon=":material/straighten:"
    ):
        chosen = _choices(entry, correction, guess, has_unit)
    before = kept.get(entry.key, Correction())
    kept[entry.key] = chosen
    if chosen != before:
        st.rerun()  # the box's title says how the file is read now
    return _corrected(entry, chosen)


def as_corrected(entry: Entry) -> Entry:
    """The entry with the corrections that the visitor made earlier; draws nothing."""
    kept: dict[str, Correction] = st.session_state.get("corrections", {})
    return _corrected(entry, kept[entry.key]) if entry.key in kept else entry


def _parts(entry: Entry, correction: Correction, guess: Clip | None) -> dict[str, str]:
    """Draw the choice of a take and of a body, if the file holds several."""
    chosen = {"take": GUESS, "body": GUESS}
    # An .npz keeps the notes of its source, but holds only one take of one body.
    if guess is None or entry.path.suffix.lower() not in _MANY:
        return chosen
    for kind, hint in (
        ("take", "Which of the animations in the file is shown."),
        ("body", "Which of the characters in the file is shown."),
    ):
        several = Choice.of(guess.meta, kind)
        if several is None:
            continue
        options = {}
        for i, name in enumerate(several.names):
            # Takes without a unique name are chosen by number.
            value = name if name and several.names.count(name) == 1 else str(i + 1)
            options[GUESS if i == several.chosen else value] = name
        chosen[kind] = _choice(
            kind.capitalize(), f"{kind}-{entry.key}", getattr(correction, kind), options, hint
        )
    return chosen


def _opened(entry: Entry) -> Clip | None:
    try:
        return entries.open_clip(entry)
    except MMMError:
        return None


def _choices(
    entry: Entry, correction: Correction, guess: Clip | None, has_unit: bool
) -> Correction:
    """Draw the controls, each with the guess as its default."""
    read = how_read(guess) if guess is not None else None
    chosen = replace(correction, unit=GUESS, up=GUESS, facing=GUESS)
    if has_unit:
        guessed = f"Guessed: {unit_name(read[0])}" if read else "Guessed"
        options = {GUESS: guessed, **UNIT_NAMES}
        unit = _choice("Unit of length", f"unit-{entry.key}", correction.unit, options)
        chosen = replace(chosen, unit=unit)
    up_guess = f"Guessed: {read[1].upper()}" if read else "Format default: Y"
    up = _choice(
        "Up axis",
        f"up-{entry.key}",
        correction.up,
        {GUESS: up_guess} | {axis: axis.upper() for axis in UP_AXES},
    )
    chosen = replace(chosen, up=up)
    # The facing depends on the up axis, so the file is read with the chosen one first.
    standing = _opened(_corrected(entry, chosen))
    faces = facing_deg(standing.motion) if standing is not None else None
    if faces is None:
        st.caption("The facing at the first frame cannot be determined.")
        return chosen
    axis, off = nearest_axis(faces)
    # Measured headings are never exact, so less than a degree counts as aligned.
    in_file = f"As in the file: {axis.upper()}" + (
        f", {abs(off):.0f}° to the {'left' if off > 0 else 'right'}" if abs(off) >= 1 else ""
    )
    facing = _choice(
        "Facing at the first frame",
        f"facing-{entry.key}",
        correction.facing,
        {GUESS: in_file} | {name: f"Turned to {name.upper()}" for name in FACINGS},
        "Rotates the motion about the vertical axis. Exports keep the rotation.",
    )
    return replace(chosen, facing=facing)


def _corrected(entry: Entry, correction: Correction) -> Entry:
    return replace(
        entry,
        unit_m=parse_unit(correction.unit) if correction.unit in UNIT_NAMES else None,
        up=correction.up if correction.up in UP_AXES else None,
        facing=correction.facing if correction.facing in FACINGS else None,
        take=correction.take or None,
        body=correction.body or None,
    )


def _choice(
    label: str, key: str, value: str, options: Mapping[str, str], hint: str | None = None
) -> str:
    # Not a default of the widget, because Streamlit warns if the session holds a value as well. A
    # former file of this name may have had other takes.
    if st.session_state.get(key) not in options:
        st.session_state[key] = value if value in options else GUESS
    return str(
        st.selectbox(label, list(options), key=key, format_func=options.__getitem__, help=hint)
    )


def _summary(entry: Entry) -> str:
    """How the file is read, in one line."""
    clip = _opened(entry)
    if clip is None:
        return "How the file is read"
    read, height, faces = how_read(clip), body_height(clip.motion.skeleton), facing_deg(clip.motion)
    heading = f", facing {nearest_axis(faces)[0].upper()}" if faces is not None else ""
    if read is None or entry.path.suffix.lower() not in (".bvh", ".amc"):
        return f"Read with {(entry.up or 'y').upper()} up{heading}"
    odd = "" if NATURAL_M[0] <= height <= NATURAL_M[1] else f", {height:.2f} m tall?"
    return f"Read in {unit_name(read[0])}, {read[1].upper()} up{heading}{odd}"


def shell_reading(entry: Entry) -> list[str]:
    """The corrections as options of the command line."""
    words = ["--unit", short_unit(entry.unit_m)] if entry.unit_m is not None else []
    return words + [word for name, v in _given(entry).items() for word in (f"--{name}", v)]


def python_reading(entry: Entry) -> list[str]:
    """The corrections as arguments of ``load_clip``."""
    words = [f"unit_m={entry.unit_m:g}"] if entry.unit_m is not None else []
    return words + [f"{name}={value!r}" for name, value in _given(entry).items()]


def path_of(entry: Entry) -> str:
    """The path to write in a command. Uploads have only their name."""
    if entry.group == entries.UPLOADS:
        return entry.label
    return str(
        entry.path.relative_to(entries.ROOT)
        if entry.path.is_relative_to(entries.ROOT)
        else entry.path
    )
