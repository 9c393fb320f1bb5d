"""What a generated dance listened to: the maps of the window that made a frame, and the dance to changed music."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.explain import music_change
from dashboard.explain.asking import answer
from dashboard.explain.attention import Mapped, beside_the_maps, card, show_maps
from dashboard.explain.change_flow import Flow
from dashboard.files import songs
from dashboard.generate.controls import Plan
from dashboard.work import questions
from dashboard.work.generations import CHANNEL, Made
from mmm import Music

if TYPE_CHECKING:
    from mmm.explain.interventions import GenerationChange  # imports torch

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
"""Two dances have parted where a joint is so far away."""


def other_song(plan: Plan) -> Music | None:
    """The music where it is another than the clip's own, as ``generations.start`` takes it."""
    return None if plan.song.key in (songs.OWN, songs.NONE) else plan.song.music


def shown_change(made: list[Made]) -> "GenerationChange | None":
    """The change of the music whose outcome stands on the stage, if its answer is at hand."""
    found: GenerationChange | None = CHANGE.on_stage(
        [one.ask for one in made] if st.session_state.get(OPEN) else []
    )
    return found


@st.fragment
def listening_section(plan: Plan, made: list[Made]) -> None:
    """A section that is opened on demand; nothing is captured before. A fragment: the stage plays on."""
    place = st.expander("Attention: what the network looked at", key=OPEN, on_change="rerun")
    if not place.open:
        return
    with place:
        one = _variant(made)
        frame = _frame(one)
        found = questions.answers().find(one.ask, frame) or answer(
            questions.Question(one.ask, "attention", (frame,)),
            lambda: questions.capture_future(one.ask, plan.heard, other_song(plan), frame),
            "Show the maps",
        )
        if found is None:
            return
        first, end = found.made
        frames = max(
            len(one.generation.clip), found.atlas.trace.frames[1]
        )  # the last window looks beyond the end
        hidden = np.zeros((frames, len(plan.clip.motion.skeleton)), dtype=bool)
        hidden[first:] = True
        st.caption(
            f"The window that made frames {first} to {end - 1}: it knew what came before and hid the rest. Put "
            "the playhead elsewhere for another."
        )
        state = show_maps(
            found.atlas,
            Mapped(
                f"{one.generation.clip.name} {one.ask.label}",
                hidden,
                plan.fps,
                one.generation.clip.music,
                CHANNEL,
            ),
            repr((one.ask, found.made)),
            KEY,
            lambda: _look_there(one),
        )
        beside_the_maps(found.atlas, one.ask.method)
        if card(one.ask.method).uses_music and plan.song.music is not None:
            st.markdown("#### What the music does")
            st.caption(
                "Changing the music and generating again, by the same chance, says what it did."
            )
            change = CHANGE.run(
                plan.clip,
                one.ask,
                state.span,
                lambda wanted: questions.intervene_future(
                    one.ask, plan.heard, other_song(plan), wanted
                ),
                plan.song.key,
            )
            if change is not None:
                _told(change, plan)
                music_change.show_change(
                    change, plan.clip, one.ask.method, CHANGE.last, PREFIX, CHANNEL
                )


def _variant(made: list[Made]) -> Made:
    labels = {one.ask.label: one for one in made}
    if len(labels) == 1:
        return made[0]
    if st.session_state.get("gen_listened") not in labels:
        st.session_state.gen_listened = made[-1].ask.label
    return labels[
        str(
            st.segmented_control(
                "Of", list(labels), key="gen_listened", required=True, label_visibility="collapsed"
            )
        )
    ]


def _frame(one: Made) -> int:
    """A generated frame whose window is shown: where the user asked, else the first."""
    asked = st.session_state.get("future_frame")
    seed, frames = one.ask.setting.prefix_frames, len(one.generation.clip)
    return (
        min(max(int(asked[1]), seed), frames - 1)
        if asked is not None and asked[0] == one.ask
        else seed
    )


def _look_there(one: Made) -> None:
    frame = (st.session_state.get(KEY) or {}).get("window")
    if frame is not None:
        st.session_state.future_frame = (one.ask, int(frame))


def _told(found: "GenerationChange", plan: Plan) -> None:
    summary, seed = found.summary(), found.before.prefix_frames
    apart = np.flatnonzero(found.change_cm[seed:].max(axis=1) > APART_CM)
    when = (
        f"they part {(apart[0] + 1) / plan.fps:.2f} s after the seed"
        if len(apart)
        else "they never part"
    )
    met = ""
    if summary["beats_before"] is not None and summary["beats_after"] is not None:
        met = (
            f" Beats met: {summary['beats_before']:.2f} before, {summary['beats_after']:.2f} of the changed music's "
            "after."
        )
    st.markdown(
        f"**{found.intervention.words}**: joints turn by **{summary['change_deg']:.1f}°** and move by "
        f"**{summary['change_cm']:.1f} cm** on average over what was generated; {when} (a joint {APART_CM:g} "
        f"cm away). Energy goes from {summary['energy_before']:.2f} to {summary['energy_after']:.2f} of the "
        f"usual.{met} Both dances stand on the stage."
    )
