"""The 22 joint roles of a humanoid, and how a user names joints for them."""

from collections.abc import Iterable, Mapping

from mmm.errors import SpecError
from mmm.motion.role_finding import ARM, LEG, find_roles
from mmm.motion.skeleton import Skeleton

# Role and parent role. The first joint of an arm is a child of the chest, that of a leg of the
# pelvis.
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
"""The 22 roles. A role is named after the joint, and rotates the bone below it: a shoulder rotates
the upper arm, an elbow the forearm, a hip the thigh, an ankle the foot. ``spine3`` carries the
arms."""
ROLE_PARENTS: tuple[int, ...] = tuple(ROLES.index(above) if above else -1 for _, above in _TREE)
"""Parent of each role; -1 for the pelvis."""
REQUIRED: tuple[str, ...] = (
    "pelvis",
    *(
        f"{side}_{role}"
        for side in ("left", "right")
        for role in ("shoulder", "elbow", "hip", "knee", "ankle")
    ),
)
"""Roles that a skeleton must have to be matched."""


def named_joints(skeleton: Skeleton, joint_names: Mapping[str, str]) -> dict[str, int]:
    """Joint indices by role from joint names by role.

    Raises:
        SpecError: a role or joint does not exist, or one joint is given two roles.
    """
    given: dict[str, int] = {}
    for role, name in joint_names.items():
        if role not in ROLES:
            raise SpecError(
                f"role {role!r}", "no such role", ", ".join(ROLES), "choose one of these"
            )
        if name not in skeleton.names:
            raise SpecError(
                f"role {role!r}",
                f"no joint {name!r}",
                f"one of {', '.join(skeleton.names)}",
                "choose one of these",
            )
        given[role] = skeleton.names.index(name)
    if len(set(given.values())) < len(given):
        names = list(joint_names.values())
        repeated = next(name for name in names if names.count(name) > 1)
        raise SpecError(
            f"joint {repeated!r}", "named for two roles", "one role per joint", "remove one"
        )
    return given


def parse_roles(words: Iterable[str]) -> dict[str, str]:
    """Joint names by role from texts such as ``left_hip=LThigh``.

    Raises:
        SpecError: a text has another form, the role does not exist, or it is given two joints.
    """
    joint_names: dict[str, str] = {}
    for word in words:
        role, _, joint = (part.strip() for part in word.partition("="))
        if not joint or role not in ROLES:
            raise SpecError(
                f"role {word!r}",
                f"no role {role!r}" if joint else "not a role and a joint",
                f"ROLE=JOINT with ROLE one of {', '.join(ROLES)}",
                "for example left_hip=LThigh",
            )
        if joint_names.setdefault(role, joint) != joint:
            raise SpecError(
                f"role {word!r}",
                f"{role} is already {joint_names[role]}",
                "one joint per role",
                "remove one",
            )
    return joint_names


def missing_roles(
    skeleton: Skeleton, joint_names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Required roles that are found neither by the skeleton's joint names nor in ``joint_names``.

    Names in ``joint_names`` that are no joint's are ignored. The pelvis is listed only if both hips
    are known, because it follows from them.
    """
    given = {
        role: skeleton.names.index(name)
        for role, name in (joint_names or {}).items()
        if name in skeleton.names
    }
    joints = find_roles(skeleton, given)
    missing = tuple(role for role in REQUIRED if role not in joints)
    return missing[1:] or missing if missing[:1] == ("pelvis",) else missing
