"""Convert files to arrays on disk. Files that were converted before are taken from the cache."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.sources.files import SourceFile
from mmm.batches.run import Failure, run
from mmm.errors import MMMError, ModelError
from mmm.io.aist import read_aist
from mmm.io.amc import read_amc
from mmm.io.bvh import read_bvh
from mmm.io.files import read_bytes
from mmm.io.pickles import unpickle_arrays
from mmm.motion.clip import Clip, Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.rotations import geodesic_angle, matrix_to_sixd
from mmm.motion.skeleton import Skeleton
from mmm.music.features import at_frame_rate, load_music
from mmm.storage import write_atomically

Array = np.ndarray

VERSION = 1
"""Increased when the arrays change, so that older ones are converted again."""
ROLES_VERSION = 2
"""The same for joint roles: increased when other joints are matched."""
# Frames that are examined, and the largest number that is dropped.
_LEAD_LOOK, _LEAD_MOST = 60, 6
# In 340 files of CMU, SNU and Bandai-Namco, the first step turned joints by more than 7 degrees and
# 7.8 times the usual step where a pose precedes the movement, and by less than 5.4 times the usual
# step elsewhere.
_LEAD_DEG, _LEAD_JUMP, _LEAD_BLEND = 5.0, 6.5, 2.5


@dataclass(frozen=True)
class Task:
    """A file and the options of its conversion."""

    file: SourceFile
    fps: float
    cache: Path
    """Folder of finished arrays."""
    unit_m: float | None = None
    true_fps: float | None = None
    """The file's true frame rate, if the stated one is wrong."""
    drop_lead: bool = False
    """Drop a pose that precedes the movement."""
    roles: bool = False
    """Store the motion of the 22 joint roles, whatever the file's own skeleton."""
    music: Path | None = None
    tempo_bpm: float | None = None

    @property
    def stored(self) -> Path:
        """Path of the arrays; its name is a digest of the file and of every option."""
        # Everything that changes the arrays must be part of the key, or a stale file would be used.
        key = [
            VERSION,
            self.file.stamp,
            self.fps,
            self.unit_m,
            self.true_fps,
            self.drop_lead,
            self.tempo_bpm,
        ]
        if self.roles:
            # Only for roles, so that a new version leaves the other arrays valid.
            key.append(f"roles {ROLES_VERSION}")
        if self.music is not None:
            # Size and time instead of a digest: recordings are large, and a run checks them all.
            facts = self.music.stat()
            key += [str(self.music.resolve()), facts.st_size, facts.st_mtime_ns]
        return self.cache / f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.npz"


@dataclass(frozen=True)
class Converted:
    """The result of converting one file."""

    label: str
    stored: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    """``frames``; ``names``, ``parents`` and ``offsets_m`` of the joints; ``fps`` of the file;
    ``moved_m``, the range of the joint that travels most; ``digest``, ``notes``, and ``tempo_bpm``
    where there is music. For roles also ``present``, the roles that the file has, and ``own``, the
    number of joints and the root of its own skeleton."""
    error: str = ""
    """Why it could not be read, on one line."""
    reason: str = "cannot be read"
    """The kind of error."""

    @property
    def skeleton(self) -> Skeleton:
        """The body of the recording."""
        return Skeleton(
            tuple(self.facts["names"]),
            tuple(self.facts["parents"]),
            np.array(self.facts["offsets_m"]),
        )

    def array(self, name: str) -> Array:
        """``rotations`` (T,J,6) float16, ``root_m`` (T,3) or ``music`` (T,35), float32."""
        with np.load(self.stored, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])


def convert(task: Task) -> Converted:
    """Read one file, resample it, and store its arrays. Errors are returned, never raised."""
    label = task.file.label
    try:
        arrays, facts = _arrays_of(task)
        # The facts are stored in the same file as the arrays, so that they cannot be separated.
        written = {**arrays, "facts": np.array(json.dumps(facts))}
        write_atomically(
            task.stored,
            lambda file: np.savez(file, **written),  # type: ignore[arg-type]
        )
        return Converted(label, task.stored, facts)
    # ``match_roles`` raises this for bodies on which the roles are not found.
    except ModelError as error:
        return Converted(label, task.stored, error=str(error), reason="joint roles not found")
    except MMMError as error:
        # Files from archives lie in temporary folders, whose names tell the user nothing.
        return Converted(label, task.stored, error=str(error).replace(str(task.file.path), label))
    # A bug of ours, or no memory left; one file must not stop the others.
    except Exception as error:
        text = " ".join(f"{label}: {type(error).__name__}: {error}".split())
        return Converted(label, task.stored, error=text)


def _read(task: Task) -> Clip:
    """The motion of the file, without any sound beside it."""
    path = task.file.path
    if path.suffix.lower() == ".pkl":
        return read_aist(unpickle_arrays(read_bytes(path), str(path)), path)
    if path.suffix.lower() == ".amc":
        return read_amc(path, None, task.unit_m, task.true_fps)
    return read_bvh(path, task.unit_m, task.true_fps)


