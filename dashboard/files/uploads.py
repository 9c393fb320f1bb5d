"""Uploaded motions and songs, in a folder that is removed with the visit (``visits.py``)."""

import re
import shutil
import tempfile
import threading
import unicodedata
import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from dashboard.files.entries import UPLOADS, Entry, open_clip
from dashboard.work import scratch
from mmm import Audio, MMMError
from mmm.errors import FileError
from mmm.music.audio import SUFFIXES as SONG_SUFFIXES
from mmm.serving import reader

MOTION_SUFFIXES = (".bvh", ".pkl", ".npz", ".npy", ".fbx", ".glb")
LARGEST_MB = 200
"""Largest file; the server's own limit (``dashboard/.streamlit/config.toml``) is the same."""
MOST_MB, MOST_FILES = 600, 24
"""Limits on all files of a visit."""
SHORTEST_FRAMES = 3
SHORTEST_SONG_S, LONGEST_SONG_S = 1.0, 15 * 60.0
PEAKS = 150
"""Columns of a song's waveform."""

Array = np.ndarray
Data = bytes | memoryview


@dataclass(frozen=True, eq=False)
class Upload:
    """An accepted file."""

    name: str
    """The visitor's name for it, sanitised."""
    path: Path
    digest: str
    """Digest of its bytes."""
    size: int
    """Bytes."""
    facts: str = ""
    """A short description for the page."""


@dataclass(frozen=True, eq=False)
class Recording(Upload):
    """A recording."""

    duration_s: float = 0.0
    peaks: Float[Array, "n"] = field(default_factory=lambda: np.zeros(0, np.float32))
    """The waveform's outline: loudest sample of each column, 0 to 1."""


class Uploads:
    """The files of one visit. The folder is removed with this object or at server exit."""

    def __init__(self) -> None:
        self._files: dict[str, Upload] = {}
        self._lock = threading.Lock()

    @cached_property
    def folder(self) -> Path:
        """The visit's folder, created for its first file."""
        # Resolved, since ``take`` compares paths and macOS has a link here.
        folder = Path(tempfile.mkdtemp(prefix=scratch.prefix("uploads"))).resolve()
        # Also runs when the interpreter exits, which ``__del__`` does not promise.
        weakref.finalize(self, shutil.rmtree, folder, True)
        return folder

    def close(self) -> None:
        """Forget and remove everything."""
        for name in list(self._files):
            self.drop(name)
        # Reading the property would create the folder.
        if "folder" in self.__dict__:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def files(self) -> list[Upload]:
        """All files, the latest first."""
        return list(self._files.values())[::-1]

    @property
    def songs(self) -> list[Recording]:
        """The recordings, the latest first."""
        return [file for file in self.files if isinstance(file, Recording)]

    @property
    def motions(self) -> list[Upload]:
        """The motion files, the latest first."""
        return [file for file in self.files if not isinstance(file, Recording)]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def recording(self, name: str) -> Recording | None:
        """The recording of this name, or None."""
        upload = self._files.get(name)
        return upload if isinstance(upload, Recording) else None

    def mark(self, name: str) -> str:
        """A short digest that identifies this file in a link; empty for an unknown name."""
        upload = self._files.get(name)
        return upload.digest[:8] if upload is not None else ""

    def entries(self) -> list[Entry]:
        """The motion files as entries of the sequence picker."""
        return [Entry(file.path, file.name, UPLOADS) for file in self.motions]

    def take(self, name: str, data: Data, report: reader.Report | None = None) -> Upload:
        """Read a file and keep it; it replaces a file of the same name.

        Args:
            name: the visitor's name for it.
            data: its bytes.
            report: called with the share done, 0 to 1; may raise to cancel.

        Raises:
            MMMError: it is empty, too large, broken, or of an unknown kind. The message names
                the file and no path of the server.
        """
        safe = safe_name(name)
        self._check(safe, data)
        digest = blake2b(data, digest_size=8).hexdigest()
        # A folder for each file: two uploads of one name must not overwrite each other.
        folder = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=self.folder))
        path = folder / safe
        # A name that leads elsewhere would be a bug of `safe_name`.
        if path.resolve().parent != folder:
            raise FileError(safe, "a name that is no file name", cure="rename it")
        try:
            path.write_bytes(data)
            read = _read_song if path.suffix in SONG_SUFFIXES else _read_motion
            upload = read(Upload(safe, path, digest, len(data)), report or (lambda share: None))
        except BaseException as error:
            # A file that was refused or cancelled must not stay on disk.
            shutil.rmtree(folder, ignore_errors=True)
            raise _in_plain_words(error, safe, path) from None
        with self._lock:
            former = self._files.pop(safe, None)
            self._files[safe] = upload
        if former is not None:
            shutil.rmtree(former.path.parent, ignore_errors=True)
        return upload

    def drop(self, name: str) -> None:
        """Forget a file and remove it."""
        upload = self._files.pop(name, None)
        if upload is not None:
            shutil.rmtree(upload.path.parent, ignore_errors=True)

    def _check(self, name: str, data: Data) -> None:
        if not name.endswith((*MOTION_SUFFIXES, *SONG_SUFFIXES)):
            suffix = name.rpartition(".")[2] if "." in name else ""
            raise FileError(
                name,
                f"a file of kind .{suffix}" if suffix else "a file without a suffix",
                f"a motion ({' '.join(MOTION_SUFFIXES)}) or a song ({' '.join(SONG_SUFFIXES)})",
                "convert it, or choose another file",
            )
        if not data:
            raise FileError(name, "the file is empty", cure="download or export it again")
        if len(data) > LARGEST_MB << 20:
            raise FileError(
                name, f"{len(data) >> 20} MB", f"at most {LARGEST_MB}", "cut it into pieces"
            )
        # A file of the same name is replaced, so it does not count.
        others = [file for file in self.files if file.name != name]
        if len(others) >= MOST_FILES:
            raise FileError(
                name,
                f"{len(others)} files are here already",
                f"at most {MOST_FILES}",
                "remove some first",
            )
        if sum(file.size for file in others) + len(data) > MOST_MB << 20:
            raise FileError(
                name,
                f"your files here would exceed {MOST_MB} MB",
                cure="remove some first",
            )


