"""Take home: the shown result as files, each made when it is asked for.

What takes a moment is made in a thread when its button is pressed (Streamlit runs deferred downloads outside the
page's script); films take longer, and have progress and Cancel.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import controls, pressing
from dashboard.recoveries import Job, Request, in_thread
from mmm.io.aist import fits_aist
from mmm.io.files import safe_name
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

POLL_S = 0.4
FILMS = {"mp4": ("MP4", "video/mp4"), "gif": ("GIF", "image/gif"), "webp": ("WebP", "image/webp")}
LAYOUTS = {"side": "Side by side", "overlay": "Overlay"}
MOTIONS = {"bvh": ("BVH", "For Blender, Maya, MotionBuilder; a BVH keeps its own joints, units and channels"),
           "glb": ("GLB", "glTF binary: an animated skeleton for Blender, three.js and game engines"),
           "npz": ("NPZ", "Everything bit by bit, music included; opens here and in Python"),
           "pkl": ("AIST++", "SMPL poses in the layout of AIST++")}


@dataclass(frozen=True)
class FilmRequest:
    """What determines a film."""

    result: Request
    suffix: str
    layout: str
    theme: str
    beside: tuple[str, ...]


@st.fragment
def take_home_section(results: "list[RecoveryResult]", mask: Mask, request: Request) -> None:
    """Files of the recovery, of what was measured, and to be watched. A fragment: the stage plays on."""
    first = results[0]
    name = safe_name(f"{first.clip.name}-{first.model_name}")
    st.subheader("Take home", anchor=False)
    with st.container(key="take-home"):
        motion, measured, watched = st.columns([4, 3, 5], gap="large")
    with motion:
        st.markdown("**The recovered motion**")
        with st.container(horizontal=True):
            for suffix, (label, help_) in MOTIONS.items():
                if suffix != "pkl" or fits_aist(first.recovered):
                    _button(label, partial(_file, first, suffix), f"{name}.{suffix}", help_)
    with measured:
        st.markdown("**What was measured**")
        with st.container(horizontal=True):
            _button("Map", partial(_file, first, "png"), f"{name}-errors.png",
                    "Position errors by joint and frame, as a picture")
            seed = int(st.session_state.get("seed", 0))
            _button("JSON", partial(_metrics, results, mask.label, seed, "json"), f"{name}.json",
                    "Means of every method, and of each gap where the network tells")
            _button("CSV", partial(_metrics, results, mask.label, seed, "csv"), f"{name}.csv", "Means of every method")
    with watched:
        st.markdown("**To be watched**")
        _films(results, request, name)


def _button(label: str, make: Callable[[], bytes], name: str, help_: str, **options: Any) -> None:
    st.download_button(label, make, name, key=f"get-{name.rsplit('.', 1)[-1]}", icon=":material/download:",
                       on_click="ignore", help=help_, **options)


def _films(results: "list[RecoveryResult]", request: Request, name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _button("Web page", partial(_file, results[0], "html"), f"{name}.html",
                "The stage with sound as one file; opens in any browser, without a server or a network")
        suffix = st.segmented_control("Film", list(FILMS), key="film_kind", default="mp4", required=True,
                                      format_func=lambda kind: FILMS[kind][0], label_visibility="collapsed")
        layout = st.segmented_control("Layout", list(LAYOUTS), key="film_layout", default="side", required=True,
                                      format_func=LAYOUTS.__getitem__, label_visibility="collapsed")
    beside = tuple(controls.pick_from(st.session_state.get("beside"), [r.model_name for r in results[1:]]))
    film = FilmRequest(request, suffix, layout, st.context.theme.type or "light",
                       beside[:1] if layout == "side" else ())
    job: Job[bytes] | None = st.session_state.get("film_job")
    mine = job is not None and job.request == film
    running = mine and job is not None and job.running  # asked once: it may end at any moment
    if mine and job is not None and job.results is not None and not running:
        label, mime = FILMS[suffix]
        size = len(job.results) / 1e6
        _button(f"Save {label}, {size:.1f} MB", partial(_given, job.results), f"{name}-{layout}.{suffix}",
                "The film is ready", type="primary", mime=mime)
        return
    if pressing.button(f"Make {FILMS[suffix][0]}", key="make-film", icon=":material/movie:", disabled=running,
                       help="Truth and recovery as a film; MP4 has the sound, loops are silent."):
        if job is not None:
            job.cancel()
        job = st.session_state.film_job = start_film(film, results)
        pressing.heard("make-film")
        mine = running = True
    if mine and job is not None:
        if running:
            _follow(job)
        elif job.error:
            st.warning(job.error, icon=":material/warning:")


def _given(data: bytes) -> bytes:
    return data


@st.fragment(run_every=POLL_S)
def _follow(job: Job[bytes]) -> None:
    """Progress and Cancel. Returns at once and is run again: a click in a fragment is heard only between runs."""
    if not job.running:
        st.rerun()
    st.progress(job.share, text="Stopping" if job.cancelled else job.stage)
    st.button("Cancel", key="cancel-film", on_click=job.cancel, disabled=job.cancelled,
              help="Stop; no file is left behind.")


def start_film(film: FilmRequest, results: "list[RecoveryResult]") -> Job[bytes]:
    """Draw and encode in a thread of its own; returns at once."""
    job: Job[bytes] = Job(film, stage="Drawing", again=f"Make {FILMS[film.suffix][0]}")
    others = [r for r in results[1:] if r.model_name in film.beside]

    def work(job: Job[bytes]) -> bytes:
        from mmm.io.video import write_film

        with tempfile.TemporaryDirectory(prefix="mmm-home-") as folder:
            path = Path(folder) / f"film.{film.suffix}"
            write_film(results[0].scene(*others), path, layout="overlay" if film.layout == "overlay" else "side",
                       theme="dark" if film.theme == "dark" else "light",
                       progress=lambda share: job.advance(share, f"Drawing: {share:.0%}"))
            return path.read_bytes()

    return in_thread(job, work, f"film-{film.suffix}")


def _file(result: "RecoveryResult", suffix: str) -> bytes:
    """A file's bytes; it is written in a folder of its own, under a name of ours."""
    with tempfile.TemporaryDirectory(prefix="mmm-home-") as folder:
        path = Path(folder) / f"clip.{suffix}"
        result.save(path)
        return path.read_bytes()


def _metrics(results: "list[RecoveryResult]", spec: str, seed: int, suffix: str) -> bytes:
    from mmm.evaluation import report, report_csv  # torch is loaded by now: there is a result

    told = report(results, spec, seed)
    return (report_csv(told) if suffix == "csv" else json.dumps(told, indent=1)).encode()
