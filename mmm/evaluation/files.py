"""``mmm evaluate`` over files: each is read and measured by itself, here or on Ray."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.batches.kept import Kept, key_of
from mmm.batches.run import Failure, FileTask, run, torch_threads
from mmm.checkpoints import CheckpointInfo, check_fit
from mmm.errors import SpecError
from mmm.evaluation.measurements import MEASURED_CODE, Version, code_version
from mmm.io.files import stamp
from mmm.motion.clip import Clip

if TYPE_CHECKING:  # imports torch
    from mmm.evaluation.evaluate import ByMethod
    from mmm.models import MaskedMotionModel

_DECIDING = (*MEASURED_CODE, "edits", "spec.py", "evaluation")
"""Parts of the package whose code decides what is kept."""


@dataclass(frozen=True)
class Job:
    """What is measured."""

    checkpoint: CheckpointInfo
    version: Version
    """Of the checkpoint's bytes, so that a process that has an older one loads it anew."""
    load: Callable[[Path], Clip]
    """Reads a file."""
    specs: Sequence[str]
    seed: int = 0
    joint_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task(FileTask):
    """One file; its number among all is added to the random seed."""

    number: int


@dataclass(frozen=True)
class Measured:
    """One file with all SPECs."""

    clip: str
    frames: int
    notes: tuple[str, ...]
    sums: "Mapping[str, ByMethod]"
    """By SPEC; without those that do not fit the clip."""
    misfits: Mapping[str, tuple[str, str, str, str]]
    """Why a SPEC does not fit: the parts of a SpecError."""


def measure(job: Job, task: Task) -> Measured:
    """Read a file and measure it with every SPEC.

    Raises:
        MMMError: it cannot be read, or the network does not fit it.
    """
    from mmm.evaluation.evaluate import sums_of

    clip = job.load(task.path)
    # Before the network is loaded: a set of files that do not fit fails at once.
    notes = (*clip.notes, *check_fit(job.checkpoint.config, clip, job.joint_names))
    model, sums, misfits = _model(job.checkpoint.path, job.version), {}, {}
    for spec in job.specs:
        try:
            sums[spec] = sums_of(model, clip, spec, job.seed + task.number, job.joint_names)
        except SpecError as error:
            # Too short for this SPEC; it may be long enough for the others.
            misfits[spec] = error.source, error.problem, error.expected, error.cure
    return Measured(clip.name, len(clip), notes, sums, misfits)


# A process loads a network once, not for each file.
@lru_cache(maxsize=1)
def _model(path: Path, version: Version) -> "MaskedMotionModel":
    from mmm.checkpoints import load_model

    return load_model(path)


def measure_files(
    job: Job, paths: Sequence[Path], ray: str | None = None
) -> tuple[list[Measured], list[Failure]]:
    """Measure files in this process, or on Ray, where results are kept for the next run.

    Returns:
        What could be measured and what could not, each in the order of the files.

    Raises:
        MMMError: Ray is not installed, or does not answer.
    """
    tasks = [Task(path, number) for number, path in enumerate(paths)]
    threads = torch_threads()
    done, keys = _kept(job, tasks, threads) if ray is not None else ({}, {})
    missing = [task for task in tasks if task.number not in done]
    kept = Kept("evaluate")
    batch = run(
        partial(measure, job), missing, ray=ray, threads=threads, title="clips", done=len(done)
    )
    outcomes: dict[int, Measured | Failure] = dict(done)
    for place, outcome in batch:
        number = missing[place].number
        outcomes[number] = outcome
        if number in keys and isinstance(outcome, Measured):
            kept.add(keys[number], asdict(outcome))
    # Tasks end in any order, but sums are added in the order of the files: the same bits each time.
    inorder = [outcomes[number] for number in sorted(outcomes)]
    return (
        [outcome for outcome in inorder if isinstance(outcome, Measured)],
        [outcome for outcome in inorder if isinstance(outcome, Failure)],
    )


def _kept(
    job: Job, tasks: Sequence[Task], threads: int
) -> tuple[dict[int, Measured], dict[int, str]]:
    """What earlier runs kept, by the tasks' numbers, and the keys under which to keep results."""
    code = code_version(_DECIDING)
    earlier, done, keys = Kept("evaluate").read(), dict[int, Measured](), dict[int, str]()
    for task in tasks:
        try:
            mark = stamp(task.path)
        # Reading it will say what is wrong with the file.
        except OSError:
            continue
        keys[task.number] = key_of(
            (code, job.version, repr(job.load), tuple(job.specs), job.seed + task.number),
            (sorted(job.joint_names.items()), threads, mark),
        )
        if (values := earlier.get(keys[task.number])) is not None:
            done[task.number] = _from_json(values)
    return done, keys


def _from_json(values: Mapping[str, Any]) -> Measured:
    from mmm.evaluation.evaluate import Sums

    # JSON has lists where these have tuples.
    sums = {
        spec: {
            method: Sums(row["frames"], tuple(row["total"]), tuple(row["count"]))
            for method, row in methods.items()
        }
        for spec, methods in values["sums"].items()
    }
    misfits = {spec: tuple(parts) for spec, parts in values["misfits"].items()}
    return Measured(values["clip"], values["frames"], tuple(values["notes"]), sums, misfits)


def rows_of(job: Job, measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """The rows that :func:`mmm.evaluate` gives for the clips.

    Raises:
        SpecError: a SPEC is malformed or fits none of them.
    """
    from mmm.evaluation.evaluate import pooled

    rows = []
    # By SPEC, then by file: the order in which the library's own function measures.
    for spec in job.specs:
        clips = [each.sums[spec] for each in measured if spec in each.sums]
        misfits = [each.misfits[spec] for each in measured if spec in each.misfits]
        if misfits and not clips:
            # The same one as the library raises.
            raise SpecError(*misfits[-1])
        rows += pooled(spec, clips)
    return rows
