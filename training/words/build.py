"""Build the library of generation from prepared sets of joint roles."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from mmm.generation.canonical import Calibration, Poses
from mmm.generation.library import FPS, Library, library_of
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.skeleton import SMPL24
from mmm.music.features import FEATURE_SLICES
from training.data.dataset import MotionSet

CALIBRATION_FRAMES = 6000
"""A body is calibrated on at most this many frames of its longest takes."""
MIN_S = 1.5
"""Shorter stretches between two cuts are dropped, because they hold no whole piece to retrieve."""
_ANKLES = [ROLES.index("left_ankle"), ROLES.index("right_ankle")]
SMPL_FPS = 60.0
CUT_M_S = 18.0
"""A joint faster than this indicates a cut in the recording."""
LICENCE = (
    "Carnegie Mellon University motion capture database (mocap.cs.cmu.edu; created with funding "
    "from NSF EIA-0196217; free for all uses) and the motion sets of Seoul National University's "
    "Movement Research Lab (Apache-2.0); dances made by this project's own code (MIT)."
)


def build(split: Path, dances: Path | None = None, progress: bool = True) -> Library:
    """Build the library of a split of a prepared set.

    Args:
        split: folder of a split of joint roles, for example ``data/processed/common/train``.
        dances: a split of dances to music with a known tempo, for example
            ``data/processed/dance/train``.
        progress: whether to show a progress bar.
    """
    stored = MotionSet(split)
    clips = [stored.clip_of(entry) for entry in stored.clips]
    by_body: dict[int, list[int]] = {}
    for number, entry in enumerate(stored.clips):
        by_body.setdefault(entry["body"], []).append(number)
    takes: list[tuple[Poses, dict[str, object]]] = []
    # One calibration for all takes of a body: short takes alone may never bend an elbow.
    for numbers in tqdm(by_body.values(), desc="bodies", disable=not progress):
        body = _calibrate([clips[number].motion for number in numbers])
        for number in numbers:
            source = str(stored.clips[number]["source"])
            takes += [(poses, {"source": source}) for poses in _takes(clips[number].motion, body)]
    if dances is not None:
        takes += dance_takes(dances)
    return library_of(takes, LICENCE)


def dance_takes(split: Path, most: int = 150) -> list[tuple[Poses, dict[str, object]]]:
    """Poses of dances with their tempo and one beat, spread evenly over a split."""
    stored, takes = MotionSet(split), []
    assert stored.music is not None, "dances have music"
    fps = stored.fps or SMPL_FPS
    for place in np.unique(np.linspace(0, len(stored.clips) - 1, most).astype(int)):
        entry = stored.clips[place]
        motion = stored._clip(entry, entry["frames"], SMPL24, fps).motion
        rows = slice(entry["first"], entry["first"] + entry["frames"])
        beats = np.flatnonzero(stored.music[rows, FEATURE_SLICES["beat"]].numpy()[:, 0] > 0.5)
        tempo = float(entry["tempo_bpm"])
        beat = _first_beat(beats / fps, 60 / tempo) * FPS
        body = _calibrate([motion])
        for poses in _takes(motion, body):
            about = {"source": f"dance/{entry['name']}", "tempo_bpm": tempo, "beat": round(beat, 2)}
            takes.append((poses, about))
    return takes


def _first_beat(beats_s: Float[np.ndarray, "B"], period_s: float) -> float:
    """The phase of a steady beat, seconds: the circular mean of all beats."""
    # A plain mean of phases would be wrong where they lie on both sides of zero.
    turns = np.exp(2j * np.pi * beats_s / period_s)
    return float(np.angle(turns.mean()) / (2 * np.pi) % 1 * period_s)


def _calibrate(motions: list[Motion]) -> Calibration:
    """Calibrate one body on its longest takes."""
    pooled, count = [], 0
    for motion in sorted(motions, key=len, reverse=True):
        pooled.append(motion)
        count += len(motion)
        if count >= CALIBRATION_FRAMES:
            break
    joined = replace(
        pooled[0],
        rotations=np.concatenate([m.rotations for m in pooled]),
        root_m=np.concatenate([m.root_m for m in pooled]),
    )
    return Calibration.of(match_roles(joined.skeleton), joined)


def _takes(motion: Motion, body: Calibration) -> Iterator[Poses]:
    """Poses of a clip at 30 frames a second, a piece for each stretch between cuts."""
    roles = match_roles(motion.skeleton)
    motion = motion.resample(FPS)
    points = motion.positions()
    # Each clip defines its own floor, because recordings differ in height. A low percentile is used
    # instead of the minimum, because single frames may reach below the floor.
    ankles = roles.to_roles(motion).positions()[:, _ANKLES, 1].min(axis=1)
    grounded = replace(body, ankle_m=float(np.percentile(ankles, 5)))
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1).max(axis=1) * FPS
    # No piece crosses a cut, so that retrieved motion never jumps.
    edges = [0, *(np.flatnonzero(speed > CUT_M_S) + 1).tolist(), len(motion)]
    for start, stop in itertools.pairwise(edges):
        if stop - start >= MIN_S * FPS:
            yield grounded.anatomical(roles, motion.crop(start, stop))
