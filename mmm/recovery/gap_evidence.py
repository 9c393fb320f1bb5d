"""Evidence about each gap, from known frames, network and curves: the input of the gap gate.

All of it is computed from motions whose hidden entries are filled, so nothing hidden can reach it.
Lengths are in leg lengths, so that bodies of any size can be compared, and most numbers are
logarithms.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.models.calibration import ROLE_PARTS
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLES

Array = np.ndarray

END_S = 0.1
"""Known frames within this many seconds give the speed at the end of a gap."""
AROUND_S = 0.5
"""Known frames within this many seconds give the activity around a gap."""
_LEG_BONES = [
    ROLES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")
]
_PAIRS = ((0, 1), (0, 2), (1, 2))
"""Network, inertial and slerp, two at a time."""
_PARTS = np.array([[part == name for name in ("trunk", "arms", "legs")] for part in ROLE_PARTS])


@dataclass(frozen=True, eq=False)
class GapEvidence:
    """Evidence at every frame; meaningful where something is hidden."""

    rotation: Float[Array, "T R D"]
    root: Float[Array, "T E"]
    body: Float[Array, "T B"]


@dataclass(frozen=True, eq=False)
class _Gaps:
    """The gap that each entry lies in."""

    before: Int[Array, "T R"]
    """The last known frame, -1 where there is none."""
    after: Int[Array, "T R"]
    """The next known frame, T where there is none."""

    @staticmethod
    def of(hidden: Bool[Array, "T R"]) -> "_Gaps":
        frame = np.arange(len(hidden))[:, None]
        before = np.maximum.accumulate(np.where(hidden, -1, frame), axis=0)
        after = np.minimum.accumulate(np.where(hidden, len(hidden), frame)[::-1], axis=0)[::-1]
        return _Gaps(before, after)

    @property
    def open(self) -> Bool[Array, "T R"]:
        """Whether one side has no known frame."""
        return np.asarray((self.before < 0) | (self.after == len(self.before)))

    @property
    def of_pelvis(self) -> "_Gaps":
        """The gaps of the pelvis alone, which the root shares."""
        return _Gaps(self.before[:, :1], self.after[:, :1])

    def distances(self, fps: float) -> tuple[Float[Array, "T R"], Float[Array, "T R"]]:
        """Log distance to the nearest known frame: in seconds, and as a share of half the gap."""
        frame = np.arange(len(self.before))[:, None]
        back, ahead = frame - self.before, self.after - frame
        # In an open gap only one side has known frames.
        near = np.where(
            self.before < 0,
            ahead,
            np.where(self.after == len(frame), back, np.minimum(back, ahead)),
        )
        half = np.maximum(self.after - self.before, 1) / 2
        return _log(near / fps, 0.1), _log(near / half, 0.2)

    def inside(self, values: Float[Array, "T R"]) -> Float[Array, "T R"]:
        """The mean over the gap of each entry."""
        # Differences of cumulative sums, whose cost does not depend on the number of gaps.
        sums = np.concatenate([np.zeros_like(values[:1]), values.cumsum(axis=0)])
        total = _at(sums, self.after) - _at(sums, np.minimum(self.before + 1, self.after))
        return total / np.maximum(self.after - self.before - 1, 1)

    def beside(
        self, steps: Float[Array, "S R"], count: int
    ) -> tuple[Float[Array, "T R"], Float[Array, "T R"]]:
        """The mean of ``count`` steps between frames before each gap, and after it.

        If one side has no steps, the mean of the other side is used for both.
        """
        last = len(steps)
        sums = np.concatenate([np.zeros_like(steps[:1]), steps.cumsum(axis=0)])
        ends = np.clip(self.before, 0, last), np.minimum(self.after + count, last)
        starts = np.clip(self.before - count, 0, last), np.minimum(self.after, last)
        counts = [end - start for start, end in zip(starts, ends, strict=True)]
        means = [
            (_at(sums, end) - _at(sums, start)) / np.maximum(number, 1)
            for start, end, number in zip(starts, ends, counts, strict=True)
        ]
        return np.where(counts[0] > 0, *means), np.where(counts[1] > 0, *means[::-1])


@dataclass(frozen=True, eq=False)
class _Speeds:
    """Speeds in the known frames around each gap."""

    fast: Float[Array, "T R"]
    """At the faster end of the gap."""
    slow: Float[Array, "T R"]
    """At the slower end of the gap."""
    around: Float[Array, "T R"]
    """The mean of both sides."""

    @staticmethod
    def of(gaps: _Gaps, steps: Float[Array, "S R"], fps: float) -> "_Speeds":
        near, far = (max(round(seconds * fps), 1) for seconds in (END_S, AROUND_S))
        before, after = gaps.beside(steps * fps, near)
        both = gaps.beside(steps * fps, far)
        return _Speeds(
            np.maximum(before, after),
            np.minimum(before, after),
            (both[0] + both[1]) / 2,
        )


def gap_evidence(
    network: Motion,
    inertial: Motion,
    slerp: Motion,
    hidden: Bool[Array, "T R"],
    expected_m: Float[Array, "T"],
) -> GapEvidence:
    """The evidence about every gap.

    Args:
        network: the roles as the network recovers them.
        inertial: the same clip, filled by that curve.
        slerp: the same clip, filled by that curve.
        hidden: (T,R) bool, of each role.
        expected_m: the error that the network expects of each frame, metres.
    """
    motions, gaps = (network, inertial, slerp), _Gaps.of(hidden)
    # Leg length, by which networks on roles measure bodies too.
    bones_m = np.linalg.norm(slerp.skeleton.offsets_m[_LEG_BONES], axis=-1)
    legs_m = max(float(bones_m.sum()) / 2, 1e-3)
    role, turns = _of_roles(motions, gaps)
    root, path = _of_root(motions, gaps.of_pelvis, legs_m)

    def over_hidden(values: Float[Array, "T R"]) -> Float[Array, "T"]:
        return np.asarray((values * hidden).sum(axis=1) / np.maximum(hidden.sum(axis=1), 1))

    def in_gaps(metres: Float[Array, "T"]) -> Float[Array, "T"]:
        spread = np.repeat(metres[:, None].astype(np.float64), hidden.shape[1], axis=1)
        return over_hidden(gaps.inside(spread)) / legs_m

    # Distances between the methods' joint positions grow with their uncertainty.
    places = [motion.positions() for motion in motions]
    apart = [np.linalg.norm(places[a] - places[b], axis=-1).mean(axis=-1) for a, b in _PAIRS]
    body = np.stack(
        [
            _log(over_hidden((gaps.after - gaps.before) / slerp.fps), 1e-3),
            over_hidden(gaps.open.astype(float)),
            _log(in_gaps(expected_m), 5e-4),
            *(_log(in_gaps(metres), 1e-3) for metres in apart),
            *(_log(over_hidden(degrees), floor) for degrees, floor in turns),
            *path,
            hidden.mean(axis=1),
        ],
        axis=1,
    )
    place = np.stack(gaps.distances(slerp.fps), axis=-1)
    spread = np.repeat(body[:, None], hidden.shape[1], axis=1)
    return GapEvidence(
        np.concatenate([role, spread, place], axis=-1),
        np.concatenate([root, body, place[:, 0]], axis=1),
        body,
    )


def _of_roles(
    motions: tuple[Motion, Motion, Motion], gaps: _Gaps
) -> tuple[Float[Array, "T R D"], list[tuple[Float[Array, "T R"], float]]]:
    """Evidence of each role; and, for the body, two angles (degrees, floor of the logarithm)."""
    # Slerp agrees with the known frames, and adds no movement of its own beside them.
    filled = motions[2].rotations
    speeds = _Speeds.of(gaps, _degrees(filled[:-1], filled[1:]), motions[2].fps)
    # An open gap has no frames at one end to compare with; its distance counts as zero.
    closed = ~gaps.open
    ends = (np.where(closed, frames, 0) for frames in (gaps.before, gaps.after))
    between = _degrees(*(np.take_along_axis(filled, e[..., None, None], axis=0) for e in ends))
    differences = (
        gaps.inside(_degrees(motions[a].rotations, motions[b].rotations)) for a, b in _PAIRS
    )
    rows = [
        _log(speeds.fast, 3.0),
        _log(speeds.slow, 3.0),
        _log(speeds.around, 3.0),
        _log(between * closed, 2.0),
        *(_log(degrees, 0.5) for degrees in differences),
        *np.repeat(_PARTS.T[:, None].astype(float), len(filled), axis=1),
    ]
    return np.stack(rows, axis=-1), [(speeds.around, 3.0), (between * closed, 2.0)]


def _of_root(
    motions: tuple[Motion, Motion, Motion], pelvis: _Gaps, legs_m: float
) -> tuple[Float[Array, "T E"], list[Float[Array, "T"]]]:
    """Evidence of the root, and three of its columns for the body."""
    path = motions[2].root_m / legs_m
    steps = np.linalg.norm(np.diff(path, axis=0), axis=-1)[:, None].astype(np.float64)
    speeds = _Speeds.of(pelvis, steps, motions[2].fps)
    closed = ~pelvis.open
    start, end = (np.where(closed, frames, 0)[:, 0] for frames in (pelvis.before, pelvis.after))
    between = np.linalg.norm(path[end] - path[start], axis=-1)[:, None] * closed
    differences = (
        np.linalg.norm(motions[a].root_m - motions[b].root_m, axis=-1)[:, None] / legs_m
        for a, b in _PAIRS[:1] + _PAIRS[2:]
    )
    fast, slow, around = (_log(v, 0.05) for v in (speeds.fast, speeds.slow, speeds.around))
    apart = _log(between, 0.03)
    rows = [fast, slow, around, apart, *(_log(pelvis.inside(d), 0.01) for d in differences)]
    return np.concatenate(rows, axis=1), [around[:, 0], apart[:, 0], fast[:, 0]]


def _degrees(first: Float[Array, "*b 3 3"], second: Float[Array, "*b 3 3"]) -> Float[Array, "*b"]:
    cosine = (np.einsum("...ij,...ij->...", first, second, dtype=np.float64) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _log(values: Array, floor: float) -> Array:
    # The floor keeps the logarithm finite, and small values from counting as large differences.
    return np.log(values + floor)


def _at(values: Array, frames: Int[Array, "T R"]) -> Array:
    return np.take_along_axis(values, frames, axis=0)
