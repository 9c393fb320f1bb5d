"""Rotations in three dimensions: conversions, projection, distance, interpolation.

These conventions hold in the whole project. Axes are right-handed, angles are in radians, and
matrices act on column vectors. Quaternions are ``wxyz`` with a non-negative real part. Euler orders
are **intrinsic** and upper case: ``"ZYX"`` turns about Z, then about the new Y, then about the new
X. Every function takes any leading axes.

The conversions are SciPy's (``scipy.spatial.transform.Rotation``), with these conventions.
"""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, RotationSpline

from mmm.arrays import unit_vectors

Array = np.ndarray

# Columns of the six-number form that are shorter have no direction.
_SHORTEST_COLUMN = 1e-12


def _leading(values: Array, trailing: int) -> tuple[int, ...]:
    """Shape without its last axes."""
    return values.shape[: values.ndim - trailing]


def _from_matrix(matrices: Array) -> Rotation:
    # Ours are orthonormal already; skipping SciPy's own orthonormalisation halves the time.
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3).astype(np.float64), assume_valid=True)


def rotvec_to_matrix(rotvec_rad: Float[Array, "*b 3"]) -> Float[Array, "*b 3 3"]:
    """Rotation vectors (axis times angle, radians) to matrices, float32."""
    matrices = Rotation.from_rotvec(rotvec_rad.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*_leading(rotvec_rad, 1), 3, 3).astype(np.float32)


def matrix_to_rotvec(matrices: Float[Array, "*b 3 3"]) -> Float[Array, "*b 3"]:
    """Matrices to rotation vectors (axis times angle, radians in [0, pi]), float32."""
    rotvec = _from_matrix(matrices).as_rotvec()
    return rotvec.reshape(*_leading(matrices, 2), 3).astype(np.float32)


def euler_to_matrix(angles_rad: Float[Array, "*b n"], order: str) -> Float[Array, "*b 3 3"]:
    """Intrinsic Euler angles to matrices, float32.

    Args:
        angles_rad: one column for each letter of ``order``, in that order, radians.
        order: one to three of the letters X, Y and Z.

    Raises:
        ValueError: the order has other letters, or not one for each column.
    """
    order = _intrinsic(order)
    if len(order) != angles_rad.shape[-1]:
        raise ValueError(f"Euler order {order!r} for {angles_rad.shape[-1]} angles")
    # Written out, because SciPy's from_euler takes six times as long, and reading a BVH would spend
    # most of its time there.
    angles = np.asarray(angles_rad, dtype=np.float64)
    cosines, sines = np.cos(angles), np.sin(angles)
    columns = [np.zeros((*_leading(angles, 1), 3)) for _ in range(3)]
    for axis, column in enumerate(columns):
        column[..., axis] = 1
    for k, letter in enumerate(order):
        # Multiplying by a rotation about X from the right mixes the columns Y and Z, and so on
        # cyclically.
        first, second = (("XYZ".index(letter) + step) % 3 for step in (1, 2))
        cosine, sine = cosines[..., k, None], sines[..., k, None]
        columns[first], columns[second] = (
            cosine * columns[first] + sine * columns[second],
            cosine * columns[second] - sine * columns[first],
        )
    return np.stack(columns, axis=-1).astype(np.float32)


def about_vertical(
    angles_rad: float | np.floating[Any] | Float[Array, "*b"],
) -> Float[Array, "*b 3 3"]:
    """Rotations by angles about the vertical (Y), from Z towards X, float64."""
    turns = np.zeros((*np.shape(angles_rad), 3, 3))
    turns[..., 0, 0] = turns[..., 2, 2] = np.cos(angles_rad)
    turns[..., 0, 2] = np.sin(angles_rad)
    turns[..., 2, 0], turns[..., 1, 1] = -turns[..., 0, 2], 1
    return turns


