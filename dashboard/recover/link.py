"""The page's address in mode Recover: read once in a session, then kept up to date."""

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.common.url import map_view, pick_from, show_in_url, with_plus
from dashboard.files import import_options, specs, upload_box, visits
from dashboard.files.entries import UPLOADS
from dashboard.recover.choices import Choices
from dashboard.recover.controls import KINDS
from dashboard.work.networks import list_checkpoints
from mmm import SMPL24, MMMError
from mmm.interpolation.baselines import BASELINES
from mmm.motion.roles import parse_roles
from mmm.spec import split


def seed_from_url() -> None:
    """On the first run of a session, set the controls from the address (a shared link)."""
    state, query = st.session_state, st.query_params
    if "seeded" in state:
        return
    state.seeded = True
    import_options.seed_from_url()
    upload_box.seed_from_url()
    for name in ("sequence", "method"):
        if name in query:
            state[name] = state[f"linked_{name}"] = query[name]
    # Here `beside` names interpolations only; `also` holds earlier recoveries.
    state.beside = pick_from(query.get("beside"), tuple(BASELINES))
    try:
        state.roles = parse_roles(query.get_all("role"))
    except MMMError:
        state.roles = {}  # a damaged link still opens the page
    if "maps" in query:
        state.attention_open, state.url_maps = True, query["maps"]
    if "frames" in query:
        state.linked_frames = query["frames"]
        # Nine digits at most, because Python refuses very long integers.
        if re.fullmatch(r"\d{1,9}-\d{1,9}", query["frames"]):
            state.url_frames = tuple(int(x) for x in query["frames"].split("-"))
    if re.fullmatch(r"[0-9]{1,4}", query.get("seed", "")):
        state.seed = int(query["seed"])
    spec = specs.from_address(query["hide"]) if "hide" in query else None
    state.linked_file_missing = spec is None and "hide" in query
    if spec is not None:
        pattern, edits = split(with_plus(spec))
        state.url_edits = edits
        put_spec(pattern)
    else:
        state.setdefault("kind", "span")  # pick_pattern places the default gap


def put_spec(spec: str) -> None:
    """Set the pattern's widgets to a SPEC; one that they cannot express goes to the text field."""
    pattern, _, groups = spec.partition("@")
    # The last kind matches any text, so one is always found.
    kind, match = next((k, m) for k, v in KINDS.items() if (m := re.fullmatch(v.regex, pattern)))
    if "+" in spec or any(name not in SMPL24.groups for name in groups.split(",") if name):
        kind = "spec"  # several patterns, or single joints
    values: dict[str, Any] = {"kind": kind}
    if kind == "spec":
        values["spec_text"] = spec
    elif kind == "span":
        values["span"] = (int(match[1]), int(match[2]))
    elif kind == "every":
        values["every"] = int(match[1])
    elif kind == "keep":
        values |= {"keep": int(match[1]), "hide": int(match[2])}
    elif kind == "random":
        values["share"] = float(match[1])
    if groups and kind != "spec":
        values["groups"] = [name for name in groups.split(",") if name]
    for name, value in values.items():
        # Values that the user has set are kept.
        st.session_state.setdefault(name, value)


def link_warnings(choices: Choices) -> list[str]:
    """Sentences about parts of the link that the page cannot show.

    A warning disappears when the user changes that choice.
    """
    entry, frames, method = choices.entry, choices.frames, choices.method
    state, warnings = st.session_state, []
    text = state.get("linked_frames")
    if text is not None and state.get("linked_sequence", entry.key) == entry.key:
        shown = f"{frames[0]}-{frames[1]}"
        # The warning stays while the replacement is shown; another part is the user's choice.
        if text != shown and state.setdefault("linked_frames_shown", shown) == shown:
            warnings.append(
                f"The link asks for frames {text}, but {entry.label} has frames 0 to "
                f"{choices.total - 1}. "
                f"Shown: frames {frames[0]} to {frames[1] - 1}."
            )
        else:
            state.linked_frames = None
    if state.get("linked_file_missing"):
        if state.setdefault("linked_file_shown", choices.desk.spec) == choices.desk.spec:
            warnings.append(
                "The link's edits are too long for an address. They were stored for the browser in "
                "which they were made, and are not available here. To share them, copy the SPEC "
                "under the timeline."
            )
        else:
            state.linked_file_missing = False
    name = state.get("linked_method")
    if name is not None:
        known = {card.name for card in list_checkpoints()} | set(BASELINES)
        if name not in known and state.setdefault("linked_method_shown", method) == method:
            warnings.append(
                f"The link asks for the model {name}, which does not exist here. Used: {method}."
            )
        else:
            state.linked_method = None
    return warnings


def share_in_url(choices: Choices, also: Sequence[str] = ()) -> None:
    """Write the state of the page into its address, for sharing.

    Args:
        also: other recoveries in the viewer, as ``comparisons.in_address`` writes them.
    """
    entry, desk, method, song = choices.entry, choices.desk, choices.method, choices.song
    query: dict[str, str | list[str]] = {
        "sequence": entry.key,
        "frames": "{}-{}".format(*choices.frames),
        # Not the mask's label: an invalid SPEC stays in the address, too.
        "hide": specs.to_address(desk.spec),
        "method": method,
    }
    # Other patterns do not depend on the seed, so their address is shorter without it.
    if "random" in desk.spec:
        query["seed"] = str(desk.seed)
    curves = [name for name in BASELINES if name != method]
    if names := pick_from(st.session_state.get("beside"), curves):
        query["beside"] = ",".join(names)
    if also:
        query["also"] = list(also)
    if choices.roles:
        query["role"] = [f"{role}={joint}" for role, joint in choices.roles]
    query |= import_options.in_address(entry)
    if entry.group == UPLOADS:
        # A link does not contain the file. Its mark identifies the file when it is uploaded again.
        query["file"] = visits.uploads().mark(entry.path.name)
    if song:
        name, start_s = song[0].name, song[1]
        query |= {
            "song": name,
            "song_start": f"{start_s:g}",
            "song_file": visits.uploads().mark(name),
        }
    if st.session_state.get("attention_open"):
        query["maps"] = map_view()
    show_in_url(query)
