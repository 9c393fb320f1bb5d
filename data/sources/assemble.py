"""Converted files into a prepared set: one skeleton, no motion twice, split folders that can be
memory-mapped."""

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
from mmm.motion.skeleton import Skeleton
from mmm.music.features import FEATURE_NAMES

Array = np.ndarray

VERSION = 1
_BONE_M = 0.03  # shorter bones point anywhere
# Subjects of one set differ by up to 14 degrees (CMU), bodies that rest in another pose by 64 and
# more (SNU).
_REST_DEG = 30.0
REPORT = "report.json"


@dataclass(frozen=True)
class Member:
    """One clip of the set."""

    converted: Converted
    split: str
    unit: str
    group: str = ""
    """What it is balanced by in training: clips of one source and content."""


def check_out(out: Path, kind: str) -> None:
    """Whether a set of this kind may be written there: a new folder, an empty one, or one that this
    kind wrote.

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
        # Tried before hours of conversion, rather than found out at the end.
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FileError(
            str(out), f"cannot be written ({error.strerror})", cure="choose another --out"
        ) from None


def sift(
    converted: Sequence[Converted],
    min_frames: int,
    min_travel_m: float,
    target: Skeleton | None = None,
) -> tuple[list[Converted], list[Skip], list[dict[str, Any]]]:
    """What can be in the set: readable, long enough, moving, of one skeleton, and not there
    already.

    Args:
        converted: every file.
        min_frames: the shortest clip, at the set's frame rate.
        min_travel_m: some joint must range over as much, metres.
        target: the skeleton to keep; where None the one with the most frames.

    Returns:
        The files kept, those left out with reasons, and a row a skeleton: joints, root, files,
        frames, kept.
    """
    skipped: list[Skip] = []
    good: list[Converted] = []
    for item in converted:
        # Unreadable files first: they have no facts to sift by.
        reason = _unfit(item, min_frames, min_travel_m)
        if reason:
            skipped.append(reason)
        else:
            good.append(item)
    chosen, others, table = _one_skeleton(good, target)
    skipped += others
    kept: dict[str, Converted] = {}
    for item in chosen:
        # Digests are of the converted arrays, so a take in two formats counts once if it reads
        # alike.
        first = kept.setdefault(item.facts["digest"], item)
        if first is not item:
            skipped.append(Skip(item.label, "the same motion twice", f"as {first.label}"))
    return list(kept.values()), skipped, table


def _one_skeleton(
    good: Sequence[Converted], target: Skeleton | None
) -> tuple[Sequence[Converted], list[Skip], list[dict[str, Any]]]:
    """The files of the chosen skeleton, the others with what keeps them out, and the table of
    skeletons."""
    if all(
        "own" in item.facts for item in good
    ):  # roles: one skeleton by then, and rest poses do not matter
        by_own: dict[tuple[Any, ...], list[Converted]] = {}
        for item in good:
            by_own.setdefault(tuple(item.facts["own"]), []).append(item)
        return (
            good,
            [],
            [_row(joints, root, group, True) for (joints, root), group in by_own.items()],
        )
    groups = by_skeleton(good, target)
    body, chosen = (
        groups[0]
        if target is not None
        # Most frames rather than most files: many short tests must not win over the recordings.
        else max(groups, key=lambda group: _frames(group[1]), default=(None, []))
    )
    table = [
        _row(len(other), other.names[0], group, group is chosen) for other, group in groups if group
    ]
    return (
        chosen,
        [
            Skip(item.label, "another skeleton", misfit(other, body))
            for other, group in groups
            if group is not chosen and body is not None
            for item in group
        ],
        table,
    )


def _row(joints: int, root: str, group: Sequence[Converted], kept: bool) -> dict[str, Any]:
    return {
        "joints": joints,
        "root": root,
        "files": len(group),
        "frames": _frames(group),
        "kept": kept,
        "first": group[0].label,
    }


def _frames(items: Sequence[Converted]) -> int:
    return sum(int(item.facts["frames"]) for item in items)


def _unfit(item: Converted, min_frames: int, min_travel_m: float) -> Skip | None:
    if item.error:
        return Skip(item.label, item.reason, item.error)
    if item.facts["frames"] < min_frames:
        return Skip(
            item.label, f"shorter than {min_frames} frames", f"{item.facts['frames']} frames"
        )
    if item.facts["moved_m"] < min_travel_m:
        return Skip(
            item.label,
            f"nothing moves by {min_travel_m * 100:g} cm",
            f"at most {item.facts['moved_m'] * 100:.1f} cm",
        )
    return None


def by_skeleton(
    items: Sequence[Converted], first: Skeleton | None = None
) -> list[tuple[Skeleton, list[Converted]]]:
    """Files whose rotations mean the same: the same joints, and rest poses that are alike.

    Args:
        items: the files.
        first: the body of the first group, which may stay empty; else every group's is that of its
        first file.
    """
    groups: list[tuple[Skeleton, list[Converted]]] = [] if first is None else [(first, [])]
    for item in items:
        body = item.skeleton
        # Compared with the first body of a group only. Rest poses vary little within a set, and the
        # result must not depend on what joined before.
        fitting = next((group for other, group in groups if misfit(body, other) == ""), None)
        if fitting is None:
            groups.append((body, [item]))
        else:
            fitting.append(item)
    return groups


def misfit(skeleton: Skeleton, other: Skeleton) -> str:
    """Why two bodies cannot be in one set, or nothing."""
    if not skeleton.same_joints(other):
        return f"{len(skeleton)} joints from {skeleton.names[0]}"
    lengths = [np.linalg.norm(body.offsets_m, axis=1) for body in (skeleton, other)]
    # The root has no bone, hence the shift by one.
    bones = np.flatnonzero(np.minimum(*lengths)[1:] > _BONE_M) + 1
    if not len(bones):
        return ""
    # Directions rather than lengths: rotations mean the same on bodies of any size.
    cosines = (skeleton.offsets_m * other.offsets_m).sum(axis=1)[bones] / (lengths[0] * lengths[1])[
        bones
    ]
    worst = int(np.argmin(cosines))
    apart = float(np.degrees(np.arccos(np.clip(cosines[worst], -1, 1))))
    return (
        f"another rest pose: {apart:.0f} degrees at {skeleton.names[bones[worst]]}"
        if apart > _REST_DEG
        else ""
    )


def write_parts(out: Path, members: Sequence[Member], fps: float, with_music: bool) -> None:
    """Writes ``.train.part``, ``.val.part`` and ``.test.part``, for :func:`put_in_place`; none for
    an empty split.

    A split's folder holds, for the frames of all its clips one after another, ``rotations.npy`` (N,
    J, 6) float16, the first two columns of each local matrix; ``root_m.npy`` (N, 3) float32,
    metres; with music ``music.npy`` (N, 35) float32; and ``clips.json`` with the skeleton and a row
    a clip.

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
            # Left by a run that was killed.
            shutil.rmtree(part, ignore_errors=True)
            if clips:
                part.mkdir()
                _write_split(part, clips, bodies, fps, with_music, bar)