def matrix_to_euler(matrices: Float[Array, "*b 3 3"], order: str) -> Float[Array, "*b 3"]:
    """Matrices to three intrinsic Euler angles, radians.

    The angles are float64, since files print more digits than float32 holds. At gimbal lock the
    third angle is zero, which still gives the same rotation back.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # gimbal lock: see above
        angles = _from_matrix(matrices).as_euler(_intrinsic(order))
    return angles.reshape(*_leading(matrices, 2), 3)


def _intrinsic(order: str) -> Any:  # SciPy's stubs want the twelve orders as literals
    if not order or set(order) - set("XYZ"):
        raise ValueError(f"Euler order {order!r}: intrinsic orders are upper-case letters of XYZ")
    return order


def quat_wxyz_to_matrix(quat_wxyz: Float[Array, "*b 4"]) -> Float[Array, "*b 3 3"]:
    """Quaternions of any length but zero to matrices, float32."""
    matrices = Rotation.from_quat(quat_wxyz.reshape(-1, 4), scalar_first=True).as_matrix()
    return matrices.reshape(*_leading(quat_wxyz, 1), 3, 3).astype(np.float32)


def matrix_to_quat_wxyz(matrices: Float[Array, "*b 3 3"]) -> Float[Array, "*b 4"]:
    """Matrices to unit quaternions with w >= 0, float32."""
    quat = _from_matrix(matrices).as_quat(canonical=True, scalar_first=True)
    return quat.reshape(*_leading(matrices, 2), 4).astype(np.float32)


def matrix_to_unrolled_quat(matrices: Float[Array, "*b T J 3 3"]) -> Float[Array, "*b T J 4"]:
    """Matrices to unit quaternions ``wxyz`` without sign jumps in time (axis -3), float32.

    q and -q are the same rotation. The first frame has w >= 0; each later quaternion has the sign
    that brings it nearer to the one before.
    """
    quats = matrix_to_quat_wxyz(matrices)
    # A negative dot product with the previous frame requires a flip of this and all later frames.
    signs = np.where(
        (quats[..., 1:, :, :] * quats[..., :-1, :, :]).sum(-1, keepdims=True) < 0, -1, 1
    )
    quats[..., 1:, :, :] *= np.cumprod(signs, axis=-3)
    return quats


def matrix_to_sixd(matrices: Float[Array, "*b 3 3"]) -> Float[Array, "*b 6"]:
    """The six-number form of Zhou et al. 2019: the first two columns, one after the other."""
    columns = np.swapaxes(matrices[..., :2], -1, -2)
    return columns.reshape(*_leading(matrices, 2), 6).astype(np.float32)


def sixd_to_matrix(sixd: Float[Array, "*b 6"]) -> Float[Array, "*b 3 3"]:
    """The six-number form to matrices, float32 (Zhou et al. 2019).

    Gram-Schmidt makes the two columns orthonormal; the third is their cross product.
    """
    columns = sixd.reshape(*_leading(sixd, 1), 2, 3).astype(np.float64)
    x = unit_vectors(columns[..., 0, :], _SHORTEST_COLUMN)
    y = columns[..., 1, :]
    y = unit_vectors(y - (x * y).sum(-1, keepdims=True) * x, _SHORTEST_COLUMN)
    return np.stack([x, y, np.cross(x, y)], axis=-1).astype(np.float32)


NEAR = 1e-4
"""If no entry of ``M^T M`` is farther from the identity, one Newton-Schulz step replaces the SVD.
It reaches the nearest rotation within the rounding of float32 in a seventh of the time."""


def nearest_rotation(matrices: Float[Array, "*b 3 3"]) -> Float[Array, "*b 3 3"]:
    """The rotations R of greatest trace(R^T M), float64 (Kabsch 1976; orthogonal Procrustes).

    These are also the nearest rotations in the Frobenius norm.
    """
    u, _, vt = np.linalg.svd(matrices.astype(np.float64))
    # Flipping the column of the smallest singular value gives determinant +1 at the least distance.
    u[..., -1] *= np.linalg.det(u @ vt)[..., None]
    return np.asarray(u @ vt)


def project_to_so3(
    matrices: Float[Array, "*b 3 3"],
) -> tuple[Float[Array, "*b 3 3"], Float[Array, "*b"]]:
    """Project matrices to the nearest rotations in the Frobenius norm (orthogonal Procrustes).

    Returns:
        The rotations (float32, determinant +1) and the residual ``|M - R|_F`` (float32), which is
        zero for a rotation.
    """
    m = matrices.astype(np.float64)
    gram = np.swapaxes(m, -1, -2) @ m
    # The determinant. A reflection has orthonormal columns too, but is far from any rotation.
    volume = (np.cross(m[..., 0, :], m[..., 1, :]) * m[..., 2, :]).sum(-1)
    if np.all(np.abs(gram - np.eye(3)) < NEAR) and np.all(volume > 0):
        rotations = m @ (1.5 * np.eye(3) - 0.5 * gram)
    else:
        rotations = nearest_rotation(m)
    residual = np.linalg.norm(m - rotations, axis=(-2, -1))
    return rotations.astype(np.float32), np.asarray(residual, dtype=np.float32)


def geodesic_angle(a: Float[Array, "*b 3 3"], b: Float[Array, "*b 3 3"]) -> Float[Array, "*b"]:
    """The angle between two rotations, radians in [0, pi], float32.

    It follows from the chord ``|A - B|_F = 2 sqrt(2) sin(angle / 2)``, which is exact at zero. The
    usual arc cosine of the trace loses half its digits there.
    """
    chord = np.linalg.norm(a.astype(np.float64) - b.astype(np.float64), axis=(-2, -1))
    return np.asarray(2 * np.arcsin(np.clip(chord / (2 * np.sqrt(2)), 0, 1)), dtype=np.float32)


def farthest_angle(a: Float[Array, "F *b 3 3"]) -> Float[Array, "*b"]:
    """The largest angle between the first rotation and the others, radians in [0, pi], float32."""
    return np.asarray(geodesic_angle(a, np.broadcast_to(a[:1], a.shape)).max(axis=0))


def slerp(
    start: Float[Array, "*b 3 3"], end: Float[Array, "*b 3 3"], weight: Float[Array, "*b"]
) -> Float[Array, "*b 3 3"]:
    """Spherical linear interpolation along the shorter arc (Shoemake 1985).

    The result is ``start`` at weight 0 and ``end`` at weight 1.
    """
    delta = matrix_to_rotvec(np.swapaxes(start, -1, -2) @ end)
    return start @ rotvec_to_matrix(delta * weight[..., None].astype(np.float32))


def rotation_spline(
    times: Float[Array, "n"], rotations: Float[Array, "n 3 3"], query: Float[Array, "m"]
) -> Float[Array, "m 3 3"]:
    """Cubic spline through rotations (SciPy's ``RotationSpline``), constant beyond both ends.

    Args:
        times: ascending.
        rotations: those that the spline passes through.
        query: times to evaluate it at.
    """
    # SciPy would extrapolate with the spline's last velocity, which spins without limit.
    inside = np.clip(query, times[0], times[-1])
    if len(times) == 1:
        return np.repeat(rotations, len(query), axis=0)
    return RotationSpline(times, _from_matrix(rotations))(inside).as_matrix().astype(np.float32)
