"""Select the converted files of one set: one skeleton, long enough, moving, without duplicates."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.sources.convert import Converted
from data.sources.files import Skip
from mmm.motion.skeleton import Skeleton

_BONE_M = 0.03
"""Directions of shorter bones are not compared, because they are arbitrary."""
# Rest poses of the subjects of one set differ by up to 14 degrees (CMU), other rest poses by 64 and
# more (SNU).
_REST_DEG = 30.0


def sift(
    converted: Sequence[Converted],
    min_frames: int,
    min_travel_m: float,
    target: Skeleton | None = None,
) -> tuple[list[Converted], list[Skip], list[dict[str, Any]]]:
    """Select the files that can be in one set.

    Args:
        converted: all files.
        min_frames: length of the shortest clip, at the set's frame rate.
        min_travel_m: smallest range of the joint that travels most, metres.
        target: the skeleton to keep; by default the one with the most frames.

    Returns:
        The files kept, the files left out with reasons, and a row for each skeleton: joints, root,
        files, frames, kept.
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
        # Digests of the converted arrays, so that a take in two formats counts once.
        first = kept.setdefault(item.facts["digest"], item)
        if first is not item:
            skipped.append(Skip(item.label, "the same motion twice", f"as {first.label}"))
    return list(kept.values()), skipped, table


def _one_skeleton(
    good: Sequence[Converted], target: Skeleton | None
) -> tuple[Sequence[Converted], list[Skip], list[dict[str, Any]]]:
    """The files of the chosen skeleton, the others with reasons, and the table of skeletons."""
    # Roles: all files have one skeleton, and rest poses do not matter.
    if all("own" in item.facts for item in good):
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
        # Most frames and not most files, because there may be many short test takes.
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
    """Group files with the same joints and similar rest poses, whose rotations are comparable.

    Args:
        items: the files.
        first: the body of the first group, which may stay empty. The body of any other group is
            that of its first file.
    """
    groups: list[tuple[Skeleton, list[Converted]]] = [] if first is None else [(first, [])]
    for item in items:
        body = item.skeleton
        # Compared only with the first body of a group, so that the result does not depend on the
        # files that joined before.
        fitting = next((group for other, group in groups if misfit(body, other) == ""), None)
        if fitting is None:
            groups.append((body, [item]))
        else:
            fitting.append(item)
    return groups


def misfit(skeleton: Skeleton, other: Skeleton) -> str:
    """The reason why two bodies cannot be in one set; empty if they can."""
    if not skeleton.same_joints(other):
        return f"{len(skeleton)} joints from {skeleton.names[0]}"
    lengths = [np.linalg.norm(body.offsets_m, axis=1) for body in (skeleton, other)]
    # The root has no bone, hence the shift by one.
    bones = np.flatnonzero(np.minimum(*lengths)[1:] > _BONE_M) + 1
    if not len(bones):
        return ""
    # Directions and not lengths, because rotations are comparable on bodies of any size.
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
