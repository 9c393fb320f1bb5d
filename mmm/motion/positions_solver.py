"""Joint rotations from joint positions, on a skeleton whose bones keep their lengths.

Positions do not determine the twist of a bone about its own axis. The solver works from the root
outwards. Each joint gets a Procrustes fit (Kabsch 1976) of its children's rest offsets to their
positions:

* Several children that are not in line determine the rotation.
* One child determines the swing but not the twist. In a chain between two determined joints (the
  spine), the twist is distributed evenly. In a limb, the twist keeps the axis about which the next
  joint bends (a knee, an elbow) constant over the clip. Otherwise the joint has no twist relative
  to its parent.
* A joint without children rotates with its parent.

If the given bones change their lengths or differ from the skeleton's, no rotations reproduce the
positions exactly. The distances are then minimised by block coordinate descent: one joint after
another is rotated, with everything below it, to the least sum of squares, which has a closed form.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from mmm.arrays import unit_vectors
from mmm.motion.rotations import nearest_rotation, rotvec_to_matrix, slerp
from mmm.motion.skeleton import Skeleton, forward_kinematics

Array = np.ndarray

_SHORT = 1e-6  # metres: a bone without length has no direction
_PRIOR = 1e-6  # weight of the prior rotation, which decides only what the bones leave undetermined
_SMOOTH, _SMOOTH_FRAMES = 0.1, 8.0  # weight of neighbouring frames, and their Gaussian's deviation
_TWIST = 1e-3  # weight of the parent's twist, relative to a right-angled bend
_SWEEPS = 3
_EXACT_M = 1e-4  # nothing is refined below this residual


def solve_positions(
    positions_m: Float[Array, "T J 3"], skeleton: Skeleton
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"], Float[Array, "T J"]]:
    """The motion of a skeleton that is nearest to given joint positions.

    Args:
        positions_m: world positions of the skeleton's joints, metres, finite.
        skeleton: the skeleton to fit; its bone lengths stay. :func:`bone_lengths` gives those of
            recorded positions.

    Returns:
        Local rotations (float32), the root's path (metres, float32), and the distance of each joint
        from its given position (metres, float32). If the positions come from this skeleton, the
        distances are zero up to rounding.

    Raises:
        ValueError: the shape of the positions is not that of the skeleton, or they are not finite.
    """
    targets = np.asarray(positions_m, dtype=np.float64)
    if targets.ndim != 3 or targets.shape[1:] != (len(skeleton), 3) or not len(targets):
        raise ValueError(f"positions {targets.shape} for {len(skeleton)} joints")
    if not np.isfinite(targets).all():
        raise ValueError("positions must be finite")
    tree = _Tree(skeleton)
    world, root = _solve_outwards(targets, tree, None)
    hinges = _hinges(targets, tree, world)
    world, root = _solve_outwards(targets, tree, hinges)
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
    """A skeleton's tree with data that the solver needs repeatedly."""

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

    def is_determined(self, j: int) -> bool:
        """Whether a joint's children are not in line, so that they determine its rotation."""
        bones = self.offsets[self.children[j]]
        if len(bones) < 2:
            return False
        singular = np.linalg.svd(bones, compute_uv=False)
        return bool(singular[1] > 0.1 * singular[0])

    def chain_to_determined(self, j: int) -> list[int]:
        """The chain from ``j`` down to the first determined joint, if all before it have one child.

        Empty if there is no such joint.
        """
        chain = [j]
        while len(self.children[chain[-1]]) == 1:
            chain.append(self.children[chain[-1]][0])
        return chain if len(chain) > 1 and self.is_determined(chain[-1]) else []