def _arrays_of(task: Task) -> tuple[dict[str, Array], dict[str, Any]]:
    clip = _read(task)
    notes = list(clip.notes)
    # Before the change of frame rate, which would blend the pose into the movement.
    lead = lead_frames(clip.motion) if task.drop_lead else 0
    if lead:
        clip = clip.crop(lead, len(clip))
        notes.append("A pose put before the movement is left out.")
    motion, body = at_frame_rate(clip, task.fps).motion, dict[str, Any]()
    # After the change of frame rate, since the file's own rotations interpolate best.
    if task.roles:
        motion, body = _in_roles(motion)
    rotations = matrix_to_sixd(motion.rotations).astype(np.float16)
    arrays = {"rotations": rotations, "root_m": motion.root_m}
    # A digest of the stored float16 values, so that files that differ only by rounding count as one.
    state = hashlib.blake2b(rotations.tobytes() + motion.root_m.tobytes(), digest_size=16)
    facts: dict[str, Any] = {
        "frames": len(motion),
        "names": list(motion.skeleton.names),
        "parents": list(motion.skeleton.parents),
        "offsets_m": np.round(motion.skeleton.offsets_m.astype(np.float64), 6).tolist(),
        "fps": clip.motion.fps,
        # The widest range of any joint along any axis.
        "moved_m": round(float(np.ptp(motion.positions(), axis=0).max()), 4),
        "digest": state.hexdigest(),
        "notes": notes,
        **body,
    }
    if task.music is not None:
        music = load_music(task.music, task.fps, len(motion), task.tempo_bpm, task.cache / "music")
        arrays["music"] = music.features
        facts["tempo_bpm"] = task.tempo_bpm or music.tempo_bpm
    return arrays, facts


def _in_roles(motion: Motion) -> tuple[Motion, dict[str, Any]]:
    roles = match_roles(motion.skeleton)
    file_body = [len(motion.skeleton), motion.skeleton.names[0]]
    return roles.to_roles(motion), {"present": roles.present.tolist(), "own": file_body}


def lead_frames(motion: Motion) -> int:
    """The number of frames at the start that are not part of the movement.

    CMU's BVH files begin with a T-pose, which is smoothed into the next frames in the salsa and
    Indian dances. It is detected by the rotation from frame to frame (mean over the joints),
    compared with that of the next one or two seconds.
    """
    start = motion.rotations[: _LEAD_LOOK + 1]
    steps: Float[Array, "T"] = np.degrees(geodesic_angle(start[:-1], start[1:])).mean(axis=1)
    if len(steps) < 2 * _LEAD_MOST:
        return 0
    # The 90th percentile, because the movement may begin with a pause.
    usual = float(np.percentile(steps[_LEAD_MOST:], 90))
    if not steps[0] > max(_LEAD_DEG, _LEAD_JUMP * usual):
        return 0
    # The first step below the blend's threshold ends the lead; the appended False limits it.
    return 1 + int(np.argmin(np.append(steps[1:_LEAD_MOST] > _LEAD_BLEND * usual, False)))


def convert_all(
    tasks: Sequence[Task], jobs: int, ray: str | None = None
) -> tuple[list[Converted], int]:
    """Convert every file, in the given order, with a progress bar.

    Args:
        tasks: files and options.
        jobs: number of processes; with one, the files are converted in this process.
        ray: the address of a Ray that converts instead; see :mod:`mmm.batches.run`.

    Returns:
        The result of each, and the number of those that an earlier run had converted.
    """
    results = [_read_stored(task) for task in tasks]
    pending = [k for k, done in enumerate(results) if done is None]
    # Made here once, because several processes might try at the same moment.
    for folder in {tasks[k].cache for k in pending}:
        folder.mkdir(parents=True, exist_ok=True)
    # Files of an earlier run count as done from the start.
    todo, finished = [tasks[k] for k in pending], len(tasks) - len(pending)
    for k, outcome in run(convert, todo, ray=ray, processes=jobs, done=finished):
        results[pending[k]] = _converted(todo[k], outcome)
    return [done for done in results if done is not None], finished


def _read_stored(task: Task) -> Converted | None:
    """The facts of an earlier run; None where there are none, or the file is damaged."""
    try:
        # The file is opened first: ``np.load`` leaves its own handle open when the zip is damaged.
        with task.stored.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Converted(task.file.label, task.stored, json.loads(str(arrays["facts"])))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _converted(task: Task, outcome: Converted | Failure) -> Converted:
    """What became of a file, also where its process died."""
    if isinstance(outcome, Converted):
        return outcome
    error = f"{task.file.label}: {outcome.error.problem}"
    return Converted(task.file.label, task.stored, error=error)
