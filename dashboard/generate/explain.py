"""Explanations of a generated motion: attention maps, and the motion to changed music."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.common import escape
from dashboard.explain import music_change
from dashboard.explain.asking import Flow, answer
from dashboard.explain.attention import Mapped, beside_the_maps, card, show_maps
from dashboard.explain.dock import is_docked, place_button
from dashboard.files import songs
from dashboard.generate.controls import Plan
from dashboard.generate.variant_picker import pick_variant
from dashboard.work import questions
from dashboard.work.generations import CHANNEL, Made
from mmm import Music

if TYPE_CHECKING:
    from mmm.explain.change_results import GenerationChange  # imports torch

KEY = "future-attention"
OPEN = "future_listening"
PREFIX = "gen_"
CHANGE = Flow(
    "Change and generate",
    "future-change",
    "future-change-off",
    "future_change_asked",
    "future_change_shown",
    PREFIX,
)
APART_CM = 5.0
"""Two dances count as different from the first frame on in which a joint differs this much, cm."""


def other_song(plan: Plan) -> Music | None:
    """The chosen music if it is not the clip's own, for ``generations.start``; else None."""
    return None if plan.song.key in (songs.OWN, songs.NONE) else plan.song.music


def shown_change(made: list[Made]) -> "GenerationChange | None":
    """The music change that the viewer shows; None if there is none or it is not computed yet."""
    is_open = st.session_state.get(OPEN)
    change: GenerationChange | None = CHANGE.on_stage(
        # Only while the box is open: its buttons are needed to return to the variants.
        [variant.ask for variant in made] if is_open else []
    )
    return change


@st.fragment
def explain_section(plan: Plan, made: list[Made]) -> None:
    """The attention maps and the music change. Nothing is computed until the box is opened.

    A fragment, so that the viewer keeps playing.
    """
    dock = st.container(key="maps-dock")
    box = st.expander("Attention: what the network looked at", key=OPEN, on_change="rerun")
    if not box.open:
        return
    with box:
        variant = pick_variant(made, "gen_explained")
        place_button()
    frame = _frame(variant)
    with dock if is_docked() else box:
        maps = questions.answers().find(variant.ask, frame) or answer(
            questions.Question(variant.ask, "attention", (frame,)),
            lambda: questions.capture_future(variant.ask, plan.input_clip, other_song(plan), frame),
            "Show the maps",
        )
        if maps is None:
            return
        first, end = maps.made
        clip = variant.generation.clip
        # The last window reaches beyond the end of the motion.
        frames = max(len(clip), maps.atlas.trace.frames[1])
        hidden = np.zeros((frames, len(plan.clip.motion.skeleton)), dtype=bool)
        # Includes frames of later steps, which were unknown in this step.
        hidden[first:] = True
        st.caption(
            f"Maps of the step that generated frames {first} to {end - 1}. In this step, earlier "
            "frames were known and all later ones hidden. Move the playhead to choose another step."
        )
        state = show_maps(
            maps.atlas,
            Mapped(
                f"{clip.name} {variant.ask.label}",
                hidden,
                plan.fps,
                clip.music,
                CHANNEL,
                f"{plan.entry.title} {variant.ask.label}",
            ),
            # The window is part of the key: one variant has many windows.
            repr((variant.ask, maps.made)),
            KEY,
            lambda: _store_frame(variant),
        )
    with box:
        beside_the_maps(maps.atlas, variant.ask.method)
        if card(variant.ask.method).uses_music and plan.song.music is not None:
            _music_change(plan, variant, state.span)


def _music_change(plan: Plan, variant: Made, span: tuple[int, int] | None) -> None:
    """Generate again to changed music, and compare the results."""
    st.header("What the music does", anchor=False)
    st.caption(
        "Generates again to changed music with the same random seed. The difference is the effect "
        "of the change."
    )
    change = CHANGE.run(
        plan.clip,
        variant.ask,
        span,
        lambda requested: questions.intervene_future(
            variant.ask, plan.input_clip, other_song(plan), requested
        ),
        plan.song.key,
    )
    if change is not None:
        st.markdown(_summary(change, plan))
        music_change.show_change(
            change, plan.clip, variant.ask.method, CHANGE.last, PREFIX, CHANNEL
        )


def _frame(variant: Made) -> int:
    """The generated frame whose window is shown: the one that the user chose, else the first."""
    asked = st.session_state.get("future_frame")
    seed, frames = variant.ask.setting.prefix_frames, len(variant.generation.clip)
    if asked is None or asked[0] != variant.ask:
        return seed
    # The playhead may be in the seed, which no step generated.
    return min(max(int(asked[1]), seed), frames - 1)


def _store_frame(variant: Made) -> None:
    frame = (st.session_state.get(KEY) or {}).get("window")
    if frame is not None:
        st.session_state.future_frame = (variant.ask, int(frame))


def _summary(change: "GenerationChange", plan: Plan) -> str:
    summary, seed = change.summary(), change.before.prefix_frames
    apart = np.flatnonzero(change.change_cm[seed:].max(axis=1) > APART_CM)
    when = (
        f"A joint first differs by more than {APART_CM:g} cm {(apart[0] + 1) / plan.fps:.2f} s "
        "after the seed."
        if len(apart)
        else f"No joint ever differs by more than {APART_CM:g} cm."
    )
    beats = ""
    # Without beats to compare there are no figures.
    if summary["beats_before"] is not None and summary["beats_after"] is not None:
        beats = (
            f" Beats hit: {summary['beats_before']:.2f} before, {summary['beats_after']:.2f} after "
            "(of the changed music)."
        )
    return (
        f"**{escape.markdown(change.intervention.words)}**: generated joints turn by "
        f"**{summary['change_deg']:.1f}°** and move by **{summary['change_cm']:.1f} cm** on "
        f"average. {when} Energy, relative to the reference: "
        f"{summary['energy_before']:.2f} before, {summary['energy_after']:.2f} after.{beats} "
        "The viewer shows both dances."
    )
