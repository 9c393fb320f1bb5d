"""The sequences that can be opened: samples, files in the user's folders, and uploads."""

import json
import os
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from dashboard.work.turnstile import page_runs
from mmm import Clip, load_clip
from mmm.errors import FileError
from mmm.io import LARGEST_UPLOAD
from mmm.io.files import LARGEST, motion_files
from mmm.serving import reader

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = "Samples"
"""Group of the motions that ship with the project."""
UPLOADS = "Uploads"
"""Group of uploaded files, see ``dashboard.files.uploads``."""
MAX_ENTRIES = 2_000
"""Largest number of files of one folder in the picker, which would not be usable if longer."""


@dataclass(frozen=True)
class Entry:
    """A file that can be opened."""

    path: Path
    label: str
    """What the picker shows."""
    group: str
    """``Samples``, ``Uploads`` or the folder's name."""
    unit_m: float | None = None
    """Metres per unit of length; None uses the reader's guess."""
    up: str | None = None
    """The up axis of the file; None uses the reader's guess."""
    facing: str | None = None
    """The axis that the body is turned to face at the first frame; None keeps the file's."""
    take: str | None = None
    """The take of a file with several; None for the first that moves."""
    body: str | None = None
    """The body of a file with several; None for the reader's choice."""
    name: str = ""
    """Display name; empty if the label is displayed."""

    @property
    def title(self) -> str:
        """The name to display. It may change, so links use ``key`` and files ``label``."""
        return self.name or self.label

    @property
    def key(self) -> str:
        """The name in the page's address: group and path relative to the folder."""
        return f"{self.group}/{self.label}"


def folders() -> list[tuple[str, Path]]:
    """Names and paths of the existing folders that are searched."""
    places = [(SAMPLES, ROOT / "data" / "samples"), ("data/raw", ROOT / "data" / "raw")]
    for part in os.environ.get("MMM_DATA", "").split(os.pathsep):
        if part:
            name = Path(part).name
            # The second of two folders with the same name is listed by its full path.
            places.append(
                (part if not name or name in (n for n, _ in places) else name, Path(part))
            )
    return [(name, place) for name, place in places if place.is_dir()]


def find_entries() -> list[Entry]:
    """Every motion file of the searched folders, by folder and name; cached for seconds."""
    return _find(tuple(folders()))


# Scanning folders in every run would be noticeable. New files still appear within seconds.
@st.cache_data(ttl=5, show_spinner=False)
def _find(places: tuple[tuple[str, Path], ...]) -> list[Entry]:
    entries = []
    for name, place in places:
        files = motion_files(place)
        names = _sample_names(place) if name == SAMPLES else {}
        entries += [
            Entry(
                p,
                # Labels are a part of shared links, so samples keep theirs without a suffix.
                str(
                    p.relative_to(place).with_suffix("")
                    if name == SAMPLES
                    else p.relative_to(place)
                ),
                name,
                name=names.get(p.stem, ""),
            )
            for p in files[:MAX_ENTRIES]
        ]
    return entries


def shown_name(clip_name: str) -> str:
    """What the page calls a clip of this name: samples have names for people."""
    samples = {entry.path.stem: entry.title for entry in find_entries() if entry.group == SAMPLES}
    return samples.get(clip_name, clip_name)


def _sample_names(folder: Path) -> dict[str, str]:
    """Display names of the samples, by the names of their files."""
    path = folder / "names.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def open_clip(entry: Entry, report: reader.Report | None = None) -> Clip:
    """Read a file, or take it from the cache if it has not changed.

    Args:
        entry: the file and how it is read.
        report: called with the share done while an upload is read; may raise to cancel.

    Raises:
        MMMError: it cannot be read; the message is for the user.
    """
    if report is None:
        return _read(stamp(entry))
    # A context variable differs between threads: each reading reports to its own page.
    token = _report.set(report)
    try:
        return _read(stamp(entry))
    finally:
        _report.reset(token)


def open_part(entry: Entry, start: int, stop: int) -> Clip:
    """Frames ``start`` to ``stop`` of a file.

    Repeated calls return the same object, so that its joint positions are computed once.

    Raises:
        MMMError: it cannot be read; the message is for the user.
    """
    return _part(stamp(entry), start, stop)


@dataclass(frozen=True)
class Stamp:
    """Identifies a file's content and how it is read; serves as a cache key."""

    path: str
    changed_ns: int
    size: int
    unit_m: float | None
    up: str | None
    facing: str | None
    take: str | None
    body: str | None
    largest: int
    foreign: bool
    """Whether it is an upload, which is read outside the server's process."""


def stamp(entry: Entry) -> Stamp:
    """The stamp of a file in its current state.

    Raises:
        MMMError: it is not there.
    """
    try:
        stat = entry.path.stat()
    except OSError as error:
        raise _unreadable(str(entry.path), error) from None
    return Stamp(
        str(entry.path),
        stat.st_mtime_ns,
        stat.st_size,
        entry.unit_m,
        entry.up,
        entry.facing,
        entry.take,
        entry.body,
        LARGEST_UPLOAD if entry.group == UPLOADS else LARGEST,
        entry.group == UPLOADS,
    )


def _unreadable(path: str, error: OSError) -> FileError:
    return FileError(
        path,
        error.strerror or str(error),
        "a file that can be read",
        "restore it or choose another sequence",
    )


# Receives the progress of a reading. As an argument of the cached function it would be in its key.
_report: ContextVar[reader.Report] = ContextVar("report", default=lambda share: None)


# No argument has a leading underscore, because Streamlit would leave it out of the cache key.
@st.cache_resource(max_entries=12, show_spinner=False)
def _read(stamp: Stamp) -> Clip:
    path = Path(stamp.path)
    options = {
        "unit_m": stamp.unit_m,
        "up": stamp.up,
        "facing": stamp.facing,
        "take": stamp.take,
        "body": stamp.body,
        "largest": stamp.largest,
    }
    try:
        if not stamp.foreign:
            return load_clip(path, **options)  # type: ignore[arg-type]
        # The reader process does the work, so another page may run meanwhile.
        with page_runs.aside():
            clip = reader.read_clip(path, path.name, options, _report.get())
        # Named after the visitor's file and not after the name inside it.
        return replace(clip, name=path.stem)
    except OSError as error:
        raise _unreadable(stamp.path, error) from None


@st.cache_resource(max_entries=24, show_spinner=False)
def _part(stamp: Stamp, start: int, stop: int) -> Clip:
    # The whole clip stays the same object, whose cached positions are then reused.
    clip = _read(stamp)
    return clip if (start, stop) == (0, len(clip)) else clip.crop(start, stop)
