"""The viewer on the page: bodies side by side or overlaid, with sound and a timeline.

``mmm.viewer`` makes the payload and holds the JavaScript; ``stage`` shows it. The playhead lives in
the browser: the viewer publishes ``playhead`` events on ``window.mmmPlayhead`` and obeys ``seek``
events of its channel, so the error map and the curves follow and drive it without the server.
"""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.assets import SCRIPTS, STYLES
from mmm.viewer.payload import with_height


@dataclass(frozen=True)
class StageResult:
    """What the viewer reports where its payload asks for it: after a scrub or a pause."""

    frame: int | None
    """The frame that the user stopped on; None before the first stop."""


# Declared once at import: inside `stage` it would be registered again on every run.
_component = st.components.v2.component(
    "mmm_stage", js=script(*SCRIPTS), css=styles(*STYLES, "stage.css")
)


def stage(
    payload: bytes,
    *,
    key: str,
    height: int = 520,
    on_frame_change: Callable[[], None] | None = None,
    on_edit_change: Callable[[], None] | None = None,
) -> StageResult:
    """Show a payload of ``pack_viewer``.

    Args:
        key: keeps camera, playhead and play state when the payload changes.
        height: of panels, timeline and controls together, CSS pixels.
        on_frame_change: called when the user has scrubbed or paused, where the payload ``reports``.
        on_edit_change: called when the user has edited the hidden frames, where the payload's
            header holds ``edit``. The actions are then in the session state under ``key``, as
            ``edit``.
    """
    result = _component(
        key=key,
        # Only the payload's preamble changes, so one cached payload serves every height.
        data=with_height(payload, height),
        # An empty callback declares the key, so that the result always has it.
        on_frame_change=on_frame_change or (lambda: None),
        on_edit_change=on_edit_change or (lambda: None),
    )
    frame = result.get("frame")
    return StageResult(None if frame is None else int(frame))
