"""Errors of each method against the recording: over time, by joint, by limb and as a table."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dashboard.common import escape
from dashboard.common.colours import method_css, themed
from dashboard.components.charts.curves import curves, pack_curves
from dashboard.components.charts.heatmap import heatmap, pack_joint_heatmap
from dashboard.recover.verdict import verdict
from dashboard.work.networks import list_checkpoints
from mmm.masks import Mask
from mmm.metrics.errors import ERROR_KINDS
from mmm.viewer.palette import MODEL, looks_of

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

# Errors of single joints. The error of the root is shown in the table only.
KINDS = {
    name: (ERROR_KINDS[name].label, ERROR_KINDS[name].unit)
    for name in ("position_cm", "rotation_deg")
}
LIMBS = ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")
COLUMNS = {name: (kind.heading, kind.description) for name, kind in ERROR_KINDS.items()}
MAX_GAPS = 24
"""Number of gaps that are listed; the metrics file holds all of them."""


@st.fragment
def errors_section(results: "list[RecoveryResult]", mask: Mask) -> None:
    """All errors, over hidden entries only. A fragment, so that the viewer keeps playing."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.header("Error", anchor=False, width="content")
        kind = st.segmented_control(
            "Error of",
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
            "No error can be measured: all hidden frames lie in gaps whose length you changed, so "
            "they were never recorded.",
            icon=":material/straighten:",
        )
        return
    if line := verdict(results, kind, KINDS[kind][1]):
        st.markdown(line)
    _curves(results, mask, kind)
    _confidence(results[0])
    _map(results, kind)
    with st.container(key="means"):
        table, bars = st.columns([1, 1], gap="large")
    with table:
        unrecorded = "" if measured == hidden else f" that were recorded, of {hidden:,}"
        st.markdown(f"**Mean error** over {measured:,} hidden values (frames × joints){unrecorded}")
        st.html(means_table(results))
        if any(not np.array_equal(result.hidden, results[0].hidden) for result in results):
            st.caption("A row that names another pattern is measured over what that pattern hides.")
    with bars:
        st.markdown(f"**By limb**, mean {KINDS[kind][0].lower()} error, {KINDS[kind][1]}")
        st.html(limb_bars(results, kind, KINDS[kind][1]))


def _curves(results: "list[RecoveryResult]", mask: Mask, kind: str) -> None:
    first = results[0]
    series = {r.model_name: r.errors.per_frame(kind) for r in results}
    expected = None
    if kind == "position_cm" and first.expected_cm is not None:
        expected = "expected"
        # NaN leaves a gap in the curve: known frames have no expected error.
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
        subtitle="mean over the hidden joints of each frame",
    )
    curves(payload, key="curves")


def _confidence(result: "RecoveryResult") -> None:
    """Expected and measured error of each gap; nothing for methods without an estimate."""
    if result.expected_cm is None:
        return
    from mmm.evaluation.evaluate import gaps  # torch is loaded by now: there is a result

    rows = gaps(result)
    if not rows:
        return
    st.markdown("**Expected error** in each gap")
    st.html(gaps_table(rows))
    st.caption(
        f"“Expected” is the mean joint distance that {escape.markdown(result.model_name)} "
        f"estimates without seeing the hidden frames; “measured” is the distance from the "
        f"recording. {_agreement(result.model_name)}"
    )


def _agreement(name: str) -> str:
    """How well expected and measured errors agree, from the checkpoint's own test."""
    cards = (card.metrics.get("calibration") for card in list_checkpoints() if card.name == name)
    calibration = next(cards, None)
    if not calibration or "fifths" not in calibration:
        return "How well the two agree over many clips has not been measured."
    low, high = calibration["fifths"][0], calibration["fifths"][-1]
    return (
        f"Tested on {calibration['gaps']:,} gaps: the fifth with the lowest expected error "
        f"({low['expected_cm']:.1f} cm) had {low['position_cm']:.1f} cm, the fifth with the "
        f"highest ({high['expected_cm']:.1f} cm) had {high['position_cm']:.1f} cm; in "
        f"{calibration['within_half_to_twice']:.0%} of the gaps the measured error was between "
        "half and twice the expected one."
    )


def _map(results: "list[RecoveryResult]", kind: str) -> None:
    names = [r.model_name for r in results]
    # A method that was removed from the viewer may still be chosen.
    if st.session_state.get("map_of") not in names:
        st.session_state.map_of = names[0]
    st.segmented_control(
        "Map of",
        names,
        key="map_of",
        label_visibility="collapsed",
        required=True,
        format_func=escape.markdown,
    )
    result = next(r for r in results if r.model_name == st.session_state.map_of)
    payload = pack_joint_heatmap(
        # Zero where nothing was recorded, because the map cannot show missing values.
        getattr(result.errors, kind) * result.measured,
        result.clip.motion.skeleton,
        fps=result.clip.motion.fps,
        hidden=result.measured,
        unit=KINDS[kind][1],
        title=f"{KINDS[kind][0]} error by joint and frame: {result.model_name}",
        subtitle="hidden entries; the colour scale fits this method; click to move the playhead",
    )
    heatmap(payload, key="map")


