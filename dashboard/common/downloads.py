"""Downloads: motion files, written on request, and films, rendered in the background."""

import tempfile
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import streamlit as st

from dashboard.common import escape, widgets
from dashboard.common.progress import follow
from dashboard.components.controls.playhead_button import zoom_button
from dashboard.work import scratch
from dashboard.work.engine import engine, submit
from dashboard.work.jobs import Job
from mmm import Clip, Motion
from mmm.io.aist import fits_aist
from mmm.machine import cores
from mmm.viewer.scene import Scene

FILMS = {"mp4": ("MP4", "video/mp4"), "gif": ("GIF", "image/gif"), "webp": ("WebP", "image/webp")}
LAYOUTS = {"side": "Side by side", "overlay": "Overlay"}
MOTIONS = {
    "bvh": (
        "BVH",
        "For Blender, Maya, MotionBuilder; a BVH keeps its own joints, units and channels",
    ),
    "glb": ("GLB", "glTF binary: an animated skeleton for Blender, three.js and game engines"),
    "npz": ("NPZ", "Lossless, with music; opens here and in Python"),
    "pkl": ("AIST++", "SMPL poses in the layout of AIST++"),
}
PAGE_HELP = "The stage with sound as one file; opens in any browser, without a server or a network"


class Savable(Protocol):
    """A result that can be written as files."""

    def save(self, path: Path) -> None:
        """Write the file in the format of its suffix."""


@dataclass(frozen=True)
class FilmRequest:
    """The parameters of a film; equal requests have equal films."""

    of: Hashable
    """Identifies the figures that are shown."""
    suffix: str
    layout: str
    theme: str
    frames: tuple[int, int]
    """First and last-plus-one frame."""


@dataclass(frozen=True)
class Keys:
    """Prefixes of a page's controls in the session."""

    choices: str = ""
    """Prefix of ``film_kind``, ``film_layout``, ``film_frames`` and ``film_job``."""
    buttons: str = ""
    """Prefix of ``make-film``, ``cancel-film``, ``film-zoom`` and ``get-``."""


OWN_KEYS = Keys()


def save_button(
    label: str, make: Callable[[], bytes], name: str, help_: str, keys: Keys = Keys(), **looks: Any
) -> None:
    """A download button whose file is made on click (Streamlit's deferred downloads)."""
    st.download_button(
        label,
        make,
        name,
        key=f"{keys.buttons}get-{name.rsplit('.', 1)[-1]}",
        # A rerun of the page would interrupt playback.
        on_click="ignore",
        icon=":material/download:",
        help=help_,
        **looks,
    )


def bytes_of(result: Savable, suffix: str) -> bytes:
    """The bytes of a result in the format of ``suffix``."""
    # The prefix lets the next server remove the folders of a killed one.
    with tempfile.TemporaryDirectory(prefix=scratch.prefix("home")) as folder:
        # A fixed name: the clip's own may hold characters that the file system refuses.
        path = Path(folder) / f"clip.{suffix}"
        result.save(path)
        return path.read_bytes()


def film_controls(
    of: Callable[[str], Hashable],
    scene: Callable[[str], Scene],
    name: str,
    motion: Motion,
    keys: Keys = Keys(),
    channel: str = "main",
) -> None:
    """Draw the controls to choose, render and save a film.

    Args:
        of: identifies the shown figures for a layout (``side`` or ``overlay``).
        scene: returns the scene for a layout; called by the worker.
        name: name of the file, without its suffix.
        motion: one of the motions in the film, for its length and frame rate.
        keys: prefixes of the controls' keys.
        channel: channel of the viewer whose zoom the film may take.
    """
    state, job_key, make_key = (
        st.session_state,
        f"{keys.choices}film_job",
        f"{keys.buttons}make-film",
    )
    film = _choose_film(of, motion, keys, channel)
    job: Job[bytes] | None = state.get(job_key)
    mine = job is not None and job.request == film
    # Read once, since the job may end at any moment.
    running = mine and job is not None and job.running
    if mine and job is not None and job.results is not None and not running:
        first, end = film.frames
        part = "" if end - first == len(motion) else f"-{first}-{end - 1}"
        _save_film(film, job.results, f"{name}{part}", keys)
        return
    if widgets.button(
        f"Make {FILMS[film.suffix][0]}",
        key=make_key,
        icon=":material/movie:",
        disabled=running,
        help="Renders what the stage shows. MP4 has sound; GIF and WebP loop without sound.",
    ):
        # The former film is not needed any more and would keep a worker busy.
        if job is not None:
            job.cancel()
        job = state[job_key] = start_film(film, partial(scene, film.layout))
        # After the job exists: an interrupted run must find the press again.
        widgets.release(make_key)
        mine = running = True
    if mine and job is not None:
        if running:
            follow(job, f"{keys.buttons}cancel-film", help_="Stop rendering. No file is kept.")
        elif job.error:
            st.warning(escape.markdown(job.error), icon=":material/warning:")


