"""``.glb`` and ``.gltf`` as clips: the joints of a skin with one of the file's animations.

Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io.body import Z_TO_Y, is_z_up
from mmm.io.choosing import Choice, choose
from mmm.io.files import FPS_RANGE, LARGEST, check_size
from mmm.io.gltf.container import DAMAGE, Document
from mmm.io.gltf.sampling import DEFAULT_FPS, guess_rate, sampled, unit_quats
from mmm.io.nodes.motion import Unit, body_clip, rest_rotations
from mmm.io.nodes.tree import Body, NodeTree, choose_body
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

_DEFAULTS = {
    "translation": (0.0, 0.0, 0.0),
    "rotation": (0.0, 0.0, 0.0, 1.0),
    "scale": (1.0, 1.0, 1.0),
}


@dataclass(frozen=True)
class _Track:
    """One property of one node over time."""

    node: int
    path: str
    times: Float[Array, "K"]
    values: Float[Array, "N n"]
    """One row per key, and three per key of a cubic spline."""
    interpolation: str


def read_gltf(
    path: Path,
    unit_m: float | None = None,
    fps: float | None = None,
    take: str | None = None,
    body: str | None = None,
    largest: int = LARGEST,
) -> Clip:
    """One animation of a ``.glb`` or ``.gltf`` as a clip.

    Args:
        path: the file.
        unit_m: metres per unit, if the file does not use metres, as glTF demands.
        fps: frames per second at which the animation is sampled; by default the rate of its keys,
            or 30 if they fit none.
        take: the animation's name or its number from 1; the first if not given.
        body: which of several bodies, by its root's name or its number from 1; the largest if
            not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: damaged, not glTF 2.0, compressed, or too long.
        SpecError: no such animation or body.
    """
    document = Document(path)
    try:
        return _clip(document, path, unit_m, fps, take, body, largest)
    except DAMAGE as error:
        raise document.fault(f"a document that contradicts itself ({str(error)[:80]})") from None


def _clip(
    document: Document,
    path: Path,
    unit_m: float | None,
    fps: float | None,
    take: str | None,
    body_wish: str | None,
    largest: int,
) -> Clip:
    source = document.source
    tree, bind_of = _tree(document), _bind_poses(document)
    body = choose_body(tree, body_wish, source)
    names = [str(item.get("name") or i + 1) for i, item in enumerate(document.list("animations"))]
    index = choose("take", names, take, source, 0)
    tracks = _tracks(document, index) if names else []
    notes: tuple[str, ...] = ()
    if not tracks:
        notes += ("Nothing in it moves: one frame shows its rest pose.",)
    extras = document.list("animations")[index].get("extras") if names else None
    stated = extras.get("fps") if isinstance(extras, dict) else None
    query, rate, guessed = _frames(tracks, fps, stated, source)
    notes += guessed
    needed = _with_ancestors(tree, body)
    check_size(source, len(body.nodes), len(query), largest)
    # Nodes above the body are evaluated too, so they also take memory.
    check_size(source, min(len(needed), 2_000), len(query), largest)
    nodes = document.list("nodes")
    static = _world(nodes, tree, needed, [], np.zeros(1))
    moving = _world(nodes, tree, needed, tracks, query)
    stacked = np.stack([moving[node] for node in body.nodes], axis=1)
    stacked[..., :3, 3] *= unit_m or 1.0
    bind = np.stack([bind_of.get(node, np.full((4, 4), np.nan)) for node in body.nodes])
    rest = rest_rotations(
        body, np.stack([static[node][0] for node in body.nodes]), _upright(bind, body)
    )
    unit = Unit(unit_m or 1.0, unit_m is not None, "of the format,")
    takes = Choice("take", tuple(names), index)
    return body_clip(body, stacked, rest, rate, path, "gltf", unit, takes, notes)


def _tree(document: Document) -> NodeTree:
    """The nodes; joints are those of all skins."""
    nodes = document.list("nodes")
    parents = [-1] * len(nodes)
    for node, content in enumerate(nodes):
        for child in content.get("children", []):
            if not 0 <= child < len(nodes) or parents[child] >= 0 or child == node:
                raise ValueError("a node with two parents")
            parents[child] = node
    order = tuple(int(joint) for skin in document.list("skins") for joint in skin["joints"])
    joints = frozenset(order)
    if joints and not (min(joints) >= 0 and max(joints) < len(nodes)):
        raise ValueError("a joint that is no node")
    names = tuple(str(node.get("name") or f"node {i}") for i, node in enumerate(nodes))
    return NodeTree(names, tuple(parents), joints, order)


def _bind_poses(document: Document) -> dict[int, Float[Array, "4 4"]]:
    """The matrix of each joint of a skin in the bind pose."""
    poses: dict[int, Array] = {}
    for skin in document.list("skins"):
        if "inverseBindMatrices" not in skin:
            continue
        # Stored by columns (section 3.6.2.4).
        inverse = document.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        for joint, matrix in zip(skin["joints"], inverse, strict=False):
            determinant = np.linalg.det(matrix[:3, :3])
            if np.isfinite(determinant) and abs(determinant) > 1e-12:
                poses.setdefault(joint, np.linalg.inv(matrix))
    return poses


def _upright(bind: Float[Array, "J 4 4"], body: Body) -> Float[Array, "J 4 4"]:
    """The bind pose with Y up.

    Skins may be bound in the space of a mesh with Z up, which a node above the joints rotates.
    """
    if not np.isfinite(bind).all():
        return bind
    positions = bind[:, :3, 3]
    offsets = positions - positions[[max(parent, 0) for parent in body.parents]]
    skeleton = Skeleton(body.names, body.parents, offsets)
    still = np.tile(np.eye(3, dtype=np.float32), (1, len(positions), 1, 1))
    if not is_z_up(skeleton, still, np.zeros((1, 3), dtype=np.float32)):
        return bind
    turn = np.eye(4)
    turn[:3, :3] = Z_TO_Y
    return np.asarray(turn @ bind)


def _tracks(document: Document, index: int) -> list[_Track]:
    """The tracks of an animation, without those of morph targets."""
    animation = document.list("animations")[index]
    tracks = []
    for channel in animation["channels"]:
        target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
        if target.get("path") not in _DEFAULTS or "node" not in target:
            continue
        times = document.array(sampler["input"])[:, 0]
        values = document.array(sampler["output"])
        if values.shape[1] != len(_DEFAULTS[target["path"]]):
            raise ValueError("values that do not belong to their property")
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise ValueError("a key that is not a finite number")
        if (np.diff(times) < 0).any():
            raise ValueError("key times that do not ascend")
        interpolation = sampler.get("interpolation", "LINEAR")
        tracks.append(_Track(int(target["node"]), target["path"], times, values, interpolation))
    return tracks


def _frames(
    tracks: list[_Track], fps: float | None, stated: Any, source: str
) -> tuple[Float[Array, "T"], float, tuple[str, ...]]:
    """The times of frames, their rate, and a note if the rate is a guess."""
    notes: tuple[str, ...] = ()
    # Our own writer states the rate in ``extras``, as other programs may.
    rate = fps or (float(stated) if isinstance(stated, int | float) else None)
    if not tracks:
        return np.zeros(1), rate or DEFAULT_FPS, notes
    start = min(float(track.times[0]) for track in tracks)
    stop = max(float(track.times[-1]) for track in tracks)
    if rate is None:
        rate = guess_rate(np.concatenate([track.times for track in tracks]) - start)
    if rate is None:
        rate = DEFAULT_FPS
        notes = (
            f"Its keys lie on no frame rate: sampled at {rate:g} frames a second; give the true "
            "frame rate if that is wrong.",
        )
    if not FPS_RANGE[0] <= rate <= FPS_RANGE[1] or not 0 <= (stop - start) * rate < 1e9:
        raise FileError(
            source,
            f"{stop - start:g} s at {rate:g} frames a second",
            f"{FPS_RANGE[0]:g} to {FPS_RANGE[1]:,.0f} frames a second",
            "export it again",
        )
    # 0.01 frames absorb the rounding of float32 times.
    count = int((stop - start) * rate + 0.01) + 1
    return start + np.arange(count) / rate, rate, notes


def _with_ancestors(tree: NodeTree, body: Body) -> list[int]:
    """The body's nodes and all above them, parents first."""
    needed: list[int] = []
    above = tree.parents[body.nodes[0]]
    while above >= 0:
        needed.append(above)
        above = tree.parents[above]
    return [*needed[::-1], *body.nodes]


