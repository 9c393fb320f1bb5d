"""One body for all skeletons: conversions between a skeleton's own joints and the 22 roles.

A network on roles sees every skeleton as the same tree, whatever the names, number and rest pose of
its joints. Each role keeps the rest pose of its file: its rotations can be compared with other
frames of the same clip, but not with another clip's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int, Shaped

from mmm.errors import ModelError
from mmm.motion.clip import Motion
from mmm.motion.role_finding import find_roles
from mmm.motion.roles import REQUIRED, ROLE_PARENTS, ROLES, named_joints
from mmm.motion.rotations import project_to_so3
from mmm.motion.skeleton import Skeleton, ancestors

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RoleMap:
    """The joints of a skeleton by role, and conversions between both trees."""

    skeleton: Skeleton
    joints: Int[Array, "22"]
    """For each role its joint; -1 if the skeleton has none."""

    def __repr__(self) -> str:
        return f"RoleMap({int(self.present.sum())} of {len(ROLES)} roles in {self.skeleton!r})"

    @cached_property
    def present(self) -> Bool[Array, "22"]:
        """Whether the skeleton has a joint for each role."""
        return np.asarray(self.joints >= 0)

    @cached_property
    def joint_names(self) -> dict[str, str]:
        """Joint names by role, as :func:`match_roles` takes them; without absent roles."""
        return {
            role: self.skeleton.names[j]
            for role, j in zip(ROLES, self.joints, strict=True)
            if j >= 0
        }

    @cached_property
    def holders(self) -> tuple[int, ...]:
        """For each role the nearest role above it that has a joint; -1 for the pelvis."""
        holders: list[int] = []
        for parent in ROLE_PARENTS:
            holders.append(parent if parent < 0 or self.present[parent] else holders[parent])
        return tuple(holders)

    @cached_property
    def role_skeleton(self) -> Skeleton:
        """The 22 roles as a skeleton with this body's proportions, metres.

        A role without a joint coincides with its parent. Bones are measured in the rest pose, so
        they do not depend on any motion.
        """
        rest = np.zeros((len(self.skeleton), 3))
        for j, parent in enumerate(self.skeleton.parents[1:], start=1):
            rest[j] = rest[parent] + self.skeleton.offsets_m[j]
        offsets = np.zeros((len(ROLES), 3), dtype=np.float32)
        for r, holder in enumerate(self.holders):
            if holder >= 0 and self.present[r]:
                offsets[r] = rest[self.joints[r]] - rest[self.joints[holder]]
        return Skeleton(ROLES, ROLE_PARENTS, offsets)

    @cached_property
    def movers(self) -> tuple[tuple[int, ...], ...]:
        """For each role the joints that rotate it relative to the role above; empty if it has none.

        For the pelvis, all joints from the root down to it.
        """
        result = []
        for r, holder in enumerate(self.holders):
            path = (
                set(ancestors(self.skeleton.parents, int(self.joints[r])))
                if self.present[r]
                else set()
            )
            above = (
                set(ancestors(self.skeleton.parents, int(self.joints[holder])))
                if path and holder >= 0
                else set()
            )
            # The symmetric difference: if the upper role is not an ancestor (a pelvis beside the
            # spine), joints on both sides of their common ancestor rotate one relative to the
            # other.
            result.append(tuple(sorted(path ^ above)))
        return tuple(result)

    def to_roles(self, motion: Motion) -> Motion:
        """The motion of the roles.

        Args:
            motion: of this map's skeleton, or of one with the same joints and other bone lengths.

        Raises:
            ModelError: the motion has other joints.
        """
        role_map = self._for(motion.skeleton)
        world = motion.world_rotations()
        rotations = np.tile(np.eye(3, dtype=np.float32), (len(motion), len(ROLES), 1, 1))
        for r, holder in enumerate(self.holders):
            # Joints between two roles (twist bones) are skipped: only the world rotations at both
            # ends count. An absent role keeps the identity.
            if self.present[r]:
                local = world[:, self.joints[r]]
                if holder >= 0:
                    local = np.swapaxes(world[:, self.joints[holder]], -1, -2) @ local
                rotations[:, r] = local
        pelvis_m = motion.positions()[:, self.joints[0]]
        return Motion(role_map.role_skeleton, rotations, pelvis_m, motion.fps)

    def role_max(self, values: Shaped[Array, "T J"]) -> Shaped[Array, "T 22"]:
        """Values of joints (hidden or not, distance to known frames) as values of roles.

        A role has the maximum over the joints that rotate it relative to the role above, so it is
        hidden if any of them is. A role without a joint has the value of the role above.
        """
        result = np.zeros((len(values), len(ROLES)), dtype=values.dtype)
        for r, movers in enumerate(self.movers):
            result[:, r] = (
                values[:, list(movers)].max(axis=1) if movers else result[:, ROLE_PARENTS[r]]
            )
        return result

    def from_roles(self, filled: Motion, role_motion: Motion, hidden: Bool[Array, "T J"]) -> Motion:
        """The skeleton's own motion, in which hidden joints have the world rotations of the roles.

        Args:
            filled: the clip with hidden entries filled by interpolation. Joints without a role
                keep these values.
            role_motion: the recovered motion of the roles, with the same frames.
            hidden: the entries to take from the roles; the root's position belongs to joint 0.

        Returns:
            A motion with the bones of ``filled``. Known entries are bit-identical, hidden ones are
            rotations. In frames with a hidden root, the pelvis has the position of that role.

        Raises:
            ModelError: the joints or the number of frames differ.
        """
        self._for(filled.skeleton)
        if len(filled) != len(role_motion) or hidden.shape != filled.rotations.shape[:2]:
            raise ModelError(
                "roles",
                f"{len(role_motion)} frames, hidden {hidden.shape}",
                f"{len(filled)} frames of {len(self.skeleton)} joints",
                "pass the roles of the same clip",
            )
        # Walk down the tree: each hidden joint gets the local rotation that reaches its target
        # under parents that are already final.
        targets = role_motion.world_rotations().astype(np.float64)
        role_of = {int(j): r for r, j in enumerate(self.joints) if j >= 0}
        offsets = filled.skeleton.offsets_m.astype(np.float64)
        rotations = filled.rotations.copy()
        world = np.empty(rotations.shape)
        positions = np.zeros((len(filled), len(self.skeleton), 3))  # relative to the root
        for j, parent in enumerate(self.skeleton.parents):
            above = world[:, parent] if j else np.eye(3)
            free = hidden[:, j]
            if j in role_of and free.any():
                local = np.swapaxes(above, -1, -2) @ targets[:, role_of[j]]
                # Products of float32 matrices drift away from rotations; project them back.
                rotations[free, j] = project_to_so3(local[free])[0]
            world[:, j] = above @ rotations[:, j].astype(np.float64)
            if j:
                positions[:, j] = positions[:, parent] + above @ offsets[j]
        # The pelvis need not be the root: the root is placed so that the pelvis is at its target.
        free = hidden[:, 0]
        root_m = filled.root_m.copy()
        root_m[free] = (role_motion.root_m - positions[:, self.joints[0]])[free]
        return Motion(filled.skeleton, rotations, root_m, filled.fps)

    def _for(self, skeleton: Skeleton) -> "RoleMap":
        """This map for a skeleton with the same joints and other bone lengths."""
        if skeleton is self.skeleton:
            return self
        if not skeleton.same_joints(self.skeleton):
            raise ModelError(
                "roles", repr(skeleton), repr(self.skeleton), "match the roles of this skeleton"
            )
        return RoleMap(skeleton, self.joints)


def match_roles(skeleton: Skeleton, joint_names: Mapping[str, str] | None = None) -> RoleMap:
    """Match a skeleton's joints to the roles, by their names and the tree.

    Args:
        skeleton: any humanoid. The names of SMPL, LAFAN1, Bandai-Namco, CMU, SNU, Mixamo, Rokoko,
            3ds Max and many others are understood.
        joint_names: joint names by role, for roles that cannot be told from the names. They take
            precedence.

    Raises:
        SpecError: ``joint_names`` has an unknown role or joint, or a joint in two roles.
        ModelError: a required role is not found. The message lists the roles that were found and
            how to name the missing ones.
    """
    given = named_joints(skeleton, joint_names or {})
    joints = find_roles(skeleton, given)
    if missing := [role for role in REQUIRED if role not in joints]:
        # The pelvis comes first, and follows from the hips. So it has to be named only if nothing
        # else is missing.
        missing = missing[1:] or missing
        matched = [f"{role} = {skeleton.names[joints[role]]}" for role in ROLES if role in joints]
        raise ModelError(
            f"skeleton of {len(skeleton)} joints from {skeleton.names[0]!r}",
            f"no joint found for {', '.join(missing)} (found: {', '.join(matched) or 'none'})",
            "a body with arms and legs",
            f"name them by hand: {missing[0]} = a name among {', '.join(skeleton.names[:60])}",
        )
    return RoleMap(skeleton, np.array([joints.get(role, -1) for role in ROLES]))
