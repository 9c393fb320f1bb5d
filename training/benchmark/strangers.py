"""Continuations of recordings that no network here was trained on, beside the recordings.

Every figure has one definition for people and for methods. Energies are mean squared joint speeds
without the root's path. They are shares of the mean of the whole recording, so that they do not
depend on how active the few seconds of the seed were.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.generation.generate import generate_clip
from mmm.generation.retrieval import stream
from mmm.generation.search import Query, Segment, searcher_of
from mmm.generation.walk import Walk
from mmm.metrics import dance as dm
from mmm.metrics.dance_features import Reference, kinetic_features
from mmm.metrics.geometric_features import geometric_features
from mmm.metrics.naturalness import foot_skate_cm_s
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion
from mmm.motion.roles import ROLES
from training.data.dataset import MotionSet

Array = np.ndarray

SEED_S = 2.0
WINDOW_S = 5.0
"""Features of generated and recorded motion are taken over windows of this length."""
LOW, HIGH = 0.3, 3.0
"""A second is outside if its share of the recording's mean energy leaves this range."""
NEAREST_ACTIVITY = 0.35
"""Weight of the squared difference in log energy in plain motion matching."""
Method = Callable[[Motion, int, int], Motion]
"""Takes a seed, a number of frames and a random seed; returns the frames after the seed."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording of joint roles."""

    source: str
    """Name of the set that it comes from."""
    name: str
    motion: Motion

    @property
    def prefix_frames(self) -> int:
        """Length of the seed."""
        return round(SEED_S * self.motion.fps)

    @property
    def seed(self) -> Motion:
        """The first seconds of the recording."""
        return self.motion.crop(0, self.prefix_frames)

    def truth(self, frames: int) -> Motion:
        """The recorded frames after the seed, at most ``frames``."""
        stop = min(len(self.motion), self.prefix_frames + frames)
        return self.motion.crop(self.prefix_frames, stop)


def recordings(sets: Sequence[Path], each: int, least_s: float = 6.0) -> list[Recording]:
    """Recordings spread evenly over the test splits of prepared sets of joint roles.

    Args:
        sets: folders of prepared sets, or of one split.
        each: number of recordings of each set, at most.
        least_s: shorter recordings are left out.

    Raises:
        FileError: a set has no recording of that length.
    """
    cases = []
    for folder in sets:
        split = folder / "test" if (folder / "test").is_dir() else folder
        stored = MotionSet(split)
        fps = stored.fps or 30.0
        long = [entry for entry in stored.clips if entry["frames"] >= least_s * fps]
        if not long or stored.skeleton is None:
            raise FileError(
                str(split), f"no recording of {least_s:g} s", "longer recordings", "leave it out"
            )
        # Spread over the split, since neighbours in it are often takes of one session.
        places = np.unique(np.linspace(0, len(long) - 1, min(each, len(long))).astype(int))
        for entry in (long[place] for place in places):
            clip = stored.clip_of(entry)
            cases.append(Recording(folder.name, clip.name, clip.motion))
    return cases


def second_energies(motion: Motion) -> Float[Array, "S"]:
    """Mean squared joint speed against the root in every second, m²/s²."""
    points = motion.positions().astype(np.float64)
    steps = np.diff(points - points[:, :1], axis=0) * motion.fps
    energy = (steps**2).sum(-1).mean(-1)
    length = round(motion.fps)
    # A last part of a second is left out: its mean would count as much as a whole one.
    seconds = max(1, len(energy) // length)
    return np.array([energy[k * length : (k + 1) * length].mean() for k in range(seconds)])


def figures(after: Motion, recording: Recording) -> dict[str, float]:
    """The figures of one continuation, generated or recorded."""
    # A person may stand still in the seed and run later, so the whole recording is the scale.
    usual = max(float(second_energies(recording.motion).mean()), 1e-6)
    shares = second_energies(after) / usual
    points, floor = after.positions().astype(np.float64), recording.motion.floor_m()
    lowest = points[..., 1].min(axis=1) - floor
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1).max(axis=1) * after.fps
    jerk = np.linalg.norm(np.diff(points, n=3, axis=0), axis=-1) * after.fps**3
    head = ROLES.index("head")
    stature = float(np.median(recording.seed.positions()[:, head, 1])) - floor
    return {
        "outside": float(((shares < LOW) | (shares > HIGH)).mean()),
        "energy": float(shares.mean()),
        "failed": float(not LOW <= shares.mean() <= HIGH),
        "still_s": dm.longest_still_s(after, usual),
        # Percentiles and not extremes, so that one jump does not decide.
        "floor_cm": float(np.percentile(lowest, 95)) * 100,
        "under_cm": max(0.0, -float(np.percentile(lowest, 1)) * 100),
        "head": float(np.median(points[:, head, 1]) - floor) / max(stature, 1e-3),
        "skate_cm_s": foot_skate_cm_s(after) or 0.0,
        "jerk": float(jerk.mean()),
        "top_m_s": float(np.percentile(speed, 99)),
    }