def _world(
    nodes: list[dict[str, Any]],
    tree: NodeTree,
    needed: list[int],
    tracks: list[_Track],
    query: Float[Array, "T"],
) -> dict[int, Float[Array, "T 4 4"]]:
    """World matrices of nodes at some times."""
    by_node: dict[int, list[_Track]] = {}
    for track in tracks:
        by_node.setdefault(track.node, []).append(track)
    world: dict[int, Array] = {}
    for node in needed:
        local = _local(nodes[node], by_node.get(node, []), query)
        parent = tree.parents[node]
        world[node] = world[parent] @ local if parent in world else local
    return world


def _local(
    node: dict[str, Any], tracks: list[_Track], query: Float[Array, "T"]
) -> Float[Array, "T 4 4"]:
    """A node's matrix in its parent's frame: translation, rotation, scale, in this order."""
    if "matrix" in node and not tracks:
        matrix = np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
        return np.broadcast_to(matrix, (len(query), 4, 4))
    parts = {}
    for path, default in _DEFAULTS.items():
        value = np.array(node.get(path, default), dtype=np.float64).reshape(1, len(default))
        parts[path] = np.broadcast_to(value, (len(query), len(default)))
    for track in tracks:
        is_rotation = track.path == "rotation"
        parts[track.path] = sampled(
            track.times, track.values, track.interpolation, is_rotation, query
        )
    local = np.zeros((len(query), 4, 4))
    local[:, 3, 3] = 1.0
    local[:, :3, :3] = Rotation.from_quat(unit_quats(parts["rotation"])).as_matrix()
    local[:, :3, :3] *= parts["scale"][:, None, :]
    local[:, :3, 3] = parts["translation"]
    return local
