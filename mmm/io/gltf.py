"""glTF 2.0 binary (``.glb``): an animated skeleton in a mesh of octahedral bones, for Blender, three.js and engines.

One node a joint, named as in the clip; rotations as quaternions without sign jumps, the root's path in metres, Y up,
one key a frame. The mesh is skinned to the joints, so that any viewer shows a body and not an empty scene.
"""

from pathlib import Path

import numpy as np
import pygltflib as gl
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.io.files import write_atomically
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

_COLOUR = (0.78, 0.32, 0.10, 1.0)  # linear; near the page's orange
_WAIST = 0.18  # where along a bone the octahedron is widest, and how wide: shares of its length
_WIDE, _WIDEST_M, _DOT_M = 0.13, 0.055, 0.018
_LONGEST = 65_535  # joints: their indices are written in 16 bits
_TYPES = {"float32": gl.FLOAT, "uint16": gl.UNSIGNED_SHORT, "uint32": gl.UNSIGNED_INT}


def write_glb(clip: Clip, path: Path) -> None:
    """A clip as ``.glb``; its frame rate also stands in the animation's ``extras``. Without music: glTF holds none.

    Raises:
        FileError: more joints than 16 bits count, or the file cannot be written.
    """
    if len(clip.motion.skeleton) > _LONGEST:
        raise FileError(
            str(path),
            f"{len(clip.motion.skeleton)} joints",
            f"at most {_LONGEST}",
            "save it as .npz",
        )
    data = b"".join(_document(clip).save_to_bytes())
    write_atomically(path, lambda file: file.write(data))


class _Buffer:
    """The one binary chunk, and the accessors that say what lies where."""

    def __init__(self, document: gl.GLTF2) -> None:
        self.document, self.data = document, bytearray()

    def add(self, array: Array, kind: str, target: int | None = None, bounds: bool = False) -> int:
        """The array's accessor. Every view begins at a multiple of four, as the format asks."""
        raw = np.ascontiguousarray(array).tobytes()
        self.document.bufferViews.append(
            gl.BufferView(buffer=0, byteOffset=len(self.data), byteLength=len(raw), target=target)
        )
        self.data += raw + bytes(-len(raw) % 4)
        rows = array.reshape(len(array), -1)
        self.document.accessors.append(
            gl.Accessor(
                bufferView=len(self.document.bufferViews) - 1,
                componentType=_TYPES[array.dtype.name],
                count=len(array),
                type=kind,
                min=rows.min(axis=0).tolist() if bounds else None,
                max=rows.max(axis=0).tolist() if bounds else None,
            )
        )
        return len(self.document.accessors) - 1


def _document(clip: Clip) -> gl.GLTF2:
    motion, skeleton = clip.motion, clip.motion.skeleton
    document = gl.GLTF2(asset=gl.Asset(version="2.0", generator="Masked motion workbench"))
    buffer = _Buffer(document)
    quats = quaternion_track(motion)
    children: list[list[int]] = [
        [k for k, parent in enumerate(skeleton.parents) if parent == j]
        for j in range(len(skeleton))
    ]
    for j, name in enumerate(skeleton.names):
        place = motion.root_m[0] if j == 0 else skeleton.offsets_m[j]
        document.nodes.append(
            gl.Node(
                name=name,
                children=children[j],
                translation=place.tolist(),
                rotation=quats[0, j].tolist(),
            )
        )
    _add_mesh(document, buffer, skeleton)
    document.nodes.append(gl.Node(name=f"{clip.name} body", mesh=0, skin=0))
    document.scenes.append(gl.Scene(name=clip.name, nodes=[0, len(skeleton)]))
    document.scene = 0
    _add_animation(document, buffer, clip, quats)
    document.buffers.append(gl.Buffer(byteLength=len(buffer.data)))
    document.set_binary_blob(bytes(buffer.data))
    return document


def quaternion_track(motion: Motion) -> Float[Array, "T J 4"]:
    """Unit quaternions ``xyzw``, each on the same side as the one before: linear interpolation takes the short way."""
    wxyz = rot.matrix_to_quat_wxyz(motion.rotations)
    flips = np.sum(wxyz[1:] * wxyz[:-1], axis=-1) < 0
    sign = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0)
    wxyz[1:] *= sign[..., None].astype(np.float32)
    return wxyz[..., [1, 2, 3, 0]]


