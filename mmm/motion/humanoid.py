"""One body for all skeletons: 22 roles that a humanoid's joints play, whatever their names, rest pose and number.

A network made on roles sees every skeleton as the same tree. Roles keep a file's own rest pose: their rotations mean
something against other frames of the same clip, not against another clip's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int, Shaped

from mmm.errors import ModelError, SpecError
from mmm.motion.clip import Motion
from mmm.motion.role_finding import ARM, LEG, ancestors, find_roles
from mmm.motion.rotations import project_to_so3
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

_TREE: tuple[tuple[str, str], ...] = (
    ("pelvis", ""),
    ("spine1", "pelvis"),
    ("spine2", "spine1"),
    ("spine3", "spine2"),
    ("neck", "spine3"),
    ("head", "neck"),
    *(
        (f"{side}_{role}", f"{side}_{above}" if above else "spine3")
        for side in ("left", "right")
        for role, above in zip(ARM, ("", *ARM), strict=False)
    ),
    *(
        (f"{side}_{role}", f"{side}_{above}" if above else "pelvis")
        for side in ("left", "right")
        for role, above in zip(LEG, ("", *LEG), strict=False)
    ),
)
ROLES: tuple[str, ...] = tuple(role for role, _ in _TREE)
"""The 22 roles. A shoulder turns the upper arm, an elbow the forearm, a wrist the hand; a hip turns the thigh, a knee
the shin, an ankle the foot; ``spine3`` bears the arms."""
ROLE_PARENTS: tuple[int, ...] = tuple(ROLES.index(above) if above else -1 for _, above in _TREE)
"""The tree of the roles, the pelvis its root."""
REQUIRED: tuple[str, ...] = (
    "pelvis",
    *(
        f"{side}_{role}"
        for side in ("left", "right")
        for role in ("shoulder", "elbow", "hip", "knee", "ankle")
    ),
)
"""Roles without which a skeleton cannot be matched."""


@dataclass(frozen=True, eq=False)
class RoleMap:
    """Which joint of a skeleton plays which role."""

    skeleton: Skeleton
    joints: Int[Array, "22"]
    """Of each role its joint, -1 where the skeleton has none."""

    def __repr__(self) -> str:
        return f"RoleMap({int(self.present.sum())} of {len(ROLES)} roles in {self.skeleton!r})"

    @cached_property
    def present(self) -> Bool[Array, "22"]:
        """Whether the skeleton has a joint for each role."""
        return np.asarray(self.joints >= 0)

    @cached_property
    def joint_names(self) -> dict[str, str]:
        """Joint names by role, those that are there; what ``match_roles`` takes as ``joint_names``."""
        return {
            role: self.skeleton.names[j]
            for role, j in zip(ROLES, self.joints, strict=True)
            if j >= 0
        }

    @cached_property
    def holders(self) -> tuple[int, ...]:
        """Of each role the nearest role above it that has a joint; -1 for the pelvis."""
        holders: list[int] = []
        for parent in ROLE_PARENTS:
            holders.append(parent if parent < 0 or self.present[parent] else holders[parent])
        return tuple(holders)

    @cached_property
    def role_skeleton(self) -> Skeleton:
        """The 22 roles as a skeleton, in metres, with this body's proportions.

        A role without a joint lies on its parent. Bones are those of the pose in which joints between two roles do
        not turn: nothing of a motion goes into them.
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
        """Of each role the joints that turn it against the role above; none where it has no joint.

        Of the pelvis those that place it in the world.
        """
        result = []
        for r, holder in enumerate(self.holders):
            own = set(ancestors(self.skeleton, int(self.joints[r]))) if self.present[r] else set()
            above = (
                set(ancestors(self.skeleton, int(self.joints[holder])))
                if own and holder >= 0
                else set()
            )
            result.append(tuple(sorted(own ^ above)))
        return tuple(result)

    def to_roles(self, motion: Motion) -> Motion:
        """The motion of the roles alone.

        Args:
            motion: of this map's skeleton, or one of the same joints with other bones.

        Raises:
            ModelError: the motion has other joints.
        """
        own = self._for(motion.skeleton)
        world = motion.world_rotations()
        rotations = np.tile(np.eye(3, dtype=np.float32), (len(motion), len(ROLES), 1, 1))
        for r, holder in enumerate(self.holders):
            if self.present[r]:
                local = world[:, self.joints[r]]
                if holder >= 0:
                    local = np.swapaxes(world[:, self.joints[holder]], -1, -2) @ local
                rotations[:, r] = local
        return Motion(
            own.role_skeleton, rotations, motion.positions()[:, self.joints[0]], motion.fps
        )

    def most(self, values: Shaped[Array, "T J"]) -> Shaped[Array, "T 22"]:
        """Of values of joints (whether they are hidden, how far the known frames are) those of the roles.

        A role has the largest value of the joints that turn it against the role above, so it is hidden where any of
        them is; one without a joint has that of the role above.
        """
        result = np.zeros((len(values), len(ROLES)), dtype=values.dtype)
        for r, movers in enumerate(self.movers):
            result[:, r] = (
                values[:, list(movers)].max(axis=1) if movers else result[:, ROLE_PARENTS[r]]
            )
        return result

    def from_roles(self, filled: Motion, role_motion: Motion, hidden: Bool[Array, "T J"]) -> Motion:
        """The skeleton's own motion, its hidden joints turned as the roles are in the world.

        Args:
            filled: the clip with hidden entries filled by interpolation; joints without a role keep these.
            role_motion: the roles, recovered, frame for frame.
            hidden: the entries to take from the roles; the root's position belongs to joint 0.

        Returns:
            Known entries bit for bit as in ``filled``, hidden ones rotations; the bones are those of ``filled``. Where
            the root is hidden the pelvis lands where the roles have it.

        Raises:
            ModelError: the motion has other joints, or as many frames as the roles have not.
        """
        self._for(filled.skeleton)
        if len(filled) != len(role_motion) or hidden.shape != filled.rotations.shape[:2]:
            raise ModelError(
                "roles",
                f"{len(role_motion)} frames, hidden {hidden.shape}",
                f"{len(filled)} frames of {len(self.skeleton)} joints",
                "pass one clip's own",
            )
        wanted = role_motion.world_rotations().astype(np.float64)
        role_of = {int(j): r for r, j in enumerate(self.joints) if j >= 0}
        offsets = filled.skeleton.offsets_m.astype(np.float64)
        rotations = filled.rotations.copy()
        world = np.empty(rotations.shape)
        places = np.zeros((len(filled), len(self.skeleton), 3))  # from the root
        for j, parent in enumerate(self.skeleton.parents):
            above = world[:, parent] if j else np.eye(3)
            at = hidden[:, j]
            if j in role_of and at.any():
                local = np.swapaxes(above, -1, -2) @ wanted[:, role_of[j]]
                rotations[at, j] = project_to_so3(local[at])[0]
            world[:, j] = above @ rotations[:, j].astype(np.float64)
            if j:
                places[:, j] = places[:, parent] + above @ offsets[j]
        free = hidden[:, 0]
        root_m = filled.root_m.copy()
        root_m[free] = (role_motion.root_m - places[:, self.joints[0]])[free]
        return Motion(filled.skeleton, rotations, root_m, filled.fps)

    def _for(self, skeleton: Skeleton) -> "RoleMap":
        """This map for a body of other proportions."""
        if skeleton is self.skeleton:
            return self
        if not skeleton.same_joints(self.skeleton):
            raise ModelError(
                "roles", repr(skeleton), repr(self.skeleton), "match the roles of this skeleton"
            )
        return RoleMap(skeleton, self.joints)


