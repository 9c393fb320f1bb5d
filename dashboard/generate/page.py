"""The page of Generate: variants of a continued seed, beside the recording."""

from collections.abc import Callable

import streamlit as st

from dashboard.common import escape, widgets
from dashboard.common.layout import GENERATE, heading
from dashboard.common.progress import follow
from dashboard.components.controls.shortcuts import shortcuts
from dashboard.explain.dock import desk_container
from dashboard.files import songs
from dashboard.files.entries import Entry
from dashboard.generate import controls as generate_controls
from dashboard.generate.controls import Plan
from dashboard.generate.explain import OPEN, explain_section, other_song, shown_change
from dashboard.generate.export import code_section, export_section
from dashboard.generate.results import results_section
from dashboard.generate.viewer import live_stage, shows_recording
from dashboard.work import generations
from dashboard.work.generations import MAX_VARIANTS, Ask, Made, Stream

POLL_S = 0.25
FIRST_S = 0.4
"""Seconds for which a press of Generate waits for the first frames, to show them at once."""


def generate_page(entries: list[Entry]) -> None:
    """Draw the mode's side bar and page.

    Raises:
        MMMError: the sequence cannot be opened or continued.
    """
    with st.sidebar:
        plan = generate_controls.pick(entries)
        with st.container(key="gen-run-box"):
            pressed, slot = _button(plan), st.container()
    # Loads the network in the background while the user sets the controls.
    generations.load_ahead(plan.ask.method, plan.ask.version)
    stream = _current_stream(plan, pressed)
    mine = (
        stream is not None
        and isinstance(stream.request, Ask)
        and stream.request.setting == plan.ask.setting
    )
    # Read once: the run may end at any moment, and the whole page must show one state.
    live = stream if mine and stream is not None and stream.running else None
    made = _variants(plan, stream)
    _title(plan)
    shortcuts("gen_go", ["future-stage"], key="shortcuts")
    if live is not None:
        # Leaves room for the run in progress, which replaces a finished variant of the same dance.
        made = [m for m in made if m.ask.dance != _dance(live)][-(MAX_VARIANTS - 1) :]
    # During a run the viewer shows the run, not a music change of a finished variant.
    change = shown_change(made) if live is None else None
    with desk_container():
        # Not a decorator, because the fragment polls only during a run.
        st.fragment(live_stage, run_every=POLL_S if live else None)(plan, made, live, change)
        _notes(plan, made, live)
        if made:
            results_section(plan, made)
            export_section(made)
            if live is None:
                explain_section(plan, made)
        if live is not None and st.session_state.get(OPEN):
            st.session_state[OPEN] = True  # Streamlit drops the state of widgets that are not drawn
        if not plan.problem:
            code_section(plan)
    # Drawn last, because it restarts the page when the run has ended.
    with slot:
        if live is not None:
            follow(
                live,
                "gen_cancel",
                help_="Stop after the current second. Frames that are already generated are kept.",
            )
        elif mine and stream is not None:
            _outcome(stream)


def _current_stream(plan: Plan, pressed: bool) -> Stream | None:
    """The session's latest run, which a press of Generate has just started."""
    stream: Stream | None = st.session_state.get("stream")
    if not pressed:
        return stream
    # The earlier run would compete for the processor, and its frames are no longer shown.
    if stream is not None:
        stream.cancel()
    stream = st.session_state.stream = generations.start(
        plan.ask, plan.input_clip, other_song(plan)
    )
    # Only now: if the page is interrupted before the start, its next run must see the press.
    widgets.release("gen_go")
    stream.wait_for_first(FIRST_S)
    return stream


def _dance(stream: Stream) -> tuple[object, ...]:
    """All that determines the motion of this run, except its length."""
    assert isinstance(stream.request, Ask)
    return stream.request.dance


def _button(plan: Plan) -> bool:
    if plan.problem:
        st.error(escape.markdown(plan.problem), icon=":material/error:")
    return widgets.button(
        "Generate",
        type="primary",
        width="stretch",
        icon=":material/play_circle:",
        key="gen_go",
        disabled=bool(plan.problem),
        help="Continue the motion from the end of the seed. Playback starts as soon as the first "
        "frames are ready (R or Ctrl+Enter).",
    )


def _variants(plan: Plan, stream: Stream | None) -> list[Made]:
    """The variants of this seed and song, oldest first; includes a run that has just ended."""
    kept: list[Ask] = st.session_state.setdefault("variants", [])
    if (
        stream is not None
        and not stream.running
        and stream.results is not None
        and not stream.taken
    ):
        # Once for each run, so that a variant that the user removes does not come back.
        stream.taken = True
        ask = stream.results.ask
        # A dance of another length replaces the earlier one.
        kept[:] = [a for a in kept if a.dance != ask.dance] + [ask]
        same_setting = [a for a in kept if a.setting == ask.setting]
        for old in same_setting[:-MAX_VARIANTS]:
            kept.remove(old)
    # The shared store may have dropped a result for those of other sessions.
    results = [generations.kept().get(ask) for ask in kept if ask.setting == plan.ask.setting]
    return [made for made in results if made is not None]


def _title(plan: Plan) -> None:
    music, seed_s = plan.song.music, plan.ask.setting.prefix_frames / plan.fps
    facts = [
        f"seed of {seed_s:.1f} s",
        f"{plan.ask.frames / plan.fps:.1f} s to generate",
        f"{plan.fps:g} fps",
        f"{len(plan.clip.motion.skeleton)} joints",
    ]
    if music:
        song = "its own music" if plan.song.key == songs.OWN else plan.song.label
        facts.append(f"{song}, {music.tempo_bpm:.0f} bpm")
    else:
        facts.append("no music")
    heading(plan.entry.name or plan.clip.name, facts, GENERATE, plan.clip.notes)


def _notes(plan: Plan, made: list[Made], live: Stream | None) -> None:
    """What the viewer shows, notes, and a button to remove each variant."""
    if not made and live is None:
        shown = "the seed and the recording after it" if shows_recording(plan) else "the seed only"
        st.caption(f"Showing {shown}. Press Generate to continue from the end of the seed.")
        return
    if made:
        with st.container(horizontal=True, key="gen_variants"):
            for number, variant in enumerate(made):
                st.button(
                    f"Remove {escape.markdown(variant.ask.label)}",
                    key=f"gen_drop-{number}",
                    icon=":material/close:",
                    on_click=_remover(variant.ask),
                    help="Remove this variant from the viewer and the table.",
                )
    # Variants often share a note; each is shown once.
    for note in dict.fromkeys(note for variant in made for note in variant.generation.notes):
        st.caption(escape.markdown(note))


def _remover(ask: Ask) -> Callable[[], None]:
    # A closure for each variant, because a lambda in the loop would remove the last one.
    def remove() -> None:
        st.session_state.variants = [a for a in st.session_state.variants if a != ask]

    return remove


def _outcome(stream: Stream) -> None:
    """The result of the last run, under the button."""
    if stream.error:
        st.warning(escape.markdown(stream.error), icon=":material/warning:")
    elif stream.results is not None:
        made = stream.results
        seconds = made.ask.frames / made.generation.clip.motion.fps
        verb = "Cancelled; kept" if stream.cancelled else "Generated"
        # Avoids a division by zero for a run that is cancelled at once.
        speed = made.ask.frames / max(made.generation.elapsed_s, 1e-6)
        st.caption(
            f"{verb} {seconds:.1f} s in {made.generation.elapsed_s:.1f} s "
            f"({speed:.0f} frames per second)."
        )