def _solve_outwards(
    targets: Float[Array, "T J 3"], tree: _Tree, hinges: dict[int, tuple[Array, Array]] | None
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """World rotations from the root outwards, each joint fitted to its children's targets."""
    frames, joints = targets.shape[:2]
    world = np.broadcast_to(np.eye(3), (frames, joints, 3, 3)).copy()
    reached = targets.copy()
    priors: dict[int, Array] = {}  # interpolated rotations of chains between determined joints
    for j, parent in enumerate(tree.parents):
        above = world[:, parent] if j else world[:, 0]
        if j:
            reached[:, j] = reached[:, parent] + above @ tree.offsets[j]
        children = tree.children[j]
        if not children:
            world[:, j] = above
            continue
        prior = priors.get(j, above)
        world[:, j] = _fitted_rotation(targets, reached[:, j], tree, j, prior, hinges)
        if len(children) > 1 and (j == 0 or tree.is_determined(j)):
            for child in children:
                _distribute_twist(targets, tree, child, world[:, j], priors)
    return world, targets[:, 0].copy()


def _fitted_rotation(
    targets: Float[Array, "T J 3"],
    position: Float[Array, "T 3"],
    tree: _Tree,
    j: int,
    prior: Float[Array, "T 3 3"],
    hinges: dict[int, tuple[Array, Array]] | None,
) -> Float[Array, "T 3 3"]:
    """A joint's world rotation, from its bones, weakly from a prior, and from its bending axis."""
    children = tree.children[j]
    bones = tree.offsets[children]
    matrix = np.einsum("tci,cj->tij", targets[:, children] - position[:, None], bones)
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
    """Rotations twisted about their bone so that an axis in their frame aligns with given normals.

    An almost straight limb hardly determines the axis. Its twist then comes from neighbouring
    frames, or from the parent if these are straight too.
    """
    bone = bone / np.linalg.norm(bone)
    axis = axis - (axis @ bone) * bone
    along, across = swung @ axis, swung @ np.cross(bone, axis)
    direction = (normals * along).sum(-1) + 1j * (normals * across).sum(-1)
    smooth = gaussian_filter1d(direction, _SMOOTH_FRAMES, mode="nearest")
    angle = np.angle(direction + _SMOOTH * smooth + _TWIST)
    return swung @ rotvec_to_matrix(angle[:, None] * bone).astype(np.float64)


def _distribute_twist(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    child: int,
    above: Float[Array, "T 3 3"],
    priors: dict[int, Array],
) -> None:
    """Set the priors of a chain: interpolated from the joint above it to the one at its end."""
    chain = tree.chain_to_determined(child)
    if not chain:
        return
    end = chain[-1]
    below = _fitted_rotation(targets, targets[:, end], tree, end, above, None)
    for step, j in enumerate(chain, start=1):
        weight = np.full(len(targets), step / len(chain), dtype=np.float32)
        priors[j] = slerp(above.astype(np.float32), below.astype(np.float32), weight)


def _hinges(
    targets: Float[Array, "T J 3"], tree: _Tree, world: Float[Array, "T J 3 3"]
) -> dict[int, tuple[Array, Array]]:
    """For joints with one child, the axis about which that child bends, and its normals.

    The axis is the principal direction of the normals of the two bones, in the joint's own frame,
    over the clip. Normals are weighted by the child's bend and by their agreement.
    """
    hinges: dict[int, tuple[Array, Array]] = {}
    for j, children in enumerate(tree.children):
        if len(children) != 1 or len(tree.children[children[0]]) != 1:
            continue
        child, grandchild = children[0], tree.children[children[0]][0]
        if tree.chain_to_determined(j):
            continue  # the twist is distributed instead
        first = unit_vectors(targets[:, child] - targets[:, j])
        second = unit_vectors(targets[:, grandchild] - targets[:, child])
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


def _positions(
    tree: _Tree, world: Float[Array, "T J 3 3"], root: Float[Array, "T 3"]
) -> Float[Array, "T J 3"]:
    """Joint positions from world rotations."""
    positions = np.empty(world.shape[:3])
    positions[:, 0] = root
    for j, parent in enumerate(tree.parents[1:], start=1):
        positions[:, j] = positions[:, parent] + world[:, parent] @ tree.offsets[j]
    return positions


def _distances(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    world: Float[Array, "T J 3 3"],
    root: Float[Array, "T 3"],
) -> Float[Array, "T J"]:
    return np.asarray(np.linalg.norm(_positions(tree, world, root) - targets, axis=-1))


def _refined(
    targets: Float[Array, "T J 3"],
    tree: _Tree,
    world: Float[Array, "T J 3 3"],
    root: Float[Array, "T 3"],
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """Rotations and root of a smaller sum of squared distances, by block coordinate descent."""
    positions = _positions(tree, world, root)
    for _ in range(_SWEEPS):
        positions += (targets - positions).mean(axis=1, keepdims=True)
        for j, below in enumerate(tree.below):
            if not below:
                continue
            current = positions[:, below] - positions[:, j, None]
            desired = targets[:, below] - positions[:, j, None]
            matrix = np.einsum("tdi,tdj->tij", desired, current)
            # The identity as prior: vectors in line do not determine the twist.
            matrix += _PRIOR * float((current**2).sum()) / len(current) * np.eye(3)
            turn = nearest_rotation(matrix)
            positions[:, below] = positions[:, j, None] + np.einsum("tij,tdj->tdi", turn, current)
            world[:, [j, *below]] = turn[:, None] @ world[:, [j, *below]]
    return world, positions[:, 0].copy()


def _local(world: Float[Array, "T J 3 3"], tree: _Tree) -> Float[Array, "T J 3 3"]:
    """Each joint's rotation in its parent's frame."""
    rotations = world.copy()
    for j, parent in enumerate(tree.parents[1:], start=1):
        rotations[:, j] = np.swapaxes(world[:, parent], -1, -2) @ world[:, j]
    return nearest_rotation(rotations)
