"""The in-betweening protocol of LAFAN1 (Harvey et al. 2020): windows, heading, statistics, scores.

A window has 65 frames, and the next one starts 40 frames later. Its root is moved so that the mean
of its x and z is zero, and the whole turned so that the hips face X+ in frame 9. Frames 0 to 9 are
known; then comes the gap, and the first frame after it is the target, known too. No method sees
what follows the target.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.metrics import inbetweening as metrics
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton

Array = np.ndarray
Filling = tuple[Float[Array, "B G J 3 3"], Float[Array, "B G 3"]]
"""Local rotations and root positions (metres) of a gap's frames."""

FPS = 30.0
GAPS = (5, 15, 30, 45)
PAST = 10
"""Known frames before the gap."""
TEST_CUT = (65, 40)
"""Length of a test window, and how far the next one is."""
TRAIN_CUT = (50, 20)
"""The same for the windows that the statistics are taken from."""
CHUNK = 128
"""Windows that are worked on at once; bounds the memory."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one length, on skeletons with the same joints; each has its own bone lengths."""

    skeleton: Skeleton
    """Joint names and tree; the offsets are those of the first window."""
    offsets_m: Float[Array, "B J 3"]
    rotations: Float[Array, "B T J 3 3"]
    """Local, float32."""
    root_m: Float[Array, "B T 3"]
    labels: tuple[str, ...]
    """The name of each window's clip."""

    def __len__(self) -> int:
        return len(self.root_m)

    def take(self, which: slice | Int[Array, "_"]) -> "Windows":
        """Some of the windows."""
        labels = (
            self.labels[which] if isinstance(which, slice) else tuple(self.labels[i] for i in which)
        )
        return Windows(
            self.skeleton, self.offsets_m[which], self.rotations[which], self.root_m[which], labels
        )

    def chunks(self) -> Iterator["Windows"]:
        """All windows, in parts of ``CHUNK``."""
        for start in range(0, len(self), CHUNK):
            yield self.take(slice(start, start + CHUNK))

    def shown(self, gap: int) -> "Windows":
        """What a method may see: frames up to the target, where those of the gap repeat the last
        known one."""
        rotations, root_m = (
            values[:, : PAST + gap + 1].copy() for values in (self.rotations, self.root_m)
        )
        rotations[:, PAST:-1], root_m[:, PAST:-1] = (
            rotations[:, PAST - 1, None],
            root_m[:, PAST - 1, None],
        )
        return replace(self, rotations=rotations, root_m=root_m)

    def world(self) -> tuple[Float[Array, "B T J 3"], Float[Array, "B T J 3 3"]]:
        """Positions (metres) and rotations of all joints in the world."""
        world, positions = (
            np.empty_like(self.rotations),
            np.empty((*self.rotations.shape[:3], 3), np.float32),
        )
        world[:, :, 0], positions[:, :, 0] = self.rotations[:, :, 0], self.root_m
        for j, parent in enumerate(self.skeleton.parents[1:], start=1):
            world[:, :, j] = world[:, :, parent] @ self.rotations[:, :, j]
            bone = world[:, :, parent] @ self.offsets_m[:, None, j, :, None]
            positions[:, :, j] = positions[:, :, parent] + bone[..., 0]
        return positions, world


class Filler(Protocol):
    """A way of filling gaps."""

    def __call__(self, shown: Windows) -> Filling:
        """Fill the frames between the first ten and the last; their content is meaningless."""


# --- Windows --------------------------------------------------------------------------------------


def cut(clips: Sequence[Clip], size: int, hop: int) -> Windows:
    """Windows of all clips, in their order, moved to the origin and turned.

    Args:
        clips: of the same joints, at 30 frames a second.
        size: frames a window.
        hop: frames from the start of one to the next; a window that would end with the clip's last
            frame is left out, as in the published code.

    Raises:
        FileError: no clip is long enough.
    """
    places = [(clip, int(start)) for clip in clips for start in np.arange(0, len(clip) - size, hop)]
    if not places:
        raise FileError(
            f"{len(clips)} clips",
            f"none has more than {size} frames at {FPS:g} a second",
            "longer ones",
            "choose other files",
        )
    return stretches(places, size)


def stretches(places: Sequence[tuple[Clip, int]], size: int) -> Windows:
    """Windows of ``size`` frames, each from its clip and first frame, moved to the origin and
    turned."""
    rotations = np.stack([clip.motion.rotations[at : at + size] for clip, at in places])
    root_m = np.stack([clip.motion.root_m[at : at + size] for clip, at in places])
    root_m[..., [0, 2]] -= (
        root_m[..., [0, 2]].mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    )
    windows = Windows(
        places[0][0].motion.skeleton,
        np.stack([clip.motion.skeleton.offsets_m for clip, _ in places]),
        rotations,
        root_m,
        tuple(clip.name for clip, _ in places),
    )
    turn = _turn_to_x(facing(windows))
    rotations[:, :, 0] = turn[:, None] @ rotations[:, :, 0]
    return replace(windows, root_m=(turn[:, None] @ root_m[..., None])[..., 0])


def facing(windows: Windows) -> Float[Array, "B 3"]:
    """Where the hips face in frame 9.

    On LAFAN1's body the published code takes the hips' own Y axis. Other bodies' axes mean other
    things: there it is the horizontal direction at right angles to the line between the thighs,
    which on LAFAN1's body is the same to within half a degree while somebody stands. A body without
    thighs stays as it is.
    """
    skeleton = windows.skeleton
    if is_lafan1(skeleton):
        return windows.rotations[:, PAST - 1, 0, :, 1]
    thigh = next(
        (
            j
            for j in skeleton.groups.get("left_leg", ())
            if np.linalg.norm(skeleton.offsets_m[j]) > 0.01 and skeleton.mirror_index[j] != j
        ),
        None,
    )
    if thigh is None:
        return np.tile(np.array([1, 0, 0], np.float32), (len(windows), 1))
    frame = slice(PAST - 1, PAST)
    positions, _ = replace(
        windows, rotations=windows.rotations[:, frame], root_m=windows.root_m[:, frame]
    ).world()
    to_left = positions[:, 0, thigh] - positions[:, 0, skeleton.mirror_index[thigh]]
    return np.cross(to_left, [0, 1, 0]).astype(np.float32)


