"""The stage on the page: truth and recovery, and up to three interpolations more if asked."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.common import url
from dashboard.components.stage import stage
from dashboard.explain.interventions import heard_music
from dashboard.files.songs import digest_of, ogg
from dashboard.recover import comparisons, editing
from dashboard.work.recoveries import Request
from mmm import Clip, Motion, Music
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.viewer.panels import pack_stage, panel_from_motion
from mmm.viewer.payload import with_header

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for
    from mmm.explain.interventions import InterventionResult


@st.fragment
def stage_section(
    clip: Clip,
    mask: Mask,
    results: "list[RecoveryResult] | None",
    request: Request,
    change: "InterventionResult | None" = None,
    desk: editing.Desk | None = None,
) -> None:
    """Truth beside the recovery; before there is one, beside the interpolation that costs nothing, and says so.

    Where the music was changed, the recovery with it as it is and with it changed stand side by side. At a ``desk``
    what is known can be edited on the timeline. A fragment: adding a dancer reruns this alone, not the page.
    """
    if desk is not None and desk.is_old:
        st.rerun()  # an edit concerns the whole page
    others = [name for name in BASELINES if name != request.method] + [
        *comparisons.offered(request)
    ]
    asked = url.pick_from(st.session_state.get("beside"), others)
    st.session_state.beside = (
        asked  # kept while its widget is not there: until another pattern is recovered
    )
    extra = tuple(name for name in others if name in asked) if results is not None else ()
    if results is not None:
        results = [*results, *comparisons.chosen(request, asked)]
    music = heard_music(clip, change)
    changed = repr(st.session_state.change_asked[1].detail) if change is not None else ""
    heard = digest_of(music) if changed and music else ""
    payload = _payload(
        repr(request),
        results is not None,
        extra,
        changed,
        heard,
        _clip=clip,
        _mask=mask,
        _results=results,
        _change=change,
        _music=music,
    )
    if desk is not None:
        # A recording that plays already goes on while what is known is edited.
        payload = with_header(
            payload, edit={**desk.header(), "sound": f"{desk.recorded.digest()} {heard}"}
        )
    stage(
        payload,
        key="stage",
        height=640,
        on_edit_change=None if desk is None else partial(editing.hear, desk),
    )
    if results is not None and change is None:
        st.pills(
            "Also on the stage",
            others,
            selection_mode="multi",
            key="beside",
            label_visibility="collapsed",
            format_func=lambda name: f"Add {name}",
            on_change=url.share_beside,
            help=f"Up to {url.MAX_BESIDE} beside the chosen method. What you have recovered of this clip "
            "before, by other networks or of other patterns, stands at the end.",
        )
        if comparisons.asked_for(request) != st.session_state.get("compared_drawn", []):
            st.rerun()  # table and curves have it too
    if results is None and mask.hidden.any():
        st.caption(
            "Shown beside the truth: slerp, a plain interpolation, until the model has recovered this pattern."
        )
    own = (
        () if desk is None else clip.notes[len(desk.recorded.notes) :]
    )  # said here, so that the stage stays in place
    for note in (*own, *(results[0].notes if results else ())):
        st.caption(note)


@st.cache_resource(max_entries=8, show_spinner=False)
def _payload(
    request: str,
    recovered: bool,
    extra: tuple[str, ...],
    changed: str,
    heard: str,
    *,
    _clip: Clip,
    _mask: Mask,
    _results: "list[RecoveryResult] | None",
    _change: "InterventionResult | None",
    _music: Music | None,
) -> bytes:
    """Packed once for each request (which names clip, mask and checkpoint by digest), before and after recovery."""
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
            panel.name: one.errors.per_frame("position_cm")
            for panel, one in zip(panels[1:], (before, _change.after), strict=True)
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
    elif _mask.hidden.any() and not _mask.hidden.all(axis=0).any():
        preview: Motion = BASELINES["slerp"](clip, _mask.hidden)
        panels.append(panel_from_motion("Slerp, before Recover", preview, "baseline"))
    sound = _music.audio if _music else None
    return pack_stage(
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
