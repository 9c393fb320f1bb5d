"""Mixes a network's recovery with the inertial curve and slerp by the weights of the gap gate.

All three agree with the known frames at both ends of a gap, and the weights change smoothly inside
it, so the mix has no jumps.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.interpolation import baselines
from mmm.models.gap_gate import SOURCES, GapGate
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.humanoid import RoleMap
from mmm.recovery.gap_evidence import gap_evidence

Array = np.ndarray


def gated(
    gate: GapGate,
    roles: RoleMap,
    given: Motion,
    hidden: Bool[Array, "T J"],
    predicted: tuple[Motion, Motion],
    expected_m: Float[Array, "T"],
    ramp: Float[Array, "T R"],
) -> tuple[Motion, Float[Array, "T"]]:
    """Mix a prediction with the curves.

    Args:
        gate: of the network's gap calibration.
        roles: of the clip's skeleton.
        given: the clip; its hidden entries are not read.
        hidden: True = hidden.
        predicted: the network's motion on the clip's skeleton, and on the roles.
        expected_m: the error that the network expects of each frame, metres.
        ramp: 0 in known frames, 1 far from them.

    Returns:
        The mix on the clip's skeleton, and for each frame the factor on the expected error.
    """
    # On the clip's own skeleton, so that each curve equals the one that ``interpolate`` returns.
    curves = curves_of(given, hidden)
    inertial, slerp = map(roles.to_roles, curves)
    evidence = gap_evidence(predicted[1], inertial, slerp, roles.role_max(hidden), expected_m)
    rotation = ramped(gate.rotation(evidence.rotation), ramp)
    root = ramped(gate.root(evidence.root), ramp[:, 0])
    motion = mixed((predicted[0], *curves), joint_weights(roles, rotation), root, hidden)
    return motion, gate.error(evidence.body)


def ramped(weights: Float[Array, "*t 3"], ramp: Float[Array, "*t"]) -> Float[Array, "*t 3"]:
    """Weights in which the share of slerp rises from zero at the known frames.

    Slerp's speed jumps at a known frame; that of the network and of the inertial curve does not.
    """
    slerp = weights[..., 2] * ramp
    return np.stack([1 - weights[..., 1] - slerp, weights[..., 1], slerp], axis=-1)


def curves_of(motion: Motion, hidden: Bool[Array, "T J"]) -> tuple[Motion, Motion]:
    """The motion with its hidden entries filled by each curve of ``SOURCES``."""
    inertial, slerp = (baselines.BASELINES[name](motion, hidden) for name in SOURCES[1:])
    return inertial, slerp


def mixed(
    motions: Sequence[Motion],
    rotation_weights: Float[Array, "T J 3"],
    root_weights: Float[Array, "T 3"],
    hidden: Bool[Array, "T J"],
) -> Motion:
    """The weighted mean of motions, at hidden entries.

    Args:
        motions: of one skeleton, in the order of ``SOURCES``.
        rotation_weights: of the rotation of each joint.
        root_weights: of the position of the root.
        hidden: where to mix; elsewhere the first motion stays.
    """
    network = motions[0]
    start = network.rotations[hidden]
    # Mean of the rotation vectors relative to the network's pose, which is near the curves' poses.
    turn = np.zeros((len(start), 3), np.float32)
    shift = np.zeros_like(network.root_m)
    for number, curve in enumerate(motions[1:], start=1):
        difference = rot.matrix_to_rotvec(np.swapaxes(start, -1, -2) @ curve.rotations[hidden])
        turn += rotation_weights[hidden][:, number, None] * difference
        shift += root_weights[:, number, None] * (curve.root_m - network.root_m)
    rotations = network.rotations.copy()
    rotations[hidden] = start @ rot.rotvec_to_matrix(turn)
    root_m = np.where(hidden[:, :1], network.root_m + shift, network.root_m)
    return replace(network, rotations=rotations, root_m=root_m)


def joint_weights(roles: RoleMap, rotation: Float[Array, "T R 3"]) -> Float[Array, "T J 3"]:
    """The weights of each joint: of its role, or of its parent where it has none, as a finger."""
    weights = np.zeros((len(rotation), len(roles.skeleton), len(SOURCES)), np.float32)
    # A joint above the pelvis without a role keeps the network's motion, which is its fill.
    weights[..., 0] = 1
    role_of = {j: r for r, movers in enumerate(roles.movers) for j in movers}
    for j, parent in enumerate(roles.skeleton.parents):
        if j in role_of:
            weights[:, j] = rotation[:, role_of[j]]
        elif parent >= 0:
            weights[:, j] = weights[:, parent]
    return weights
