"""The published LAFAN1 evaluation told again in plain loops and float64, from its definitions alone.

It shares nothing with what it tests: its own BVH reader, quaternions throughout (the project works with matrices), one
window after another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

PAST, WINDOW, OFFSET = 10, 65, 40


@dataclass
class Take:
    quats: np.ndarray  # (T, J, 4) local, wxyz, signs following each other from frame 0 on
    root: np.ndarray  # (T, 3)
    offsets: np.ndarray  # (J, 3)
    parents: list[int]


def followed(quats: np.ndarray) -> np.ndarray:
    quats = quats.copy()
    for t in range(1, len(quats)):
        away = (quats[t] * quats[t - 1]).sum(axis=-1) < 0
        quats[t, away] = -quats[t, away]
    return quats


def read_take(path: Path) -> Take:
    """A BVH whose joints all turn Z, Y, X and whose root alone has positions."""
    head, _, motion = path.read_text().partition("MOTION")
    offsets, parents, open_joints, depth_is_end = [], [], [-1], []
    for line in head.splitlines():
        words = line.split()
        if words[:1] in (["ROOT"], ["JOINT"]):
            parents.append(open_joints[-1])
            open_joints.append(len(parents) - 1)
            depth_is_end.append(False)
        elif words[:1] == ["End"]:
            depth_is_end.append(True)
        elif words[:1] == ["OFFSET"] and not depth_is_end[-1]:
            offsets.append([float(w) for w in words[1:4]])
        elif words[:1] == ["}"] and not depth_is_end.pop():
            open_joints.pop()
    rows = [[float(w) for w in line.split()] for line in motion.splitlines()[3:] if line.strip()]
    values = np.array(rows)
    joints = len(parents)
    angles = values[:, 3:].reshape(-1, 3)
    quats = (
        Rotation.from_euler("ZYX", angles, degrees=True)
        .as_quat(scalar_first=True)
        .reshape(-1, joints, 4)
    )
    return Take(followed(quats), values[:, :3], np.array(offsets), parents)


def times(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Hamilton's product, which keeps signs."""
    w, v = p[..., :1], p[..., 1:]
    x, u = q[..., :1], q[..., 1:]
    return np.concatenate(
        [w * x - (v * u).sum(-1, keepdims=True), w * u + x * v + np.cross(v, u)], axis=-1
    )


