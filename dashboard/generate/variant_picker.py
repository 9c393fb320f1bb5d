"""The choice of one of the shown variants."""

from collections.abc import Sequence

import streamlit as st

from dashboard.common import escape
from dashboard.work.generations import Made


def pick_variant(made: Sequence[Made], key: str) -> Made:
    """The chosen variant; the latest one by default.

    Args:
        made: the variants, oldest first; at least one.
        key: of the control, which is drawn only if there are several variants.
    """
    by_label = {variant.ask.label: variant for variant in made}
    if len(by_label) == 1:
        return made[-1]
    # The chosen variant may have been removed.
    if st.session_state.get(key) not in by_label:
        st.session_state[key] = made[-1].ask.label
    label = st.segmented_control(
        "Variant",
        list(by_label),
        key=key,
        required=True,
        format_func=escape.markdown,
        label_visibility="collapsed",
    )
    return by_label[str(label)]
