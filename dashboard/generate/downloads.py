"""A generated dance to take home: as motion, as figures, and to be watched beside the truth."""

import json
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common.downloads import (
    PAGE_HELP,
    Keys,
    bytes_of,
    film_controls,
    motion_buttons,
    save_button,
)
from dashboard.work.generations import Made
from mmm.io.files import safe_name

if TYPE_CHECKING:
    from mmm.viewer.scene import Scene

KEYS = Keys(choices="gen_", buttons="gen_get-")


@st.fragment
def generate_home_section(made: list[Made]) -> None:
    """Files of one of the variants. A fragment: the stage plays on."""
    st.subheader("Take home", anchor=False)
    labels = {one.ask.label: one for one in made}
    chosen = made[-1]
    if len(labels) > 1:
        if st.session_state.get("gen_home") not in labels:
            st.session_state.gen_home = chosen.ask.label
        chosen = labels[
            str(
                st.segmented_control(
                    "Which",
                    list(labels),
                    key="gen_home",
                    required=True,
                    label_visibility="collapsed",
                )
            )
        ]
    name = safe_name(
        f"{chosen.generation.clip.name}-{chosen.ask.label}".replace(", ", "-").replace(" ", "-")
    )
    with st.container(key="gen-home"):
        motion, measured, watched = st.columns([4, 2, 6], gap="large")
    with motion:
        st.markdown("**Seed and dance as one motion**")
        motion_buttons(chosen.generation, chosen.generation.clip, name, KEYS)
    with measured:
        st.markdown("**What was measured**")
        save_button(
            "JSON",
            partial(_figures, chosen),
            f"{name}.json",
            "All figures, beside the truth's and standing still",
            KEYS,
        )
    with watched:
        st.markdown("**To be watched**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            save_button(
                "Web page",
                partial(bytes_of, chosen.generation, "html"),
                f"{name}.html",
                PAGE_HELP,
                KEYS,
            )
            film_controls(lambda layout: chosen.ask, partial(_scene, chosen), name, KEYS)


def _scene(one: Made, layout: str) -> "Scene":
    return one.generation.scene()


def _figures(one: Made) -> bytes:
    from mmm.generation.result import report  # torch is loaded by now: there is a result

    return json.dumps(report(one.generation, one.numbers), indent=1).encode()
