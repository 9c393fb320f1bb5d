"""Joint rotations from joint positions, on a skeleton whose bones keep their lengths.

Positions do not tell how a bone turns about its own axis. The solver works from the root outwards,
each joint by a Procrustes fit (Kabsch 1976) of its children's rest offsets to where they are:

* Several children that are not in line determine the rotation.
* One child determines the swing. The twist comes from the neighbours: between two joints of several
  children (the spine) it is shared out evenly; in a limb it keeps the axis about which the next
  joint bends (a knee, an elbow) the same through the clip; where neither tells, the joint turns no
  more about its bone than its parent does.
* A joint without children turns with its parent.

Where the given bones change their lengths or differ from the skeleton's, no rotations reproduce the
positions. The distances are then minimised by block coordinate descent: one joint after another is
turned, with all that hangs on it, to the least sum of squares, which has a closed form.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from mmm.motion.rotations import nearest_rotation, rotvec_to_matrix, slerp
from mmm.motion.skeleton import Skeleton, forward_kinematics

Array = np.ndarray

_SHORT = 1e-6  # metres: a bone without length has no direction
_PRIOR = 1e-6  # weight of a neighbour's rotation against the bones: it decides what they leave open
_AROUND, _AROUND_FRAMES = 0.1, 8.0  # weight of the frames around, and how far they reach
_TWIST = 1e-3  # weight of the parent's twist against the axis of bending, at a right angle
_SWEEPS = 3
_EXACT_M = 1e-4  # nothing is refined below this residual


def solve_positions(
    positions_m: Float[Array, "T J 3"], skeleton: Skeleton
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"], Float[Array, "T J"]]:
    """The motion of a skeleton that comes nearest to given joint positions.

    Args:
        positions_m: world positions of the skeleton's joints, metres, finite.
        skeleton: the bones to move; their lengths stay. :func:`bone_lengths` gives those of
            recorded positions.

    Returns:
        Local rotations (float32), the root's path (metres, float32), and how far each joint ends
        from where it was given (metres, float32). Residuals are zero up to rounding where the
        positions come from this skeleton.

    Raises:
        ValueError: the shape of the positions is not that of the skeleton, or they are not finite.
    """
    targets = np.asarray(positions_m, dtype=np.float64)
    if targets.ndim != 3 or targets.shape[1:] != (len(skeleton), 3) or not len(targets):
        raise ValueError(f"positions {targets.shape} for {len(skeleton)} joints")
    if not np.isfinite(targets).all():
        raise ValueError("positions must be finite")
    tree = _Tree(skeleton)
    world, root = _outwards(targets, tree, None)
    hinges = _hinges(targets, tree, world)
    world, root = _outwards(targets, tree, hinges)
    if _distances(targets, tree, world, root).max() > _EXACT_M:
        world, root = _refined(targets, tree, world, root)
    rotations = _local(world, tree)
    reached, _ = forward_kinematics(skeleton, rotations, root)
    residual = np.linalg.norm(reached - targets, axis=-1)
    return rotations.astype(np.float32), root.astype(np.float32), residual.astype(np.float32)


def bone_lengths(positions_m: Float[Array, "T J 3"], parents: tuple[int, ...]) -> Float[Array, "J"]:
    """The median length of every joint's bone to its parent, metres; zero for the root."""
    bones = positions_m - positions_m[:, [max(parent, 0) for parent in parents]]
    return np.asarray(np.median(np.linalg.norm(bones, axis=-1), axis=0))


