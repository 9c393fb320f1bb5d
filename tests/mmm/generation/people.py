"""A walker made by formulas, on SMPL's skeleton or one of other rest poses."""

from dataclasses import replace

import numpy as np

from mmm.generation.canonical import Calibration
from mmm.generation.library import Library, library_of
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24


def walker(seconds=4.0, fps=30.0, scale=1.0, hz=0.9, size=0.5, speed=1.0) -> Motion:
    """Arms and legs swing, elbows and knees bend, the pelvis goes forward along +z."""
    times = np.arange(round(seconds * fps)) / fps
    phase = 2 * np.pi * hz * times
    names = list(SMPL24.names)
    turns = np.zeros((len(times), len(names), 3))
    for side, sign in (("left", 1), ("right", -1)):
        swing = sign * np.sin(phase)
        turns[:, names.index(f"{side}_hip"), 0] = -size * swing
        turns[:, names.index(f"{side}_knee"), 0] = size * (1 + np.cos(phase + sign))
        # Arms hang down, and the elbows bend forward.
        turns[:, names.index(f"{side}_shoulder"), 2] = -sign * 1.2
        turns[:, names.index(f"{side}_elbow"), 1] = -sign * (0.5 + 0.3 * np.sin(phase))
    skeleton = replace(SMPL24, offsets_m=SMPL24.offsets_m * np.float32(scale))
    rotations = rotvec_to_matrix(turns.astype(np.float32))
    root = np.stack([0 * times, 0 * times, speed * scale * times], axis=1)
    motion = Motion(skeleton, rotations, root.astype(np.float32), fps)
    root[:, 1] = -motion.positions()[..., 1].min(axis=1)
    return replace(motion, root_m=root.astype(np.float32))


def rested(motion: Motion, seed: int) -> Motion:
    """The same movement, with each joint's axes turned by a constant of its own."""
    rng = np.random.default_rng(seed)
    turns = rotvec_to_matrix(rng.normal(size=(len(motion.skeleton), 3)).astype(np.float32))
    world = motion.world_rotations() @ turns
    offsets = motion.skeleton.offsets_m.copy()
    local = world.copy()
    for joint, parent in enumerate(motion.skeleton.parents):
        if parent >= 0:
            local[:, joint] = np.swapaxes(world[:, parent], -1, -2) @ world[:, joint]
            offsets[joint] = turns[parent].T @ motion.skeleton.offsets_m[joint]
    return replace(
        motion, skeleton=replace(motion.skeleton, offsets_m=offsets, end_sites=()), rotations=local
    )


def small_library() -> Library:
    """Walks of several paces, one of them nearly a stand."""
    takes = []
    for number, (hz, size, speed) in enumerate(
        ((0.9, 0.5, 1.0), (1.2, 0.6, 1.4), (0.6, 0.3, 0.6), (0.5, 0.02, 0.0))
    ):
        motion = walker(12.0, hz=hz, size=size, speed=speed)
        roles = match_roles(motion.skeleton)
        takes.append(
            (Calibration.of(roles, motion).anatomical(roles, motion), {"source": f"walk {number}"})
        )
    return library_of(takes, "made by formulas")
