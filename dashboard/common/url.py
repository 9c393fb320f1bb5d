"""The page's address: what is shown, in such a way that a link brings it back."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from mmm.interpolation.baselines import BASELINES

MAX_BESIDE = 3
"""Interpolations beside the truth and the chosen method; more would be too small to see."""


def with_plus(spec: str) -> str:
    """A SPEC from an address written by hand, where + stands for a space."""
    # Browsers decode a + in a query as a space.
    return re.sub(r"(?<=\w)\s+(?=[a-z])", "+", spec.strip())


def pick_from(value: object, options: Sequence[str]) -> list[str]:
    """What stands beside the chosen method: of the names kept, those on offer, the latest ``MAX_BESIDE``."""
    # The address brings text and the session a list. Both may repeat a name.
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for name in dict.fromkeys(names) if name in options][-MAX_BESIDE:]


def share_beside() -> None:
    """Keep the address in step with what stands beside the chosen method."""
    if names := pick_from(st.session_state.get("beside"), tuple(BASELINES)):
        st.query_params["beside"] = ",".join(names)
    else:
        st.query_params.pop("beside", None)


def share_maps() -> None:
    """Keep the address in step with the maps: whether they are open, and which one is shown."""
    if st.session_state.get("attention_open"):
        st.query_params["maps"] = map_view()
    else:
        st.query_params.pop("maps", None)


def map_view() -> str:
    """The attention map that is shown, as the address names it."""
    state = st.session_state
    return str((state.get("attention") or {}).get("view") or state.get("url_maps") or "open")


def show_in_url(wanted: Mapping[str, str | list[str]]) -> None:
    """Put these into the address, all others out of it.

    The browser says with every run what its address is, and may say so just before it hears of a new one: what was
    last sent counts too, or else two quick steps, there and back, leave the address of the first.
    """
    there = {name: st.query_params.get_all(name) for name in st.query_params}
    told = {
        name: [value] if isinstance(value, str) else list(value) for name, value in wanted.items()
    }
    # Sending an unchanged address would cost a message to the browser with every run.
    if there != told or st.session_state.get("sent_url", told) != told:
        st.query_params.from_dict(told)
    st.session_state.sent_url = told
