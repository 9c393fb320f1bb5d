"""Naming joint roles by hand, as the command line and the workbench take it."""

from collections.abc import Iterable, Mapping

from mmm.errors import SpecError
from mmm.motion.humanoid import REQUIRED, ROLES
from mmm.motion.joint_names import find_roles
from mmm.motion.skeleton import Skeleton


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