def is_lafan1(skeleton: Skeleton) -> bool:
    """Whether this is the body of LAFAN1: 22 joints whose thighs lie along the hips' Z, the knees
    along X."""
    names = skeleton.names
    if len(names) != 22 or names[:3] != ("Hips", "LeftUpLeg", "LeftLeg") or "LeftToe" not in names:
        return False
    hip, knee = skeleton.offsets_m[1], skeleton.offsets_m[2]
    return bool(
        abs(hip[2]) > 0.9 * np.linalg.norm(hip) and abs(knee[0]) > 0.9 * np.linalg.norm(knee)
    )


def _turn_to_x(directions: Float[Array, "B 3"]) -> Float[Array, "B 3 3"]:
    """The turn about Y that takes each direction, seen from above, to X+."""
    angle = np.arctan2(directions[:, 2], directions[:, 0]).astype(np.float64)
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0], turn[:, 1, 1] = np.sin(angle), -np.sin(angle), 1
    return turn.astype(np.float32)


# --- Scores ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation of every coordinate of every joint, which L2P is measured in."""

    mean_m: Float[Array, "J 3"]
    std_m: Float[Array, "J 3"]
    source: str
    """What they were computed from, for the report."""


def statistics(windows: Windows, source: str) -> Statistics:
    """Statistics over all frames of all windows, in one pass."""
    total: Array | float = 0.0
    squares: Array | float = 0.0
    for part in windows.chunks():
        positions = part.world()[0].astype(np.float64)
        total, squares = (
            total + positions.sum(axis=(0, 1)),
            squares + (positions**2).sum(axis=(0, 1)),
        )
    count = windows.root_m.shape[0] * windows.root_m.shape[1]
    mean = total / count
    return Statistics(np.asarray(mean), np.sqrt(np.maximum(squares / count - mean**2, 0)), source)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The frames of the gaps in world space."""

    quats: Float[Array, "B G J 4"]
    """Unit quaternions (wxyz), sign-continuous from the last known frame."""
    positions_m: Float[Array, "B G J 3"]

    def take(self, which: Int[Array, "_"]) -> "Outcome":
        """The outcome of some windows."""
        return Outcome(self.quats[which], self.positions_m[which])


def outcome(windows: Windows, filling: Filling, last_known: int = PAST - 1) -> Outcome:
    """A filling in world space; ``last_known`` is the frame before the gap."""
    rotations, root_m = filling
    # The last known frame comes first, so that all methods' quaternions start with the same signs.
    last = slice(last_known, last_known + 1)
    positions, world = replace(
        windows,
        rotations=np.concatenate([windows.rotations[:, last], rotations], axis=1),
        root_m=np.concatenate([windows.root_m[:, last], root_m], axis=1),
    ).world()
    return Outcome(metrics.unrolled_quaternions(world)[:, 1:], positions[:, 1:])


def score(truth: Outcome, other: Outcome, against: Statistics) -> dict[str, float]:
    """``l2q l2p npss``, and ``position_cm``: the mean distance over joints and frames of the
    gaps."""
    flat = [o.quats.reshape(*o.quats.shape[:2], -1) for o in (truth, other)]
    away = np.linalg.norm(truth.positions_m.astype(np.float64) - other.positions_m, axis=-1)
    return {
        "l2q": metrics.l2q(truth.quats, other.quats),
        "l2p": metrics.l2p(truth.positions_m, other.positions_m, against.mean_m, against.std_m),
        "npss": metrics.npss(*flat),
        "position_cm": float(100 * away.mean()),
    }


def benchmark(
    windows: Windows,
    fillers: dict[str, Filler],
    against: Statistics,
    groups: dict[str, Int[Array, "_"]],
    gaps: Sequence[int] = GAPS,
    progress: Callable[[int], object] = lambda _: None,
) -> list[dict[str, float | str]]:
    """Scores of every method at every gap, over all windows and over groups of them.

    Args:
        fillers: by the names that the rows have.
        groups: windows by index, by the names that the rows have; beside ``all``.
        progress: called with the number of windows filled since the last call.

    Returns:
        Rows ``group windows gap method l2q l2p npss position_cm``.
    """
    rows: list[dict[str, float | str]] = []
    everything = {"all": np.arange(len(windows)), **groups}
    for gap in gaps:
        inside = slice(PAST, PAST + gap)
        truth = _joined(
            [
                outcome(part, (part.rotations[:, inside], part.root_m[:, inside]))
                for part in windows.chunks()
            ]
        )
        for method, fill in fillers.items():
            parts = []
            for part in windows.chunks():
                parts.append(outcome(part, fill(part.shown(gap))))
                progress(len(part))
            found = _joined(parts)
            rows += [
                {
                    "group": name,
                    "windows": len(which),
                    "gap": gap,
                    "method": method,
                    **score(truth.take(which), found.take(which), against),
                }
                for name, which in everything.items()
            ]
    return rows


def _joined(parts: Sequence[Outcome]) -> Outcome:
    return Outcome(
        np.concatenate([p.quats for p in parts]), np.concatenate([p.positions_m for p in parts])
    )
