"""What ``mmm convert`` does to a file, and to all files of a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmm.batches.kept import Kept, key_of
from mmm.batches.run import Failure, FileTask, run
from mmm.cli.options import ClipOptions
from mmm.errors import FileError
from mmm.evaluation.measurements import code_version
from mmm.io import load_clip
from mmm.io.files import motion_files, stamp

_DECIDING = ("io", "motion", "music", "viewer", "cli")
"""Parts of the package whose code decides what is written."""


@dataclass(frozen=True)
class Task(FileTask):
    """A file and what it becomes."""

    target: Path


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    frames: int
    fps: float
    joints: int
    notes: tuple[str, ...]
    """What the reader had to do to it."""
    size: int
    changed_ns: int
    """When it was written: another program may change it later."""


@dataclass(frozen=True)
class Conversion:
    """How files are read and changed."""

    options: ClipOptions
    onto: Path | None
    joint_names: Mapping[str, str]
    onto_joint_names: Mapping[str, str]

    def write(self, task: Task) -> Written:
        """Convert one file.

        Raises:
            MMMError: it cannot be read, or the target's format cannot hold it.
        """
        clip = self.options.read(task.path)
        if self.onto is not None:
            # Imported here: few conversions retarget, and it needs SciPy.
            from mmm.motion.retargeting.retarget import retarget

            clip = retarget(
                clip,
                load_clip(self.onto),
                joint_names=self.joint_names,
                onto_joint_names=self.onto_joint_names,
            )
        # Imported here: most conversions write motion, and films need Pillow and an encoder.
        from mmm.viewer.save import save

        save(clip, task.target)
        # Size and time tell a later run whether the file is still the written one.
        facts, motion = task.target.stat(), clip.motion
        return Written(
            len(clip),
            motion.fps,
            len(motion.skeleton),
            clip.notes,
            facts.st_size,
            facts.st_mtime_ns,
        )

    def key(self, task: Task) -> str:
        """Changes with all that decides the written file, and with its place."""
        named = (self.options.music, self.options.asf, self.onto)
        return key_of(
            (code_version(_DECIDING), stamp(task.path), str(task.target.resolve())),
            # One that is missing is told by whoever reads it.
            [stamp(path) for path in named if path is not None and path.is_file()],
            self.options,
            (sorted(self.joint_names.items()), sorted(self.onto_joint_names.items())),
        )


@dataclass(frozen=True)
class Outcome:
    """What became of a folder."""

    written: Sequence[Written]
    failures: Sequence[Failure]
    earlier: int
    """How many of the written files an earlier run wrote."""


def convert_folder(
    job: Conversion, source: Path, target: Path, suffix: str, ray: str | None = None
) -> Outcome:
    """Convert all files of a folder and of those in it, into a folder of the same layout.

    Raises:
        MMMError: no file of it can be converted, or Ray does not answer.
    """
    tasks, failures = _plan(source, target, suffix)
    kept = Kept("convert")
    earlier, written = kept.read(), dict[int, Written]()
    # Before the keys: a new folder may change the time of the one above it.
    for task in tasks:
        task.target.parent.mkdir(parents=True, exist_ok=True)
    keys = [job.key(task) for task in tasks]
    for number, (task, key) in enumerate(zip(tasks, keys, strict=True)):
        if key in earlier and (former := _still_there(task, earlier[key])) is not None:
            written[number] = former
    done, missing = len(written), [n for n in range(len(tasks)) if n not in written]
    batch = run(job.write, [tasks[number] for number in missing], ray=ray, done=done)
    late: dict[int, Failure] = {}
    for place, outcome in batch:
        number = missing[place]
        if isinstance(outcome, Failure):
            late[number] = outcome
        else:
            written[number] = outcome
            # At once, so that an interrupted run is continued from here.
            kept.add(keys[number], asdict(outcome))
    failures += [late[number] for number in sorted(late)]
    # Without any result the command fails, with the first of the reasons.
    if not written:
        raise failures[0].error
    return Outcome([written[number] for number in sorted(written)], failures, done)


def _plan(source: Path, target: Path, suffix: str) -> tuple[list[Task], list[Failure]]:
    """What each file becomes.

    Raises:
        FileError: there is no motion file, or the files would be written beside their sources.
    """
    if source.resolve().is_relative_to(target.resolve()):
        raise FileError(
            str(target), "the folder itself, or one above it", "another folder", "name a new one"
        )
    tasks: dict[Path, Task] = {}
    failures: list[Failure] = []
    # What an earlier run wrote into a folder inside this one is not converted again.
    sources = [
        path for path in motion_files(source) if target.resolve() not in path.resolve().parents
    ]
    for path in sources:
        place = target / path.relative_to(source).with_suffix(suffix)
        if place not in tasks:
            tasks[place] = Task(path, place)
            continue
        # The first one by name is written; nothing is overwritten without a word.
        taken = f"{tasks[place].path.name} becomes {place.name}, too"
        failures.append(Failure(FileError(str(path), taken, cure="convert it by itself")))
    if not tasks:
        raise FileError(str(source), "no motion file in this folder", cure="name another one")
    return list(tasks.values()), failures


def _still_there(task: Task, values: Mapping[str, object]) -> Written | None:
    """What an earlier run wrote; None where it is gone or has changed since."""
    try:
        facts = task.target.stat()
    except OSError:
        return None
    if (facts.st_size, facts.st_mtime_ns) != (values["size"], values["changed_ns"]):
        return None
    return Written(**{**values, "notes": tuple(values["notes"])})  # type: ignore[arg-type]
