"""Take home: the shown result as files, each made when it is asked for.

What takes a moment is made in a thread when its button is pressed (Streamlit runs deferred downloads outside the
page's script); films take longer, and have progress and Cancel.
"""

import json
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common import url
from dashboard.common.downloads import (
    PAGE_HELP,
    bytes_of,
    film_controls,
    motion_buttons,
    save_button,
)
from dashboard.work.recoveries import Request
from mmm.io.files import safe_name
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for
    from mmm.viewer.scene import Scene


@st.fragment
def take_home_section(results: "list[RecoveryResult]", mask: Mask, request: Request) -> None:
    """Files of the recovery, of what was measured, and to be watched. A fragment: the stage plays on."""
    first = results[0]
    name = safe_name(f"{first.clip.name}-{first.model_name}")
    st.subheader("Take home", anchor=False)
    with st.container(key="take-home"):
        motion, measured, watched = st.columns([4, 3, 5], gap="large")
    with motion:
        st.markdown("**The recovered motion**")
        motion_buttons(first, first.recovered, name)
    with measured:
        st.markdown("**What was measured**")
        with st.container(horizontal=True):
            save_button(
                "Map",
                partial(bytes_of, first, "png"),
                f"{name}-errors.png",
                "Position errors by joint and frame, as a picture",
            )
            seed = int(st.session_state.get("seed", 0))
            save_button(
                "JSON",
                partial(_metrics, results, mask.label, seed, "json"),
                f"{name}.json",
                "Means of every method, and of each gap where the network tells",
            )
            save_button(
                "CSV",
                partial(_metrics, results, mask.label, seed, "csv"),
                f"{name}.csv",
                "Means of every method",
            )
    with watched:
        st.markdown("**To be watched**")
        _films(results, request, name)


def _films(results: "list[RecoveryResult]", request: Request, name: str) -> None:
    beside = tuple(
        url.pick_from(st.session_state.get("beside"), [r.model_name for r in results[1:]])
    )[:2]

    def shown(layout: str) -> tuple[str, ...]:
        return beside if layout == "side" else ()

    def scene(layout: str) -> "Scene":
        return results[0].scene(*(r for r in results[1:] if r.model_name in shown(layout)))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        save_button("Web page", partial(bytes_of, results[0], "html"), f"{name}.html", PAGE_HELP)
        film_controls(lambda layout: (request, shown(layout)), scene, name)


def _metrics(results: "list[RecoveryResult]", spec: str, seed: int, suffix: str) -> bytes:
    from mmm.evaluation.evaluate import (  # torch is loaded by now: there is a result
        report,
        report_csv,
    )

    told = report(results, spec, seed)
    return (report_csv(told) if suffix == "csv" else json.dumps(told, indent=1)).encode()
