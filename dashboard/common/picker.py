"""A picker whose value the page may set as well as the user.

The browser sends the values of all widgets with everything it says. Where the page has just set one (a file was taken
in, and is to be shown), the browser may speak of something else before it has heard of that, and Streamlit would take
the old value for the user's choice. Here what the page sets opens a new widget: of it the browser knows no old value.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def pick(
    label: str, options: Sequence[str], name: str, show: Callable[[str], str], help_: str
) -> str:
    """As ``st.selectbox``; the value is ``st.session_state[name]``.

    Args:
        name: what stands there when this is called is one of the options.
        show: an option in words.
    """
    state = st.session_state
    pickers: dict[str, tuple[Any, int]] = state.setdefault("pickers", {})
    drawn, turn = pickers.get(name, (None, 0))
    turn += state[name] != drawn
    chosen = str(
        st.selectbox(
            label,
            options,
            options.index(state[name]),
            key=f"pick-{name}~{turn}",
            format_func=show,
            help=help_,
        )
    )
    pickers[name], state[name] = (chosen, turn), chosen
    return chosen
