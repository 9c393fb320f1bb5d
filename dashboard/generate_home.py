"""A generated dance to take home: as motion, as figures, and to be watched beside the truth."""

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.films import Keys, film_controls, save_button
from dashboard.generations import Made
from dashboard.take_home import MOTIONS, PAGE_HELP
from mmm.io.aist import fits_aist
from mmm.io.files import safe_name

if TYPE_CHECKING:
    from mmm.stage.scene import Scene

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
        chosen = labels[str(st.segmented_control("Which", list(labels), key="gen_home", required=True,
                                                 label_visibility="collapsed"))]
    name = safe_name(f"{chosen.generation.clip.name}-{chosen.ask.label}".replace(", ", "-").replace(" ", "-"))
    with st.container(key="gen-home"):
        motion, measured, watched = st.columns([4, 2, 6], gap="large")
    with motion:
        st.markdown("**Seed and dance as one motion**")
        with st.container(horizontal=True):
            for suffix, (label, help_) in MOTIONS.items():
                if suffix != "pkl" or fits_aist(chosen.generation.clip):
                    save_button(label, partial(_file, chosen, suffix), f"{name}.{suffix}", help_, KEYS)
    with measured:
        st.markdown("**What was measured**")
        save_button("JSON", partial(_figures, chosen), f"{name}.json", "All figures, beside the truth's and standing "
                    "still", KEYS)
    with watched:
        st.markdown("**To be watched**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            save_button("Web page", partial(_file, chosen, "html"), f"{name}.html", PAGE_HELP, KEYS)
            film_controls(lambda layout: chosen.ask, partial(_scene, chosen), name, KEYS)


def _scene(one: Made, layout: str) -> "Scene":
    return one.generation.scene()


def _file(one: Made, suffix: str) -> bytes:
    """A file's bytes; it is written in a folder of its own, under a name of ours."""
    with tempfile.TemporaryDirectory(prefix="mmm-home-") as folder:
        path = Path(folder) / f"clip.{suffix}"
        one.generation.save(path)
        return path.read_bytes()


def _figures(one: Made) -> bytes:
    from mmm.generated import report  # torch is loaded by now: there is a result

    return json.dumps(report(one.generation, one.numbers), indent=1).encode()
