"""The leaderboard: checkpoints and interpolations measured over many clips and patterns.

Each measurement is made once and kept on disk (``mmm.evaluation.measurements``).
``mmm.evaluation.standings`` summarises the measurements of a benchmark in tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmm import masks
from mmm.batches.run import Failure, run, torch_threads
from mmm.checkpoints import CheckpointInfo, check_fit
from mmm.errors import MMMError, SpecError
from mmm.evaluation.measurements import (
    Key,
    Measurement,
    ResultsFile,
    Version,
    code_version,
    digest_of,
    version_of,
)
from mmm.interpolation.baselines import BASELINES
from mmm.io import load_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24

if TYPE_CHECKING:
    from mmm.models import MaskedMotionModel  # imports torch
    from mmm.recovery.result import RecoveryResult

PATTERNS = ("random:0.15", "every:5", "every:15", "keep:5,hide:5", "gap:15", "gap:30", "gap:60")
"""SPECs; ``gap:N`` stands for a span of N frames in the middle of the clip."""
FRAMES = 300
"""Longer clips are cropped to their first frames, this many."""

LoadModel = Callable[[str], "MaskedMotionModel"]


@dataclass(frozen=True)
class Benchmark:
    """Which clips, patterns and checkpoints are compared."""

    clips: tuple[Path, ...]
    patterns: tuple[str, ...] = PATTERNS
    checkpoints: tuple[CheckpointInfo, ...] = ()
    seed: int = 0


def spec_for(pattern: str, frames: int) -> str:
    """The SPEC of a pattern for a clip of ``frames`` frames.

    Raises:
        SpecError: ``gap:N`` is malformed, or the gap does not fit into the clip.
    """
    if not pattern.startswith("gap:"):
        return pattern
    try:
        gap = int(pattern.removeprefix("gap:"))
    except ValueError:
        raise SpecError(
            pattern, "not a length", "gap:N, N frames in the middle", "give a whole number"
        ) from None
    # At least one known frame on either side, so that interpolation has both ends.
    first = (frames - gap) // 2
    if gap < 1 or first < 1:
        raise SpecError(
            pattern,
            f"{frames} frames",
            f"{gap + 2} or more around such a gap",
            "choose a shorter gap",
        )
    return f"span:{first}-{first + gap - 1}"


def check_pattern(pattern: str) -> None:
    """Check a pattern against a clip of ``FRAMES`` frames of an SMPL body.

    Raises:
        SpecError: it is no SPEC, or does not fit such a clip.
    """
    # A user types a pattern before any clip is read, so it is checked against a typical one.
    still = np.broadcast_to(np.eye(3, dtype=np.float32), (FRAMES, len(SMPL24), 3, 3))
    clip = Clip("a clip", Motion(SMPL24, still, np.zeros((FRAMES, 3), dtype=np.float32), 60.0))
    masks.parse(spec_for(pattern, FRAMES), clip)


def measure(
    benchmark: Benchmark,
    results: ResultsFile,
    load_model: LoadModel | None = None,
    progress: Callable[[float, str], None] | None = None,
    *,
    ray: str | None = None,
) -> list[str]:
    """Make the measurements that the results file lacks, saving after each clip and pattern.

    All methods fill the same hidden entries. Networks run only on clips that fit them, and a clip
    that is too short for a pattern is left out of it.

    Args:
        load_model: loads a network by name; None: ``mmm.load_model``.
        progress: called with the share done (0 to 1) and the current clip and pattern; an exception
            from it ends the run.
        ray: the address of a Ray that measures, a clip a task; ``load_model`` and ``progress`` are
            not used then, and each clip is saved once it is done.

    Returns:
        One line for each clip, network or pattern that was left out, with the reason.

    Raises:
        MMMError: Ray is not installed, or does not answer.
    """
    kept = results.read()
    remarks = [results.remark] if results.remark else []
    if ray is not None:
        remarks += _measure_on_ray(benchmark, results, kept, ray)
        return list(dict.fromkeys(remarks))
    for number, path in enumerate(benchmark.clips):

        def report(share: float, text: str, number: int = number) -> None:
            if progress is not None:
                progress((number + share) / len(benchmark.clips), text)

        for new, reasons in _measured(benchmark, kept, path, load_model, report):
            results.add(new)
            remarks += reasons
    # The same remark may come from many patterns; it is reported once.
    return list(dict.fromkeys(remarks))


_Kept = Mapping[Key, Measurement]
_Step = tuple[list[Measurement], list[str]]
"""What is new of one clip and pattern, and what was left out, with the reason."""


def _measure_on_ray(benchmark: Benchmark, results: ResultsFile, kept: _Kept, ray: str) -> list[str]:
    """Measure with a task for each clip; returns what was left out, in the order of the clips."""
    by_digest: dict[str, dict[Key, Measurement]] = {}
    for key, measurement in kept.items():
        by_digest.setdefault(measurement.digest, {})[key] = measurement
    tasks = [
        # A task gets only what is kept of its own clip.
        (path, by_digest.get(digest_of(path), {}) if path.is_file() else {})
        for path in benchmark.clips
    ]
    batch = run(
        partial(_all_measured, benchmark), tasks, ray=ray, threads=torch_threads(), title="clips"
    )
    reasons: dict[int, list[str]] = {}
    for number, outcome in batch:
        if isinstance(outcome, Failure):
            reasons[number] = [f"{benchmark.clips[number].name}: {outcome}"]
            continue
        for new, remarks in outcome:
            results.add(new)
            reasons.setdefault(number, []).extend(remarks)
    return [reason for number in sorted(reasons) for reason in reasons[number]]


def _all_measured(benchmark: Benchmark, task: tuple[Path, _Kept]) -> list[_Step]:
    """:func:`_measured` in a process of Ray."""
    path, kept = task
    return list(_measured(benchmark, kept, path))


def _measured(
    benchmark: Benchmark,
    kept: _Kept,
    path: Path,
    load_model: LoadModel | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Iterator[_Step]:
    """Measure what is not kept of one clip, a pattern at a time."""
    try:
        clip = load_clip(path)
    except (MMMError, OSError) as error:
        yield [], [_one_line(error)]
        return
    clip = clip.crop(0, min(FRAMES, len(clip)))
    # Checked once a clip, and not once a pattern: the reasons are the same.
    fitting = []
    for checkpoint in benchmark.checkpoints:
        try:
            check_fit(checkpoint, clip)
            fitting.append(checkpoint)
        except MMMError as error:
            reason = f"{checkpoint.name} was not run on {clip.name}: {_one_line(error)}"
            yield [], [reason]
    for done, pattern in enumerate(benchmark.patterns):
        if progress is not None:
            progress(done / len(benchmark.patterns), f"{clip.name}: {pattern}")
        try:
            yield _missing(benchmark, kept, clip, path, pattern, fitting, load_model), []
        except SpecError as error:
            yield [], [f"{clip.name} is left out of {pattern}: {_one_line(error)}"]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _missing(
    benchmark: Benchmark,
    kept: Mapping[Key, Measurement],
    clip: Clip,
    path: Path,
    pattern: str,
    checkpoints: Sequence[CheckpointInfo],
    load_model: LoadModel | None,
) -> list[Measurement]:
    """Make the measurements of one clip and pattern that are missing, or by an earlier version."""
    # Imported here, because they import torch, which kept results do not need.
    from mmm.recovery.recover import interpolate, recover

    # All methods fill the same mask.
    digest, seed, new = digest_of(path), benchmark.seed, list[Measurement]()
    mask = masks.parse(spec_for(pattern, len(clip)), clip, seed)
    # Interpolations have no version; networks are measured again when their weights change.
    methods = [(name, "") for name in BASELINES]
    methods += [(checkpoint.name, version_of(checkpoint)) for checkpoint in checkpoints]
    folders = {checkpoint.name: checkpoint.path for checkpoint in checkpoints}
    for name, version in methods:
        former = kept.get((name, version, digest, pattern, seed, len(clip)))
        if former is not None and former.code == code_version():
            continue
        if not version:
            result = interpolate(name, clip, mask)
        else:
            model = load_model(name) if load_model else _model(folders[name], version)
            result = recover(model, clip, mask)
        new.append(_measurement(result, version, clip.name, digest, pattern, seed))
    return new


# Each checkpoint is loaded once in a process, not once a clip. Its version is an argument so that a
# changed one is loaded anew.
@lru_cache(maxsize=4)
def _model(folder: Path, version: Version) -> "MaskedMotionModel":
    from mmm.checkpoints import load_model

    return load_model(folder)


def _measurement(
    result: "RecoveryResult", version: Version, clip: str, digest: str, pattern: str, seed: int
) -> Measurement:
    # Sums, so that any selection of clips can be pooled later without measuring again.
    values = result.errors.over(result.hidden)
    return Measurement(
        method=result.model_name,
        version=version,
        clip=clip,
        digest=digest,
        pattern=pattern,
        seed=seed,
        frames=len(result.clip),
        hidden=int(result.hidden.sum()),
        sums={kind: round(float(v.sum(dtype=np.float64)), 4) for kind, v in values.items()},
        counts={kind: len(v) for kind, v in values.items()},
        elapsed_s=round(result.elapsed_s, 4),
        code=code_version(),
    )
