"""The sidebar's upload box, what is in it, and which part of a song is heard."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.common import escape
from dashboard.common.progress import follow
from dashboard.common.widgets import pick
from dashboard.components.window_strip import window_strip
from dashboard.files import entries as library
from dashboard.files import import_options, uploads
from dashboard.files.entries import UPLOADS, Entry
from dashboard.files.uploads import Recording, Uploads
from dashboard.work.engine import submit
from dashboard.work.jobs import Job
from dashboard.work.turnstile import page_runs
from mmm import Clip, MMMError
from mmm.motion.skeleton import forward_kinematics

Array = np.ndarray

OWN, UPLOADED = "own", "upload/"
PATIENCE_S = 1.5
"""Files that are read within this time show no progress bar, which would only flash."""
LARGE_BYTES = 20_000_000
"""More than this may take long: other visitors' short work goes before it."""


def pick_files() -> list[Entry]:
    """The upload box and what was taken in; the session's motion files for the sequence picker, the latest first.

    What is wrong with a file is one line each; the other files are taken all the same.
    """
    state, store = st.session_state, uploads.session()
    turn = int(state.get("uploads_turn", 0))
    with st.expander(
        "Your own files",
        icon=":material/upload_file:",
        key="uploads_box",
        expanded=bool(store.files),
    ):
        # No list of types: a file of another kind should get our line, not be refused by the browser without one.
        files = st.file_uploader(
            "Motions (.bvh .pkl .npz) and songs (.wav .ogg .flac .mp3)",
            accept_multiple_files=True,
            key=f"uploads-{turn}",
            max_upload_size=uploads.LARGEST_MB,
            help="They stay on the server of this page, for this visit alone. A song is heard with any sequence.",
        )
        if files:
            _start(store, files)
            state.uploads_turn = turn + 1  # an empty box does not keep the bytes a second time
            st.rerun()
        _wait_for_files()
        for problem in state.get("upload_problems", ()):
            st.error(escape.markdown(problem), icon=":material/error:")
        for file in store.files:
            _row(store, file)
            if state.get("url_marks", {}).get(file.name, file.digest[:8]) != file.digest[:8]:
                st.caption(
                    f":material/difference: The link was made with another file of the name "
                    f"{escape.markdown(file.name)}: what you see may differ."
                )
    return store.entries()


def seed_from_url() -> None:
    """Start from what the address says (a shared link): where a song begins, once it is there."""
    query, state = st.query_params, st.session_state
    names = {
        "file": query.get("sequence", "").removeprefix(f"{library.UPLOADS}/"),
        "song_file": query.get("song", ""),
    }
    state.url_marks = {names[key]: query[key] for key in names if key in query}
    if "song" in query and re.fullmatch(r"\d{1,4}(\.\d{1,3})?", query.get("song_start", "")):
        state.setdefault("song_starts", {})[query["song"]] = float(query["song_start"])


@dataclass(frozen=True, eq=False)
class Reading:
    """Files that the engine takes in for a visitor."""

    taken: list[uploads.Upload] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _start(store: Uploads, files: Sequence[Any]) -> None:
    """Hand the files to the engine. What the box held before is given up: nobody sees it any more."""
    former: Job[Reading] | None = st.session_state.get("upload_job")
    if former is not None:
        former.cancel()
    # Views taken on the page's thread. They keep the bytes without a copy once the box is empty.
    given = [(file.name, file.getbuffer()) for file in files]
    reading, total = Reading(), sum(len(data) for _, data in given) or 1

    def work(job: Job[Reading]) -> Reading:
        done = 0
        for name, data in given:
            begun, part, safe = done / total, len(data) / total, uploads.safe_name(name)
            words = f"Reading {escape.markdown(safe)}"
            job.advance(begun, words)

            # Defaults bind the values of this file, since the loop changes the variables.
            def report(share: float, b: float = begun, p: float = part, w: str = words) -> None:
                job.advance(b + p * share, w)

            try:
                reading.taken.append(store.take(name, data, report))
            except MMMError as error:
                reading.problems.append(str(error))
            done += len(data)
        return reading

    # Large files count as long jobs: a worker stays free for other visitors.
    job: Job[Reading] = Job(reading, again="Browse files")
    st.session_state.upload_job = submit(job, work, long=total > LARGE_BYTES)


