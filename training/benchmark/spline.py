"""SciPy's ``RotationSpline`` for many joints at once; SciPy takes a millisecond for each of millions.

Between two keys the rotation vector ``u`` from the first of them is a cubic of time, chosen so that
angular velocity and angular acceleration are continuous at every key; the first and the last
velocity are those of slerp. With the right Jacobian ``J`` of SO(3) the velocity in the body's frame
is ``w = J(u) u'``. Its derivative is ``J u'' + n(u, u')``, so continuity at a key is linear in the
velocities except for ``n``, which is found by iteration. The boundary conditions and the number of
iterations are SciPy's, so that both give the same result.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Array = np.ndarray

# SciPy's limit and tolerance (`RotationSpline.MAX_ITER` and `TOL`).
ITERATIONS = 10
CLOSE_RAD_PER_FRAME = 1e-9
_SMALL_RAD = 0.05  # series below this angle, because the fractions lose their digits


def last_segment(
    times: Float[Array, "K"], keys: Float[Array, "N K 3 3"], since: Float[Array, "G"]
) -> Float[Array, "N G 3"]:
    """The last segment of each spline, from the second-to-last key on.

    Args:
        times: of the keys, ascending, three or more.
        keys: rotations, N splines beside each other.
        since: times after the second-to-last key.

    Returns:
        Rotation vectors relative to that key, radians, in its own frame.
    """
    n, count = keys.shape[:2]
    steps = np.swapaxes(keys[:, :-1], -1, -2) @ keys[:, 1:]
    turns = Rotation.from_matrix(steps.reshape(-1, 3, 3)).as_rotvec().reshape(n, count - 1, 3)
    h = np.diff(times)
    jacobian, inverse = _jacobians(turns)
    # The velocity at every key; the iterations keep those of the ends.
    velocity = np.concatenate([turns[:, :1] / h[0], turns / h[:, None]], axis=1)
    fixed = 6 * (turns[:, :-1] / h[:-1, None] ** 2 + turns[:, 1:] / h[1:, None] ** 2)
    fixed[:, 0] -= 2 / h[0] * _times(jacobian[:, 0], velocity[:, 0])
    fixed[:, -1] -= 2 / h[-1] * _times(inverse[:, -1], velocity[:, -1])
    # Factored once, because the iterations change only the right side.
    solve = _Tridiagonal(
        2 / h[1:-1, None, None] * jacobian[:, 1:-1],
        4 * (1 / h[:-1] + 1 / h[1:]),
        2 / h[1:-1, None, None] * inverse[:, 1:-1],
    )
    for _ in range(ITERATIONS):
        arriving = _times(inverse, velocity[:, 1:])  # u' at the end of every stretch
        solution = solve(fixed - _bend(turns[:, :-1], arriving[:, :-1]))
        change = np.abs(solution - velocity[:, 1:-1])
        velocity[:, 1:-1] = solution
        if (change < CLOSE_RAD_PER_FRAME * (1 + np.abs(solution))).all():
            break
    turn, start, end = (
        turns[:, -1, None],
        velocity[:, -2, None],
        _times(inverse[:, -1], velocity[:, -1])[:, None],
    )
    s = (np.asarray(since, float) / h[-1])[:, None]
    # Cubic Hermite form: from zero to `turn`, with the velocities at both ends.
    return turn * s**2 * (3 - 2 * s) + h[-1] * (start * s * (1 - s) ** 2 - end * s**2 * (1 - s))


def _times(matrices: Array, vectors: Array) -> Array:
    return (matrices @ vectors[..., None])[..., 0]


def _jacobians(u: Float[Array, "N K 3"]) -> tuple[Float[Array, "N K 3 3"], Float[Array, "N K 3 3"]]:
    """The right Jacobian and its inverse."""
    angle = np.linalg.norm(u, axis=-1)[..., None, None]
    small = angle < _SMALL_RAD
    x = np.where(small, 1.0, angle)
    a = np.where(small, 1 / 2 - angle**2 / 24, (1 - np.cos(x)) / x**2)
    b = np.where(small, 1 / 6 - angle**2 / 120, (x - np.sin(x)) / x**3)
    c = np.where(small, 1 / 12 + angle**2 / 720, 1 / x**2 - 1 / (2 * x * np.tan(x / 2)))
    cross = np.zeros((*u.shape, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        cross[..., k, j], cross[..., j, k] = u[..., i], -u[..., i]
    square = cross @ cross
    eye = np.eye(3)
    return eye - a * cross + b * square, eye + cross / 2 + c * square


def _bend(u: Float[Array, "N K 3"], speed: Float[Array, "N K 3"]) -> Float[Array, "N K 3"]:
    """``n(u, u')``: the change of the velocity at ``u'' = 0``, because the Jacobian depends on
    ``u``."""
    angle = np.linalg.norm(u, axis=-1, keepdims=True)
    small = angle < _SMALL_RAD
    x = np.where(small, 1.0, angle)
    b = np.where(small, 1 / 6 - angle**2 / 120, (x - np.sin(x)) / x**3)
    # Derivatives of the Jacobian's two factors by the angle, over the angle.
    da = np.where(small, -1 / 12 + angle**2 / 180, (x * np.sin(x) + 2 * (np.cos(x) - 1)) / x**4)
    db = np.where(small, -1 / 60 + angle**2 / 1260, (3 * np.sin(x) - x * np.cos(x) - 2 * x) / x**5)
    along = (u * speed).sum(-1, keepdims=True)
    across = np.cross(u, speed)
    return -da * along * across + db * along * np.cross(u, across) + b * np.cross(speed, across)


class _Tridiagonal:
    """Solves N block-tridiagonal systems of 3x3 blocks at once; factored once for many right
    sides."""

    def __init__(
        self,
        lower: Float[Array, "N L 3 3"],
        diagonal: Float[Array, "M"],
        upper: Float[Array, "N L 3 3"],
    ) -> None:
        self.lower, self.upper = lower, upper
        eye = np.eye(3)
        self.pivots = [np.broadcast_to(eye / diagonal[0], (len(lower), 3, 3))]
        # The Thomas algorithm, with blocks of 3x3 in the place of numbers.
        for k in range(1, len(diagonal)):
            block = diagonal[k] * eye - lower[:, k - 1] @ self.pivots[-1] @ upper[:, k - 1]
            self.pivots.append(np.linalg.inv(block))

    def __call__(self, right: Float[Array, "N M 3"]) -> Float[Array, "N M 3"]:
        rows = [right[:, 0]]
        for k in range(1, right.shape[1]):
            rows.append(
                right[:, k] - _times(self.lower[:, k - 1], _times(self.pivots[k - 1], rows[-1]))
            )
        solution = [_times(self.pivots[-1], rows[-1])]
        for k in range(right.shape[1] - 2, -1, -1):
            solution.append(
                _times(self.pivots[k], rows[k] - _times(self.upper[:, k], solution[-1]))
            )
        return np.stack(solution[::-1], axis=1)
