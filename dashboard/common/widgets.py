"""Buttons that never lose a press, and a picker that both the page and the user may set.

Streamlit reports a press to a single run of the page. If that run is interrupted before it reaches
the button, for example by a message from the stage or an upload, ``st.button`` returns False in the
next run and the click is lost. Callbacks run before the page does: a press noted there stays until
the page has acted on it.

The browser sends the values of all widgets with every message. After the page has set a picker, for
example to show an upload, the browser may send a message with the old value, which Streamlit would
take for the user's choice. :func:`pick` therefore creates a new widget for each value that the page
sets, for which the browser holds no old value.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def _waiting() -> set[str]:
    # In the session: a module variable would be shared by all visitors.
    presses: set[str] = st.session_state.setdefault("presses", set())
    return presses


def button(label: str, *, key: str, **looks: Any) -> bool:
    """As ``st.button``; True until :func:`release` is called."""
    st.button(label, key=key, on_click=_note, args=(key,), **looks)
    return is_pressed(key)


def _note(key: str) -> None:
    _waiting().add(key)


def is_pressed(key: str) -> bool:
    """Whether the button of this key waits for the page to act."""
    return key in _waiting()


def release(key: str) -> None:
    """Note that the page has acted on the press."""
    _waiting().discard(key)


def pick(
    label: str, options: Sequence[str], name: str, show: Callable[[str], str], help_: str
) -> str:
    """As ``st.selectbox``; the value is ``st.session_state[name]``.

    Args:
        label: label of the picker.
        options: the values to choose from.
        name: key in the session; its value must be one of the options.
        show: returns the label of an option.
        help_: help text.
    """
    state = st.session_state
    pickers: dict[str, tuple[Any, int]] = state.setdefault("pickers", {})
    drawn, turn = pickers.get(name, (None, 0))
    # A new number makes a new key, for which the browser holds no old value.
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
