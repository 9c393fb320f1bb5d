"""Windows of motion for the benchmarks: cut from clips, moved to the origin, and turned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

# The frame rate of LAFAN1. Other recordings are resampled to it.
FPS = 30.0
PAST = 10
"""Known frames before the gap."""
TEST_CUT = (65, 40)
"""Length of a test window and distance to the next one, in frames."""
TRAIN_CUT = (50, 20)
"""The same for the training windows that the statistics are computed from."""
CHUNK = 128
"""Windows that are processed at once, which bounds the memory."""


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
        """The windows as a method may see them: frames up to the target, with the last known frame
        repeated in the gap."""
        rotations, root_m = (
            values[:, : PAST + gap + 1].copy() for values in (self.rotations, self.root_m)
        )
        # The last known pose, because zero matrices are no rotations and would break a method.
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
        # Parents stand before their children, so one pass reaches every joint.
        for j, parent in enumerate(self.skeleton.parents[1:], start=1):
            world[:, :, j] = world[:, :, parent] @ self.rotations[:, :, j]
            bone = world[:, :, parent] @ self.offsets_m[:, None, j, :, None]
            positions[:, :, j] = positions[:, :, parent] + bone[..., 0]
        return positions, world


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
    rotations = np.stack([clip.motion.rotations[start : start + size] for clip, start in places])
    root_m = np.stack([clip.motion.root_m[start : start + size] for clip, start in places])
    # Height stays: it says how far the body is above the floor.
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
    # The root alone, because the other rotations are relative to it.
    rotations[:, :, 0] = turn[:, None] @ rotations[:, :, 0]
    return replace(windows, root_m=(turn[:, None] @ root_m[..., None])[..., 0])


def facing(windows: Windows) -> Float[Array, "B 3"]:
    """Where the hips face in frame 9.

    On LAFAN1's body the published code takes the hips' own Y axis. The axes of other bodies differ,
    so there it is the horizontal direction at right angles to the line between the thighs, which
    agrees on LAFAN1's body within half a degree for standing poses. Bodies without thighs are not
    turned.
    """
    skeleton = windows.skeleton
    if is_lafan1(skeleton):
        return windows.rotations[:, PAST - 1, 0, :, 1]
    # The first joint of the leg with a bone and a mirror image. Some skeletons begin a leg with a
    # joint of length zero at the hips.
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
    # Left x up is forward in a right-handed world.
    return np.cross(to_left, [0, 1, 0]).astype(np.float32)


def is_lafan1(skeleton: Skeleton) -> bool:
    """Whether this is the body of LAFAN1: 22 joints whose thighs lie along the hips' Z, the knees
    along X."""
    names = skeleton.names
    if len(names) != 22 or names[:3] != ("Hips", "LeftUpLeg", "LeftLeg") or "LeftToe" not in names:
        return False
    # Names alone do not tell: other sets use the same ones with other axes.
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
