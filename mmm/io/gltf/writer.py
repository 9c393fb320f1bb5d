"""glTF 2.0 binary (``.glb``): an animated skeleton in a mesh of octahedral bones.

Blender, three.js and game engines read it. Every joint is a node of the same name. Rotations are
quaternions without sign jumps, the root's path is in metres with Y up, and every frame is a key.
The mesh is skinned to the joints, so that any viewer shows a body and not an empty scene.

Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from pathlib import Path

import numpy as np
import pygltflib as gl
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import Skeleton
from mmm.storage import write_atomically

Array = np.ndarray

# The page's orange. glTF's base colour is linear, not sRGB (section 3.9.2).
_COLOUR = (0.78, 0.32, 0.10, 1.0)
# Where along a bone the octahedron is widest, and its half width there, as shares of the length.
# Blender draws bones in these proportions.
_WAIST, _WIDE = 0.18, 0.13
# The limit keeps long bones, such as a thigh, from looking like barrels.
_WIDEST_M, _DOT_M = 0.055, 0.018
# JOINTS_0 holds joint indices of at most 16 bits (section 3.7.3.3).
_MOST_JOINTS = 65_535
_TYPES = {"float32": gl.FLOAT, "uint16": gl.UNSIGNED_SHORT, "uint32": gl.UNSIGNED_INT}


def write_glb(clip: Clip, path: Path) -> None:
    """A clip as ``.glb``, without music, which glTF cannot hold.

    The animation's ``extras`` give the frame rate, which its key times only imply.

    Raises:
        FileError: more joints than 16 bits count, or the file cannot be written.
    """
    if len(clip.motion.skeleton) > _MOST_JOINTS:
        raise FileError(
            str(path),
            f"{len(clip.motion.skeleton)} joints",
            f"at most {_MOST_JOINTS}",
            "save it as .npz",
        )
    data = b"".join(_document(clip).save_to_bytes())
    write_atomically(path, lambda file: file.write(data))


class _Buffer:
    """The binary chunk of the file, and the accessors of the arrays in it."""

    def __init__(self, document: gl.GLTF2) -> None:
        self.document, self.data = document, bytearray()

    def add(self, array: Array, kind: str, target: int | None = None, bounds: bool = False) -> int:
        """Append an array, and return the index of its accessor."""
        raw = np.ascontiguousarray(array).tobytes()
        self.document.bufferViews.append(
            gl.BufferView(buffer=0, byteOffset=len(self.data), byteLength=len(raw), target=target)
        )
        # Every view begins at a multiple of 4 bytes (section 3.6.2.4).
        self.data += raw + bytes(-len(raw) % 4)
        rows = array.reshape(len(array), -1)
        self.document.accessors.append(
            gl.Accessor(
                bufferView=len(self.document.bufferViews) - 1,
                componentType=_TYPES[array.dtype.name],
                count=len(array),
                type=kind,
                # Required for positions and key times only (section 3.6.2.5).
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
        # Nodes show the first frame, so that viewers without animation show a pose of the clip.
        translation = motion.root_m[0] if j == 0 else skeleton.offsets_m[j]
        document.nodes.append(
            gl.Node(
                name=name,
                children=children[j],
                translation=translation.tolist(),
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
    """Unit quaternions ``xyzw`` without sign jumps.

    If the sign jumped, viewers that interpolate linearly would take the longer arc.
    """
    wxyz = rot.matrix_to_unrolled_quat(motion.rotations)
    return wxyz[..., [1, 2, 3, 0]]  # glTF has the scalar last (section 3.5.3)


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
    # All samplers share one accessor of times.
    for node, path, values, kind in tracks:
        animation.samplers.append(
            gl.AnimationSampler(
                input=times, output=buffer.add(values, kind), interpolation="LINEAR"
            )
        )
        animation.channels.append(
            gl.AnimationChannel(
                sampler=len(animation.samplers) - 1,
                target=gl.AnimationChannelTarget(node=node, path=path),
            )
        )
    document.animations.append(animation)


def _add_mesh(document: gl.GLTF2, buffer: _Buffer, skeleton: Skeleton) -> None:
    """Add the bones in the rest pose, each skinned to the joint at its start.

    In the rest pose no joint is rotated and the root is at the origin.
    """
    rest = np.zeros((len(skeleton), 3))
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        rest[j] = rest[parent] + skeleton.offsets_m[j]
    positions, normals, owners = _bones(skeleton, rest)
    joints = np.zeros((len(owners), 4), dtype=np.uint16)
    # A set of influences has four joints (section 3.7.3.3). Three of them have no weight here.
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
            alphaCutoff=None,  # pygltflib's default suits masked materials only
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
    """Flat-shaded triangles: three vertices each, their normals, and the joints that carry them."""
    ends = [(parent, rest[j]) for j, parent in enumerate(skeleton.parents) if parent >= 0]
    ends += [(j, rest[j] + np.asarray(tip)) for j, tip in skeleton.end_sites]
    solids = [
        (j, _octahedron(rest[j], end)) for j, end in ends if np.linalg.norm(end - rest[j]) > 1e-4
    ]
    carrying = {j for j, _ in solids}
    # A joint without a bone is drawn as a small diamond, so that a skeleton of one joint is
    # visible.
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
    # The cross product is most accurate with the world axis that is least parallel to the bone.
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    wide = min(_WIDE * length if waist == _WAIST else 0.5 * length, _WIDEST_M)
    across = np.cross(axis, side)
    ring = [start + along * waist + wide * ray for ray in (side, across, -side, -across)]
    triangles = [(start, ring[k - 3], ring[k]) for k in range(4)] + [
        (end, ring[k], ring[k - 3]) for k in range(4)
    ]
    return np.array(triangles)
