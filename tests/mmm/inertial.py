"""The inertial interpolation worked out by hand, for tests of both ways in which it is written."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from mmm.inertia import ROOT_INERTIA_S, ROTATION_INERTIA_S
from mmm.motion import Motion


def inertial_by_hand(motion: Motion, known: list[int]) -> Motion:
    """The same with SciPy, gap by gap, in float64; whole frames hidden."""
    rotations, root = motion.rotations.astype(float).copy(), motion.root_m.astype(float).copy()
    turns = [[Rotation.from_matrix(rotations[a, j].T @ rotations[b, j]).as_rotvec() / (b - a)
              for j in range(rotations.shape[1])] for a, b in pairwise(known)]
    drifts = [(root[b] - root[a]) / (b - a) for a, b in pairwise(known)]

    def correction(slopes, i, t, inertia):
        a, b = known[i], known[i + 1]
        length, result = b - a, np.zeros_like(np.asarray(slopes[i]))
        for there, since, sign in ((i - 1, t, 1), (i + 1, length - t, -1)):
            if 0 <= there < len(slopes):
                beyond = known[there + 1] - known[there]
                offset = length / (length + beyond) * (np.asarray(slopes[there]) - np.asarray(slopes[i]))
                result = result + sign * offset * since * (1 - since / length) ** 2 * np.exp(-since / inertia)
        return result

    for i, (a, b) in enumerate(pairwise(known)):
        for t in range(1, b - a):
            bend = correction(turns, i, t, ROTATION_INERTIA_S * motion.fps)
            for j in range(rotations.shape[1]):
                straight = rotations[a, j] @ Rotation.from_rotvec(turns[i][j] * t).as_matrix()
                rotations[a + t, j] = straight @ Rotation.from_rotvec(bend[j]).as_matrix()
            root[a + t] = root[a] + drifts[i] * t + correction(drifts, i, t, ROOT_INERTIA_S * motion.fps)
    rotations[:known[0]], root[:known[0]] = rotations[known[0]], root[known[0]]
    rotations[known[-1] + 1:], root[known[-1] + 1:] = rotations[known[-1]], root[known[-1]]
    return Motion(motion.skeleton, rotations, root, motion.fps)
