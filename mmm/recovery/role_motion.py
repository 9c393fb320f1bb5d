"""Motions of joint roles: predicted offsets applied, static joints kept."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLE_PARENTS

Array = np.ndarray


def with_offsets(filled: Motion, offsets: Float[Array, "T _"]) -> Motion:
    """Rotate the roles in world axes and shift the pelvis.

    Args:
        filled: the roles, filled.
        offsets: 22 rotation vectors, radians, and the shift of the pelvis, metres.
    """
    vectors = offsets[:, :-3].reshape(len(offsets), -1, 3)
    world = rot.rotvec_to_matrix(vectors.astype(np.float32)) @ filled.world_rotations()
    # Offsets are in world axes, which do not depend on a rest pose; motions store local rotations.
    local = world.copy()
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        local[:, r] = np.swapaxes(world[:, parent], -1, -2) @ world[:, r]
    return Motion(filled.skeleton, local, filled.root_m + offsets[:, -3:], filled.fps)


def static_as_filled(posed: Motion, filled: Motion, moving: Float[Array, "T R"]) -> Motion:
    """Blend predicted roles towards the fill; ``moving`` is 1 for the prediction."""
    partly = (moving > 0) & (moving < 1)
    rotations = np.where((moving > 0)[..., None, None], posed.rotations, filled.rotations)
    # Only the joints between the thresholds need the logarithm, which is slow.
    if partly.any():
        start = filled.rotations[partly]
        difference = rot.matrix_to_rotvec(np.swapaxes(start, -1, -2) @ posed.rotations[partly])
        rotations[partly] = start @ rot.rotvec_to_matrix(difference * moving[partly][:, None])
    return replace(posed, rotations=rotations)
