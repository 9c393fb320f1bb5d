"""The viewer of Generate: the recording, finished variants and the run in progress."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.components.stage import stage
from dashboard.explain.music_change import plays_changed_music
from dashboard.files import songs
from dashboard.generate.controls import Plan
from dashboard.generate.explain import PREFIX
from dashboard.work.generations import CHANNEL, Ask, Made, Stream
from mmm import Audio, Motion, Music
from mmm.viewer.panels import Future, ViewerPanel, pack_viewer, panel_from_motion, waveform_peaks

if TYPE_CHECKING:
    from mmm.explain.change_results import GenerationChange  # imports torch

HEIGHT = 600
LEAD_S = 0.3
"""Playback of a new run starts this long before the end of the seed, seconds."""
GROWTH = 1.2
"""A new payload is sent when the number of frames has grown by this factor.

Each payload holds all frames so far. With a constant factor, the bytes sent stay in proportion to
the length of the motion."""
FLOOR_FRAMES = 3600
"""The floor is estimated from at most this many frames, a minute at 60 fps."""
LOOKS: tuple[Literal["", "second", "third"], ...] = ("", "second", "third")


def live_stage(
    plan: Plan, made: list[Made], live: Stream | None, change: "GenerationChange | None"
) -> None:
    """Show the viewer; during a run it is called repeatedly, to send new frames.

    Args:
        made: the finished variants.
        live: the run in progress, if there is one.
        change: a music change; if given, it is shown instead of the variants.
    """
    if change is not None:
        stage(_change_payload(plan, change), key="future-stage", height=HEIGHT)
        return
    if live is None:
        ready, panel = None, None
    else:
        panel = live.panel()
        ready = 0 if panel is None else len(panel.positions)
        total = _ask_of(live).setting.prefix_frames + _ask_of(live).frames
        if live.shown is not None and ready < min(total, GROWTH * live.shown[0]):
            # The same payload again, because a component that is not drawn disappears.
            stage(live.shown[1], key="future-stage", height=HEIGHT)
            return
    payload = _payload(plan, made, live, panel, ready)
    if live is not None and ready is not None:
        # Kept on the stream, so that another run starts without it.
        live.shown = ready, payload
    stage(payload, key="future-stage", height=HEIGHT)


def _ask_of(stream: Stream) -> Ask:
    # For the type checker, because jobs of other pages have other requests.
    assert isinstance(stream.request, Ask)
    return stream.request


def shows_recording(plan: Plan) -> bool:
    """Whether the viewer shows recorded frames after the seed."""
    return _recorded_frames(plan, plan.total) > plan.ask.setting.prefix_frames


def _payload(
    plan: Plan, made: list[Made], live: Stream | None, panel: ViewerPanel | None, ready: int | None
) -> bytes:
    seed, run = plan.ask.setting.prefix_frames, _last_run(plan)
    lengths = [len(variant.generation.clip) for variant in made]
    if live is not None:
        lengths.append(seed + _ask_of(live).frames)
    total = max(lengths) if lengths else plan.total
    # The cache key: Streamlit cannot hash plans and variants, but their Asks identify them.
    key = repr((plan.ask.setting, total, [variant.ask for variant in made], live is None, run))
    if live is None:
        return _finished_payload(key, _plan=plan, _made=made, _total=total, _run=run)
    panels = [*_finished_panels(key, _plan=plan, _made=made, _total=total)]
    if panel is not None:
        # During a run the page keeps at most two finished variants, so one look is free.
        panels.append(replace(panel, look=LOOKS[len(made)]))
    future = Future(
        seed,
        total,
        ready=max(ready or 0, seed),
        live=True,
        # The viewer plays a run from its first payload on, which must have frames.
        run=run if panel is not None else "",
        start=_start(plan),
        mark=_mark(plan),
        sound=plan.song.sound_name,
    )
    # Without the sound, which the browser has from the first payload.
    return _pack(plan, panels, future, total, plan.song.music, with_sound=False)


def _last_run(plan: Plan) -> str:
    """The name of the last run with this seed and song; empty if there was none."""
    stream: Stream | None = st.session_state.get("stream")
    same_setting = (
        stream is not None
        and isinstance(stream.request, Ask)
        and stream.request.setting == plan.ask.setting
    )
    return stream.run_name if same_setting and stream is not None else ""


def _mark(plan: Plan) -> str:
    return f"{plan.ask.setting.clip} {plan.ask.setting.song[:8]}"


def _start(plan: Plan) -> int:
    """The frame from which a new run is played."""
    return max(0, plan.ask.setting.prefix_frames - round(LEAD_S * plan.fps))


@st.cache_resource(max_entries=6, show_spinner=False)
def _finished_payload(key: str, *, _plan: Plan, _made: list[Made], _total: int, _run: str) -> bytes:
    panels = _finished_panels(key, _plan=_plan, _made=_made, _total=_total)
    future = Future(
        _plan.ask.setting.prefix_frames,
        _total,
        ready=_total,
        run=_run if _made else "",
        mark=_mark(_plan),
        sound=_plan.song.sound_name,
        start=_start(_plan),
    )
    return _pack(_plan, panels, future, _total, _plan.song.music, with_sound=True)


@st.cache_resource(max_entries=6, show_spinner=False)
def _finished_panels(key: str, *, _plan: Plan, _made: list[Made], _total: int) -> list[ViewerPanel]:
    """The recording and the finished variants; no recording where it would be the seed only."""
    seed_only = _recorded_frames(_plan, _total) == _plan.ask.setting.prefix_frames
    # The seed only would repeat the first frames of each variant.
    panels = [] if _made and seed_only else [_recording(_plan, _total)]
    # There may be fewer variants than looks.
    for look, variant in zip(LOOKS, _made, strict=False):
        motion: Motion = variant.generation.clip.motion
        panels.append(replace(panel_from_motion(variant.ask.label, motion, "model"), look=look))
    return panels


def _recorded_frames(plan: Plan, total: int) -> int:
    """Number of recorded frames that are shown.

    With another song only the seed is shown, because the recording follows the clip's own music.
    """
    same_music = plan.song.key in (songs.OWN, songs.NONE)
    return min(len(plan.clip), total) if same_music else plan.ask.setting.prefix_frames


def _recording(plan: Plan, total: int) -> ViewerPanel:
    frames = _recorded_frames(plan, total)
    name = "Truth" if frames > plan.ask.setting.prefix_frames else "Seed"
    return panel_from_motion(name, plan.clip.motion.crop(0, frames), "truth")


def _change_payload(plan: Plan, change: "GenerationChange") -> bytes:
    """The dances to the original and to the changed music, with the music that the user chose."""
    music = change.after.clip.music if plays_changed_music(PREFIX) else plan.song.music
    ask, music_change = st.session_state.future_change_asked
    return _packed_change(
        repr((ask, music_change.detail, _last_run(plan))),
        songs.digest_of(music) if music else "",
        _plan=plan,
        _change=change,
        _music=music,
    )


# `cache_data` would copy the megabytes on every hit.
@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_change(
    key: str, sound: str, *, _plan: Plan, _change: "GenerationChange", _music: Music | None
) -> bytes:
    scene = _change.scene()
    panels = [performer.panel() for performer in scene.performers]
    total = len(scene)
    future = Future(
        scene.prefix_frames,
        total,
        ready=total,
        run=_last_run(_plan),
        mark=_mark(_plan),
        sound=sound,
        start=_start(_plan),
    )
    return _pack(_plan, panels, future, total, _music, with_sound=True)


def _pack(
    plan: Plan,
    panels: Sequence[ViewerPanel],
    future: Future,
    total: int,
    music: Music | None,
    *,
    with_sound: bool,
) -> bytes:
    sound, digest = music.audio if music else None, songs.digest_of(music) if music else ""
    return pack_viewer(
        panels,
        fps=plan.fps,
        floor_m=_floor(plan.ask.setting.clip, _motion=plan.clip.motion),
        title=plan.clip.name,
        waveform=_peaks(digest, total / plan.fps, _sound=sound) if sound else None,
        audio=songs.ogg(digest, _music=music) if sound and with_sound and music else None,
        # The song may last longer than the timeline.
        beats=music.beats[music.beats < total] if music else None,
        channel=CHANNEL,
        future=future,
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _peaks(song: str, seconds: float, *, _sound: Audio) -> Float[np.ndarray, "P"]:
    """Loudness over the timeline. Cached, because a long song has millions of samples."""
    return waveform_peaks(_sound.crop_s(0.0, seconds).samples.mean(axis=1)).astype(np.float32)


@st.cache_resource(max_entries=24, show_spinner=False)
def _floor(clip: str, *, _motion: Motion) -> float:
    # Rounded to a tenth of a millimetre, which keeps the header short.
    return round(_motion.crop(0, min(len(_motion), FLOOR_FRAMES)).floor_m(), 4)