def put_in_place(out: Path) -> None:
    """Let the parts be the splits. All the older ones go first: a unit is never in the new train
    and an old test.

    A training run that has mapped the older files into memory keeps them.
    """
    for split in SPLITS:
        if (out / split).exists():
            shutil.rmtree(out / split)
    for split in SPLITS:
        if (out / f".{split}.part").exists():
            (out / f".{split}.part").replace(out / split)


class _Bodies:
    """Bone lengths: the set's own, and those of every subject."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.different: list[Float[Array, "J 3"]] = []
        self.present: list[list[bool]] = []
        self.index: dict[str, int] = {}
        # Bodies are stored once each: a hundred takes of a subject share one.
        places: dict[bytes, int] = {}
        for member in members:
            offsets = np.array(member.converted.facts["offsets_m"])
            present = member.converted.facts.get("present", [])
            # Rounded to a hundredth of a millimetre, below which bodies differ by arithmetic alone.
            key = np.round(offsets, 5).tobytes() + bytes(present)
            if key not in places:
                places[key] = len(self.different)
                self.different.append(offsets)
                self.present.append(present)
            self.index[member.converted.label] = places[key]
        # Nothing of a clip that is held back may reach a network: not its bones either.
        trained = [m for m in members if m.split == "train"] or members
        bodies = np.array([self.different[self.index[m.converted.label]] for m in trained])
        self.middle = np.median(bodies, axis=0)
        if any(
            self.present
        ):  # rest poses differ, so that no mean of them is a body: the most middling of them
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