def safe_name(name: str) -> str:
    """A plain file name: no folders, no control characters, bounded, suffix in lower case."""
    # macOS sends decomposed letters. NFC makes both spellings one name.
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, suffix = last.rpartition(".")
    if not dot:
        stem, suffix = last, ""
    # File systems limit names in bytes, not letters.
    stem = re.sub(r"[^\w .,()+'-]", "_", stem).strip(" .").encode()[:120].decode(errors="ignore")
    suffix = re.sub(r"[^\w]", "_", suffix).lower().encode()[:12].decode(errors="ignore")
    return f"{stem or 'file'}{'.' if dot else ''}{suffix}"


def _in_plain_words(error: BaseException, name: str, path: Path) -> BaseException:
    """The error to display: without paths of the server, and with a cure for a lack of memory."""
    if isinstance(error, MMMError):
        place, _, message = str(error).replace(str(path), name).partition(": ")
        return (
            FileError(place, message)
            if place.startswith(name)
            else FileError(name, f"{place}: {message}")
        )
    if isinstance(error, MemoryError):
        return FileError(name, "more than fits into memory", cure="cut it into pieces")
    return error


def _read_motion(upload: Upload, report: reader.Report) -> Upload:
    clip = open_clip(Entry(upload.path, upload.name, UPLOADS), report)
    if len(clip) < SHORTEST_FRAMES:
        raise FileError(
            upload.name, f"{len(clip)} frames", f"at least {SHORTEST_FRAMES}", "choose a longer one"
        )
    facts = (
        f"{len(clip):,} frames, {clip.motion.fps:g} a second, {len(clip.motion.skeleton)} joints"
    )
    return replace(upload, facts=facts + (", music" if clip.music else ""))


def _read_song(upload: Upload, report: reader.Report) -> Recording:
    audio = reader.read_audio(upload.path, upload.name, report)
    if not SHORTEST_SONG_S <= audio.duration_s <= LONGEST_SONG_S:
        raise FileError(
            upload.name,
            f"{audio.duration_s:.1f} s of sound",
            f"{SHORTEST_SONG_S:g} s to {LONGEST_SONG_S / 60:g} minutes",
            "cut the part you need",
        )
    return Recording(
        upload.name,
        upload.path,
        upload.digest,
        upload.size,
        minutes(audio.duration_s),
        audio.duration_s,
        outline(audio),
    )


def minutes(seconds: float) -> str:
    """``3:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def outline(audio: Audio, columns: int = PEAKS) -> Float[Array, "n"]:
    """The peak amplitude of each of ``columns`` equal parts, relative to the loudest."""
    edges = np.linspace(0, len(audio.samples), columns + 1).astype(int)
    peaks = np.array(
        [np.abs(audio.samples[a:b]).max(initial=0) for a, b in pairwise(edges)], dtype=np.float32
    )
    # The floor keeps silence from dividing by zero.
    return np.minimum(peaks / max(float(peaks.max()), 1e-6), 1)
