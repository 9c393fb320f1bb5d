"""Feet that stand stay where they stand: the legs are bent so that planted ankles and toes do not slide.

A network sees joints by their angles, and a small error at the hip is centimetres at the foot. Where a foot of the
recovered or generated motion is low and slow, it is taken to stand; its place is then held, the way there and away is
shared out over the swing, and hip, knee and ankle are turned to reach it. Bone lengths stay, and so does the pelvis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import (
    binary_closing,
    binary_opening,
    distance_transform_edt,
    gaussian_filter1d,
    maximum_filter1d,
)

from mmm.errors import ModelError
from mmm.motion.clip import Motion
from mmm.motion.humanoid import ROLES, match_roles
from mmm.motion.rotations import farthest_angle, rotvec_to_matrix
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

LOW_M = 0.03
"""A foot stands up to so high above where it rests."""
SLOW_M_S = 0.15
"""And while it rises or sinks no faster than this. ``metrics.foot_contacts`` goes by both."""
SWING_M_S = 0.8
"""One that moves over the ground faster than this swings by, however low."""
SHORTEST_S = 0.05
"""Shorter stances, and gaps between two, are trembling."""
MOST_M = 0.06
"""No foot in a gap is held further than this from where the network put it: it may be wrong about standing."""
TWIST_M = 0.05
"""Ankle and toe are moved by so much differently at most: a foot is turned a little, not wrung round."""
ROLE_TWIST_M = 0.01
"""The same in gaps that networks on roles fill: there more of it costs three times the rotation error for a twentieth
less sliding (LAFAN1 and the validation split of the common set, ``every:8``, ``every:15``, gaps of 30)."""
RAISE_S = 0.1
"""What keeps feet out of the floor takes so long to set in."""
SLIDES_M_S = 0.06
"""Where the recorded feet themselves, while they stand, move faster than this by half of the time, none is held: the
recording's feet slide (fitted to video, say), and holding the others would only bend the legs. Clean recordings have
0.01, those of AIST++ 0.17."""
STIFF_DEG = 2.0
"""An ankle that turns less in all known frames is one that the recording does not bend: those of AIST++ turn by 0.9 at
the most, dancing ones by 13 and more."""
_BENDS_FRAMES = 8
"""So many known frames must say so."""
_SEEN_S = 2.0
"""To be judged so, foot joints must be seen standing for so long, all taken together."""
_STRETCH_S = 0.2
"""And be known for so long at a stretch."""
_STRAIGHT = 0.999
"""A leg is stretched to this share of its length at most, so that knees keep their bend."""


@dataclass(frozen=True)
class Leg:
    """Joint numbers of one leg; the toe may be missing (-1)."""

    hip: int
    knee: int
    ankle: int
    toe: int
    stiff: bool = False
    """Whether the ankle never bends: the foot then goes with the shin, and the ankle alone is held."""


def legs_of(skeleton: Skeleton, joint_names: Mapping[str, str] | None = None) -> tuple[Leg, ...]:
    """Both legs, or none where neither the joints' names nor ``joint_names`` (by role) tell them."""
    try:
        place = dict(zip(ROLES, match_roles(skeleton, joint_names).joints.tolist(), strict=True))
    except ModelError:
        return ()
    found = [
        Leg(*(place[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "toe")))
        for side in ("left", "right")
    ]
    return tuple(leg for leg in found if min(leg.hip, leg.knee, leg.ankle) >= 0)


def rest_heights(points: Float[Array, "T J 3"], skeleton: Skeleton) -> Float[Array, "J"]:
    """Height of each joint when it is down, metres: the 5th percentile, or its other side's where that is lower.

    One foot may not come down in a short stretch.
    """
    low = np.percentile(points[..., 1], 5, axis=0)
    return np.minimum(low, low[list(skeleton.mirror_index)]).astype(np.float32)


