"""Earlier recoveries of the same clip, to be compared with the one that is shown.

By another network, of another pattern, by another seed: they stand on the stage, in the table and in the curves under a
name that says what differs.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import controls, recoveries
from dashboard.recoveries import Request
from mmm.baselines import BASELINES

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

MOST = 6
"""So many are offered, the latest."""
_LONGEST = 40
"""Letters of a pattern in a name."""


def remember(request: Request) -> None:
    """This one has been shown."""
    seen: list[Request] = st.session_state.setdefault("seen_recoveries", [])
    seen[:] = [*[one for one in seen if one != request][-4 * MOST:], request]


def offered(request: Request) -> dict[str, Request]:
    """By name, the latest first; those whose results are still at hand."""
    found: dict[str, Request] = {}
    for one in reversed(st.session_state.get("seen_recoveries", [])):
        again = one.spec == request.spec and one.seed == request.seed
        if one == request or one.clip_digest != request.clip_digest or (again and one.method in BASELINES):
            continue  # the interpolations of the same pattern are there anyhow
        name = _name(one, request)
        if name not in found and recoveries.kept_results().get(one) is not None and len(found) < MOST:
            found[name] = one
    return found


def _name(one: Request, shown: Request) -> str:
    """The method, and what else differs from the one that is shown."""
    parts = [one.method]
    if one.spec != shown.spec:
        parts.append(one.spec if len(one.spec) <= _LONGEST else f"{one.spec[:_LONGEST]}…")
    if one.seed != shown.seed:
        parts.append(f"seed {one.seed}")
    if one.roles != shown.roles:
        parts.append("other roles")
    if one.method == shown.method and one.version != shown.version:
        parts.append("an earlier state")
    return ", ".join(parts)


def asked_for(request: Request) -> list[str]:
    """Those of them that the user has put on the stage, as the page's pills say."""
    found = offered(request)
    return [name for name in controls.pick_from(st.session_state.get("beside"), [*BASELINES, *found]) if name in found]


def same_pattern(request: Request) -> list[str]:
    """The methods beside the shown one on the stage that recovered the same pattern."""
    names, found = controls.pick_from(st.session_state.get("beside"), [*BASELINES, *offered(request)]), offered(request)
    ours = {name: one.method for name, one in found.items() if (one.spec, one.seed) == (request.spec, request.seed)}
    return [ours.get(name, name) for name in names if name in ours or (name in BASELINES and name != request.method)]


def chosen(request: Request, names: list[str]) -> "list[RecoveryResult]":
    """Those of them that are asked for, under their names."""
    found = offered(request)
    return [_named(name, repr(found[name]), _result=results[0]) for name in names
            if name in found and (results := recoveries.kept_results().get(found[name])) is not None]


@st.cache_resource(max_entries=12, show_spinner=False)
def _named(name: str, request: str, *, _result: "RecoveryResult") -> "RecoveryResult":
    """Kept, because the errors of a result are worked out once."""
    return replace(_result, model_name=name)
