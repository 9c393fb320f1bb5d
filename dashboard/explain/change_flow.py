"""Changing the music and looking at what comes of it: the same way on every page that shows a network's motion."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.common import widgets
from dashboard.explain import music_change
from dashboard.explain.asking import answer, at_hand
from dashboard.work.generations import Ask
from dashboard.work.jobs import Job
from dashboard.work.questions import Question, Wanted
from dashboard.work.recoveries import Request
from mmm import Clip


@dataclass(frozen=True)
class Flow:
    """What one page calls it in the session."""

    label: str
    """Of the button."""
    button: str
    """Its key; ``off``'s is that of the other one, which takes the outcome off the stage."""
    off: str
    asked: str
    """Holds what was asked last: of what, and the change."""
    shown: str
    """Holds the question whose answer stands on the stage."""
    prefix: str = ""
    """Before the controls' keys."""

    @property
    def last(self) -> tuple[Request | Ask, Wanted] | None:
        """What was asked last: of what, and the change."""
        found: tuple[Request | Ask, Wanted] | None = st.session_state.get(self.asked)
        return found

    def on_stage(self, of: Collection[Request | Ask]) -> Any:
        """The outcome that belongs on the stage, where it is at hand and concerns one of these."""
        last = self.last
        question = _question(last) if last is not None and last[0] in of else None
        found = None if question is None else at_hand(question)
        st.session_state[self.shown] = question if found is not None else None
        return found

    def run(
        self,
        clip: Clip,
        of: Request | Ask,
        span: tuple[int, int] | None,
        start: Callable[[Wanted], Job[Any]],
        heard: str = "",
    ) -> Any:
        """Choose a change, ask, wait; the outcome once it is there and stands on the stage.

        Args:
            clip: whose music is changed.
            of: what determines the motion as it is.
            span: frames selected on the map.
            start: begins the work.
            heard: the song that is heard now, as ``music_change.pick_change`` takes it.
        """
        state = st.session_state
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choice = music_change.pick_change(clip, span, self.prefix, heard)
            pressed = widgets.button(
                self.label, key=self.button, icon=":material/graphic_eq:", disabled=not choice.spec
            )
            last = self.last if self.last is not None and self.last[0] == of else None
            if last is not None and widgets.button(
                "Take it off the stage", key=self.off, type="tertiary"
            ):
                state[self.asked] = None
                widgets.release(self.off)
                st.rerun()
        if pressed:
            widgets.release(self.button)
            wanted = music_change.opened(choice, clip)
            if wanted is None:
                return None
            last = state[self.asked] = (of, wanted)
        if last is None:
            return None
        found = answer(_question(last), lambda: start(last[1]), "Try again")
        if found is not None and state.get(self.shown) != _question(last):
            st.rerun()  # it came after the stage was drawn
        return found


def _question(asked: tuple[Request | Ask, Wanted]) -> Question:
    return Question(asked[0], "intervention", asked[1].detail)