MEANS = ("outside", "energy", "failed", "still_s")
"""Figures that are means over runs; the others are medians, which are robust to outliers."""


def windows(motions: Sequence[Motion]) -> Iterator[Motion]:
    """Pieces of one length, so that features do not depend on the length of the motions."""
    for motion in motions:
        length = round(WINDOW_S * motion.fps)
        for start in range(0, len(motion) - length + 1, length):
            yield motion.crop(start, start + length)


def row(
    motions: Sequence[Sequence[Motion]],
    cases: Sequence[Recording],
    references: Sequence[Recording],
) -> dict[str, Any]:
    """The figures of one method.

    Args:
        motions: the continuations of each recording, one for each random seed.
        cases: the recordings.
        references: recordings of the same sets, whose features are the reference of the FID.
    """
    each = [
        figures(motion, case) for many, case in zip(motions, cases, strict=True) for motion in many
    ]
    result: dict[str, Any] = {
        key: round(float((np.mean if key in MEANS else np.median)([run[key] for run in each])), 3)
        for key in each[0]
    }
    pieces = list(windows([motion for many in motions for motion in many]))
    real = list(windows([case.motion for case in references]))
    for name, features in (("kinetic", kinetic_features), ("geometric", geometric_features)):
        reference = Reference.of([features(motion) for motion in real])
        result[f"fid_{name}"] = round(reference.distance([features(m) for m in pieces]), 2)
    apart = [_apart_cm(many) for many in motions if len(many) > 1]
    result["apart_cm"] = round(float(np.mean(apart)), 1) if apart else None
    result["runs"] = len(each)
    return result


class NearestWalk(Walk):
    """Plain motion matching: the nearest state, with activity as the only other term.

    It needs no training. Every method is measured against it.
    """

    def next(self, query: Query, last: Segment | None) -> Segment:
        """The nearest place except the one that was just played."""
        searcher = self.searcher
        costs = (
            searcher.distances(query) + NEAREST_ACTIVITY * (searcher.next - self.mean_activity) ** 2
        )
        costs[:, ~searcher.open] = np.inf
        # Otherwise a cyclic movement could repeat one piece for ever.
        if last is not None:
            near = (searcher.take == last.take) & (abs(searcher.frame - last.start) < 3)
            costs[:, near] = np.inf
        mirrored, place = divmod(int(costs.argmin()), len(searcher.take))
        start = float(searcher.frame[place])
        return Segment(int(searcher.take[place]), start, bool(mirrored), follows=False)


def matching(library: Path) -> Method:
    """The method of plain motion matching over a library."""

    def method(seed: Motion, frames: int, number: int) -> Motion:
        rng = np.random.default_rng(number)
        pieces = stream(searcher_of(library), seed, frames, rng=rng, walk_type=NearestWalk)
        return _joined([piece for piece, _ in pieces])

    return method


def network(model: MaskedMotionModel) -> Method:
    """The method of generating with a checkpoint."""

    def method(seed: Motion, frames: int, number: int) -> Motion:
        clip, prefix = Clip("seed", seed), len(seed)
        made = generate_clip(model, clip, prefix_frames=prefix, frames=frames, random_seed=number)
        return made.generated

    return method


def _joined(parts: Sequence[Motion]) -> Motion:
    return replace(
        parts[0],
        rotations=np.concatenate([part.rotations for part in parts]),
        root_m=np.concatenate([part.root_m for part in parts]),
    )


def _apart_cm(motions: Sequence[Motion]) -> float:
    """Diversity of the continuations of one seed: mean joint distance relative to the root, cm."""
    points = [motion.positions() - motion.positions()[:, :1] for motion in motions]
    pairs = [
        np.linalg.norm(points[i] - points[j], axis=-1).mean()
        for i in range(len(points))
        for j in range(i)
    ]
    return float(np.mean(pairs)) * 100