def lock_feet(
    motion: Motion,
    truth: Motion,
    hidden: Bool[Array, "T J"],
    joint_names: Mapping[str, str] | None = None,
    twist_m: float = TWIST_M,
) -> Motion:
    """A recovered motion with its feet held; see :func:`planted`. Of a recording whose own feet slide it comes back as
    it is; of one that never bends its ankles they are left alone.

    Args:
        truth: whose frames without anything hidden say how high a joint rests; no other frame of it is looked at.
        joint_names: joint names by role, where the names do not tell.
        twist_m: as :func:`planted` takes it.
    """
    frames = np.asarray(~hidden.any(axis=1))
    legs = legs_of(motion.skeleton, joint_names)
    if not legs or not frames.any():
        return motion
    points = truth.positions()
    rest_m = rest_heights(points[frames], motion.skeleton)
    if _slides(points, frames, legs, rest_m, motion.fps) > SLIDES_M_S:
        return motion
    legs = tuple(
        replace(leg, stiff=_never_bends(truth, ~hidden[:, leg.ankle], leg.ankle)) for leg in legs
    )
    return lock_contacts(motion, legs, hidden, rest_m, twist_m=twist_m)


def _never_bends(motion: Motion, known: Bool[Array, "T"], joint: int) -> bool:
    """Whether a joint has the same local rotation in all known frames, and there are enough to tell."""
    seen = motion.rotations[known, joint]
    return len(seen) >= _BENDS_FRAMES and bool(np.degrees(farthest_angle(seen)) < STIFF_DEG)


def _slides(
    points: Float[Array, "T J 3"],
    known: Bool[Array, "T"],
    legs: tuple[Leg, ...],
    rest_m: Float[Array, "J"],
    fps: float,
) -> float:
    """How fast recorded feet move over the ground while they stand: the median, metres a second; zero where too few
    frames tell."""
    speeds = []
    for start, stop in _stretches(known):
        if stop - start < max(3, _STRETCH_S * fps):
            continue
        for j in (joint for leg in legs for joint in (leg.ankle, leg.toe) if joint >= 0):
            own = points[start:stop, j]
            stands = _stands(own, float(rest_m[j]), fps)
            speeds.append(np.linalg.norm(np.gradient(own[:, [0, 2]], axis=0), axis=1)[stands] * fps)
    seen = np.concatenate(speeds) if speeds else np.zeros(0)
    return float(np.median(seen)) if len(seen) >= _SEEN_S * fps else 0.0


def lock_contacts(
    motion: Motion,
    legs: tuple[Leg, ...],
    hidden: Bool[Array, "T J"],
    rest_m: Float[Array, "J"],
    most_m: float = MOST_M,
    clear_m: float = 0.0,
    twist_m: float = TWIST_M,
) -> Motion:
    """The motion with feet held where they stand.

    Args:
        legs: as ``legs_of`` finds them.
        hidden: what may be changed. A leg is bent where hip, knee and ankle may be; elsewhere it comes back bit for
            bit, and its foot leaves and reaches those frames smoothly.
        rest_m: height of each joint when it is down, metres; only those of ankles and toes are looked at.
        most_m: no foot is held further than this from where it was.
        clear_m: a foot that swings by is lifted so high above where it rests; 0: as it is.
        twist_m: ankle and toe are moved by so much differently at most.
    """
    free = [np.asarray(hidden[:, [leg.hip, leg.knee, leg.ankle]].all(axis=1)) for leg in legs]
    if not any(frames.any() for frames in free) or len(motion) < 3:
        return motion
    points, world = (
        motion.positions().astype(np.float64),
        motion.world_rotations().astype(np.float64),
    )
    rotations = motion.rotations.copy()
    for leg, frames in zip(legs, free, strict=True):
        if frames.any():
            _plant(leg, motion, points, world, frames, rest_m, most_m, clear_m, twist_m, rotations)
    return Motion(motion.skeleton, rotations, motion.root_m, motion.fps)