def _wait_for_files() -> None:
    """Progress and Cancel while files are read; then show the latest of them."""
    job: Job[Reading] | None = st.session_state.get("upload_job")
    if job is None:
        return
    # Waiting takes no processor time, so another page may run.
    with page_runs.aside():
        ended = job.wait(PATIENCE_S)
    if not ended:
        follow(job, "cancel-upload", help_="Stop reading. Files that are read already stay.")
        return
    # Before the rerun, which would otherwise find the ended job again.
    del st.session_state.upload_job
    # A cancelled job has no results, but its request holds the files read so far.
    reading = job.request
    assert isinstance(reading, Reading)
    st.session_state.upload_problems = [*reading.problems, *([job.error] if job.error else [])]
    for upload in reading.taken:
        _show(upload)
    st.rerun()


def _show(taken: uploads.Upload) -> None:
    """Let the pickers stand on what was just taken in."""
    state = st.session_state
    if isinstance(taken, Recording):
        state.song, state.gen_song = taken.name, UPLOADED + taken.name
        return
    entry = Entry(taken.path, taken.name, library.UPLOADS)
    state.sequence = entry.key
    for key in (f"frames-{entry.key}", f"gen_start-{entry.key}"):  # of a former file of this name
        state.pop(key, None)


def _row(store: Uploads, file: uploads.Upload) -> None:
    left, right = st.columns([5, 3], vertical_alignment="center")
    left.html(
        f'<div class="wb-file"><b>{html.escape(file.name)}</b><span>{html.escape(file.facts)}</span></div>'
    )
    right.button(
        "Remove", key=f"drop-{file.name}", type="tertiary", on_click=store.drop, args=(file.name,)
    )


def pick_song(clip: Clip) -> tuple[Recording, float] | None:
    """Which song is heard with the sequence, and from which moment on; None for what the clip has of its own.

    Draws nothing as long as no song was brought along.
    """
    songs, state = {song.name: song for song in uploads.session().songs}, st.session_state
    if not songs:
        return None
    if state.get("song") not in songs and state.get("song") != OWN:
        state.song = next(iter(songs))
    own = "The clip's own" if clip.music is not None else "None"
    name = pick(
        "Music",
        [*songs, OWN],
        "song",
        lambda n: own if n == OWN else n,
        "A song of yours instead of the sequence's own music.",
    )
    return (
        None if name == OWN else (songs[name], pick_start(songs[name], len(clip) / clip.motion.fps))
    )


def pick_start(song: Recording, length_s: float) -> float:
    """The moment of a song at which the sequence begins, on its waveform; ``length_s`` is how much will be heard."""
    state, key = st.session_state, f"song_start-{song.name}"
    # Rounded down to the slider's step, or its end could not be reached.
    last = max(int(10 * (song.duration_s - uploads.SHORTEST_SONG_S)) / 10, 0.0)
    kept = state.setdefault(
        "song_starts", {}
    )  # Streamlit forgets a slider that a run has not drawn
    # A link, or a former song of this name, may hold a moment past the end.
    state[key] = start_s = min(max(float(state.get(key, kept.get(song.name, 0.0))), 0.0), last)
    window_strip(
        song.peaks,
        start_s,
        length_s,
        song.duration_s,
        last,
        in_frames=False,
        key=f"strip-{key}",
        label=f"Part of {song.name} that is heard",
        on_move=lambda: _moved(key, float),
    )
    if last > 0:
        st.slider(
            "Song starts at",
            0.0,
            last,
            key=key,
            step=0.1,
            format="%.1f s",
            help=f"This moment of the song falls on the file's first frame. It lasts "
            f"{uploads.minutes(song.duration_s)}.",
        )
    kept[song.name] = state[key]
    return float(state[key])


