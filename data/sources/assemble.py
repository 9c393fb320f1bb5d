"""Converted files into a prepared set: one skeleton, no motion twice, split folders that can be memory-mapped."""

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
from data.sources.files import Skip
from data.sources.units import SPLITS
from mmm.errors import FileError
from mmm.music import FEATURE_NAMES

Array = np.ndarray
Joints = tuple[tuple[str, ...], tuple[int, ...]]
"""Names and parents."""

VERSION = 1
REPORT = "report.json"


@dataclass(frozen=True)
class Member:
    """One clip of the set."""

    converted: Converted
    split: str
    unit: str


def check_out(out: Path, kind: str) -> None:
    """Whether a set of this kind may be written there: a new folder, an empty one, or one that this kind wrote.

    Raises:
        FileError: it is a file, holds something else, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise FileError(str(out), "a file", "a folder to write the set into", "choose another name for --out")
    report = out / REPORT
    if any((out / split).exists() for split in SPLITS):
        found = "splits that another program wrote"
        if report.is_file():
            try:
                found = f"a set made by prepare {json.loads(report.read_text(encoding='utf-8'))['kind']}"
            except (ValueError, KeyError, TypeError):
                found = "splits and a damaged report.json"
        if found != f"a set made by prepare {kind}":
            raise FileError(str(out), found, "a new folder", "choose another --out, or remove it first")
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FileError(str(out), f"cannot be written ({error.strerror})", cure="choose another --out") from None


def sift(
    converted: Sequence[Converted], min_frames: int, min_travel_m: float, wanted: Joints | None = None
) -> tuple[list[Converted], list[Skip], list[dict[str, Any]]]:
    """What can be in the set: readable, long enough, moving, of one skeleton, and not there already.

    Args:
        converted: every file.
        min_frames: the shortest clip, at the set's frame rate.
        min_travel_m: some joint must range over as much, metres.
        wanted: the skeleton to keep; where None the one with the most frames.

    Returns:
        The files kept, those left out with reasons, and a row a skeleton: joints, root, files, frames, kept.
    """
    skipped: list[Skip] = []
    good: list[Converted] = []
    for item in converted:
        if item.error:
            skipped.append(Skip(item.label, "cannot be read", item.error))
        elif item.facts["frames"] < min_frames:
            skipped.append(Skip(item.label, f"shorter than {min_frames} frames", f"{item.facts['frames']} frames"))
        elif item.facts["moved_m"] < min_travel_m:
            skipped.append(Skip(item.label, f"nothing moves by {min_travel_m * 100:g} cm",
                                f"at most {item.facts['moved_m'] * 100:.1f} cm"))
        else:
            good.append(item)
    groups = _by_skeleton(good)
    chosen = wanted or max(groups, key=lambda joints: sum(c.facts["frames"] for c in groups[joints]), default=None)
    table = [{"joints": len(names), "root": names[0], "files": len(members), "kept": (names, parents) == chosen,
              "frames": sum(c.facts["frames"] for c in members), "first": members[0].label}
             for (names, parents), members in groups.items()]
    kept: list[Converted] = []
    seen: dict[str, str] = {}
    for item in good:
        if item.skeleton != chosen:
            skipped.append(Skip(item.label, "another skeleton", f"{len(item.skeleton[0])} joints from "
                                                                f"{item.skeleton[0][0]}"))
        elif item.facts["digest"] in seen:
            skipped.append(Skip(item.label, "the same motion twice", f"as {seen[item.facts['digest']]}"))
        else:
            seen[item.facts["digest"]] = item.label
            kept.append(item)
    return kept, skipped, table


def _by_skeleton(items: Sequence[Converted]) -> dict[Joints, list[Converted]]:
    groups: dict[Joints, list[Converted]] = {}
    for item in items:
        groups.setdefault(item.skeleton, []).append(item)
    return groups


def write_splits(out: Path, members: Sequence[Member], fps: float, with_music: bool) -> None:
    """Writes ``train``, ``val`` and ``test``; a split without clips has no folder.

    A split's folder holds, for the frames of all its clips one after another, ``rotations.npy`` (N, J, 6) float16,
    the first two columns of each local matrix; ``root_m.npy`` (N, 3) float32, metres; with music ``music.npy``
    (N, 35) float32; and ``clips.json`` with the skeleton and a row a clip. A folder is made beside and put in its
    place when it is whole: a training run that reads the older one is not disturbed.

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
            beside = out / f".{split}.part"
            shutil.rmtree(beside, ignore_errors=True)
            if clips:
                beside.mkdir()
                _write_split(beside, clips, bodies, fps, with_music, bar)
            shutil.rmtree(out / split, ignore_errors=True)
            if clips:
                beside.replace(out / split)


class _Bodies:
    """Bone lengths: the set's own, and those of every subject."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.different: list[Float[Array, "J 3"]] = []
        self.index: dict[str, int] = {}
        places: dict[bytes, int] = {}
        for member in members:
            offsets = member.converted.array("offsets_m").astype(np.float32)
            key = np.round(offsets, 5).tobytes()
            if key not in places:
                places[key] = len(self.different)
                self.different.append(offsets)
            self.index[member.converted.label] = places[key]
        # Nothing of a clip that is held back may reach a network: not its bones either.
        trained = [m for m in members if m.split == "train"] or members
        self.median = np.median([self.different[self.index[m.converted.label]] for m in trained], axis=0)

    def to_dict(self) -> dict[str, Any]:
        """For clips.json."""
        return {"joint_offsets_m": np.round(self.median, 6).tolist(),
                "bodies": [np.round(offsets.astype(np.float64), 6).tolist() for offsets in self.different]}


def _write_split(
    folder: Path, clips: Sequence[Member], bodies: _Bodies, fps: float, with_music: bool, bar: tqdm
) -> None:
    names, parents = clips[0].converted.skeleton
    total = sum(m.converted.facts["frames"] for m in clips)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "rotations": ((total, len(names), 6), np.float16), "root_m": ((total, 3), np.float32)}
    if with_music:
        shapes["music"] = ((total, len(FEATURE_NAMES)), np.float32)
    arrays = {name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape)
              for name, (shape, kind) in shapes.items()}
    rows: list[Mapping[str, Any]] = []
    first = 0
    for member in clips:
        item, frames = member.converted, int(member.converted.facts["frames"])
        for name, array in arrays.items():
            array[first: first + frames] = item.array(name)
        rows.append({"first": first, "name": Path(item.label).stem, "frames": frames, "split": member.split,
                     "unit": member.unit, "source": item.label, "body": bodies.index[item.label],
                     **({"tempo_bpm": item.facts["tempo_bpm"]} if "tempo_bpm" in item.facts else {})})
        first += frames
        bar.update()
    for array in arrays.values():
        array.flush()
    content = {"version": VERSION, "fps": fps, "skeleton": list(names), "joint_parents": list(parents),
               **bodies.to_dict(), "clips": rows}
    (folder / "clips.json").write_text(json.dumps(content), encoding="utf-8")
