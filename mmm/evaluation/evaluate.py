"""A model beside its baselines, on one clip or on many; over hidden entries only."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mmm import edits
from mmm.errors import SpecError
from mmm.interpolation.baselines import BASELINES
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.recovery.recover import RecoveryResult, interpolate, recover
from mmm.viewer.video import Progress

METRICS = ("rotation_deg", "position_cm", "root_cm")


def with_baselines(result: RecoveryResult, *others: RecoveryResult) -> list[RecoveryResult]:
    """Recoveries of the same entries of the same clip, followed by those of hold, slerp, inertial and spline that are
    not among them."""
    there = [one.model_name for one in (result, *others)]
    missing = [
        interpolate(name, result.clip, result.hidden) for name in BASELINES if name not in there
    ]
    return [result, *others, *missing]


def gaps(result: RecoveryResult) -> list[dict[str, Any]]:
    """What a network expects of itself in each gap, beside what came true.

    Returns:
        ``{"first", "last", "expected_cm", "position_cm"}`` for each run of frames in which anything is hidden: its
        first and last frame; the mean joint distance that the network expects, None where it cannot tell; and what
        came true, None where none of it was recorded. Both are over all joints, hidden or not: a hidden joint moves
        those below it.
    """
    frames = result.hidden.any(axis=1)
    edges = np.flatnonzero(np.diff(frames.astype(np.int8), prepend=0, append=0))
    rows = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        inside = np.arange(first, end)
        there = inside[result.clip.recorded[inside]]
        seen = there if there.size else inside  # both figures are of the same frames
        expected = (
            None
            if result.expected_cm is None
            else float(result.expected_cm[seen].mean(dtype=np.float64))
        )
        true = (
            float(result.errors.position_cm[there].mean(dtype=np.float64)) if there.size else None
        )
        rows.append(
            {
                "first": first,
                "last": end - 1,
                "expected_cm": None if expected is None else round(expected, 4),
                "position_cm": None if true is None else round(true, 4),
            }
        )
    return rows


def report(results: Sequence[RecoveryResult], spec: str, seed: int) -> dict[str, Any]:
    """What ``--metrics`` writes: for each method its errors over hidden entries and its time.

    Returns:
        ``{"clip", "hide", "seed", "frames", "hidden", "measured", "fps", "notes", "methods": {name: {"rotation_deg",
        "position_cm", "root_cm", "frames", "hidden", "elapsed_s", "seed"}}}``; a metric over no entry is None;
        ``measured`` counts the hidden entries of which there is a recording. Where the first result's network tells
        what it expects of itself, ``"expected_cm"`` has the rows of :func:`gaps`.
    """
    first = results[0]
    methods = {
        r.model_name: {**r.errors.summary(), "elapsed_s": round(r.elapsed_s, 4), "seed": seed}
        for r in results
    }
    clip = first.clip
    told = {
        "clip": clip.name,
        "hide": spec,
        "seed": seed,
        "frames": len(clip),
        "fps": clip.motion.fps,
        "hidden": int(first.hidden.sum()),
        "measured": int(first.measured.sum()),
        "notes": list(first.notes),
        "methods": methods,
    }
    return told if first.expected_cm is None else told | {"expected_cm": gaps(first)}


CSV_COLUMNS = (
    "clip",
    "hide",
    "seed",
    "method",
    "rotation_deg",
    "position_cm",
    "root_cm",
    "frames",
    "hidden",
    "elapsed_s",
)


def report_csv(told: Mapping[str, Any]) -> str:
    """What :func:`report` says, a line a method; a metric over no entry is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    shared = {key: told[key] for key in ("clip", "hide", "frames")}
    writer.writerows(
        {**shared, "method": method, **numbers} for method, numbers in told["methods"].items()
    )
    return text.getvalue()


def evaluate(
    model: MaskedMotionModel,
    clips: Iterable[Clip],
    specs: Sequence[str],
    *,
    seed: int = 0,
    joint_names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Errors of a model and the baselines over many clips, pooled over all hidden entries.

    A SPEC that does not fit a clip (a span beyond its end, or all of it) leaves that clip out of its rows.

    Args:
        joint_names: joint names by role, as ``recover`` takes them; of the same skeleton in all clips.

    Returns:
        One row a SPEC and method: ``hide method clips frames hidden rotation_deg position_cm root_cm``; a mean over
        nothing is None.

    Raises:
        SpecError: a SPEC fits none of the clips, or is none.
        ModelError: the model cannot work on a clip.
    """
    pool = list(clips)
    rows = []
    for at, spec in enumerate(specs):
        sums: dict[str, _Pool] = {}
        misfit: SpecError | None = None
        for number, clip in enumerate(pool):
            try:
                edited = edits.apply(spec, clip, seed + number)
                results = with_baselines(
                    recover(model, edited.clip, edited.mask, joint_names=joint_names)
                )
            except SpecError as error:
                misfit = error
                continue
            for result in results:
                sums.setdefault(result.model_name, _Pool()).add(result)
            if progress is not None:
                progress((at + (number + 1) / len(pool)) / len(specs))
        if misfit is not None and not sums:
            raise misfit
        rows += [{"hide": spec, "method": name, **pooled.row()} for name, pooled in sums.items()]
    return rows


class _Pool:
    """Sums over hidden entries of many clips."""

    def __init__(self) -> None:
        self.clips = self.frames = 0
        self.total = np.zeros(3)
        self.count = np.zeros(3, dtype=int)

    def add(self, result: RecoveryResult) -> None:
        errors, hidden = result.errors, result.measured
        parts = (
            errors.rotation_deg[hidden],
            errors.position_cm[hidden],
            errors.root_cm[hidden[:, 0]],
        )
        self.total += [part.sum(dtype=np.float64) for part in parts]
        self.count += [len(part) for part in parts]
        self.clips += 1
        self.frames += len(result.clip)

    def row(self) -> dict[str, Any]:
        means = {
            name: round(float(t / c), 4) if c else None
            for name, t, c in zip(METRICS, self.total, self.count, strict=True)
        }
        return {"clips": self.clips, "frames": self.frames, "hidden": int(self.count[0]), **means}
