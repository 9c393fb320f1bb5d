"""The effect of the music on a recovery: changed music, and attribution of a frame to its music."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.common import escape
from dashboard.components.charts.curves import curves, pack_curves
from dashboard.components.charts.heatmap import heatmap, pack_heatmap
from dashboard.components.controls.playhead_button import playhead_button
from dashboard.explain import music_change
from dashboard.explain.asking import Flow, answer, available_answer, let_go
from dashboard.explain.figures import deletion_figure
from dashboard.work import questions
from dashboard.work.recoveries import Request
from mmm import Clip, Music
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm.explain.attribution import Attribution
    from mmm.explain.change_results import InterventionResult

CHANGE = Flow("Change and recover", "change", "change_off", "change_asked", "change_shown")
METHODS = {
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "gradients": "Gradients",
}


def what_if(clip: Clip, mask: Mask, request: Request, span: tuple[int, int] | None) -> None:
    """Draw the sections that change the music and attribute a frame, for networks with music."""
    if clip.music is None:
        st.caption("This clip has no music to change.")
        return
    if not mask.hidden.any():
        st.caption(
            "Nothing is hidden. Known frames are copied and do not depend on music: "
            "hide some frames first."
        )
        return
    st.header("What the music does", anchor=False)
    st.caption(
        "Recovers again with changed music. The difference is the effect of the change; "
        "a map alone shows only where the network looked."
    )
    change = CHANGE.run(
        clip, request, span, lambda requested: questions.intervene(request, clip, mask, requested)
    )
    if change is not None:
        _change(change, clip, request)
    st.header("Which music decides a frame", anchor=False)
    _attributing(clip, mask, request)


def shown_change(request: Request) -> "InterventionResult | None":
    """The outcome of a music change that the viewer shows, if it is available."""
    change: InterventionResult | None = CHANGE.on_stage(
        # A closed box has no button to remove the change, so the viewer does not show it.
        [request] if st.session_state.get("attention_open") else []
    )
    return change


def viewer_music(clip: Clip, change: "InterventionResult | None") -> Music | None:
    """The music that the viewer plays: the changed one if it is shown and selected."""
    return (
        clip.music
        if change is None or not music_change.plays_changed_music()
        else change.after.clip.music
    )


def _change(change: "InterventionResult", clip: Clip, request: Request) -> None:
    summary, label = change.summary(), escape.markdown(change.intervention.words)
    st.markdown(
        f"**{label}**: hidden joints turn by **{summary['change_deg']:.1f}°** and move by "
        f"**{summary['change_cm']:.1f} cm** on average. "
        f"Rotation error: {summary['error_before_deg']:.1f}° before, "
        f"{summary['error_after_deg']:.1f}° after. The viewer shows both recoveries."
    )
    music_change.show_change(change, clip, request.method, CHANGE.last)


def _attributing(clip: Clip, mask: Mask, request: Request) -> None:
    questions.warm_up_captum()
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
                # Values of this run: the callback is called before the boxes are drawn again.
                on_press=lambda: _explain(request, group, method),
            )
    asked = st.session_state.get("explain_asked")
    # An attribution of another recovery does not apply to this one.
    if asked is None or asked[0] != request:
        st.caption(
            "Move the playhead to a hidden frame, then press the button. The music that decides it "
            "appears as a strip over the waveform."
        )
        return
    _answered(clip, mask, request, asked[1:])


def _answered(clip: Clip, mask: Mask, request: Request, asked: tuple[int, str, str]) -> None:
    """Show an estimate within seconds, then the attribution itself in its place."""
    group, method = asked[1:]
    exact = questions.Question(request, "attribution", asked)
    attribution = available_answer(exact)
    # Gradients take a single evaluation, of which there is no estimate.
    estimated = attribution is None and method != "gradients"
    if estimated:
        # A refinement of another frame would hold up the queue.
        let_go(exact)
        estimate = answer(
            questions.Question(request, "estimate", asked),
            lambda: questions.attribute(request, clip, mask, *asked, estimate=True),
            "Try again",
        )
        if estimate is None:
            return
        _attribution(estimate, clip, mask, group, ", estimated; the exact figure follows")
    attribution = attribution or answer(
        exact, lambda: questions.attribute(request, clip, mask, *asked), "Try again"
    )
    if attribution is None:
        return
    if estimated:
        st.rerun()  # draws it in place of the estimate
    _attribution(attribution, clip, mask, group)
    _deletion(attribution, clip, mask, request, group)


def _explain(request: Request, group: str, method: str) -> None:
    frame = (st.session_state.get("explain") or {}).get("pressed")
    if frame is not None:
        st.session_state.explain_asked = (request, int(frame), group, method)


def _attribution(
    attribution: "Attribution", clip: Clip, mask: Mask, group: str, remark: str = ""
) -> None:
    per_frame, strongest = attribution.per_frame(), int(attribution.per_frame().argmax())
    # A network that ignores the music gives zeros, which must not divide by zero.
    total, fps = float(per_frame.sum()) or 1.0, clip.motion.fps
    joints = "the whole body" if group == "all" else group.replace("_", " ")
    away_s = (strongest - attribution.frame) / fps
    distance = (
        "at the same moment"
        if not away_s
        else f"{abs(away_s):.2f} s {'earlier' if away_s < 0 else 'later'}"
    )
    st.markdown(
        f"Frame {attribution.frame}, {joints}: the strongest influence is the music at frame "
        f"**{strongest}**, {distance}."
    )
    how = METHODS[attribution.method].lower()
    curves(
        pack_curves(
            {"music": 100 * per_frame / total},
            fps=fps,
            unit="%",
            hidden_frames=mask.frames,
            shines="music",
            title=f"Influence of the music on frame {attribution.frame}",
            subtitle=f"by {how}, share of the total{remark}",
        ),
        key="attribution",
        height=150,
    )
    # The colour scale begins at zero, so only the size of an influence is shown.
    parts = 100 * np.abs(attribution.values) / total
    heatmap(
        pack_heatmap(
            parts,
            names=attribution.groups,
            # One group for all: no gap splits the rows, and they keep the order of the features.
            groups=["music"] * len(attribution.groups),
            fps=fps,
            unit="%",
            title="By music feature",
            subtitle="share of the total; click to move the playhead",
        ),
        key="attribution_map",
    )


def _deletion(
    attribution: "Attribution", clip: Clip, mask: Mask, request: Request, group: str
) -> None:
    """Check the attribution by its deletion curve."""
    # Deletion runs the network many times, so it starts only when the box is opened.
    box = st.expander("Check: remove this music", key="deletion_open", on_change="rerun")
    if not box.open:
        return
    with box:
        deletion = answer(
            questions.Question(request, "deletion", (attribution.frame, group, attribution.method)),
            lambda: questions.deletion(request, clip, mask, attribution.frame, group, attribution),
            "Try again",
        )
        if deletion is None:
            return
        # The shares are a grid that need not contain 0.1 itself.
        tenth = int(np.argmin(np.abs(deletion.shares - 0.1)))
        ranked, random = (
            f"{100 * deletion.moved[name][tenth]:.0f} %" for name in (attribution.method, "random")
        )
        st.markdown(
            f"Without the {deletion.shares[tenth]:.0%} of the music that "
            f"{METHODS[attribution.method].lower()} ranks highest, "
            f"the pose moves **{ranked}** as far as without any music; "
            f"without as much music chosen at random, **{random}**."
        )
        # An image cannot follow the theme by CSS, so it is drawn again for each theme.
        st.html(deletion_figure(deletion, st.context.theme.type == "dark"))
        st.caption(
            "The sooner a line rises, the better the method ranks the music. Grey: range of random "
            "orders. A method that is not above *the nearest frames* only shows that the music "
            "of the moment matters."
        )
