"""Which sequences can be opened: the shipped samples, then the user's own folders."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from mmm import Clip, load_clip

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = (".npz", ".pkl", ".bvh", ".amc")
MAX_ENTRIES = 2_000
"""Of one folder; a picker with more is of no use to anyone."""


@dataclass(frozen=True)
class Entry:
    """A file that can be opened."""

    path: Path
    label: str
    """What the picker shows."""
    group: str
    """``Samples`` or the folder's name."""

    @property
    def key(self) -> str:
        """What stands in the page's address: the path relative to its folder."""
        return f"{self.group}/{self.label}"


def folders() -> list[tuple[str, Path]]:
    """Names and places that are searched, those that exist."""
    places = [("Samples", ROOT / "data" / "samples"), ("data/raw", ROOT / "data" / "raw")]
    for part in os.environ.get("MMM_DATA", "").split(os.pathsep):
        if part:
            places.append((Path(part).name or part, Path(part)))
    return [(name, place) for name, place in places if place.is_dir()]


def find_entries() -> list[Entry]:
    """Every motion file of the searched folders, by folder and name."""
    entries = []
    for name, place in folders():
        files = sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        entries += [Entry(p, str(p.relative_to(place).with_suffix("") if name == "Samples" else p.relative_to(place)),
                          name) for p in files[:MAX_ENTRIES]]
    return entries


def open_clip(entry: Entry) -> Clip:
    """Read a file, or take it from memory if it has not changed.

    Raises:
        MMMError: it cannot be read; the message is for the user.
    """
    stat = entry.path.stat()
    return _read(str(entry.path), stat.st_mtime_ns, stat.st_size)


@st.cache_resource(max_entries=12, show_spinner=False)
def _read(path: str, _changed_ns: int, _size: int) -> Clip:
    return load_clip(Path(path))


@st.cache_resource(max_entries=24, show_spinner=False)
def crop_clip(path: str, changed_ns: int, start: int, stop: int, _clip: Clip) -> Clip:
    """A part of a clip; the same object for the same part, so that positions are computed once."""
    return _clip if (start, stop) == (0, len(_clip)) else _clip.crop(start, stop)
