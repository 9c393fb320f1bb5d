"""Under the stage: how far each method is from the truth, over time, by joint, and in one table."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.components.curves import curves, pack_curves
from dashboard.components.heatmap import heatmap, pack_joint_heatmap
from dashboard.recover.figures import gaps_table, limb_bars, means_table
from mmm.checkpoints import list_checkpoints
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.viewer.palette import looks_of
from mmm.viewer.raster.error_map import nice_top

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

KINDS = {"position_cm": ("Joint position", "cm"), "rotation_deg": ("Joint rotation", "°")}


@st.fragment
def errors_section(results: "list[RecoveryResult]", mask: Mask) -> None:
    """Everything about errors, over hidden entries only. A fragment: switching a view leaves the stage playing."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.subheader("How far from the truth", anchor=False, width="content")
        kind = st.segmented_control(
            "Error",
            list(KINDS),
            key="error_kind",
            default="position_cm",
            required=True,
            format_func=lambda k: KINDS[k][0],
            label_visibility="collapsed",
        )
    hidden, measured = int(mask.hidden.sum()), int(results[0].measured.sum())
    if hidden and not measured:
        st.info(
            "There is no truth to compare with: all that is hidden lies in gaps whose length was changed, and was "
            "never recorded.",
            icon=":material/straighten:",
        )
        return
    over = f"over {measured:,} hidden values (frames × joints)" + (
        "" if measured == hidden else f" that were recorded, of {hidden:,}"
    )
    _curves(results, mask, kind)
    _confidence(results[0])
    _map(results, kind)
    with st.container(key="means"):
        table, bars = st.columns([1, 1], gap="large")
    with table:
        st.markdown(f"**Means** {over}")
        st.html(means_table(results, _dark()))
        if any(not np.array_equal(result.hidden, results[0].hidden) for result in results):
            st.caption("A row that names another pattern is measured over what that one hid.")
    with bars:
        st.markdown(f"**By limb**, mean {KINDS[kind][0].lower()} error, {KINDS[kind][1]}")
        st.html(limb_bars(results, kind, KINDS[kind][1], _dark()))


def _curves(results: "list[RecoveryResult]", mask: Mask, kind: str) -> None:
    first = results[0]
    series = {r.model_name: r.errors.per_frame(kind) for r in results}
    expected = None
    if kind == "position_cm" and first.expected_cm is not None:
        expected = "expected"
        series[expected] = np.where(mask.frames, first.expected_cm, np.nan)
    payload = pack_curves(
        series,
        fps=first.clip.motion.fps,
        unit=KINDS[kind][1],
        model=first.model_name,
        expected=expected,
        hidden_frames=mask.frames,
        looks=looks_of([r.model_name for r in results]),
        title=f"{KINDS[kind][0]} error over time",
        subtitle=f"mean over the hidden joints of each frame; {first.model_name} and its baselines"
        + (", and what it is compared with" if len(results) > len(BASELINES) + 1 else ""),
    )
    curves(payload, key="curves")


def _confidence(result: "RecoveryResult") -> None:
    """What the network expects of itself in each gap, beside what came true; nothing for methods that cannot tell."""
    if result.expected_cm is None:
        return
    from mmm.evaluation.evaluate import gaps  # torch is loaded by now: there is a result

    rows = gaps(result)
    if not rows:
        return
    st.markdown("**Confidence** in each gap")
    st.html(gaps_table(rows, _dark()))
    st.caption(
        f"“Expects” is an estimate of the mean joint distance from the truth, made by {result.model_name} "
        f"itself without seeing it; “was” is what came true. {_agreement(result.model_name)}"
    )


def _agreement(name: str) -> str:
    """How well expected and true errors agree, as the checkpoint's own test says."""
    found = next((c.metrics.get("calibration") for c in list_checkpoints() if c.name == name), None)
    if not found or "fifths" not in found:
        return "How well the two agree over many clips has not been measured."
    low, high = found["fifths"][0], found["fifths"][-1]
    return (
        f"On {found['gaps']:,} gaps of the test split, the fifth with the lowest expectation "
        f"({low['expected_cm']:.1f} cm) came to {low['position_cm']:.1f} cm, the fifth with the highest "
        f"({high['expected_cm']:.1f} cm) to {high['position_cm']:.1f} cm; "
        f"{found['within_half_to_twice']:.0%} lay between half and twice what was expected."
    )


def _map(results: "list[RecoveryResult]", kind: str) -> None:
    names = [r.model_name for r in results]
    if st.session_state.get("map_of") not in names:
        st.session_state.map_of = names[0]
    st.segmented_control("Map of", names, key="map_of", label_visibility="collapsed", required=True)
    result = next(r for r in results if r.model_name == st.session_state.map_of)
    # One colour scale for all methods, so that switching compares.
    top = max(_top(r, kind) for r in results[:1] + [r for r in results if r.model_name == "slerp"])
    payload = pack_joint_heatmap(
        getattr(result.errors, kind) * result.measured,
        result.clip.motion.skeleton,
        fps=result.clip.motion.fps,
        hidden=result.measured,
        unit=KINDS[kind][1],
        top=top,
        title=f"{KINDS[kind][0]} error by joint and frame: {result.model_name}",
        subtitle="hidden entries; click to move the playhead",
    )
    heatmap(payload, key="map")


def _top(result: "RecoveryResult", kind: str) -> float:
    return nice_top(getattr(result.errors, kind)[result.measured])


def _dark() -> bool:
    return st.context.theme.type == "dark"
