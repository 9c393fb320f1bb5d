"""The inertial interpolation computed another way, gap by gap with SciPy, for tests."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from mmm.interpolation.gap_curve import INERTIA, Inertia
from mmm.motion.clip import Motion


def polynomial_speed(frames, path, frame):
    """The slope at one of the frames of the polynomial through all of them."""
    powers = np.vander(np.array(frames, dtype=float) - frame, increasing=True)
    values = np.stack([np.asarray(path[f]) for f in frames])
    return np.linalg.solve(powers, values.reshape(len(frames), -1))[1].reshape(values.shape[1:])


def inertial_by_hand(motion: Motion, known: list[int], curve: Inertia = INERTIA) -> Motion:
    """A motion whose other frames are filled, in float64; all joints are known in ``known``."""
    rotations, root = motion.rotations.astype(float).copy(), motion.root_m.astype(float).copy()
    angular = [
        [
            Rotation.from_matrix(rotations[a, j].T @ rotations[b, j]).as_rotvec() / (b - a)
            for j in range(rotations.shape[1])
        ]
        for a, b in pairwise(known)
    ]
    drifts = [(root[b] - root[a]) / (b - a) for a, b in pairwise(known)]

    def correction(slopes, i, t, inertia):
        a, b = known[i], known[i + 1]
        length, result = b - a, np.zeros_like(np.asarray(slopes[i]))
        for pair, elapsed, sign in ((i - 1, t, 1), (i + 1, length - t, -1)):
            if 0 <= pair < len(slopes):
                beyond = known[pair + 1] - known[pair]
                # The slope of the polynomial through the known frames around this end, solved for.
                end = a if pair < i else b
                frames = [
                    end,
                    known[i + 1] if pair < i else known[i],
                    known[pair] if pair < i else known[pair + 1],
                ]
                path = {a: 0 * np.asarray(slopes[i]), b: np.asarray(slopes[i]) * length}
                outer = known[pair] if pair < i else known[pair + 1]
                path[outer] = path[end] + (
                    np.asarray(slopes[pair]) * beyond
                    if pair > i
                    else -np.asarray(slopes[pair]) * beyond
                )
                speed = polynomial_speed(frames, path, end)
                further = pair - 1 if pair < i else pair + 1
                if 0 <= further < len(slopes):
                    last = known[further] if pair < i else known[further + 1]
                    way = np.asarray(slopes[further]) * (known[further + 1] - known[further])
                    path[last] = path[outer] + (way if pair > i else -way)
                    cubic = polynomial_speed([*frames, last], path, end)
                    speed = speed + curve.cubic * (cubic - speed)
                offset = speed - np.asarray(slopes[i])
                result = result + sign * offset * elapsed * (1 - elapsed / length) ** 2 * np.exp(
                    -elapsed / inertia
                )
        return result

    for i, (a, b) in enumerate(pairwise(known)):
        for t in range(1, b - a):
            bend = correction(angular, i, t, curve.rotation_s * motion.fps)
            for j in range(rotations.shape[1]):
                straight = rotations[a, j] @ Rotation.from_rotvec(angular[i][j] * t).as_matrix()
                rotations[a + t, j] = straight @ Rotation.from_rotvec(bend[j]).as_matrix()
            root[a + t] = (
                root[a] + drifts[i] * t + correction(drifts, i, t, curve.root_s * motion.fps)
            )
    rotations[: known[0]], root[: known[0]] = rotations[known[0]], root[known[0]]
    rotations[known[-1] + 1 :], root[known[-1] + 1 :] = rotations[known[-1]], root[known[-1]]
    return Motion(motion.skeleton, rotations, root, motion.fps)
