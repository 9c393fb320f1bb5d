"""Errors of a model and of the baselines, over the hidden entries of one clip or many."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm import edits
from mmm.arrays import true_runs
from mmm.errors import SpecError
from mmm.interpolation.baselines import BASELINES
from mmm.io.files import csv_cell
from mmm.metrics.errors import KINDS
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.recovery.recover import interpolate, recover
from mmm.recovery.result import RecoveryResult
from mmm.viewer.video import Progress


def with_baselines(result: RecoveryResult, *others: RecoveryResult) -> list[RecoveryResult]:
    """Recoveries, followed by the baselines on the same entries that are not yet among them."""
    # A baseline that the user named is among the recoveries already.
    names = {recovery.model_name for recovery in (result, *others)}
    missing = [
        interpolate(name, result.clip, result.hidden) for name in BASELINES if name not in names
    ]
    return [result, *others, *missing]


def gaps(result: RecoveryResult) -> list[dict[str, Any]]:
    """The error that a network expects in each gap, beside the true one.

    Returns:
        ``{"first", "last", "expected_cm", "position_cm"}`` for each run of frames in which anything
        is hidden: its first and last frame, the mean joint distance that the network expects (None
        if it has no estimate), and the true one (None if nothing of the gap was recorded).
        Both are over all joints, hidden or not, because a hidden joint moves those below it.
    """
    # A gap is a run of frames with anything hidden, even if different joints are hidden in it.
    rows = []
    for first, end in true_runs(np.asarray(result.hidden.any(axis=1))):
        inside = np.arange(first, end)
        recorded = inside[result.clip.recorded[inside]]
        # Both figures are over the same frames, so that they can be compared.
        counted = recorded if recorded.size else inside
        expected_cm = result.expected_cm
        expected = None if expected_cm is None else _mean(expected_cm[counted])
        true = _mean(result.errors.position_cm[recorded]) if recorded.size else None
        rows.append({"first": first, "last": end - 1, "expected_cm": expected, "position_cm": true})
    return rows


def _mean(values: np.ndarray) -> float:
    return round(float(values.mean(dtype=np.float64)), 4)


def report(results: Sequence[RecoveryResult], spec: str, seed: int) -> dict[str, Any]:
    """The contents of ``--metrics``: each method's errors over hidden entries and its time.

    Returns:
        ``{"clip", "hide", "seed", "frames", "hidden", "measured", "fps", "notes", "methods":
        {name: {"rotation_deg", "position_cm", "root_cm", "frames", "hidden", "elapsed_s",
        "seed"}}}``. A metric over no entry is None. ``measured`` counts the hidden entries that
        were recorded. If the first result's network estimates its own error, ``"expected_cm"`` has
        the rows of :func:`gaps`.
    """
    first = results[0]  # all results fill the same entries of the same clip
    methods = {
        r.model_name: {**r.errors.summary(), "elapsed_s": round(r.elapsed_s, 4), "seed": seed}
        for r in results
    }
    clip = first.clip
    values = {
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
    return values if first.expected_cm is None else values | {"expected_cm": gaps(first)}


CSV_COLUMNS = ("clip", "hide", "seed", "method", *KINDS, "frames", "hidden", "elapsed_s")


def report_csv(values: Mapping[str, Any]) -> str:
    """A report as CSV, one line for each method; a metric over no entry is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    # Names come from files: ``csv_cell`` escapes text that a spreadsheet would run as a formula.
    shared = {key: csv_cell(values[key]) for key in ("clip", "hide", "frames")}
    writer.writerows(
        {**shared, "method": csv_cell(method), **numbers}
        for method, numbers in values["methods"].items()
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

    A clip that a SPEC does not fit (e.g. a span beyond its end) is left out of that SPEC's rows.

    Args:
        seed: random seed of random patterns; the clip's index is added to it.
        joint_names: joint names by role, as ``recover`` takes them, for all clips.
        progress: called with the share done, 0 to 1; an exception from it ends the run.

    Returns:
        One row for each SPEC and method: ``hide method clips frames hidden rotation_deg position_cm
        root_cm``; a mean over no entry is None.

    Raises:
        SpecError: a SPEC is malformed or fits none of the clips.
        ModelError: the model cannot work on a clip.
    """
    pool = list(clips)  # read once for all SPECs
    rows = []
    for done, spec in enumerate(specs):
        measured: list[ByMethod] = []
        misfit: SpecError | None = None
        for number, clip in enumerate(pool):
            try:
                measured.append(sums_of(model, clip, spec, seed + number, joint_names))
            except SpecError as error:
                # One short clip must not end the run. Below, a SPEC that fits no clip is an error.
                misfit = error
                continue
            if progress is not None:
                progress((done + (number + 1) / len(pool)) / len(specs))
        if misfit is not None and not measured:
            raise misfit
        rows += pooled(spec, measured)
    return rows


@dataclass(frozen=True)
class Sums:
    """Sums over hidden entries of one recovery."""

    frames: int
    total: tuple[float, ...]
    """The sum of each kind of error, in the order of ``KINDS``."""
    count: tuple[int, ...]
    """How many entries each sum is over."""


ByMethod = Mapping[str, Sums]
"""The sums of one clip and SPEC, by the name of the method."""


def sums_of(
    model: MaskedMotionModel,
    clip: Clip,
    spec: str,
    seed: int,
    joint_names: Mapping[str, str] | None = None,
) -> ByMethod:
    """What a model and the baselines do on one clip.

    Raises:
        SpecError: the SPEC is malformed or does not fit the clip.
        ModelError: the model cannot work on it.
    """
    edited = edits.apply(spec, clip, seed)
    recovery = recover(model, edited.clip, edited.mask, joint_names=joint_names)
    return {result.model_name: _sums(result) for result in with_baselines(recovery)}


def _sums(result: RecoveryResult) -> Sums:
    values = result.errors.over(result.measured)
    return Sums(
        len(result.clip),
        tuple(float(values[kind].sum(dtype=np.float64)) for kind in KINDS),
        tuple(len(values[kind]) for kind in KINDS),
    )


def pooled(spec: str, clips: Sequence[ByMethod]) -> list[dict[str, Any]]:
    """The rows of a SPEC: means over all hidden entries of the clips, which are in their order."""
    by_method: dict[str, list[Sums]] = {}
    for clip in clips:
        for method, sums in clip.items():
            by_method.setdefault(method, []).append(sums)
    return [{"hide": spec, "method": method, **_row(sums)} for method, sums in by_method.items()]


def _row(clips: Sequence[Sums]) -> dict[str, Any]:
    # Sums and counts, not means of means: every hidden entry weighs the same.
    total, count = np.zeros(len(KINDS)), np.zeros(len(KINDS), dtype=int)
    for sums in clips:
        total += sums.total
        count += sums.count
    means = {
        kind: round(float(value / number), 4) if number else None
        for kind, value, number in zip(KINDS, total, count, strict=True)
    }
    frames = sum(sums.frames for sums in clips)
    return {"clips": len(clips), "frames": frames, "hidden": int(count[0]), **means}