def _choose_film(
    of: Callable[[str], Hashable], motion: Motion, keys: Keys, channel: str
) -> FilmRequest:
    """Draw the controls for a film's format, layout and frames; returns the request."""
    suffix = st.segmented_control(
        "Film",
        list(FILMS),
        key=f"{keys.choices}film_kind",
        default="mp4",
        required=True,
        format_func=lambda kind: FILMS[kind][0],
        label_visibility="collapsed",
    )
    layout = st.segmented_control(
        "Layout",
        list(LAYOUTS),
        key=f"{keys.choices}film_layout",
        default="side",
        required=True,
        format_func=LAYOUTS.__getitem__,
        label_visibility="collapsed",
    )
    frames = _choose_frames(motion, keys, channel)
    # The browser may not have reported its theme yet.
    return FilmRequest(of(layout), suffix, layout, st.context.theme.type or "light", frames)


def _choose_frames(motion: Motion, keys: Keys, channel: str) -> tuple[int, int]:
    """The part of the motion that is shown: all of it, unless the visitor chooses."""
    # With the length in it, since another motion begins with all of its frames again.
    key = f"{keys.choices}film_frames-{len(motion)}"
    all_frames = (0, len(motion))
    first, end = st.slider(
        "Film frames",
        *all_frames,
        all_frames,
        key=key,
        width=230,
        help="Frames of the film, with their sound. At the clip's own rate, so a film lasts as "
        "long as these frames do; `--film-frames` and `film_frames` in the command line "
        "and in Python.",
    )
    end = max(end, first + 1)
    with st.container(width=190):
        zoom_button(
            "As zoomed",
            key=f"{keys.buttons}film-zoom",
            on_press=lambda: _take_zoom(f"{keys.buttons}film-zoom", key, len(motion)),
            channel=channel,
        )
    st.caption(f"{(end - first) / motion.fps:.1f} s", width="content")
    return first, end


def _take_zoom(button: str, slider: str, length: int) -> None:
    pressed = (st.session_state.get(button) or {}).get("pressed")
    if pressed is not None:
        first, end = (min(max(round(frame), 0), length) for frame in pressed)
        st.session_state[slider] = (first, end)


def _save_film(film: FilmRequest, data: bytes, name: str, keys: Keys) -> None:
    """The download button of a film that is ready."""
    label, mime = FILMS[film.suffix]
    save_button(
        f"Save {label}, {len(data) / 1e6:.1f} MB",
        # Streamlit's deferred download takes a function, although the bytes exist already.
        partial(_given, data),
        f"{name}-{film.layout}.{film.suffix}",
        "The film is ready",
        keys,
        type="primary",
        mime=mime,
    )


def _given(data: bytes) -> bytes:
    return data


def start_film(film: FilmRequest, scene: Callable[[], Scene]) -> Job[bytes]:
    """Hand a film to the engine, which draws and encodes it; return at once."""
    job: Job[bytes] = Job(film, stage="Drawing", again=f"Make {FILMS[film.suffix][0]}")

    def work(job: Job[bytes]) -> bytes:
        # Loads the encoder, which the page's thread must not wait for.
        from mmm.viewer.video import write_film

        with tempfile.TemporaryDirectory(prefix=scratch.prefix("home")) as folder:
            path = Path(folder) / f"film.{film.suffix}"
            write_film(
                scene().crop(*film.frames),
                path,
                layout="overlay" if film.layout == "overlay" else "side",
                theme="dark" if film.theme == "dark" else "light",
                progress=lambda share: job.advance(share, f"Drawing: {share:.0%}"),
                # This job's core, and the cores that no other job uses.
                processes=max(1, cores() + 1 - engine().load),
            )
            return path.read_bytes()

    # Films take minutes, so a worker stays free for short jobs.
    return submit(job, work, long=True)


def motion_buttons(result: Savable, clip: Clip, name: str, keys: Keys = OWN_KEYS) -> None:
    """Draw a download button for every format that can hold the motion.

    Args:
        result: the result to save.
        clip: its clip, which decides the formats.
        name: name of the files, without their suffix.
        keys: prefixes of the controls' keys.
    """
    with st.container(horizontal=True):
        for suffix, (label, help_) in MOTIONS.items():
            if suffix != "pkl" or fits_aist(clip):
                save_button(
                    label, partial(bytes_of, result, suffix), f"{name}.{suffix}", help_, keys
                )