def overview(clip: Clip, key: str) -> None:
    """How much moves in a long file, and which part of it is shown, to be moved: first and last frame under ``key``."""
    few = clip.motion.root_m[
        :: max(1, len(clip) // 64)
    ].tobytes()  # an hour's digest would be felt at every run
    low, length = st.session_state[key][0], st.session_state[key][1] - st.session_state[key][0]
    window_strip(
        _motion_profile(clip.source, len(clip), few, _clip=clip),
        low,
        length,
        len(clip),
        len(clip) - length,
        in_frames=True,
        key=f"strip-{key}",
        label="Part of the file that is shown, on how much moves in it",
        on_move=lambda: _moved(key, lambda first: (int(first), int(first) + length)),
    )


def _moved(key: str, value: Callable[[float], object]) -> None:
    """A window was moved: the slider below it says so too."""
    first = (st.session_state.get(f"strip-{key}") or {}).get("moved")
    if first is not None:
        st.session_state[key] = value(first)


@st.cache_data(max_entries=12, show_spinner=False)
def _motion_profile(source: str, frames: int, path: bytes, *, _clip: Clip) -> Float[Array, "n"]:
    """Mean distance that joints go, over equal parts of the file, the largest being 1."""
    motion = _clip.motion
    at = np.unique(np.linspace(0, len(motion) - 1, 4 * uploads.PEAKS + 1).astype(int))
    positions, _ = forward_kinematics(motion.skeleton, motion.rotations[at], motion.root_m[at])
    moved = np.linalg.norm(np.diff(positions, axis=0), axis=2).mean(axis=1)
    heights = np.array(
        [part.mean() for part in np.array_split(moved, min(uploads.PEAKS, len(moved)))]
    )
    # The floor keeps a motionless file from dividing by zero.
    return (heights / max(float(heights.max()), 1e-9)).astype(np.float32)


Chosen = tuple[Recording, float] | None


def with_chosen_song(clip: Clip, chosen: Chosen, first_frame: int) -> Clip:
    """A part of a file with the song that was chosen for it.

    Raises:
        MMMError: the song cannot be heard at this frame rate.
    """
    return clip if chosen is None else uploads.with_song(clip, *chosen, first_frame)


def _pick_instead_of_linked(by_key: dict[str, Entry]) -> None:
    """A picker with nothing picked, for a link to a sequence that is not here.

    Raises:
        MMMError: until the user picks a sequence. Opening another one unasked would show the
            colleague something else than what was sent.
    """
    state = st.session_state
    linked = state.linked_sequence
    chosen = st.selectbox(
        "Sequence", list(by_key), None, key="pick-unlinked", placeholder="Choose a sequence"
    )
    if chosen is None:
        raise MMMError(
            "link",
            f"it asks for the sequence {linked}, which is not here",
            "one of the sequences in the side bar",
            "choose one there, or add the file and open the link again",
        )
    state.sequence, state.linked_sequence = chosen, None
    st.rerun()


def pick_sequence(entries: list[Entry]) -> Entry:
    """The sequence picker."""
    by_key = {entry.key: entry for entry in entries}
    state = st.session_state
    if state.get("sequence") not in by_key:
        if str(state.get("sequence")).startswith(f"{UPLOADS}/") and "url_frames" in state:
            state.awaited = str(state.sequence)
        elif state.get("sequence") is not None and state.sequence == state.get("linked_sequence"):
            _pick_instead_of_linked(by_key)
        state.sequence = entries[0].key
    if state.get("awaited") in by_key:
        # The file that the link waits for has arrived.
        state.sequence = state.pop("awaited")
    elif "awaited" in state:
        st.info(
            f"This link shows {escape.markdown(state.awaited.partition('/')[2])}: bring the file, and "
            "it will be as it was sent.",
            icon=":material/link:",
        )

    def label(key: str) -> str:
        entry = by_key[key]
        return (
            entry.label.replace("_", " ")
            if entry.group == "Samples"
            else f"{entry.label}  ·  {entry.group}"
        )

    chosen = pick(
        "Sequence",
        list(by_key),
        "sequence",
        label,
        "Your own files, the shipped samples, then files (.npz .pkl .bvh .amc) in data/raw and in the "
        "folders that MMM_DATA names.",
    )
    return import_options.corrected(by_key[chosen])
