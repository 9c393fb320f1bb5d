"""Differentiable rotations in torch: quaternions, rotation vectors and the six-number form.

The conventions are those of :mod:`mmm.motion.rotations`: matrices act on column vectors, angles are
radians, quaternions are ``wxyz``. Every function takes any leading axes and keeps dtype and device.
"""

import torch
from torch import Tensor


def matrix_to_quat(m: Tensor) -> Tensor:
    """Rotation matrices (...,3,3) to unit quaternions wxyz (...,4), by Shepperd's method (1978)."""
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = torch.stack(
        [1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22], -1
    )
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    # Row k holds the quaternion times four times its component k. The row of the largest component
    # is chosen, because the others divide by numbers near zero.
    rows = torch.stack(
        [
            torch.stack([squares[..., 0], a, b, c], -1),
            torch.stack([a, squares[..., 1], d, e], -1),
            torch.stack([b, d, squares[..., 2], f], -1),
            torch.stack([c, e, f, squares[..., 3]], -1),
        ],
        dim=-2,
    )
    best = squares.argmax(dim=-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    return torch.nn.functional.normalize(rows.gather(-2, best).squeeze(-2), dim=-1)


def quat_to_matrix(q: Tensor) -> Tensor:
    """Unit quaternions wxyz (...,4) to rotation matrices (...,3,3)."""
    w, x, y, z = q.unbind(-1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z),
            2 * (x * y - w * z),
            2 * (x * z + w * y),
            2 * (x * y + w * z),
            1 - 2 * (x * x + z * z),
            2 * (y * z - w * x),
            2 * (x * z - w * y),
            2 * (y * z + w * x),
            1 - 2 * (x * x + y * y),
        ],
        dim=-1,
    ).reshape(*q.shape[:-1], 3, 3)


def quat_slerp(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Spherical linear interpolation along the shorter arc; ``weight`` broadcasts."""
    # q and -q are the same rotation; the sign with the positive dot product is the nearer one.
    dot = (start * end).sum(-1, keepdim=True)
    end = torch.where(dot < 0, -end, end)
    # atan2 of the half chord keeps its digits at small angles, where acos(dot) loses them.
    angle = 2 * torch.atan2(
        (start - end).norm(dim=-1, keepdim=True), (start + end).norm(dim=-1, keepdim=True)
    )
    sine = angle.sin()
    # Near zero slerp divides by the sine; linear weights are exact enough there. ``where`` chooses
    # the divisor too, because a division by zero would put NaN into the gradient.
    near = sine < 1e-4
    safe = torch.where(near, torch.ones_like(sine), sine)
    first = torch.where(near, 1 - weight, ((1 - weight) * angle).sin() / safe)
    second = torch.where(near, weight.expand_as(sine), (weight * angle).sin() / safe)
    return torch.nn.functional.normalize(first * start + second * end, dim=-1)


def quat_conjugate(q: Tensor) -> Tensor:
    """The inverse of unit quaternions wxyz."""
    return torch.cat([q[..., :1], -q[..., 1:]], dim=-1)


def quat_multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product of quaternions wxyz; as rotations, ``b`` acts first."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        dim=-1,
    )


def quat_log(q: Tensor) -> Tensor:
    """Unit quaternions wxyz to rotation vectors of at most half a turn, radians."""
    # The sign with w >= 0 gives the shorter way round.
    q = torch.where(q[..., :1] < 0, -q, q)
    sine = q[..., 1:].norm(dim=-1, keepdim=True)
    near = sine < 1e-6
    angle = 2 * torch.atan2(sine, q[..., :1])
    return q[..., 1:] * torch.where(near, 2.0, angle / torch.where(near, 1.0, sine))


def quat_exp(vector: Tensor) -> Tensor:
    """Rotation vectors, radians, to unit quaternions wxyz."""
    # The small number keeps the gradient of the square root finite at zero.
    half = (vector.square().sum(-1, keepdim=True) + 1e-12).sqrt() / 2
    return torch.cat([half.cos(), vector * (half.sin() / (2 * half))], dim=-1)


def sixd_to_matrix(sixd: Tensor) -> Tensor:
    """The six-number form (...,6) to rotation matrices (...,3,3), by Gram-Schmidt.

    The same as :func:`mmm.motion.rotations.sixd_to_matrix`.
    """
    x = torch.nn.functional.normalize(sixd[..., :3], dim=-1)
    y = sixd[..., 3:]
    y = torch.nn.functional.normalize(y - (x * y).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)
