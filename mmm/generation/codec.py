"""Transform coding of poses, as JPEG does it for pictures.

A clip has four channels of a quaternion for each role and three of the path of the hips. Each goes
through a discrete cosine transform over the whole clip. The coefficients are rounded to multiples
of a step and compressed; most of those at high frequencies are zero. The error is smooth, so it
adds little jitter.
"""

import lzma

import numpy as np
from jaxtyping import Float, Int
from scipy.fft import dct, idct

from mmm.generation.canonical import Poses
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.rotations import matrix_to_unrolled_quat, quat_wxyz_to_matrix

Array = np.ndarray

CHANNELS = 4 * len(ROLES) + 3
STEP = 0.008
"""Step of the lowest frequencies, in quaternions and leg lengths."""
CORNER_HZ = 4.0
"""Frequency at which the step has doubled. It grows with the third power, as jerk does."""
NYQUIST_HZ = 15.0


def channels_of(poses: Poses) -> Float[Array, "T C"]:
    """Quaternions relative to the parent role, without sign flips, and the path of the hips."""
    local = poses.world.copy()
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        local[:, r] = np.swapaxes(poses.world[:, parent], -1, -2) @ poses.world[:, r]
    # Unrolled, because a jump of the sign between frames would need every frequency.
    quats = matrix_to_unrolled_quat(local)
    # Starting at the origin avoids a large constant coefficient. Retrieved pieces are moved to the
    # current position anyway.
    hips = poses.hips - poses.hips[:1] * np.array([1, 0, 1])
    return np.concatenate([quats.reshape(len(quats), -1), hips], axis=1).astype(np.float32)


def local_quats(channels: Float[Array, "T C"]) -> Float[Array, "T 22 4"]:
    """The unit quaternions in channels."""
    quats = channels[:, :-3].reshape(len(channels), len(ROLES), 4)
    return quats / np.maximum(np.linalg.norm(quats, axis=-1, keepdims=True), 1e-6)


def poses_of(channels: Float[Array, "T C"]) -> Poses:
    """Poses from channels; quaternions are normalised, because rounding changed their length."""
    world = quat_wxyz_to_matrix(local_quats(channels)).astype(np.float64)
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        world[:, r] = world[:, parent] @ world[:, r]
    return Poses(world, channels[:, -3:].astype(np.float64))


def coefficients(channels: Float[Array, "T C"]) -> Int[Array, "T C"]:
    """Rounded cosine coefficients, lowest frequency first."""
    return np.round(dct(channels, axis=0, norm="ortho") / _steps(len(channels))).astype(np.int16)


def decode(values: Int[Array, "K C"], frames: int) -> Float[Array, "T C"]:
    """Channels from coefficients; missing rows are zero."""
    full = np.zeros((frames, CHANNELS), dtype=np.float32)
    full[: len(values)] = values * _steps(frames)[: len(values)]
    return idct(full, axis=0, norm="ortho").astype(np.float32)


def pack(values: Int[Array, "N C"]) -> bytes:
    """Compress integers, channel by channel."""
    flat = np.ascontiguousarray(values.T).view(np.uint16)
    # Zigzag coding puts the sign into the lowest bit: small numbers of either sign then have a
    # zero high byte.
    zigzag = (flat << 1) ^ np.where(flat >> 15, 0xFFFF, 0).astype(np.uint16)
    # Low and high bytes are stored apart, because long runs of zero bytes compress best.
    planes = np.stack([(zigzag & 0xFF).astype(np.uint8), (zigzag >> 8).astype(np.uint8)])
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
    return lzma.compress(planes.tobytes(), format=lzma.FORMAT_XZ, filters=filters)


def unpack(data: bytes, rows: int) -> Int[Array, "N C"]:
    """The integers that :func:`pack` was given."""
    size = rows * CHANNELS
    # Limits on memory and length: a small hostile file could otherwise expand without bound.
    raw = lzma.LZMADecompressor(memlimit=1 << 28).decompress(data, max_length=2 * size)
    planes = np.frombuffer(raw, np.uint8).reshape(2, CHANNELS, rows).astype(np.uint16)
    zigzag = planes[0] | (planes[1] << 8)
    flat = (zigzag >> 1) ^ np.where(zigzag & 1, 0xFFFF, 0).astype(np.uint16)
    return flat.astype(np.uint16).view(np.int16).T


def _steps(frames: int) -> Float[Array, "T 1"]:
    # With equal steps for all frequencies, decoded motion had 1.6 times the jerk of the recordings.
    frequency = np.arange(frames, dtype=np.float32) / frames * NYQUIST_HZ
    return STEP * (1 + (frequency / CORNER_HZ) ** 3)[:, None]
