"""One file after another into arrays on disk; what was converted before is not converted again."""

import hashlib
import json
import multiprocessing
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from data.sources.files import SourceFile
from mmm.errors import MMMError
from mmm.framerate import at_frame_rate
from mmm.io.aist import read_aist
from mmm.io.amc import read_amc
from mmm.io.bvh import read_bvh
from mmm.io.files import write_atomically
from mmm.motion import Clip, Motion
from mmm.music import load_music
from mmm.rotations import geodesic_angle, matrix_to_sixd

Array = np.ndarray

VERSION = 1
"""Raised whenever the arrays would come out otherwise, so that older ones are made again."""
_LEAD_DEG, _LEAD_TIMES, _LEAD_LOOK = 5.0, 5.0, 60


@dataclass(frozen=True)
class Task:
    """One file and what to make of it."""

    file: SourceFile
    fps: float
    cache: Path
    """Folder of finished arrays."""
    unit_m: float | None = None
    drop_lead: bool = False
    """Leave out a first frame that is a pose put before the movement."""
    music: Path | None = None
    tempo_bpm: float | None = None

    @property
    def stored(self) -> Path:
        """Where the arrays lie once they are made: a name that changes with the file and with every option."""
        key = [VERSION, self.file.stamp, self.fps, self.unit_m, self.drop_lead, self.tempo_bpm]
        if self.music is not None:
            facts = self.music.stat()
            key += [str(self.music.resolve()), facts.st_size, facts.st_mtime_ns]
        return self.cache / f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.npz"


@dataclass(frozen=True)
class Converted:
    """What became of one file."""

    label: str
    stored: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    """``frames``, ``names`` and ``parents`` of the joints, ``moved_m``, ``digest``, ``notes``, ``tempo_bpm``."""
    error: str = ""
    """Why it could not be read, on one line."""

    @property
    def skeleton(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names and parents of the joints."""
        return tuple(self.facts["names"]), tuple(self.facts["parents"])

    def array(self, name: str) -> Array:
        """``rotations`` (T,J,6) float16, ``root_m`` (T,3), ``offsets_m`` (J,3) or ``music`` (T,35), float32."""
        with np.load(self.stored, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])


def convert(task: Task) -> Converted:
    """Read one file, bring it to the frame rate, store its arrays. Whatever goes wrong is told, never raised."""
    label = task.file.label
    try:
        arrays, facts = _arrays_of(task)
        written = {**arrays, "facts": np.array(json.dumps(facts))}
        write_atomically(task.stored, lambda file: np.savez(file, **written))  # type: ignore[arg-type]
        return Converted(label, task.stored, facts)
    except MMMError as error:
        return Converted(label, task.stored, error=str(error).replace(str(task.file.path), label))
    except Exception as error:  # a bug of ours, or no memory left: one file must not stop the others
        return Converted(label, task.stored, error=" ".join(f"{label}: {type(error).__name__}: {error}".split()))


def _read(task: Task) -> Clip:
    """The motion alone: sound that happens to lie beside it is not listened to."""
    path = task.file.path
    if path.suffix.lower() == ".pkl":
        return read_aist(path)
    return read_amc(path, None, task.unit_m) if path.suffix.lower() == ".amc" else read_bvh(path, task.unit_m)


def _arrays_of(task: Task) -> tuple[dict[str, Array], dict[str, Any]]:
    clip = _read(task)
    notes = list(clip.notes)
    if task.drop_lead and starts_with_a_pose(clip.motion):
        clip = clip.crop(1, len(clip))
        notes.append("The first frame is a pose put before the movement; it is left out.")
    motion = at_frame_rate(clip, task.fps).motion
    rotations = matrix_to_sixd(motion.rotations).astype(np.float16)
    arrays = {"rotations": rotations, "root_m": motion.root_m, "offsets_m": motion.skeleton.offsets_m}
    state = hashlib.blake2b(rotations.tobytes() + motion.root_m.tobytes(), digest_size=16)
    facts: dict[str, Any] = {
        "frames": len(motion), "names": list(motion.skeleton.names), "parents": list(motion.skeleton.parents),
        "moved_m": round(float(np.ptp(motion.positions(), axis=0).max()), 4), "digest": state.hexdigest(),
        "notes": notes,
    }
    if task.music is not None:
        music = load_music(task.music, task.fps, len(motion), task.tempo_bpm, task.cache / "music")
        arrays["music"] = music.features
        facts["tempo_bpm"] = task.tempo_bpm or music.tempo_bpm
    return arrays, facts


def starts_with_a_pose(motion: Motion) -> bool:
    """Whether frame 0 is no part of the movement: CMU's BVH files, for one, begin with a T-pose.

    It is told by the jump to frame 1, over all joints, against the largest of the next second or two.
    """
    if len(motion) < 4:
        return False
    start = motion.rotations[: _LEAD_LOOK + 2]
    steps: Float[Array, "T"] = np.degrees(geodesic_angle(start[:-1], start[1:])).mean(axis=1)
    return bool(steps[0] > _LEAD_DEG and steps[0] > _LEAD_TIMES * steps[1:].max())


def convert_all(tasks: Sequence[Task], jobs: int) -> tuple[list[Converted], int]:
    """Convert every file, in the given order, with a progress bar.

    Args:
        tasks: files and options.
        jobs: processes; with one, everything happens in this process.

    Returns:
        What became of each, and how many had been converted by an earlier run.
    """
    found = [_read_stored(task) for task in tasks]
    wanted = [k for k, done in enumerate(found) if done is None]
    for folder in {tasks[k].cache for k in wanted}:
        folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=len(tasks), initial=len(tasks) - len(wanted), desc="files", disable=None)
    todo = [tasks[k] for k in wanted]
    with bar:
        for k, done in _in_this_process(todo) if jobs == 1 else _in_processes(todo, jobs):
            found[wanted[k]] = done
            bar.update()
    return [done for done in found if done is not None], len(tasks) - len(wanted)


def _read_stored(task: Task) -> Converted | None:
    """The facts of an earlier run; None where there are none, or the file is damaged."""
    try:
        with np.load(task.stored, allow_pickle=False) as arrays:
            return Converted(task.file.label, task.stored, json.loads(str(arrays["facts"])))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _in_this_process(tasks: Sequence[Task]) -> Iterator[tuple[int, Converted]]:
    for k, task in enumerate(tasks):
        yield k, convert(task)


def _in_processes(
    tasks: Sequence[Task], jobs: int, work: Callable[[Task], Converted] = convert
) -> Iterator[tuple[int, Converted]]:
    """Results as they come. A process that dies (out of memory, say) takes its whole pool with it: what was not done
    by then is done again one at a time, so that the file at fault is known and the others are not lost."""
    left = dict(enumerate(tasks))
    with _pool(jobs) as pool:
        futures = {pool.submit(work, task): k for k, task in left.items()}
        for future in as_completed(futures):
            if future.exception() is None:
                del left[futures[future]]
                yield futures[future], future.result()
    waiting = list(left)
    while waiting:
        with _pool(1) as alone:
            while waiting:
                k = waiting.pop(0)
                try:
                    done = alone.submit(work, tasks[k]).result()
                except BrokenProcessPool:
                    label = tasks[k].file.label
                    yield k, Converted(label, tasks[k].stored, error=f"{label}: the process that read it died")
                    break
                yield k, done


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool that does not go on with what is waiting when the run is stopped."""
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
