"""The page of Generate: a seed goes on while it plays, variants stand beside the truth, numbers under them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.common import widgets
from dashboard.common.layout import GENERATE, heading
from dashboard.components.stage import stage
from dashboard.explain.music_change import hears_change
from dashboard.files import songs
from dashboard.files.entries import Entry
from dashboard.generate import controls as generate_controls
from dashboard.generate.code import commands_section
from dashboard.generate.controls import Plan
from dashboard.generate.downloads import generate_home_section
from dashboard.generate.explain import OPEN, PREFIX, listening_section, other_song, shown_change
from dashboard.generate.results import numbers_section
from dashboard.work import generations
from dashboard.work.generations import CHANNEL, MAX_VARIANTS, Ask, Made, Stream
from mmm import Audio, Motion, Music
from mmm.viewer.panels import Future, StagePanel, pack_stage, panel_from_motion, waveform_peaks

if TYPE_CHECKING:
    from mmm.explain.interventions import GenerationChange  # imports torch

POLL_S = 0.25
FIRST_S = 0.4
"""A first second of motion that is there by then is on the stage in the same answer as the press."""
LEAD_S = 0.3
"""A new run is seen from so long before the seed ends."""
GROWTH = 1.2
"""Frames are sent when there are so many times those shown: what travels stays in proportion to the whole."""
LOOKS: tuple[Literal["", "second", "third"], ...] = ("", "second", "third")


def generate_page(entries: list[Entry]) -> None:
    """Draw the mode's sidebar and page.

    Raises:
        MMMError: the sequence cannot be opened or gone on from.
    """
    with st.sidebar:
        plan = generate_controls.pick(entries)
        pressed, slot = _button(plan), st.container()
    generations.load_ahead(plan.ask.method, plan.ask.version)
    stream: Stream | None = st.session_state.get("stream")
    if pressed:
        if stream is not None:
            stream.cancel()
        stream = st.session_state.stream = generations.start(plan.ask, plan.heard, other_song(plan))
        widgets.release("gen_go")
        stream.wait_for_first(FIRST_S)
    mine = (
        stream is not None
        and isinstance(stream.request, Ask)
        and stream.request.setting == plan.ask.setting
    )
    live = (
        stream if mine and stream is not None and stream.running else None
    )  # asked once: it may end at any moment
    made = _variants(plan, stream)
    _title(plan)
    if live is not None:
        made = [m for m in made if m.ask.dance != plan_dance(live)][-(MAX_VARIANTS - 1) :]
    change = shown_change(made) if live is None else None
    st.fragment(_live_stage, run_every=POLL_S if live else None)(plan, made, live, change)
    _remarks(plan, made, live)
    if made:
        numbers_section(plan, made)
        generate_home_section(made)
        if live is None:
            listening_section(plan, made)
    if live is not None and st.session_state.get(OPEN):
        st.session_state[OPEN] = True  # Streamlit forgets what a run has not drawn
    if not plan.problem:
        commands_section(plan)
    with slot:
        if live is not None:
            st.fragment(_progress, run_every=POLL_S)(live)
        elif mine and stream is not None:
            _outcome(stream)


def plan_dance(stream: Stream) -> tuple[object, ...]:
    """What this stream dances."""
    assert isinstance(stream.request, Ask)
    return stream.request.dance


def _button(plan: Plan) -> bool:
    if plan.problem:
        st.error(plan.problem, icon=":material/error:")
    return widgets.button(
        "Generate",
        type="primary",
        width="stretch",
        icon=":material/play_circle:",
        key="gen_go",
        disabled=bool(plan.problem),
        help="Let the network go on from the seed. It plays while later frames are being made.",
    )


def _variants(plan: Plan, stream: Stream | None) -> list[Made]:
    """The variants of this seed and song, oldest first; what has just been made becomes the last of them."""
    kept: list[Ask] = st.session_state.setdefault("variants", [])
    if (
        stream is not None
        and not stream.running
        and stream.results is not None
        and not stream.taken
    ):
        stream.taken = True
        ask = stream.results.ask
        kept[:] = [a for a in kept if a.dance != ask.dance] + [ask]
        same = [a for a in kept if a.setting == ask.setting]
        for old in same[:-MAX_VARIANTS]:
            kept.remove(old)
    found = [generations.kept().get(ask) for ask in kept if ask.setting == plan.ask.setting]
    return [made for made in found if made is not None]


def _title(plan: Plan) -> None:
    seed = plan.ask.setting.prefix_frames
    facts = [
        f"{seed} frames of seed",
        f"{plan.ask.frames / plan.fps:.1f} s to generate",
        f"{plan.fps:g} frames a second",
        f"{len(plan.clip.motion.skeleton)} joints",
    ]
    music = plan.song.music
    facts.append(
        f"to {plan.song.label if plan.song.key != songs.OWN else 'its own song'}, {music.tempo_bpm:.0f} bpm"
        if music
        else "no music"
    )
    heading(plan.clip.name, facts, GENERATE, plan.clip.notes)


def _live_stage(
    plan: Plan, made: list[Made], live: Stream | None, change: "GenerationChange | None"
) -> None:
    """The stage. While frames are being made this runs again and again, and sends what is new."""
    if change is not None:
        stage(_changed(plan, change), key="future-stage", height=600)
        return
    if live is None:
        ready, panel = None, None
    else:
        panel = live.panel()
        ready = 0 if panel is None else len(panel.positions)
        assert isinstance(live.request, Ask)
        whole = live.request.setting.prefix_frames + live.request.frames
        if live.shown is not None and ready < min(whole, GROWTH * live.shown[0]):
            stage(live.shown[1], key="future-stage", height=600)
            return
    payload = _payload(plan, made, live, panel, ready)
    if live is not None and ready is not None:
        live.shown = ready, payload
    stage(payload, key="future-stage", height=600)


def _payload(
    plan: Plan, made: list[Made], live: Stream | None, panel: StagePanel | None, ready: int | None
) -> bytes:
    """What stands on the stage: truth (or the seed alone), the variants, and the one being made."""
    seed, run = plan.ask.setting.prefix_frames, _last_run(plan)
    lengths = [len(m.generation.clip) for m in made]
    if live is not None:
        assert isinstance(live.request, Ask)
        lengths.append(seed + live.request.frames)
    total = max(lengths) if lengths else plan.total
    names = [m.ask.label for m in made]
    key = repr((plan.ask.setting, total, [m.ask for m in made], live is None, run))
    if live is None:
        return _settled(key, _plan=plan, _made=made, _total=total, _run=run)
    panels = [*_fixed_panels(key, _plan=plan, _made=made, _total=total)]
    if panel is not None:
        panels.append(replace(panel, look=LOOKS[len(names)]))
    future = Future(
        seed,
        total,
        ready=max(ready or 0, seed),
        live=True,
        run=run if panel is not None else "",
        start=max(0, seed - round(LEAD_S * plan.fps)),
        mark=_mark(plan),
        sound=plan.song.sound_name,
    )
    return _pack(plan, panels, future, total, plan.song.music, with_sound=False)


def _last_run(plan: Plan) -> str:
    """The run that is or was last on the stage of this setting."""
    stream: Stream | None = st.session_state.get("stream")
    mine = (
        stream is not None
        and isinstance(stream.request, Ask)
        and stream.request.setting == plan.ask.setting
    )
    return stream.run_name if mine and stream is not None else ""


def _mark(plan: Plan) -> str:
    return f"{plan.ask.setting.clip} {plan.ask.setting.song[:8]}"


@st.cache_resource(max_entries=6, show_spinner=False)
def _settled(key: str, *, _plan: Plan, _made: list[Made], _total: int, _run: str) -> bytes:
    panels = _fixed_panels(key, _plan=_plan, _made=_made, _total=_total)
    seed = _plan.ask.setting.prefix_frames
    future = Future(
        seed,
        _total,
        ready=_total,
        run=_run if _made else "",
        mark=_mark(_plan),
        sound=_plan.song.sound_name,
        start=max(0, seed - round(LEAD_S * _plan.fps)),
    )
    return _pack(_plan, panels, future, _total, _plan.song.music, with_sound=True)


@st.cache_resource(max_entries=6, show_spinner=False)
def _fixed_panels(key: str, *, _plan: Plan, _made: list[Made], _total: int) -> list[StagePanel]:
    """Truth and finished variants."""
    panels = (
        []
        if _made and _truth_frames(_plan, _total) == _plan.ask.setting.prefix_frames
        else [_truth(_plan, _total)]
    )
    for look, made in zip(LOOKS, _made, strict=False):
        motion: Motion = made.generation.clip.motion
        panels.append(replace(panel_from_motion(made.ask.label, motion, "model"), look=look))
    return panels


def _truth_frames(plan: Plan, total: int) -> int:
    """How far the recording goes on; where it was danced to another song, only the seed is shown."""
    own = plan.song.key in (songs.OWN, songs.NONE)
    return min(len(plan.clip), total) if own else plan.ask.setting.prefix_frames


def _truth(plan: Plan, total: int) -> StagePanel:
    frames = _truth_frames(plan, total)
    name = "Truth" if frames > plan.ask.setting.prefix_frames else "Seed"
    return panel_from_motion(name, plan.clip.motion.crop(0, frames), "truth")


def _changed(plan: Plan, change: "GenerationChange") -> bytes:
    """The dance to the music as it is and to the changed music, with the one of them that the user wants to hear."""
    music = change.after.clip.music if hears_change(PREFIX) else plan.song.music
    ask, wanted = st.session_state.future_change_asked
    return _packed_change(
        repr((ask, wanted.detail, _last_run(plan))),
        songs.digest_of(music) if music else "",
        _plan=plan,
        _change=change,
        _music=music,
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_change(
    key: str, heard: str, *, _plan: Plan, _change: "GenerationChange", _music: Music | None
) -> bytes:
    scene = _change.scene()
    panels = [p.panel() for p in scene.performers]
    total, seed = len(scene), scene.prefix_frames
    future = Future(
        seed,
        total,
        ready=total,
        run=_last_run(_plan),
        mark=_mark(_plan),
        sound=heard,
        start=max(0, seed - round(LEAD_S * _plan.fps)),
    )
    return _pack(_plan, panels, future, total, _music, with_sound=True)


def _pack(
    plan: Plan,
    panels: Sequence[StagePanel],
    future: Future,
    total: int,
    music: Music | None,
    *,
    with_sound: bool,
) -> bytes:
    sound, digest = music.audio if music else None, songs.digest_of(music) if music else ""
    return pack_stage(
        panels,
        fps=plan.fps,
        floor_m=_floor(plan.ask.setting.clip, _motion=plan.clip.motion),
        title=plan.clip.name,
        waveform=_peaks(digest, total / plan.fps, _sound=sound) if sound else None,
        audio=songs.ogg(digest, _music=music) if sound and with_sound and music else None,
        beats=music.beats[music.beats < total] if music else None,
        channel=CHANNEL,
        future=future,
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _peaks(song: str, seconds: float, *, _sound: Audio) -> Float[np.ndarray, "P"]:
    """Loudness over the timeline; the samples of a long song are not gone through with every answer."""
    return waveform_peaks(_sound.crop_s(0.0, seconds).samples.mean(axis=1)).astype(np.float32)


@st.cache_resource(max_entries=24, show_spinner=False)
def _floor(clip: str, *, _motion: Motion) -> float:
    return round(_motion.crop(0, min(len(_motion), 3600)).floor_m(), 4)


def _remarks(plan: Plan, made: list[Made], live: Stream | None) -> None:
    """What stands on the stage, in words, and a way to take each variant off."""
    if not made and live is None:
        after = (
            "what was really danced after it"
            if _truth_frames(plan, plan.total) > plan.ask.setting.prefix_frames
            else "nothing yet"
        )
        st.caption(f"The seed and {after}. Press Generate to let the network go on from the rule.")
        return
    if made:
        with st.container(horizontal=True, key="gen_variants"):
            for number, one in enumerate(made):
                st.button(
                    f"{one.ask.label}",
                    key=f"gen_drop-{number}",
                    icon=":material/close:",
                    on_click=_dropper(one.ask),
                    help="Take this variant off the stage.",
                )
    for note in dict.fromkeys(note for one in made for note in one.generation.notes):
        st.caption(note)


def _dropper(ask: Ask) -> Callable[[], None]:
    def drop() -> None:
        st.session_state.variants = [a for a in st.session_state.variants if a != ask]

    return drop


def _outcome(stream: Stream) -> None:
    """Under the button: what came of it."""
    if stream.error:
        st.warning(stream.error, icon=":material/warning:")
    elif stream.results is not None:
        found = stream.results
        made = found.ask.frames / found.generation.clip.motion.fps
        how = "Cancelled; kept" if stream.cancelled else "Made"
        st.caption(
            f"{how} {made:.1f} s in {found.generation.elapsed_s:.1f} s, "
            f"{found.ask.frames / max(found.generation.elapsed_s, 1e-6):.0f} frames a second."
        )


def _progress(stream: Stream) -> None:
    """Progress and Cancel. Also called where it ended while the page was drawn: the page must then be drawn again."""
    if not stream.running:
        st.rerun()
    st.progress(min(stream.share, 1.0), text="Stopping" if stream.cancelled else stream.stage)
    st.button(
        "Cancel",
        width="stretch",
        key="gen_cancel",
        on_click=stream.cancel,
        disabled=stream.cancelled,
        help="Stop after the second in hand; what was made stays.",
    )
