"""Export of a recovery: the shown result as files, each written when its button is pressed.

Streamlit runs deferred downloads outside the page's script, so the page stays responsive. Films
take longer; they have progress and Cancel.
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
from dashboard.files.characters import character_export
from dashboard.work.recoveries import Request
from mmm.io.files import safe_name
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for
    from mmm.viewer.scene import Scene

MOST_IN_FILM = 2
"""Number of methods that a film shows beside the recording and the recovery."""


@st.fragment
def export_section(results: "list[RecoveryResult]", mask: Mask, request: Request) -> None:
    """Downloads of the motion, the metrics and a film. A fragment: the viewer keeps playing."""
    first = results[0]
    name = safe_name(f"{first.clip.name}-{first.model_name}")
    st.header("Export", anchor=False)
    with st.container(key="export"):
        motion, metrics, video = st.columns([4, 3, 5], gap="large")
    with motion:
        st.markdown("**Recovered motion**")
        motion_buttons(first, first.recovered, name)
        character_export(first.recovered, name, roles=request.roles)
    with metrics:
        st.markdown("**Metrics**")
        with st.container(horizontal=True):
            save_button(
                "Error map",
                partial(bytes_of, first, "png"),
                f"{name}-errors.png",
                "Position error by joint and frame, as a PNG image",
            )
            seed = int(st.session_state.get("seed", 0))
            save_button(
                "JSON",
                partial(_metrics, results, mask.label, seed, "json"),
                f"{name}.json",
                "Mean errors of every method, and the expected error of each gap",
            )
            save_button(
                "CSV",
                partial(_metrics, results, mask.label, seed, "csv"),
                f"{name}.csv",
                "Mean errors of every method",
            )
    with video:
        st.markdown("**Video and web page**")
        _films(results, request, name)


def _films(results: "list[RecoveryResult]", request: Request, name: str) -> None:
    others = [result.model_name for result in results[1:]]
    beside = tuple(url.pick_from(st.session_state.get("beside"), others))[:MOST_IN_FILM]

    def shown(layout: str) -> tuple[str, ...]:
        # In other layouts the bodies overlap, and more than two would hide one another.
        return beside if layout == "side" else ()

    def scene(layout: str) -> "Scene":
        return results[0].scene(*(r for r in results[1:] if r.model_name in shown(layout)))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        save_button("Web page", partial(bytes_of, results[0], "html"), f"{name}.html", PAGE_HELP)
        # The first function gives the film's cache key, which includes the other methods.
        film_controls(
            lambda layout: (request, shown(layout)), scene, name, results[0].recovered.motion
        )


def _metrics(results: "list[RecoveryResult]", spec: str, seed: int, suffix: str) -> bytes:
    from mmm.evaluation.evaluate import (  # torch is loaded by now: there is a result
        report,
        report_csv,
    )

    metrics = report(results, spec, seed)
    return (report_csv(metrics) if suffix == "csv" else json.dumps(metrics, indent=1)).encode()