class _Tree:
    """A skeleton's tree with what the solver asks of it again and again."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.parents = skeleton.parents
        self.offsets = skeleton.offsets_m.astype(np.float64)
        lengths = np.linalg.norm(self.offsets, axis=1)
        self.children: list[list[int]] = [[] for _ in self.parents]
        for j, parent in enumerate(self.parents[1:], start=1):
            if lengths[j] > _SHORT:
                self.children[parent].append(j)
        self.below: list[list[int]] = [[] for _ in self.parents]
        for j in range(len(self.parents) - 1, 0, -1):
            self.below[self.parents[j]] += [j, *self.below[j]]

    def spread(self, j: int) -> bool:
        """Whether a joint's children are not in line, so that they determine its rotation."""
        bones = self.offsets[self.children[j]]
        if len(bones) < 2:
            return False
        singular = np.linalg.svd(bones, compute_uv=False)
        return bool(singular[1] > 0.1 * singular[0])

    def chain_to_spread(self, j: int) -> list[int]:
        """Joints of single children from ``j`` to one whose children determine its rotation.

        Empty if the chain ends otherwise.
        """
        chain = [j]
        while len(self.children[chain[-1]]) == 1:
            chain.append(self.children[chain[-1]][0])
        return chain if len(chain) > 1 and self.spread(chain[-1]) else []