def _add_animation(
    document: gl.GLTF2, buffer: _Buffer, clip: Clip, quats: Float[Array, "T J 4"]
) -> None:
    motion = clip.motion
    animation = gl.Animation(name=clip.name, extras={"fps": motion.fps})
    times = buffer.add(
        (np.arange(len(motion)) / motion.fps).astype(np.float32), gl.SCALAR, bounds=True
    )
    tracks = [(0, "translation", motion.root_m, gl.VEC3)]
    tracks += [(j, "rotation", quats[:, j], gl.VEC4) for j in range(quats.shape[1])]
    for node, what, values, kind in tracks:
        animation.samplers.append(
            gl.AnimationSampler(
                input=times, output=buffer.add(values, kind), interpolation="LINEAR"
            )
        )
        animation.channels.append(
            gl.AnimationChannel(
                sampler=len(animation.samplers) - 1,
                target=gl.AnimationChannelTarget(node=node, path=what),
            )
        )
    document.animations.append(animation)


def _add_mesh(document: gl.GLTF2, buffer: _Buffer, skeleton: Skeleton) -> None:
    """Bones in the rest pose (no joint turned, the root at the origin), each carried by the joint that it starts at."""
    rest = np.zeros((len(skeleton), 3))
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        rest[j] = rest[parent] + skeleton.offsets_m[j]
    positions, normals, owners = _bones(skeleton, rest)
    joints = np.zeros((len(owners), 4), dtype=np.uint16)
    joints[:, 0] = owners
    weights = np.zeros((len(owners), 4), dtype=np.float32)
    weights[:, 0] = 1
    attributes = gl.Attributes(
        POSITION=buffer.add(positions, gl.VEC3, gl.ARRAY_BUFFER, bounds=True),
        NORMAL=buffer.add(normals, gl.VEC3, gl.ARRAY_BUFFER),
        JOINTS_0=buffer.add(joints, gl.VEC4, gl.ARRAY_BUFFER),
        WEIGHTS_0=buffer.add(weights, gl.VEC4, gl.ARRAY_BUFFER),
    )
    document.materials.append(
        gl.Material(
            name="bones",
            pbrMetallicRoughness=gl.PbrMetallicRoughness(
                baseColorFactor=list(_COLOUR), metallicFactor=0.0, roughnessFactor=0.7
            ),
            alphaCutoff=None,
        )
    )
    document.meshes.append(
        gl.Mesh(name="bones", primitives=[gl.Primitive(attributes=attributes, material=0)])
    )
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(skeleton), 1, 1))
    inverse[:, 3, :3] = -rest  # column-major, as the format stores matrices
    document.skins.append(
        gl.Skin(
            name="skeleton",
            joints=list(range(len(skeleton))),
            skeleton=0,
            inverseBindMatrices=buffer.add(inverse.reshape(-1, 16), gl.MAT4),
        )
    )


def _bones(
    skeleton: Skeleton, rest: Float[Array, "J 3"]
) -> tuple[Float[Array, "V 3"], Float[Array, "V 3"], Int[Array, "V"]]:
    """Flat-shaded triangles: three vertices each, their normals, and the joint that carries them."""
    ends = [(parent, rest[j]) for j, parent in enumerate(skeleton.parents) if parent >= 0]
    ends += [(j, rest[j] + np.asarray(tip)) for j, tip in skeleton.end_sites]
    solids = [
        (j, _octahedron(rest[j], end)) for j, end in ends if np.linalg.norm(end - rest[j]) > 1e-4
    ]
    carrying = {j for j, _ in solids}
    # A joint without a bone is a small diamond, so that a skeleton of one joint is seen too.
    up = np.array([0, _DOT_M, 0])
    solids += [
        (j, _octahedron(place - up, place + up, 0.5))
        for j, place in enumerate(rest)
        if j not in carrying
    ]
    corners = np.concatenate([triangles for _, triangles in solids])
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    owners = np.repeat([j for j, _ in solids], 24)
    return (
        corners.reshape(-1, 3).astype(np.float32),
        np.repeat(normals, 3, axis=0).astype(np.float32),
        owners,
    )


def _octahedron(
    start: Float[Array, "3"], end: Float[Array, "3"], waist: float = _WAIST
) -> Float[Array, "8 3 3"]:
    """Eight triangles, seen anticlockwise from outside, from one point to another."""
    along = end - start
    length = float(np.linalg.norm(along))
    axis = along / length
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    wide = min(_WIDE * length if waist == _WAIST else 0.5 * length, _WIDEST_M)
    across = np.cross(axis, side)
    ring = [start + along * waist + wide * turn for turn in (side, across, -side, -across)]
    triangles = [(start, ring[k - 3], ring[k]) for k in range(4)] + [
        (end, ring[k], ring[k - 3]) for k in range(4)
    ]
    return np.array(triangles)
