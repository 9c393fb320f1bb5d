"""The viewer of Recover: the recording, the recovery, and up to three other methods beside them."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.common import escape, url
from dashboard.components.stage import stage
from dashboard.explain.interventions import viewer_music
from dashboard.files.songs import digest_of, ogg
from dashboard.recover import comparisons, editing
from dashboard.work.recoveries import Request
from mmm import Clip, Motion, Music
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.viewer.panels import pack_viewer, panel_from_motion
from mmm.viewer.payload import with_header

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for
    from mmm.explain.change_results import InterventionResult

HEIGHT = 640


@st.fragment
def viewer_section(
    clip: Clip,
    mask: Mask,
    results: "list[RecoveryResult] | None",
    request: Request,
    change: "InterventionResult | None" = None,
    desk: editing.Desk | None = None,
) -> None:
    """Show the recording beside the recovery, or beside slerp before there is a recovery.

    A fragment, so that adding a method redraws the viewer only, not the page.

    Args:
        change: a music change; if given, the recoveries with and without it are shown.
        desk: if given, the timeline has editing tools.
    """
    if desk is not None and desk.is_old:
        st.rerun()  # an edit changes the whole page
    others = [name for name in BASELINES if name != request.method]
    others += [*comparisons.offered(request)]
    beside = url.pick_from(st.session_state.get("beside"), others)
    # Set on each run, because Streamlit drops the value of widgets that are not drawn, as the
    # pills before a recovery.
    st.session_state.beside = beside
    extra = tuple(name for name in others if name in beside) if results is not None else ()
    if results is not None:
        results = [*results, *comparisons.results_of(request, beside)]
    music = viewer_music(clip, change)
    # Empty without a change, so that the key is that of the plain recovery's cached payload.
    change_key = repr(st.session_state.change_asked[1].detail) if change is not None else ""
    music_key = digest_of(music) if change_key and music else ""
    payload = _payload(
        repr(request),
        results is not None,
        extra,
        change_key,
        music_key,
        _clip=clip,
        _mask=mask,
        _results=results,
        _change=change,
        _music=music,
    )
    if desk is not None:
        # Identifies the sound: playback continues during edits while it stays the same.
        sound = f"{desk.recorded.digest()} {music_key}"
        payload = with_header(payload, edit={**desk.header(), "sound": sound})
    stage(
        payload,
        key="stage",
        height=HEIGHT,
        on_edit_change=None if desk is None else partial(editing.receive, desk),
    )
    if results is not None and change is None:
        _pills(others, beside)
        if comparisons.selected_names(request) != st.session_state.get("compared_drawn", []):
            st.rerun()  # the table and the curves must show it, too
    if results is None and mask.hidden.any():
        st.caption("Preview by slerp, a plain interpolation. Press Recover (R) to run the model.")
    # Notes stand below the viewer, so that it does not move when they change.
    edit_notes = () if desk is None else clip.notes[len(desk.recorded.notes) :]
    for note in (*edit_notes, *(results[0].notes if results else ())):
        st.caption(escape.markdown(note))


def _pills(others: list[str], beside: list[str]) -> None:
    """A button for each method that can be added to the viewer, or removed from it."""
    st.pills(
        "Compare with",
        others,
        selection_mode="multi",
        key="beside",
        label_visibility="collapsed",
        format_func=lambda name: f"{'Remove' if name in beside else 'Add'} {escape.markdown(name)}",
        on_change=url.share_beside,
        help=f"Up to {url.MAX_BESIDE} methods beside the chosen one. Your earlier recoveries of "
        "this clip (other models or patterns) are at the end.",
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _payload(
    request: str,
    recovered: bool,
    extra: tuple[str, ...],
    change_key: str,
    music_key: str,
    *,
    _clip: Clip,
    _mask: Mask,
    _results: "list[RecoveryResult] | None",
    _change: "InterventionResult | None",
    _music: Music | None,
) -> bytes:
    """The viewer's payload, cached by the request, which identifies clip, mask and checkpoint."""
    clip = _clip
    panels = [panel_from_motion("Truth", clip.truth, "truth")]
    errors: dict[str, np.ndarray] = {}
    if _change is not None:
        before, name = _change.before, _change.intervention.words
        panels += [
            panel_from_motion(f"{before.model_name}, as it is", before.recovered.motion, "model"),
            replace(
                panel_from_motion(name, _change.after.recovered.motion, "model"), look="second"
            ),
        ]
        errors = {
            panel.name: result.errors.per_frame("position_cm")
            for panel, result in zip(panels[1:], (before, _change.after), strict=True)
        }
    elif _results is not None:
        first, beside = _results[0], [r for r in _results[1:] if r.model_name in extra]
        panels = [performer.panel() for performer in first.scene(*beside).performers]
        best = min(
            (r for r in _results[1:]), key=lambda r: r.errors.summary()["position_cm"] or 0.0
        )
        errors = {
            r.model_name: r.errors.per_frame("position_cm") for r in (first, *(beside or [best]))
        }
    # Slerp needs a known frame of every joint.
    elif _mask.hidden.any() and not _mask.hidden.all(axis=0).any():
        preview: Motion = BASELINES["slerp"](clip, _mask.hidden)
        panels.append(panel_from_motion("Slerp, before Recover", preview, "baseline"))
    elif clip.recording is not None:
        panels.append(panel_from_motion("With your poses", clip.motion, "baseline"))
    sound = _music.audio if _music else None
    return pack_viewer(
        panels,
        fps=clip.motion.fps,
        hidden=_mask.hidden,
        floor_m=round(clip.motion.floor_m(), 4),
        title=clip.name,
        waveform=sound.samples.mean(axis=1) if sound else None,
        audio=ogg(digest_of(_music), _music=_music) if _music and sound else None,
        beats=_music.beats if _music else None,
        errors=errors,
        recorded=clip.recorded,
    )