def _plant(
    leg: Leg,
    motion: Motion,
    points: Array,
    world: Array,
    free: Array,
    rest_m: Array,
    most_m: float,
    clear_m: float,
    twist_m: float,
    out: Array,
) -> None:
    """Write one leg's new local rotations."""
    joints = [leg.ankle] if leg.toe < 0 or leg.stiff else [leg.ankle, leg.toe]
    stands = [_stands(points[:, j], float(rest_m[j]), motion.fps) for j in joints]
    moves = [
        _moves(points[:, j][:, [0, 2]], stand, free, most_m)
        for j, stand in zip(joints, stands, strict=True)
    ]
    raised = [
        _raised(points[:, j], move, float(rest_m[j]), free, motion.fps, clear_m)
        for j, move in zip(joints, moves, strict=True)
    ]
    if not any(np.abs(move).max() > 1e-5 for move in (*moves, *raised)):
        return
    ankle, turn = points[:, leg.ankle] + _in_space(moves[0], raised[0]), None
    if len(joints) > 1:
        # A foot is as long as it is: the toe is held exactly where it stands, else the ankle.
        exact = gaussian_filter1d(stands[1].astype(float), 0.02 * motion.fps)[:, None]
        apart = moves[1] - moves[0]
        size = np.linalg.norm(apart, axis=1, keepdims=True)
        apart *= 1 - np.minimum(1, twist_m / np.maximum(size, 1e-9))
        ankle = points[:, leg.ankle] + _in_space(moves[0] + exact * apart, raised[0])
        toe = points[:, leg.toe] + _in_space(moves[1] - (1 - exact) * apart, raised[1])
        foot = points[:, leg.toe] - points[:, leg.ankle]
        turn = _shortest(foot, toe - ankle)
        ankle = exact * (toe - np.einsum("tij,tj->ti", turn, foot)) + (1 - exact) * ankle
    bent = _bend(
        points[:, leg.hip], points[:, leg.knee], points[:, leg.ankle], ankle, world[:, leg.hip]
    )
    if bent is None:
        return
    thigh, shin = bent
    parents = motion.skeleton.parents
    above = (
        world[:, parents[leg.hip]]
        if parents[leg.hip] >= 0
        else np.broadcast_to(np.eye(3), world[:, 0].shape)
    )
    foot_world = world[:, leg.ankle] if turn is None else turn @ world[:, leg.ankle]
    for joint, parent, own in (
        (leg.hip, above, thigh @ world[:, leg.hip]),
        (leg.knee, world[:, parents[leg.knee]], shin @ world[:, leg.knee]),
        (leg.ankle, thigh @ shin @ world[:, parents[leg.ankle]], foot_world),
    ):
        if joint != leg.ankle or not leg.stiff:
            out[free, joint] = (np.swapaxes(parent, -1, -2) @ own)[free]


def _in_space(moves: Float[Array, "T 2"], raised: Float[Array, "T"]) -> Float[Array, "T 3"]:
    return np.stack([moves[:, 0], raised, moves[:, 1]], axis=-1)


def _raised(
    points: Float[Array, "T 3"],
    moves: Float[Array, "T 2"],
    rest_m: float,
    free: Bool[Array, "T"],
    fps: float,
    clear_m: float,
) -> Float[Array, "T"]:
    """How far a joint is to be lifted so that it neither sinks into the floor nor is dragged over it at speed; sets in
    gently beside known frames."""
    speed = np.linalg.norm(np.gradient(points[:, [0, 2]] + moves, axis=0), axis=1) * fps
    wanted = rest_m + clear_m * np.clip(speed / SWING_M_S - 0.5, 0, 1)
    lift = np.clip(wanted - points[:, 1], 0, MOST_M)
    if clear_m:
        lift = np.maximum(
            gaussian_filter1d(maximum_filter1d(lift, 2 * round(0.03 * fps) + 1), 0.03 * fps),
            np.clip(rest_m - points[:, 1], 0, MOST_M),
        )
    near = distance_transform_edt(free) if not free.all() else np.full(len(free), len(free))
    return np.asarray(lift * np.minimum(near / (RAISE_S * fps), 1) * free)


def _stands(points: Float[Array, "T 3"], rest_m: float, fps: float) -> Bool[Array, "T"]:
    """Where a foot joint is low, and slow enough to stand."""
    speed = np.gradient(points, axis=0) * fps
    stands = (
        (points[:, 1] < rest_m + LOW_M)
        & (np.abs(speed[:, 1]) < SLOW_M_S)
        & (np.linalg.norm(speed[:, [0, 2]], axis=1) < SWING_M_S)
    )
    least = np.ones(max(2, round(SHORTEST_S * fps)), dtype=bool)
    padded = np.pad(stands, len(least), mode="edge")
    return np.asarray(
        binary_opening(binary_closing(padded, least), least)[len(least) : -len(least)]
    )


