"""Under the generated dance: energy second by second, feet, beats; every figure beside the truth's."""

import html
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.components.curves import curves, pack_curves
from dashboard.generate_controls import Plan
from dashboard.generations import CHANNEL, Made, Numbers, measure
from mmm import save_clip
from mmm.stage.palette import FURTHER, method_colour

COLUMNS = {
    "energy": ("energy, m²/s²", "Mean squared speed of the joints, over the seconds after the seed"),
    "seconds": ("of the truth's", "Energy of the calmest and the liveliest second, as a share of the truth's mean"),
    "skate": ("feet slide, cm/s", "Mean horizontal speed of feet while they stand"),
    "music": ("beats met", "How near a beat of the motion falls to each beat of the music, 0 to 1"),
    "motion": ("beats in time", "How near a beat of the music falls to each beat of the motion, 0 to 1"),
    "drift": ("root drift, m", "From where the seed ends to where the motion ends, over the floor"),
}


@st.fragment
def numbers_section(plan: Plan, made: list[Made]) -> None:
    """A fragment: switching a curve off leaves the stage playing."""
    seed, truth = plan.ask.setting.seed_frames, _truth(made)
    st.subheader("How it goes on", anchor=False)
    total = max(len(one.generation.clip) for one in made)
    series = {one.ask.label: _steps(one.numbers, seed, plan.fps, len(one.generation.clip), total) for one in made}
    if truth is not None:
        series["Truth"] = _steps(truth[0], seed, plan.fps, truth[1], total)
    looks = {one.ask.label: look for one, look in zip(made[1:], ("second", "third"), strict=False)}
    payload = pack_curves(series, fps=plan.fps, unit="m²/s²", model=made[0].ask.label,
                          truth="Truth" if truth is not None else None, title="Energy of each second after the seed",
                          subtitle="mean squared speed of the joints; near zero: it has frozen", channel=CHANNEL,
                          looks=looks)
    curves(payload, key="energy")
    st.html(numbers_table(made, truth[0] if truth is not None else None, st.context.theme.type == "dark"))
    for one in made:
        if stood := one.numbers.frozen_s(_lively(one, truth)):
            st.warning(f"{one.ask.label} stands nearly still in {stood} of {len(one.numbers.energy)} seconds.",
                       icon=":material/warning:")
    if truth is None:
        st.caption("No truth beside: the recording ends with the seed, or was danced to another song.")
    _downloads(made)


def _lively(one: Made, truth: tuple[Numbers, int] | None) -> float:
    """The energy that a motion is held against: the truth's, else the seed's own."""
    if truth is not None:
        return truth[0].mean_energy
    from mmm.metrics import motion_energy

    return float(motion_energy(one.generation.clip.motion.crop(0, one.generation.seed_frames)).mean())


def _truth(made: list[Made]) -> tuple[Numbers, int] | None:
    """The truth's own numbers, over as much of it as the longest variant covers, and its length."""
    known = [one.generation for one in made if one.generation.truth is not None]
    if not known:
        return None
    longest = max(known, key=lambda g: len(g.truth or ()))
    assert longest.truth is not None
    if len(longest.truth) <= longest.seed_frames + 2:
        return None
    key = f"{made[0].ask.setting!r} {len(longest.truth)}"
    return _measured(key, _generation=longest), len(longest.truth)


@st.cache_resource(max_entries=24, show_spinner=False)
def _measured(key: str, *, _generation: object) -> Numbers:
    from mmm import Generation

    assert isinstance(_generation, Generation)
    assert _generation.truth is not None
    return measure(_generation.truth.motion, _generation.truth.music, _generation.seed_frames)


def _steps(numbers: Numbers, seed: int, fps: float, frames: int, total: int) -> np.ndarray:
    """Energy as a curve over the timeline's frames: a step a second, nothing where there is no motion."""
    curve = np.full(total, np.nan, dtype=np.float32)
    second = ((np.arange(frames - seed)) / fps).astype(int)
    curve[seed:frames] = np.array(numbers.energy, dtype=np.float32)[np.minimum(second, len(numbers.energy) - 1)]
    return curve


def numbers_table(made: list[Made], truth: Numbers | None, dark: bool = False) -> str:
    """A row a variant, the truth's under them."""
    heads = "".join(f'<th title="{html.escape(hint)}">{head}</th>' for head, hint in COLUMNS.values())
    theme = "dark" if dark else "light"
    colours = (method_colour("", dark), *FURTHER[theme])
    rows = []
    for one, colour in zip(made, colours, strict=False):
        rows.append(_row(one.ask.label, colour, one.numbers, truth))
    if truth is not None:
        rows.append(_row("Truth", "#8a8a86", truth, truth))
    return (f'<div class="wb-wide"><table class="wb-table"><thead><tr><th></th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")


def _row(name: str, colour: str, numbers: Numbers, truth: Numbers | None) -> str:
    share = "–"
    if truth is not None and truth.mean_energy > 0 and numbers.energy:
        low, high = (value / truth.mean_energy for value in (min(numbers.energy), max(numbers.energy)))
        share = f"{low:.2f}–{high:.2f}"
    cells = [f"{numbers.mean_energy:.3f}", share, _text(numbers.skate_cm_s, 1), _text(numbers.per_music_beat, 2),
             _text(numbers.per_motion_beat, 2), f"{numbers.drift_m:.2f}"]
    return (f'<tr><th><i style="background:{colour}"></i>{html.escape(name)}</th>'
            + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")


def _text(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _downloads(made: list[Made]) -> None:
    with st.container(horizontal=True):
        for number, one in enumerate(made):
            for suffix in ("bvh", "npz"):
                st.download_button(f"{one.ask.label} as {suffix.upper()}", partial(_file, one, suffix),
                                   f"{one.generation.clip.name}.{suffix}".replace(" ", "-"),
                                   key=f"gen_get-{number}-{suffix}", icon=":material/download:", on_click="ignore",
                                   help="Seed and what was generated, in one file")


def _file(one: Made, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{suffix}"
        save_clip(one.generation.clip, path)
        return path.read_bytes()
