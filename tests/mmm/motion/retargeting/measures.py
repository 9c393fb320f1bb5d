"""How well a retargeted clip keeps what its source does; written without the library's own solver."""

from dataclasses import replace

import numpy as np

from mmm.metrics.naturalness import foot_skate_cm_s
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES


def joint(clip, role):
    return int(match_roles(clip.motion.skeleton).joints[ROLES.index(role)])


def sides(*roles):
    return [f"{side}_{role}" for side in ("left", "right") for role in roles]


def reach(clip, side):
    """The vector from shoulder to wrist in arm lengths, and the arm's length in metres."""
    shoulder, elbow, wrist = (
        clip.motion.positions()[:, joint(clip, f"{side}_{role}")]
        for role in ("shoulder", "elbow", "wrist")
    )
    length = np.linalg.norm((elbow - shoulder)[0]) + np.linalg.norm((wrist - elbow)[0])
    return (wrist - shoulder) / length, length


def hands_off_cm(source, result):
    """Distance of each hand from where the source has it, in arm lengths of the source."""
    off = []
    for side in ("left", "right"):
        (before, length), (after, _) = reach(source, side), reach(result, side)
        off.append(100 * length * np.linalg.norm(before - after, axis=1))
    return np.concatenate(off)


def slide_cm_s(clip):
    """Foot skate over the four joints that both bodies have: ankles and toes."""
    feet = tuple(joint(clip, role) for role in sides("ankle", "toe"))
    motion = clip.motion
    return foot_skate_cm_s(replace(motion, skeleton=replace(motion.skeleton, feet=feet)))
