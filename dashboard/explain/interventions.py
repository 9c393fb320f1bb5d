"""What the music really does, on the page: change it and recover again; trace a frame back to its music."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.components.curves import curves, pack_curves
from dashboard.components.heatmap import heatmap, pack_heatmap
from dashboard.components.playhead_button import playhead_button
from dashboard.explain import music_change
from dashboard.explain.asking import Flow, answer
from dashboard.explain.figures import deletion_figure
from dashboard.work import questions
from dashboard.work.recoveries import Request
from mmm import Clip, Music
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm.explain.attribution import Attribution
    from mmm.explain.interventions import InterventionResult

CHANGE = Flow("Change and recover", "change", "change_off", "change_asked", "change_shown")
METHODS = {
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "gradients": "Gradients",
}


def what_if(clip: Clip, mask: Mask, request: Request, span: tuple[int, int] | None) -> None:
    """Both; for a network that listens."""
    if clip.music is None:
        st.caption("This clip has no music, so there is none to change.")
        return
    if not mask.hidden.any():
        st.caption(
            "Nothing is hidden: what is known is copied and hears no music. Hide some frames first."
        )
        return
    st.markdown("#### What the music does")
    st.caption(
        "A map says where the network looked. Changing the music and recovering again says what came of it."
    )
    found = CHANGE.run(
        clip, request, span, lambda wanted: questions.intervene(request, clip, mask, wanted)
    )
    if found is not None:
        _change(found, clip, request)
    st.markdown("#### Which music decided a frame")
    _attributing(clip, mask, request)


def shown_change(request: Request) -> "InterventionResult | None":
    """The change of the music whose outcome stands on the stage, if its answer is at hand."""
    found: InterventionResult | None = CHANGE.on_stage(
        [request] if st.session_state.get("attention_open") else []
    )
    return found


def heard_music(clip: Clip, change: "InterventionResult | None") -> Music | None:
    """What the stage plays: with a change on it what the network heard, unless the user wants the music as it is."""
    return (
        clip.music if change is None or not music_change.hears_change() else change.after.clip.music
    )


def _change(found: "InterventionResult", clip: Clip, request: Request) -> None:
    summary, label = found.summary(), found.intervention.words
    st.markdown(
        f"**{label}**: hidden joints turn by **{summary['change_deg']:.1f}°** and move by "
        f"**{summary['change_cm']:.1f} cm** on average; the error against the truth goes from "
        f"{summary['error_before_deg']:.1f}° to {summary['error_after_deg']:.1f}°. "
        "Both recoveries stand on the stage."
    )
    music_change.show_change(found, clip, request.method, CHANGE.last)


def _attributing(clip: Clip, mask: Mask, request: Request) -> None:
    groups = ["all", *(name for name in clip.motion.skeleton.groups if name != "all")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.selectbox(
            "Joints",
            groups,
            key="explain_joints",
            width=190,
            format_func=lambda g: "the whole body" if g == "all" else g.replace("_", " "),
        )
        method = st.selectbox(
            "Method",
            list(METHODS),
            key="explain_method",
            width=230,
            format_func=lambda m: METHODS[m],
        )
        with st.container(width=240):
            playhead_button(
                "Explain frame",
                mask.frames,
                key="explain",
                on_press=lambda: _explain(request, group, method),
            )
    asked = st.session_state.get("explain_asked")
    if asked is None or asked[0] != request:
        st.caption(
            "Put the playhead on a hidden frame. Its music shows as a strip over the waveform."
        )
        return
    found = answer(
        questions.Question(request, "attribution", asked[1:]),
        lambda: questions.attribute(request, clip, mask, *asked[1:]),
        "Try again",
    )
    if found is not None:
        _attribution(found, clip, mask, asked[2])
        _deletion(found, clip, mask, request, asked[2])


def _explain(request: Request, group: str, method: str) -> None:
    frame = (st.session_state.get("explain") or {}).get("pressed")
    if frame is not None:
        st.session_state.explain_asked = (request, int(frame), group, method)


def _attribution(found: "Attribution", clip: Clip, mask: Mask, group: str) -> None:
    per_frame, strongest = found.per_frame(), int(found.per_frame().argmax())
    whole, fps = float(per_frame.sum()) or 1.0, clip.motion.fps
    joints = "the whole body" if group == "all" else group.replace("_", " ")
    away_s = (strongest - found.frame) / fps
    where = (
        "at the same moment"
        if not away_s
        else f"{abs(away_s):.2f} s {'before' if away_s < 0 else 'after'} it"
    )
    st.markdown(
        f"Frame {found.frame}, {joints}: most comes from the music at frame **{strongest}**, {where}."
    )
    how = METHODS[found.method].lower()
    curves(
        pack_curves(
            {"music": 100 * per_frame / whole},
            fps=fps,
            unit="%",
            hidden_frames=mask.frames,
            shines="music",
            title=f"music that decided frame {found.frame}",
            subtitle=f"by {how}, share of the whole",
        ),
        key="attribution",
        height=150,
    )
    parts = 100 * np.abs(found.values) / whole
    heatmap(
        pack_heatmap(
            parts,
            names=found.groups,
            groups=["music"] * len(found.groups),
            fps=fps,
            unit="%",
            title="by kind of music feature",
            subtitle="the same, apart; click to move the playhead",
        ),
        key="attribution_map",
    )


def _deletion(found: "Attribution", clip: Clip, mask: Mask, request: Request, group: str) -> None:
    """Whether the answer is to be believed: what taking that music away does."""
    place = st.expander("Is it so? Take this music away", key="deletion_open", on_change="rerun")
    if not place.open:
        return
    with place:
        curves_ = answer(
            questions.Question(request, "deletion", (found.frame, group, found.method)),
            lambda: questions.take_away(request, clip, mask, found.frame, group, found),
            "Try again",
        )
        if curves_ is None:
            return
        at = int(np.argmin(np.abs(curves_.shares - 0.1)))
        own, random = (
            f"{100 * curves_.moved[name][at]:.0f} %" for name in (found.method, "random")
        )
        st.markdown(
            f"With the {curves_.shares[at]:.0%} of the music that {METHODS[found.method].lower()} rank highest "
            f"put to its mean, the pose moves **{own}** of the way it goes without any music; with as much "
            f"taken at random **{random}**."
        )
        st.html(deletion_figure(curves_, st.context.theme.type == "dark"))
        st.caption(
            "The sooner a line rises, the better its order. Grey: random orders, from the least to the most. "
            "An order that is not above *the nearest frames* shows nothing that the moment itself does not."
        )
