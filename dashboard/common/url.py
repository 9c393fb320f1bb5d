"""The page's address, which holds what is needed to restore the view from a link."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from mmm.interpolation.baselines import BASELINES

MAX_BESIDE = 3
"""Largest number of interpolations beside the truth and the method; more would be too small."""


def with_plus(spec: str) -> str:
    """A SPEC from a hand-written address, in which browsers turn + into a space."""
    return re.sub(r"(?<=\w)\s+(?=[a-z])", "+", spec.strip())


def pick_from(value: object, options: Sequence[str]) -> list[str]:
    """The latest ``MAX_BESIDE`` of the stored names that are among the options."""
    # The address brings text and the session a list. Both may repeat a name.
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for name in dict.fromkeys(names) if name in options][-MAX_BESIDE:]


def share_beside() -> None:
    """Update the address with the interpolations that are shown beside the chosen method."""
    if names := pick_from(st.session_state.get("beside"), tuple(BASELINES)):
        st.query_params["beside"] = ",".join(names)
    else:
        st.query_params.pop("beside", None)


def share_maps() -> None:
    """Update the address with the attention map that is shown, if the box is open."""
    if st.session_state.get("attention_open"):
        st.query_params["maps"] = map_view()
    else:
        st.query_params.pop("maps", None)


def map_view() -> str:
    """The attention map that is shown, as the address names it."""
    state = st.session_state
    return str((state.get("attention") or {}).get("view") or state.get("url_maps") or "open")


def show_in_url(query: Mapping[str, str | list[str]]) -> None:
    """Replace the parameters of the page's address.

    The browser reports its address with every run, and the report can be older than the last
    change. The parameters sent last are therefore compared too. Otherwise two quick changes, there
    and back, would leave the first one in the address.
    """
    current = {name: st.query_params.get_all(name) for name in st.query_params}
    parameters = {
        name: [value] if isinstance(value, str) else list(value) for name, value in query.items()
    }
    # Sending an unchanged address would cost a message to the browser with every run.
    if current != parameters or st.session_state.get("sent_url", parameters) != parameters:
        st.query_params.from_dict(parameters)
    st.session_state.sent_url = parameters
