"""The inertial interpolation worked out by hand, for tests of both ways in which it is written."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from mmm.interpolation.inertial import INERTIA, Inertia
from mmm.motion.clip import Motion


def polynomial_speed(frames, path, at):
    """The slope at one of the frames of the polynomial through all of them."""
    powers = np.vander(np.array(frames, dtype=float) - at, increasing=True)
    values = np.stack([np.asarray(path[frame]) for frame in frames])
    return np.linalg.solve(powers, values.reshape(len(frames), -1))[1].reshape(values.shape[1:])


def inertial_by_hand(motion: Motion, known: list[int], curve: Inertia = INERTIA) -> Motion:
    """The same with SciPy, gap by gap, in float64; whole frames hidden."""
    rotations, root = motion.rotations.astype(float).copy(), motion.root_m.astype(float).copy()
    turns = [
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
        for there, since, sign in ((i - 1, t, 1), (i + 1, length - t, -1)):
            if 0 <= there < len(slopes):
                beyond = known[there + 1] - known[there]
                # The speed of the polynomial through the known frames around this end, by solving for it.
                end = a if there < i else b
                frames = [
                    end,
                    known[i + 1] if there < i else known[i],
                    known[there] if there < i else known[there + 1],
                ]
                path = {a: 0 * np.asarray(slopes[i]), b: np.asarray(slopes[i]) * length}
                outer = known[there] if there < i else known[there + 1]
                path[outer] = path[end] + (
                    np.asarray(slopes[there]) * beyond
                    if there > i
                    else -np.asarray(slopes[there]) * beyond
                )
                speed = polynomial_speed(frames, path, end)
                further = there - 1 if there < i else there + 1
                if 0 <= further < len(slopes):
                    last = known[further] if there < i else known[further + 1]
                    way = np.asarray(slopes[further]) * (known[further + 1] - known[further])
                    path[last] = path[outer] + (way if there > i else -way)
                    cubic = polynomial_speed([*frames, last], path, end)
                    speed = speed + curve.cubic * (cubic - speed)
                offset = speed - np.asarray(slopes[i])
                result = result + sign * offset * since * (1 - since / length) ** 2 * np.exp(
                    -since / inertia
                )
        return result

    for i, (a, b) in enumerate(pairwise(known)):
        for t in range(1, b - a):
            bend = correction(turns, i, t, curve.rotation_s * motion.fps)
            for j in range(rotations.shape[1]):
                straight = rotations[a, j] @ Rotation.from_rotvec(turns[i][j] * t).as_matrix()
                rotations[a + t, j] = straight @ Rotation.from_rotvec(bend[j]).as_matrix()
            root[a + t] = (
                root[a] + drifts[i] * t + correction(drifts, i, t, curve.root_s * motion.fps)
            )
    rotations[: known[0]], root[: known[0]] = rotations[known[0]], root[known[0]]
    rotations[known[-1] + 1 :], root[known[-1] + 1 :] = rotations[known[-1]], root[known[-1]]
    return Motion(motion.skeleton, rotations, root, motion.fps)
