"""Motions and clips made up for tests."""

import numpy as np
from scipy.spatial.transform import Rotation

from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton

TINY = Skeleton(
    names=("Hips", "Spine", "LeftArm", "RightArm", "LeftFoot", "RightFoot"),
    parents=(-1, 0, 1, 1, 0, 0),
    offsets_m=np.array(
        [[0, 0, 0], [0, 0.5, 0], [0.2, 0.1, 0], [-0.2, 0.1, 0], [0.1, -0.9, 0.1], [-0.1, -0.9, 0.1]]
    ),
)


def random_rotations(seed: int, *shape: int) -> np.ndarray:
    """Rotations spread evenly over SO(3), float32."""
    rotations = Rotation.random(int(np.prod(shape)), rng=np.random.default_rng(seed))
    return rotations.as_matrix().reshape(*shape, 3, 3).astype(np.float32)


def wild_motion(
    seed: int = 0, frames: int = 20, skeleton: Skeleton = TINY, fps: float = 30.0
) -> Motion:
    """Every frame on its own: nothing about it is smooth."""
    root_m = np.random.default_rng(seed).normal(size=(frames, 3))
    return Motion(skeleton, random_rotations(seed, frames, len(skeleton)), root_m, fps)


def smooth_motion(
    seed: int = 0, frames: int = 60, skeleton: Skeleton = SMPL24, fps: float = 60.0
) -> Motion:
    """Every joint swings as a slow sine about an axis of its own; the root wanders."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(frames)[:, None, None] / fps
    axis = rng.normal(size=(1, len(skeleton), 3)) * 0.5
    rotvec = axis * np.sin(
        2 * np.pi * (rng.uniform(0.3, 1.0, (1, len(skeleton), 1)) * time_s + rng.random())
    )
    rotations = (
        Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(frames, len(skeleton), 3, 3)
    )
    root_m = np.sin(2 * np.pi * 0.4 * time_s[:, 0] + rng.random(3)) * 0.3 + [0, 1, 0]
    return Motion(skeleton, rotations, root_m, fps)


def clip_of(frames: int = 20, skeleton: Skeleton = TINY, fps: float = 30.0) -> Clip:
    """A wild clip without music."""
    return Clip("made", wild_motion(1, frames, skeleton, fps))


def unpacked(packed, member, folder):
    """A file of an open tar archive, written into a folder; any Python from 3.11 on can do this."""
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed.extractfile(member).read())
    return path