def _outwards(
    targets: Float[Array, "T J 3"], tree: _Tree, hinges: dict[int, tuple[Array, Array]] | None
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """World rotations from the root outwards, each joint aiming at its children's targets."""
    frames, joints = targets.shape[:2]
    world = np.broadcast_to(np.eye(3), (frames, joints, 3, 3)).copy()
    places = targets.copy()
    shared: dict[int, Array] = {}  # rotations that a chain between two spread joints shares out
    for j, parent in enumerate(tree.parents):
        above = world[:, parent] if j else world[:, 0]
        if j:
            places[:, j] = places[:, parent] + above @ tree.offsets[j]
        children = tree.children[j]
        if not children:
            world[:, j] = above
            continue
        prior = shared.get(j, above)
        world[:, j] = _aimed(targets, places[:, j], tree, j, prior, hinges)
        if len(children) > 1 and (j == 0 or tree.spread(j)):
            for child in children:
                _share_out(targets, tree, child, world[:, j], shared)
    return world, targets[:, 0].copy()


def _aimed(
    targets: Float[Array, "T J 3"],
    place: Float[Array, "T 3"],
    tree: _Tree,
    j: int,
    prior: Float[Array, "T 3 3"],
    hinges: dict[int, tuple[Array, Array]] | None,
) -> Float[Array, "T 3 3"]:
    """A joint's world rotation: its bones, a little of the prior, and the axis of bending."""
    children = tree.children[j]
    bones = tree.offsets[children]
    matrix = np.einsum("tci,cj->tij", targets[:, children] - place[:, None], bones)
    scale = float((bones**2).sum())
    matrix += _PRIOR * scale * prior
    swung = nearest_rotation(matrix)
    if hinges is None or j not in hinges:
        return swung
    return _twisted(swung, bones[0], *hinges[j])


def _twisted(
    swung: Float[Array, "T 3 3"],
    bone: Float[Array, "3"],
    axis: Float[Array, "3"],
    normals: Float[Array, "T 3"],
) -> Float[Array, "T 3 3"]:
    """Rotations turned about their bone, so that an axis of theirs goes along the given normals.

    A limb that is almost straight hardly tells its axis. It takes its twist from the frames around
    it, and from its parent where these tell none either.
    """
    bone = bone / np.linalg.norm(bone)
    axis = axis - (axis @ bone) * bone
    along, across = swung @ axis, swung @ np.cross(bone, axis)
    direction = (normals * along).sum(-1) + 1j * (normals * across).sum(-1)
    around = gaussian_filter1d(direction, _AROUND_FRAMES, mode="nearest")
    angle = np.angle(direction + _AROUND * around + _TWIST)
    return swung @ rotvec_to_matrix(angle[:, None] * bone).astype(np.float64)


def _share_out(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    child: int,
    above: Float[Array, "T 3 3"],
    shared: dict[int, Array],
) -> None:
    """Prior rotations of a chain: evenly from the joint above it to the spread joint at its end."""
    chain = tree.chain_to_spread(child)
    if not chain:
        return
    end = chain[-1]
    below = _aimed(targets, targets[:, end], tree, end, above, None)
    for step, j in enumerate(chain, start=1):
        weight = np.full(len(targets), step / len(chain), dtype=np.float32)
        shared[j] = slerp(above.astype(np.float32), below.astype(np.float32), weight)


def _hinges(
    targets: Float[Array, "T J 3"], tree: _Tree, world: Float[Array, "T J 3 3"]
) -> dict[int, tuple[Array, Array]]:
    """Of joints with one child: the axis about which that child bends, and its normals.

    The axis is the principal direction of the normals of the two bones, in the joint's own frame,
    over the clip. Normals count by how much the child is bent and by how well they agree.
    """
    hinges: dict[int, tuple[Array, Array]] = {}
    for j, children in enumerate(tree.children):
        if len(children) != 1 or len(tree.children[children[0]]) != 1:
            continue
        child, grandchild = children[0], tree.children[children[0]][0]
        if tree.chain_to_spread(j):
            continue  # the twist is shared out
        first = _unit(targets[:, child] - targets[:, j])
        second = _unit(targets[:, grandchild] - targets[:, child])
        normals = np.cross(first, second)  # as long as the sine of the bend
        local = np.einsum("tji,tj->ti", world[:, j], normals)
        values, vectors = np.linalg.eigh(local.T @ local)
        if values.sum() < 1e-9:
            continue
        axis = vectors[:, -1]
        axis = axis * np.sign((local @ axis).sum() or 1.0)
        agreement = float(values[-1] / values.sum())
        bend = np.linalg.norm(normals, axis=1, keepdims=True)
        hinges[j] = axis, normals * bend * agreement
    return hinges


def _unit(vectors: Float[Array, "T 3"]) -> Float[Array, "T 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _placed(
    tree: _Tree, world: Float[Array, "T J 3 3"], root: Float[Array, "T 3"]
) -> Float[Array, "T J 3"]:
    """Joint positions of world rotations."""
    places = np.empty(world.shape[:3])
    places[:, 0] = root
    for j, parent in enumerate(tree.parents[1:], start=1):
        places[:, j] = places[:, parent] + world[:, parent] @ tree.offsets[j]
    return places


def _distances(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    world: Float[Array, "T J 3 3"],
    root: Float[Array, "T 3"],
) -> Float[Array, "T J"]:
    return np.asarray(np.linalg.norm(_placed(tree, world, root) - targets, axis=-1))


def _refined(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    world: Float[Array, "T J 3 3"],
    root: Float[Array, "T 3"],
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """Rotations and root of a smaller sum of squared distances, by block coordinate descent."""
    places = _placed(tree, world, root)
    for _ in range(_SWEEPS):
        places += (targets - places).mean(axis=1, keepdims=True)
        for j, below in enumerate(tree.below):
            if not below:
                continue
            arms = places[:, below] - places[:, j, None]
            aims = targets[:, below] - places[:, j, None]
            matrix = np.einsum("tdi,tdj->tij", aims, arms)
            # The identity decides where the arms are in line and their twist is free.
            matrix += _PRIOR * float((arms**2).sum()) / len(arms) * np.eye(3)
            turn = nearest_rotation(matrix)
            places[:, below] = places[:, j, None] + np.einsum("tij,tdj->tdi", turn, arms)
            world[:, [j, *below]] = turn[:, None] @ world[:, [j, *below]]
    return world, places[:, 0].copy()


def _local(world: Float[Array, "T J 3 3"], tree: _Tree) -> Float[Array, "T J 3 3"]:
    """Each joint's rotation in its parent's frame."""
    rotations = world.copy()
    for j, parent in enumerate(tree.parents[1:], start=1):
        rotations[:, j] = np.swapaxes(world[:, parent], -1, -2) @ world[:, j]
    return nearest_rotation(rotations)
