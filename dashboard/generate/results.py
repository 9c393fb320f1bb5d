"""Metrics of generated dances and of the recording: energy, feet, floor and beats."""

import html
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.common import escape
from dashboard.common.colours import RECORDING, variant_css
from dashboard.components.charts.curves import curves, pack_curves
from dashboard.generate.controls import Plan
from dashboard.work.generations import CHANNEL, Made

if TYPE_CHECKING:
    from mmm.generation.result import Evaluation
    from mmm.metrics.dance import Summary

COLUMNS = {
    "energy": ("energy, m²/s²", "Mean squared joint speed over the frames after the seed"),
    "seconds": (
        "energy range",
        "Lowest and highest energy of a second, relative to the mean of the recording "
        "(or of the seed, if there is no recording to compare with)",
    ),
    "still": ("still, s", "Longest stretch without movement; a second or more counts as frozen"),
    "skate": ("foot skate, cm/s", "Mean horizontal speed of feet in contact with the floor"),
    "floor": (
        "below/above floor, cm",
        "Largest distance of the lowest foot below and above the floor of the seed",
    ),
    "drift": (
        "drift, m",
        "Largest horizontal distance of the root from its position at the end of the seed",
    ),
    "pfc": (
        "PFC",
        "Physical foot contact score (EDGE): root acceleration without a foot on the floor; "
        "smaller is better",
    ),
    "music": (
        "beats hit",
        "How close the nearest motion beat is to each beat of the music, 0 to 1",
    ),
    "motion": (
        "beats on time",
        "How close the nearest beat of the music is to each motion beat, 0 to 1",
    ),
}


@st.fragment
def results_section(plan: Plan, made: list[Made]) -> None:
    """The energy curve and the table. A fragment, so that the viewer keeps playing."""
    seed, truth = plan.ask.setting.prefix_frames, _truth(made)
    st.header("Quality", anchor=False)
    total = max(len(variant.generation.clip) for variant in made)
    series = {
        variant.ask.label: _steps(
            variant.numbers.generated, variant.numbers.energy_scale, seed, plan.fps, total
        )
        for variant in made
    }
    if truth is not None and truth.reference is not None:
        series["Truth"] = _steps(truth.reference, truth.energy_scale, seed, plan.fps, total)
    # The first variant has the model's own colour.
    further = zip(made[1:], ("second", "third"), strict=False)
    payload = pack_curves(
        series,
        fps=plan.fps,
        unit="m²/s²",
        model=made[0].ask.label,
        truth="Truth" if truth is not None else None,
        title="Energy of each second after the seed",
        subtitle="mean squared joint speed; close to zero means that the motion has frozen",
        channel=CHANNEL,
        looks={variant.ask.label: look for variant, look in further},
    )
    curves(payload, key="energy")
    st.html(metrics_table(made, truth.reference if truth is not None else None))
    for variant in made:
        if variant.numbers.generated.frozen:
            st.warning(
                f"{escape.markdown(variant.ask.label)} does not move "
                f"for {variant.numbers.generated.still_s:.1f} s.",
                icon=":material/warning:",
            )
        for remark in variant.numbers.remarks:
            st.warning(
                f"{escape.markdown(variant.ask.label)}: {escape.markdown(remark)}",
                icon=":material/warning:",
            )
    if any(variant.numbers.generated.frozen or variant.numbers.remarks for variant in made):
        st.button(
            "Try another seed",
            key="gen_another",
            on_click=_another_seed,
            help="Raise the seed number by one, then press Generate.",
        )
    if truth is None:
        st.caption(
            "There is no recording to compare with: it ends with the seed, or was danced to other "
            "music. The energy range is relative to the seed."
        )


def _another_seed() -> None:
    """Raise the seed number; called before the page is redrawn, so that the control shows it."""
    # The control's maximum is 9999.
    st.session_state.gen_number = (int(st.session_state.get("gen_number", 0)) + 1) % 10_000


def _truth(made: list[Made]) -> "Evaluation | None":
    """The metrics that cover most of the recording; None where there is no recording."""
    compared = [variant.numbers for variant in made if variant.numbers.reference is not None]
    return max(compared, key=lambda numbers: numbers.reference_frames, default=None)


def _steps(
    numbers: "Summary", energy_scale: float, seed: int, fps: float, total: int
) -> np.ndarray:
    """Energy over the timeline, constant within each second; NaN where there is no motion."""
    curve = np.full(total, np.nan, dtype=np.float32)
    # Each second is rounded by itself: at 29.97 fps, steps of equal length would drift.
    for second, share in enumerate(numbers.energy_shares):
        curve[seed + round(second * fps) : seed + round((second + 1) * fps)] = share * energy_scale
    return curve


def metrics_table(made: list[Made], truth: "Summary | None") -> str:
    """An HTML table with one row for each variant and one for the recording."""
    heads = "".join(
        f'<th scope="col" title="{html.escape(hint)}">{head}</th>'
        for head, hint in COLUMNS.values()
    )
    rows = [
        _row(variant.ask.label, variant_css(number), variant.numbers.generated)
        for number, variant in enumerate(made)
    ]
    if truth is not None:
        rows.append(_row("Truth", RECORDING, truth))
    return (
        # The table scrolls sideways in a narrow window; ``tabindex`` lets the keyboard scroll it.
        '<div class="wb-wide" tabindex="0" role="region" aria-label="Metrics">'
        f'<table class="wb-table"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(name: str, colour: str, numbers: "Summary") -> str:
    shares = numbers.energy_shares
    cells = [
        f"{numbers.energy:.3f}",
        f"{min(shares):.2f}–{max(shares):.2f}",
        f"{numbers.still_s:.2f}",
        _text(numbers.skate_cm_s, 1),
        f"{numbers.under_floor_cm:.1f} / {numbers.over_floor_cm:.1f}",
        f"{numbers.drift_m:.2f}",
        _text(numbers.pfc, 3),
        _text(numbers.per_music_beat, 2),
        _text(numbers.per_motion_beat, 2),
    ]
    dot = f'<i style="background:{colour}"></i>'
    return (
        f'<tr><th scope="row">{dot}{html.escape(name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _text(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
