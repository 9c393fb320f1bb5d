"""Skeletons and forward kinematics.

A skeleton is a tree of joints in topological order. ``offsets_m[j]`` is the position of joint ``j``
in its parent's frame. The root has no parent. Its offset is its position in a file's rest pose, and
is *not* added to a motion's root position. Y is up.
"""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.motion.joint_names import body_part, floor_joints, joint_side, split_side

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of named joints.

    Raises:
        ValueError: the arrays disagree in length, or a parent does not come before its child.
    """

    names: tuple[str, ...]
    """J joint names, unique, in topological order."""
    parents: tuple[int, ...]
    """J parent indices; ``parents[0] == -1`` and ``parents[j] < j``."""
    offsets_m: Float[Array, "J 3"]
    """Rest position of each joint in its parent's frame, metres, float32."""
    feet: tuple[int, ...] = ()
    """Joints that may touch the floor (ankles, feet, toes); found by name if not given."""
    end_sites: tuple[tuple[int, tuple[float, float, float]], ...] = field(default=())
    """Tips without a rotation (fingers, toes, top of the head): parent joint and offset in
    metres."""

    def __post_init__(self) -> None:
        n = len(self.names)
        if not (n == len(self.parents) == len(self.offsets_m)) or n == 0:
            raise ValueError(
                f"{n} names, {len(self.parents)} parents, {len(self.offsets_m)} offsets"
            )
        if len(set(self.names)) != n:
            raise ValueError("joint names must be unique")
        if self.parents[0] != -1 or any(not 0 <= p < j for j, p in enumerate(self.parents) if j):
            raise ValueError(
                "parents must be topologically ordered, with -1 first and nowhere else"
            )
        # The dataclass is frozen, so derived values are set past its guard.
        object.__setattr__(self, "offsets_m", np.asarray(self.offsets_m, dtype=np.float32))
        if not self.feet:
            object.__setattr__(self, "feet", floor_joints(self.names))

    def __repr__(self) -> str:
        return f"Skeleton({len(self)} joints from {self.names[0]!r} to {self.names[-1]!r})"

    def __len__(self) -> int:
        return len(self.names)

    def same_joints(self, other: "Skeleton") -> bool:
        """Whether both have the same names in the same tree; bone lengths may differ."""
        return self.names == other.names and self.parents == other.parents

    @cached_property
    def mirror_index(self) -> tuple[int, ...]:
        """For each joint its partner on the other side of the body; itself if there is none.

        The parents of partners are partners too. A limb whose counterpart is built differently is
        therefore mirrored in place.
        """
        partners = _partners_by_name(self.names)
        partners[0] = 0
        partners = [k if partners[k] == j else j for j, k in enumerate(partners)]
        return tuple(_with_partners_for_parents(self.parents, partners))

    @cached_property
    def limbs(self) -> tuple[str, ...]:
        """For each joint one of ``torso head left_arm right_arm left_leg right_leg``.

        The name decides; a joint whose name tells no limb belongs to its parent's.
        """
        limbs: list[str] = []
        for j, name in enumerate(self.names):
            part, side = body_part(name) if j else "torso", joint_side(name)
            if part in ("arm", "leg"):
                # Without a side of its own ("Hand2") it follows the parent, if that is such a limb.
                inherited = limbs[self.parents[j]]
                limbs.append(
                    f"{side}_{part}" if side else inherited if inherited.endswith(part) else "torso"
                )
            else:
                limbs.append(part or limbs[self.parents[j]])
        return tuple(limbs)

    @cached_property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Named sets of joints for masks and error tables.

        Each limb that exists, and ``arms``, ``legs``, ``upper``, ``lower``, ``root`` and ``all``.
        """
        limb = {
            name: tuple(j for j, limb in enumerate(self.limbs) if limb == name)
            for name in sorted(set(self.limbs))
        }
        legs = limb.get("left_leg", ()) + limb.get("right_leg", ())
        arms = limb.get("left_arm", ()) + limb.get("right_arm", ())
        everything = tuple(range(len(self)))
        # The lower body includes the root, so hiding it also hides the root's path.
        lower = tuple(sorted({0, *legs}))
        groups = {
            **limb,
            "arms": tuple(sorted(arms)),
            "legs": tuple(sorted(legs)),
            "lower": lower,
            "upper": tuple(j for j in everything if j not in lower),
            "root": (0,),
            "all": everything,
        }
        return {name: joints for name, joints in groups.items() if joints}


def _partners_by_name(names: Sequence[str]) -> list[int]:
    """For each joint the one whose name differs in the side only; itself if there is none."""
    # Exact names come first, then names without digits: some files have LeftShoulder1 on the left
    # and RightShoulder on the right.
    keys = [(side, bare, re.sub(r"\d+", "", bare)) for side, bare in map(split_side, names)]
    index: dict[tuple[str, str], int] = {}
    for j, (side, bare, plain) in enumerate(keys):
        index.setdefault((side, bare), j)
        index.setdefault((side, plain), j)
    other = {"left": "right", "right": "left", "": "none"}
    return [
        index.get((other[side], bare), index.get((other[side], plain), j))
        for j, (side, bare, plain) in enumerate(keys)
    ]


def _with_partners_for_parents(parents: Sequence[int], partners: list[int]) -> list[int]:
    """Partners whose parents are partners too; all other joints become their own partners.

    Joints are checked in order, repeatedly, until nothing changes. Only the neighbours of a change
    are checked again, which keeps the time linear in the number of joints.
    """
    children: list[list[int]] = [[] for _ in parents]
    for j, parent in enumerate(parents[1:], start=1):
        children[parent].append(j)
    now = list(range(1, len(parents)))  # sorted, and so already a heap
    later: list[int] = []
    while now:
        j = heapq.heappop(now)
        parent, partner = parents[j], partners[j]
        if partners[parent] != parents[partner]:
            for joint in {j, partner, parent, parents[partner]} - {-1}:
                alone = {joint, partners[joint]}
                for changed in alone:
                    partners[changed] = changed
                for changed in alone:
                    for near in (changed, *children[changed]):
                        # Joints further on are checked in this pass, earlier ones in the next.
                        if near:
                            heapq.heappush(now, near) if near > j else later.append(near)
        if not now:
            now, later = sorted(set(later)), []
    return partners


def forward_kinematics(
    skeleton: Skeleton, rotations: Float[Array, "*b J 3 3"], root_m: Float[Array, "*b 3"]
) -> tuple[Float[Array, "*b J 3"], Float[Array, "*b J 3 3"]]:
    """Forward kinematics over any leading axes.

    Args:
        rotations: local rotations, each joint in its parent's frame.
        root_m: world position of the root joint, metres.

    Returns:
        World positions, metres, and world rotations of every joint.
    """
    positions = np.empty((*rotations.shape[:-3], len(skeleton), 3), dtype=rotations.dtype)
    world = np.empty_like(rotations)
    positions[..., 0, :], world[..., 0, :, :] = root_m, rotations[..., 0, :, :]
    for j, p in enumerate(skeleton.parents[1:], start=1):
        world[..., j, :, :] = world[..., p, :, :] @ rotations[..., j, :, :]
        positions[..., j, :] = positions[..., p, :] + world[..., p, :, :] @ skeleton.offsets_m[j]
    return positions, world


SMPL_PELVIS_REST_M = (-0.00217368, -0.24078915, 0.02858379)
"""Position of the pelvis in SMPL's rest pose. AIST++ measures translations from the body's origin,
not from the pelvis."""

# Rest-pose joint offsets of the SMPL neutral template, metres, as published in Stanford-TML/EDGE
# vis.py (MIT).
_SMPL24 = (
    ("pelvis", -1, (0.0, 0.0, 0.0)),
    ("left_hip", 0, (0.05858135, -0.08228004, -0.01766408)),
    ("right_hip", 0, (-0.06030973, -0.09051332, -0.01354254)),
    ("spine1", 0, (0.00443945, 0.12440352, -0.03838522)),
    ("left_knee", 1, (0.04345142, -0.38646945, 0.008037)),
    ("right_knee", 2, (-0.04325663, -0.38368791, -0.00484304)),
    ("spine2", 3, (0.00448844, 0.1379564, 0.02682033)),
    ("left_ankle", 4, (-0.01479032, -0.42687458, -0.037428)),
    ("right_ankle", 5, (0.01905555, -0.4200455, -0.03456167)),
    ("spine3", 6, (-0.00226458, 0.05603239, 0.00285505)),
    ("left_foot", 7, (0.04105436, -0.06028581, 0.12204243)),
    ("right_foot", 8, (-0.03483987, -0.06210566, 0.13032329)),
    ("neck", 9, (-0.0133902, 0.21163553, -0.03346758)),
    ("left_collar", 9, (0.07170245, 0.11399969, -0.01889817)),
    ("right_collar", 9, (-0.08295366, 0.11247234, -0.02370739)),
    ("head", 12, (0.01011321, 0.08893734, 0.05040987)),
    ("left_shoulder", 13, (0.12292141, 0.04520509, -0.019046)),
    ("right_shoulder", 14, (-0.11322832, 0.04685326, -0.00847207)),
    ("left_elbow", 16, (0.2553319, -0.01564902, -0.02294649)),
    ("right_elbow", 17, (-0.26012748, -0.01436928, -0.03126873)),
    ("left_wrist", 18, (0.26570925, 0.01269811, -0.00737473)),
    ("right_wrist", 19, (-0.26910836, 0.00679372, -0.00602676)),
    ("left_hand", 20, (0.08669055, -0.01063603, -0.01559429)),
    ("right_hand", 21, (-0.0887537, -0.00865157, -0.01010708)),
)

SMPL24 = Skeleton(
    names=tuple(name for name, _, _ in _SMPL24),
    parents=tuple(parent for _, parent, _ in _SMPL24),
    offsets_m=np.array([offset for _, _, offset in _SMPL24], dtype=np.float32),
    feet=(7, 8, 10, 11),
)
"""The 24-joint SMPL body of AIST++ and of the synthetic dance set."""


def ancestors(parents: Sequence[int], joint: int) -> list[int]:
    """The joint itself, its parent, and so on to the root, whose parent is -1."""
    chain = [joint]
    while (joint := parents[joint]) >= 0:
        chain.append(joint)
    return chain


def subtree(parents: Sequence[int], joint: int) -> list[int]:
    """The joint itself and all joints below it, ascending; parents come before their children."""
    members = {joint}
    for j, parent in enumerate(parents):
        if parent in members:
            members.add(j)
    return sorted(members)


def joint_indices(skeleton: Skeleton, names: Sequence[str]) -> list[int]:
    """Indices of the joints of groups and of single joints, ascending.

    Raises:
        SpecError: a name is neither a group nor a joint, or there is none.
    """
    chosen: set[int] = set()
    # A SPEC has no spaces, so names are compared without them.
    index_of = {name.replace(" ", ""): joint for joint, name in enumerate(skeleton.names)}
    if not names:
        raise SpecError(
            "@",
            "no joint named",
            f"a group ({', '.join(skeleton.groups)}) or a joint",
            "for example @left_arm",
        )
    for name in names:
        # Groups come first: a joint called "root" or "head" must not change what a SPEC means.
        if name in skeleton.groups:
            chosen.update(skeleton.groups[name])
        elif name.replace(" ", "") in index_of:
            chosen.add(index_of[name.replace(" ", "")])
        else:
            raise SpecError(
                f"@{name}",
                "no such joint or group",
                f"a group ({', '.join(skeleton.groups)}) or a joint ({', '.join(skeleton.names)})",
                "check the spelling",
            )
    return sorted(chosen)


def joint_index(skeleton: Skeleton, name: str) -> int:
    """Index of a single joint, by its name without spaces.

    Raises:
        SpecError: there is no such joint.
    """
    names = [joint.replace(" ", "") for joint in skeleton.names]
    if name.replace(" ", "") not in names:
        raise SpecError(
            f"@{name}",
            "no such joint",
            f"a joint ({', '.join(skeleton.names)})",
            "check the spelling",
        )
    return names.index(name.replace(" ", ""))
