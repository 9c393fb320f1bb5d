"""Under the generated dance: energy second by second, feet, beats; every figure beside the truth's."""

import html
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.components.curves import curves, pack_curves
from dashboard.generate.controls import Plan
from dashboard.work.generations import CHANNEL, Made
from mmm.viewer.palette import FURTHER, method_colour

if TYPE_CHECKING:
    from mmm.generation.result import Evaluation
    from mmm.metrics.dance import Summary

COLUMNS = {
    "energy": ("energy, m²/s²", "Mean squared speed of the joints, over the frames after the seed"),
    "seconds": (
        "of the usual",
        "Energy of the calmest and the liveliest second, as a share of the truth's mean (of "
        "the seed's, where there is no truth)",
    ),
    "still": ("still, s", "Longest stretch of standing still; a second or more is called frozen"),
    "skate": ("feet slide, cm/s", "Mean horizontal speed of feet while they stand"),
    "floor": (
        "under/over floor, cm",
        "How deep the lowest foot ever goes under the seed's floor, and how high above",
    ),
    "drift": (
        "farthest, m",
        "The farthest that the root gets from where the seed ends, over the floor",
    ),
    "pfc": (
        "PFC",
        "Physical foot contact score of EDGE: the root pushed while no foot stands; smaller is better",
    ),
    "music": ("beats met", "How near a beat of the motion falls to each beat of the music, 0 to 1"),
    "motion": (
        "beats in time",
        "How near a beat of the music falls to each beat of the motion, 0 to 1",
    ),
}


@st.fragment
def numbers_section(plan: Plan, made: list[Made]) -> None:
    """A fragment: switching a curve off leaves the stage playing."""
    seed, truth = plan.ask.setting.prefix_frames, _truth(made)
    st.subheader("How it goes on", anchor=False)
    total = max(len(one.generation.clip) for one in made)
    series = {
        one.ask.label: _steps(
            one.numbers.generated, one.numbers.energy_scale, seed, plan.fps, total
        )
        for one in made
    }
    if truth is not None and truth.reference is not None:
        series["Truth"] = _steps(truth.reference, truth.energy_scale, seed, plan.fps, total)
    looks = {one.ask.label: look for one, look in zip(made[1:], ("second", "third"), strict=False)}
    payload = pack_curves(
        series,
        fps=plan.fps,
        unit="m²/s²",
        model=made[0].ask.label,
        truth="Truth" if truth is not None else None,
        title="Energy of each second after the seed",
        subtitle="mean squared speed of the joints; near zero: it has frozen",
        channel=CHANNEL,
        looks=looks,
    )
    curves(payload, key="energy")
    st.html(
        numbers_table(
            made, truth.reference if truth is not None else None, st.context.theme.type == "dark"
        )
    )
    for one in made:
        if one.numbers.generated.frozen:
            st.warning(
                f"{one.ask.label} stands still for {one.numbers.generated.still_s:.1f} s.",
                icon=":material/warning:",
            )
    if truth is None:
        st.caption(
            "No truth beside: the recording ends with the seed, or was danced to another song. Shares are of "
            "the seed's energy."
        )


def _truth(made: list[Made]) -> "Evaluation | None":
    """The truth's figures, over as much of it as the longest variant covers; None where there is no truth."""
    told = [one.numbers for one in made if one.numbers.reference is not None]
    return max(told, key=lambda numbers: numbers.reference_frames, default=None)


def _steps(numbers: "Summary", usual: float, seed: int, fps: float, total: int) -> np.ndarray:
    """Energy as a curve over the timeline's frames: a step a second, nothing where there is no motion."""
    curve = np.full(total, np.nan, dtype=np.float32)
    for second, share in enumerate(numbers.energy_shares):
        curve[seed + round(second * fps) : seed + round((second + 1) * fps)] = share * usual
    return curve


def numbers_table(made: list[Made], truth: "Summary | None", dark: bool = False) -> str:
    """A row a variant, the truth's under them."""
    heads = "".join(
        f'<th title="{html.escape(hint)}">{head}</th>' for head, hint in COLUMNS.values()
    )
    colours = (method_colour("", dark), *FURTHER["dark" if dark else "light"])
    rows = [
        _row(one.ask.label, colour, one.numbers.generated)
        for one, colour in zip(made, colours, strict=False)
    ]
    if truth is not None:
        rows.append(_row("Truth", "#8a8a86", truth))
    return (
        f'<div class="wb-wide"><table class="wb-table"><thead><tr><th></th>{heads}</tr></thead>'
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
    return (
        f'<tr><th><i style="background:{colour}"></i>{html.escape(name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _text(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