def turned(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    flip = q * [1, -1, -1, -1]
    pure = np.concatenate([np.zeros((*v.shape[:-1], 1)), v], axis=-1)
    return times(times(q, pure), flip)[..., 1:]


def to_world(quats: np.ndarray, root: np.ndarray, take: Take) -> tuple[np.ndarray, np.ndarray]:
    world, places = [quats[:, 0]], [root]
    for j in range(1, len(take.parents)):
        p = take.parents[j]
        places.append(places[p] + turned(world[p], np.broadcast_to(take.offsets[j], root.shape)))
        world.append(times(world[p], quats[:, j]))
    return np.stack(world, axis=1), np.stack(places, axis=1)


def hips_y(quats: np.ndarray, root: np.ndarray, take: Take) -> np.ndarray:
    """Where the published code takes the hips to face."""
    return turned(quats[0], np.array([0.0, 1, 0]))


def across(left: int, right: int) -> Callable[[np.ndarray, np.ndarray, Take], np.ndarray]:
    """At right angles to the line from one joint to another."""

    def facing(quats: np.ndarray, root: np.ndarray, take: Take) -> np.ndarray:
        places = to_world(quats[None], root[None], take)[1][0]
        line = places[left] - places[right]
        return np.array([-line[2], 0, line[0]])

    return facing


def windows_of(
    takes: list[Take], facing: Callable, size: int = WINDOW, hop: int = OFFSET
) -> list[tuple]:
    found = []
    for take in takes:
        i = 0
        while i + size < len(take.root):
            quats, root = take.quats[i : i + size].copy(), take.root[i : i + size].copy()
            root[:, 0] -= root[:, 0].mean()
            root[:, 2] -= root[:, 2].mean()
            x, _, z = facing(quats[PAST - 1], root[PAST - 1], take)
            yaw = np.arctan2(z, x)
            turn = np.array([np.cos(yaw / 2), 0, np.sin(yaw / 2), 0])
            quats[:, 0] = times(np.broadcast_to(turn, quats[:, 0].shape), quats[:, 0])
            root = turned(np.broadcast_to(turn, (size, 4)), root)
            found.append((quats, root, take))
            i += hop
    return found


def between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    result = np.empty_like(start)
    for j in range(len(start)):
        cosine, goal = start[j] @ end[j], end[j]
        if cosine < 0:
            cosine, goal = -cosine, -goal
        if 1 - cosine < 0.01:
            mixed = (1 - share) * start[j] + share * goal
        else:
            angle = np.arccos(cosine)
            mixed = (
                np.sin((1 - share) * angle) * start[j] + np.sin(share * angle) * goal
            ) / np.sin(angle)
        result[j] = mixed / np.linalg.norm(mixed)
    return result


def spectrum_distance(truth: list[np.ndarray], other: list[np.ndarray]) -> float:
    weighted = weights = 0.0
    frames = np.arange(len(truth[0]))
    cosines = np.cos(
        2 * np.pi * frames[:, None] * frames / len(frames)
    )  # the Fourier transform's real part
    for a, b in zip(truth, other, strict=True):
        for feature in range(a[0].size):
            curves, totals = [], []
            for signal in (a.reshape(len(a), -1)[:, feature], b.reshape(len(b), -1)[:, feature]):
                power = (cosines @ signal) ** 2
                totals.append(power.sum())
                curves.append(np.cumsum(power / power.sum()))
            weighted += totals[0] * np.abs(curves[0] - curves[1]).sum()
            weights += totals[0]
    return weighted / weights


def evaluate(
    windows: list[tuple], gaps: tuple[int, ...]
) -> dict[tuple[str, int], dict[str, float]]:
    """``l2q l2p npss position`` (in the takes' unit) of both published baselines."""
    everything = np.concatenate([to_world(*window)[1] for window in windows])
    mean, std = everything.mean(axis=0), everything.std(axis=0)
    result = {}
    for gap in gaps:
        inside = slice(PAST, PAST + gap)
        tables: dict[str, list] = {"truth": [], "zero-velocity": [], "interpolation": []}
        for quats, root, take in windows:
            last, target = PAST - 1, PAST + gap
            shares = [(t + 1) / (gap + 1) for t in range(gap)]
            line = np.stack([(1 - s) * root[last] + s * root[target] for s in shares])
            arcs = np.stack([between(quats[last], quats[target], s) for s in shares])
            still = np.stack([quats[last]] * gap), np.stack([root[last]] * gap)
            tables["truth"].append(to_world(quats[inside], root[inside], take))
            tables["zero-velocity"].append(to_world(*still, take))
            tables["interpolation"].append(to_world(arcs, line, take))
        truth = tables.pop("truth")
        for name, found in tables.items():
            l2q, l2p, away = [], [], []
            for (quats, places), (quats2, places2) in zip(truth, found, strict=True):
                for t in range(gap):
                    l2q.append(np.sqrt(((quats[t] - quats2[t]) ** 2).sum()))
                    l2p.append(
                        np.sqrt(
                            ((((places[t] - mean) / std) - ((places2[t] - mean) / std)) ** 2).sum()
                        )
                    )
                    away.append(np.linalg.norm(places[t] - places2[t], axis=-1).mean())
            npss = spectrum_distance([q for q, _ in truth], [q for q, _ in found])
            result[name, gap] = {
                "l2q": np.mean(l2q),
                "l2p": np.mean(l2p),
                "npss": npss,
                "position": np.mean(away),
            }
    return result
