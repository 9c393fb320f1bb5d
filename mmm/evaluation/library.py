"""Facts of many motion files: length, frame rate, skeleton, music, a small picture.

Reading a file takes from a few to a few hundred milliseconds. Facts are cached in the user's cache
folder by the file's path, modification time and size, and read again when one of these changes.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mmm.errors import FileError, MMMError
from mmm.io import load_clip
from mmm.io.files import LARGEST, motion_files, stamp
from mmm.motion.clip import Clip
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.paths import user_cache
from mmm.storage import write_text
from mmm.viewer.raster.portrait import portrait_webp

_VERSION = 2
"""Version of the cached facts; with another one, everything is read again."""


@dataclass(frozen=True)
class FileFacts:
    """Facts of one motion file. For a file that cannot be read, only ``problem`` is set."""

    frames: int = 0
    fps: float = 0.0
    joints: int = 0
    kind: str = ""
    """``SMPL``, ``humanoid`` (its joints' roles are known) or ``other``."""
    tempo_bpm: float | None = None
    """Tempo of the music; 0 if it has no beat, None without music."""
    split: str = ""
    picture: bytes = b""
    """A picture of the body, WebP with a transparent background."""
    problem: str = ""
    """What is wrong with the file, in one line."""

    @property
    def duration_s(self) -> float:
        """Length of the motion, seconds."""
        return self.frames / self.fps if self.fps else 0.0

    @property
    def music(self) -> str:
        """The music in words."""
        return (
            "no music"
            if self.tempo_bpm is None
            else f"{self.tempo_bpm:.0f} bpm"
            if self.tempo_bpm
            else "music"
        )

    def words(self) -> list[str]:
        """The facts as they are shown and searched."""
        if self.problem:
            return ["cannot be read"]
        split = [f"{self.split} split"] if self.split else []
        return [
            f"{self.frames:,} frames",
            f"{self.duration_s:.1f} s",
            f"{self.fps:g} fps",
            f"{self.joints} joints",
            self.kind,
            self.music,
            *split,
        ]


def kind_of(skeleton: Skeleton) -> str:
    """Kind of a skeleton, which decides the networks that fit: ``SMPL``, ``humanoid`` or
    ``other``."""
    # Networks on SMPL's joints need exactly these names in this tree, not only similar ones.
    if skeleton.names == SMPL24.names and skeleton.parents == SMPL24.parents:
        return "SMPL"
    try:
        match_roles(skeleton)
    except MMMError:
        return "other"
    return "humanoid"


def facts_of(clip: Clip) -> FileFacts:
    """Facts of a clip, with its picture."""
    motion = clip.motion
    return FileFacts(
        len(clip),
        motion.fps,
        len(motion.skeleton),
        kind_of(motion.skeleton),
        clip.music.tempo_bpm if clip.music else None,
        clip.split or "",
        portrait_webp(motion),
    )


def read_facts(path: Path, largest: int = LARGEST) -> FileFacts:
    """Facts of a file. It never raises: an error becomes the ``problem`` of the facts.

    Args:
        largest: the most bytes that a file may have.
    """
    try:
        return facts_of(load_clip(path, largest=largest))
    except MMMError as error:
        return FileFacts(problem=" ".join(str(error).split()))
    except OSError as error:
        return FileFacts(problem=f"{path.name}: {error.strerror or error}")
    # Sizes in headers are checked by the readers, but a valid file may still be too large.
    except MemoryError:
        return FileFacts(problem=f"{path.name}: more than fits into memory; cut it into pieces")
    except Exception as error:
        # A bug in one reader must not break the listing of all files.
        text = " ".join(f"{type(error).__name__} {error}".split())[:200]
        return FileFacts(problem=f"{path.name}: the file cannot be read ({text})")


def cached_facts(path: Path) -> FileFacts | None:
    """The cached facts of the file in its present state; None if there are none, or damaged ones."""
    try:
        raw = json.loads(_cache_file(path).read_bytes())
        facts = FileFacts(**{**raw, "picture": base64.b64decode(raw["picture"])})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    # A cache file may hold anything: each value must have the type of its field.
    types = {name: type(value) for name, value in asdict(FileFacts(tempo_bpm=0.0)).items()}
    right = all(
        type(value) is types[name] or (name == "tempo_bpm" and value is None)
        for name, value in asdict(facts).items()
    )
    return facts if right else None


def find_facts(path: Path) -> FileFacts:
    """Facts from the cache, else from the file, which are then cached if the cache is writable."""
    facts = cached_facts(path)
    if facts is None:
        facts = read_facts(path)
        try:
            cache_file = _cache_file(path)
            cache_file.parent.mkdir(parents=True, exist_ok=True)
            kept = {**asdict(facts), "picture": base64.b64encode(facts.picture).decode()}
            write_text(cache_file, json.dumps(kept))
        except (OSError, FileError):
            pass
    return facts


def _cache_file(path: Path) -> Path:
    """The file that caches the facts of a motion file in its present state."""
    mark = repr([_VERSION, *stamp(path)])
    digest = blake2b(mark.encode(), digest_size=12).hexdigest()
    return user_cache() / "library" / f"{digest}.json"


def listing(folder: Path, search: str = "") -> Iterator[dict[str, Any]]:
    """One row for each motion file of a folder; its keys are those of ``COLUMNS``.

    Args:
        search: words that must all occur in a file's name or facts.

    Raises:
        FileError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileError(str(folder), "no such folder", cure="check the spelling")
    for path in motion_files(folder):
        facts, name = find_facts(path), str(path.relative_to(folder))
        if matches(search, name, facts):
            yield row(name, facts)


def row(name: str, facts: FileFacts) -> dict[str, Any]:
    """One row of a listing."""
    if facts.problem:
        return dict.fromkeys(COLUMNS) | {"name": name, "problem": facts.problem}
    return {
        "name": name,
        "frames": facts.frames,
        "seconds": round(facts.duration_s, 2),
        "fps": f"{facts.fps:g}",
        "joints": facts.joints,
        "kind": facts.kind,
        "bpm": facts.tempo_bpm and round(facts.tempo_bpm, 1),
        "split": facts.split or None,
        "problem": None,
    }


COLUMNS: dict[str, str] = {
    "name": "name",
    "frames": "frames",
    "seconds": "seconds",
    "fps": "fps",
    "joints": "joints",
    "kind": "kind",
    "bpm": "bpm",
    "split": "split",
    "problem": "problem",
}
"""Keys of :func:`row` and their headings."""


def matches(search: str, name: str, facts: FileFacts | None, more: Iterable[str] = ()) -> bool:
    """Whether each word of a search occurs in a file's name, its facts or ``more`` about it."""
    # Names are also searched with spaces for underscores, as people type them.
    text = " ".join(
        [name, name.replace("_", " "), *(facts.words() if facts else ()), *more]
    ).lower()
    return all(word in text for word in search.lower().split())


SORTS: Mapping[str, str] = {
    "name": "Name",
    "longest": "Longest first",
    "shortest": "Shortest first",
    "fps": "Frame rate",
    "joints": "Joints",
    "tempo": "Tempo",
}


def sort_key(sort: str, name: str, facts: FileFacts | None) -> tuple[Any, ...]:
    """Key to sort files by one of ``SORTS``; files without known facts come last."""
    if sort == "name":
        return (name.lower(),)
    # The leading 0 or 1 keeps files without facts behind all others.
    if facts is None or facts.problem:
        return 1, 0.0, name.lower()
    value = {
        "longest": -facts.duration_s,
        "shortest": facts.duration_s,
        "fps": facts.fps,
        "joints": float(facts.joints),
        "tempo": facts.tempo_bpm or 1e9,
    }[sort]
    return 0, value, name.lower()
