"""Write converted files as a prepared set: split folders with memory-mappable arrays."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from data.sources.convert import Converted
from data.sources.units import SPLITS
from mmm.errors import FileError
from mmm.music.features import FEATURE_NAMES

Array = np.ndarray

VERSION = 1
REPORT = "report.json"


@dataclass(frozen=True)
class Member:
    """One clip of the set."""

    converted: Converted
    split: str
    unit: str
    group: str = ""
    """Clips of one source and content, by which training balances its draws."""


def check_out(out: Path, kind: str) -> None:
    """Check that a set may be written: the folder is new, empty, or holds a set of the same kind.

    Raises:
        FileError: it is a file, holds something else, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise FileError(
            str(out), "a file", "a folder to write the set into", "choose another name for --out"
        )
    # The report says who wrote a set. A set of another kind is never overwritten.
    report = out / REPORT
    if any((out / split).exists() for split in SPLITS):
        content = "splits that another program wrote"
        if report.is_file():
            try:
                written = json.loads(report.read_text(encoding="utf-8"))["kind"]
                content = f"a set made by prepare {written}"
            except (ValueError, KeyError, TypeError):
                content = "splits and a damaged report.json"
        if content != f"a set made by prepare {kind}":
            raise FileError(
                str(out), content, "a new folder", "choose another --out, or remove it first"
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Tested before the conversion, which may take hours.
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FileError(
            str(out), f"cannot be written ({error.strerror})", cure="choose another --out"
        ) from None


def write_parts(out: Path, members: Sequence[Member], fps: float, with_music: bool) -> None:
    """Write ``.train.part``, ``.val.part`` and ``.test.part`` for :func:`put_in_place`; none for an
    empty split.

    A split's folder holds the frames of all its clips one after another: ``rotations.npy`` (N, J,
    6) float16, the first two columns of each local matrix; ``root_m.npy`` (N, 3) float32, metres;
    with music ``music.npy`` (N, 35) float32. ``clips.json`` holds the skeleton and a row for each
    clip.

    Args:
        out: the set's folder.
        members: its clips, all of one skeleton.
        fps: their frame rate.
        with_music: whether they have music.
    """
    bodies = _Bodies(members)
    by_split = {split: [m for m in members if m.split == split] for split in SPLITS}
    with tqdm(total=len(members), desc="clips", disable=None) as bar:
        for split, clips in by_split.items():
            part = out / f".{split}.part"
            # A killed run may have left one.
            shutil.rmtree(part, ignore_errors=True)
            if clips:
                part.mkdir()
                _write_split(part, clips, bodies, fps, with_music, bar)


def put_in_place(out: Path) -> None:
    """Replace the splits by the new parts.

    All older splits are removed first, so that no unit is in a new training split and an old test
    split. A training run that has mapped the older files keeps them.
    """
    for split in SPLITS:
        if (out / split).exists():
            shutil.rmtree(out / split)
    for split in SPLITS:
        if (out / f".{split}.part").exists():
            (out / f".{split}.part").replace(out / split)


class _Bodies:
    """Joint offsets: those of the set, and those of every subject."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.different: list[Float[Array, "J 3"]] = []
        self.present: list[list[bool]] = []
        self.index: dict[str, int] = {}
        # Each body is stored once, because many takes of a subject share it.
        places: dict[bytes, int] = {}
        for member in members:
            offsets = np.array(member.converted.facts["offsets_m"])
            present = member.converted.facts.get("present", [])
            # Rounded to a hundredth of a millimetre; smaller differences are numerical.
            key = np.round(offsets, 5).tobytes() + bytes(present)
            if key not in places:
                places[key] = len(self.different)
                self.different.append(offsets)
                self.present.append(present)
            self.index[member.converted.label] = places[key]
        # Held-out clips must not influence a network, not even by their bone lengths.
        trained = [m for m in members if m.split == "train"] or members
        bodies = np.array([self.different[self.index[m.converted.label]] for m in trained])
        self.middle = np.median(bodies, axis=0)
        # Rest poses differ between files of roles, so their median is no body. The body with the most
        # typical bone lengths is used instead.
        if any(self.present):
            lengths = np.linalg.norm(bodies, axis=-1)
            self.middle = bodies[np.abs(lengths - np.median(lengths, axis=0)).sum(axis=1).argmin()]

    def to_dict(self) -> dict[str, Any]:
        """For clips.json."""
        roles = {"joints_are": "roles", "present": self.present} if any(self.present) else {}
        return {
            "joint_offsets_m": np.round(self.middle, 6).tolist(),
            "bodies": [offsets.tolist() for offsets in self.different],
            **roles,
        }


def _write_split(
    folder: Path, clips: Sequence[Member], bodies: _Bodies, fps: float, with_music: bool, bar: tqdm
) -> None:
    names, parents = (clips[0].converted.facts[name] for name in ("names", "parents"))
    total = sum(m.converted.facts["frames"] for m in clips)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        # Half precision of entries below 1 is exact to about 0.03 degrees, and halves the set.
        "rotations": ((total, len(names), 6), np.float16),
        "root_m": ((total, 3), np.float32),
    }
    if with_music:
        shapes["music"] = ((total, len(FEATURE_NAMES)), np.float32)
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape)
        for name, (shape, kind) in shapes.items()
    }
    rows: list[Mapping[str, Any]] = []
    first = 0
    for member in clips:
        item, frames = member.converted, int(member.converted.facts["frames"])
        for name, array in arrays.items():
            array[first : first + frames] = item.array(name)
        rows.append(
            {
                "first": first,
                "name": Path(item.label).stem,
                "frames": frames,
                "split": member.split,
                "unit": member.unit,
                "source": item.label,
                "body": bodies.index[item.label],
                **({"group": member.group} if member.group else {}),
                **({"tempo_bpm": item.facts["tempo_bpm"]} if "tempo_bpm" in item.facts else {}),
            }
        )
        first += frames
        bar.update()
    # To disk before ``clips.json``, whose presence says that a split is complete.
    for array in arrays.values():
        array.flush()
    content = {
        "version": VERSION,
        "fps": fps,
        "skeleton": names,
        "joint_parents": parents,
        **bodies.to_dict(),
        "clips": rows,
    }
    (folder / "clips.json").write_text(json.dumps(content), encoding="utf-8")