def match_roles(skeleton: Skeleton, joint_names: Mapping[str, str] | None = None) -> RoleMap:
    """Find the joints of the roles by names and tree.

    Args:
        skeleton: of SMPL, LAFAN1, Bandai-Namco, CMU, SNU, Mixamo, Rokoko, 3ds Max or any like them.
        joint_names: joint names by role, where the names do not tell; they come before what the names do tell.

    Raises:
        SpecError: ``joint_names`` has a role or joint that there is not, or a joint in two roles.
        ModelError: a required role is not found; the message lists what was found and how to name the rest.
    """
    given = _named_joints(skeleton, joint_names or {})
    found = find_roles(skeleton, given)
    if missing := [role for role in REQUIRED if role not in found]:
        missing = missing[1:] or missing  # the pelvis follows from the hips
        have = (
            ", ".join(f"{role} = {skeleton.names[found[role]]}" for role in ROLES if role in found)
            or "none"
        )
        raise ModelError(
            f"skeleton of {len(skeleton)} joints from {skeleton.names[0]!r}",
            f"no joint found for {', '.join(missing)} (found: {have})",
            "a body with arms and legs",
            f"name them by hand: {missing[0]} = a name among {', '.join(skeleton.names[:60])}",
        )
    return RoleMap(skeleton, np.array([found.get(role, -1) for role in ROLES]))


def _named_joints(skeleton: Skeleton, joint_names: Mapping[str, str]) -> dict[str, int]:
    given: dict[str, int] = {}
    for role, name in joint_names.items():
        if role not in ROLES:
            raise SpecError(f"role {role!r}", "no such role", ", ".join(ROLES), "correct it")
        if name not in skeleton.names:
            raise SpecError(
                f"role {role!r}",
                f"no joint {name!r}",
                f"one of {', '.join(skeleton.names)}",
                "correct it",
            )
        given[role] = skeleton.names.index(name)
    if len(set(given.values())) < len(given):
        twice = next(
            name for name in joint_names.values() if list(joint_names.values()).count(name) > 1
        )
        raise SpecError(
            f"joint {twice!r}", "named for two roles", "one role a joint", "take one out"
        )
    return given


def parse_roles(words: Iterable[str]) -> dict[str, str]:
    """``left_hip=LThigh`` and the like as joint names by role.

    Raises:
        SpecError: a word is none such, there is no such role, or a role is given two joints.
    """
    joint_names: dict[str, str] = {}
    for word in words:
        role, _, joint = (part.strip() for part in word.partition("="))
        if not joint or role not in ROLES:
            found = f"no role {role!r}" if joint else "not a role and a joint"
            raise SpecError(
                f"role {word!r}",
                found,
                f"ROLE=JOINT with ROLE one of {', '.join(ROLES)}",
                "for example left_hip=LThigh",
            )
        if joint_names.setdefault(role, joint) != joint:
            raise SpecError(
                f"role {word!r}",
                f"{role} is already {joint_names[role]}",
                "one joint a role",
                "take one out",
            )
    return joint_names


def missing_roles(
    skeleton: Skeleton, joint_names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Required roles that neither the names of a skeleton's joints nor ``joint_names`` tell.

    Names of no joint are passed over. The pelvis is among them only where both hips are there: it follows from them.
    """
    given = {
        role: skeleton.names.index(name)
        for role, name in (joint_names or {}).items()
        if name in skeleton.names
    }
    found = find_roles(skeleton, given)
    missing = tuple(role for role in REQUIRED if role not in found)
    return missing[1:] or missing if missing[:1] == ("pelvis",) else missing