# The figures below are plain HTML, not plotly: plotly's script alone is 4.7 MB, which the browser
# would have to read before it draws the viewer.


def gaps_table(rows: "Sequence[Mapping[str, Any]]") -> str:
    """HTML with a cell for each gap: its expected and measured error, with a bar for each.

    Args:
        rows: as ``mmm.evaluation.evaluate.gaps`` returns them; the first ``MAX_GAPS`` are shown.
    """
    shown = rows[:MAX_GAPS]
    # Both bars share one scale, so that their lengths can be compared.
    errors = (max(row["expected_cm"], row["position_cm"] or 0) for row in shown)
    longest = max(errors, default=0.0) or 1.0
    colour, cells = themed(MODEL["light"], MODEL["dark"]), []
    for row in shown:
        bars = "".join(
            f'<i class="{kind}" style="width:{100 * (row[key] or 0) / longest:.1f}%;'
            f'--bar:{colour}"></i>'
            for kind, key in (("expects", "expected_cm"), ("was", "position_cm"))
        )
        measured = (
            "not recorded"
            if row["position_cm"] is None
            else f"measured {row['position_cm']:.1f} cm"
        )
        cells.append(
            f'<div class="gap" role="listitem"><span>{_frames_of(row)}</span>'
            f"<b>expected {row['expected_cm']:.1f} cm</b><em>{measured}</em>"
            f"<div>{bars}</div></div>"
        )
    more = len(rows) - len(shown)
    rest = (
        f'<div class="gap more" role="listitem">and {more} more gaps, in the metrics file</div>'
        if more
        else ""
    )
    return f'<div class="wb-gaps" role="list">{"".join(cells)}{rest}</div>'


def _frames_of(gap: "Mapping[str, Any]") -> str:
    if gap["first"] == gap["last"]:
        return f"frame {gap['first']}"
    return f"frames {gap['first']}–{gap['last']}"


def limb_bars(results: "Sequence[RecoveryResult]", kind: str, unit: str) -> str:
    """HTML bars of the mean error over hidden entries, by limb and method.

    Limbs without hidden entries are left out.
    """
    tables = [(result.model_name, result.errors.per_group()) for result in results]
    limbs = [limb for limb in LIMBS if tables[0][1].get(limb, {}).get(kind) is not None]
    values = {
        (limb, name): float(groups.get(limb, {}).get(kind) or 0)
        for limb in limbs
        for name, groups in tables
    }
    # Errors of zero must not divide by zero.
    longest = max(values.values(), default=0.0) or 1.0
    blocks, colours = [], method_css([name for name, _ in tables])
    for limb in limbs:
        bars = "".join(
            _bar(name, values[limb, name], longest, unit, colours[name]) for name, _ in tables
        )
        blocks.append(
            f'<div class="limb"><span>{limb.replace("_", " ")}</span><div>{bars}</div></div>'
        )
    return f'<div class="wb-bars">{"".join(blocks)}</div>'


def _bar(name: str, value: float, longest: float, unit: str, colour: str) -> str:
    hint = html.escape(f"{name}: {value:.2f} {unit}")
    width = 100 * value / longest
    return (
        f'<div class="bar" title="{hint}"><i style="width:{width:.1f}%;background:{colour}"></i>'
        f"<em>{value:.1f}</em></div>"
    )


def means_table(results: "Sequence[RecoveryResult]") -> str:
    """An HTML table with a row for each method; the best value of each column is bold."""
    summaries = [result.errors.summary() for result in results]
    best = {
        kind: min((v for s in summaries if (v := s[kind]) is not None), default=None)
        for kind in COLUMNS
    }
    heads = "".join(
        f'<th scope="col" title="{hint}">{head}</th>' for head, hint in COLUMNS.values()
    )
    heads += '<th scope="col" title="Computing time of the recovery">time, ms</th>'
    rows, colours = [], method_css([result.model_name for result in results])
    for result, summary in zip(results, summaries, strict=True):
        cells = []
        for kind in COLUMNS:
            value = summary[kind]
            text = "–" if value is None else f"{value:.2f}"
            # Compared before rounding; ties are all marked.
            is_best = value is not None and value == best[kind]
            cells.append(f"<td><b>{text}</b></td>" if is_best else f"<td>{text}</td>")
        dot = f'<i style="background:{colours[result.model_name]}"></i>'
        rows.append(
            # A checkpoint is named after its folder, whose name may hold any character.
            f'<tr><th scope="row">{dot}{html.escape(result.model_name)}</th>{"".join(cells)}'
            f"<td>{result.elapsed_s * 1000:.0f}</td></tr>"
        )
    return (
        f'<table class="wb-table"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