def _stretches(true: Bool[Array, "T"]) -> list[tuple[int, int]]:
    """First and last-plus-one frame of each run of trues."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(int), [0]]))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _moves(
    places: Float[Array, "T 2"], stands: Bool[Array, "T"], free: Bool[Array, "T"], most_m: float
) -> Float[Array, "T 2"]:
    """How far over the ground the foot is to be moved: held in each stance, shared out smoothly between them."""
    known = ~free
    moves, fixed = np.zeros_like(places), known.copy()
    for start, stop in _stretches(stands):
        frames = np.arange(start, stop)
        told = frames[known[start:stop]]
        if len(told) == len(frames):
            continue
        if len(
            told
        ):  # between known frames it goes from one's place to the other's; after the last it stays
            held = np.stack([np.interp(frames, told, places[told, k]) for k in range(2)], axis=1)
        else:
            held = np.broadcast_to(places[start:stop].mean(axis=0), (len(frames), 2))
        moves[start:stop] = np.where(known[start:stop, None], 0, held - places[start:stop])
        fixed[start:stop] = True
    size = np.linalg.norm(moves, axis=1, keepdims=True)
    moves *= np.minimum(1, most_m / np.maximum(size, 1e-9))
    at = np.flatnonzero(fixed)
    if not len(at):
        return moves
    frames = np.arange(len(places))
    after = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
    before = np.clip(np.searchsorted(at, frames, side="right") - 1, 0, len(at) - 1)
    low, high = at[before], at[after]
    share = np.clip((frames - low) / np.maximum(high - low, 1), 0, 1)[:, None]
    share = share * share * (3 - 2 * share)
    return np.asarray(moves[low] * (1 - share) + moves[high] * share)


def _bend(
    hip: Float[Array, "T 3"],
    knee: Float[Array, "T 3"],
    ankle: Float[Array, "T 3"],
    target: Float[Array, "T 3"],
    hip_world: Float[Array, "T 3 3"],
) -> tuple[Float[Array, "T 3 3"], Float[Array, "T 3 3"]] | None:
    """World turns of the thigh, and of the shin within it, that bring the ankle to a target; None for a straight leg
    that never says which way its knee bends."""
    up, down = hip - knee, ankle - knee
    upper, lower = np.linalg.norm(up, axis=1), np.linalg.norm(down, axis=1)
    axis = np.cross(up, down)
    size = np.linalg.norm(axis, axis=1, keepdims=True)
    own = np.einsum("tji,tj->ti", hip_world, axis).sum(
        axis=0
    )  # in the thigh's frame, the more bent the more it says
    if np.linalg.norm(own) < 1e-9:
        return None
    usual = hip_world @ (own / np.linalg.norm(own))
    sine = size / (upper * lower)[:, None]
    sure = np.clip((sine - 0.02) / 0.08, 0, 1)
    axis = sure * axis / np.maximum(size, 1e-12) + (1 - sure) * usual
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
    reach = np.clip(
        np.linalg.norm(target - hip, axis=1),
        np.abs(upper - lower) * 1.01 + 1e-6,
        np.maximum(_STRAIGHT * (upper + lower), np.linalg.norm(ankle - hip, axis=1)),
    )
    angles = [
        np.arccos(np.clip((upper**2 + lower**2 - d**2) / (2 * upper * lower), -1, 1))
        for d in (np.linalg.norm(ankle - hip, axis=1), reach)
    ]
    shin = rotvec_to_matrix(axis * (angles[1] - angles[0])[:, None])
    bent = knee + np.einsum("tij,tj->ti", shin, down)
    return _shortest(bent - hip, target - hip), shin


def _shortest(a: Float[Array, "T 3"], b: Float[Array, "T 3"]) -> Float[Array, "T 3 3"]:
    """The smallest turns that bring one direction to another."""
    a, b = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (a, b))
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine, (a * b).sum(axis=1, keepdims=True))
    return rotvec_to_matrix(axis / np.maximum(sine, 1e-12) * angle)
