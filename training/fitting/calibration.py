"""Fit how far recovery follows a network on joint roles, by the length of the gap.

On the validation split, for gaps of several lengths: the share of the network's turns and shifts
that gives the smallest errors (written into ``config.json`` as ``gap_calibration``), and the factor
between the error that the network expects and the real one. On the test split: the corrected
expected error beside the real one, gap by gap, written into ``metrics.json`` and the card.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr
from tqdm import tqdm

from mmm import masks
from mmm.evaluation.evaluate import gaps
from mmm.generation.generate import generate_clip
from mmm.models import MaskedMotionModel
from mmm.models.calibration import PARTS, GapCalibration
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.recovery.humanoid import RolePrediction, predict_roles
from mmm.recovery.recover import recover

Array = np.ndarray
FRAMES = 240
LENGTHS = (3, 5, 10, 15, 20, 30, 45, 60, 90)
"""Frames from the known one before to the one after, at the network's rate."""
GRID = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
ROTATION_WEIGHT = 2.0
"""Of the rotation error as a share of the fill's, beside the position error's: turns that bring the
joints nearer but bend them wrongly are not wanted."""
STIRS = (1.0, 4.0)
"""Degrees, or centimetres, between which joints rest less and less; see ``mmm.models.calibration``.
The training sources hardly have resting joints to fit it on: it was chosen as the most that leaves
their validation split as it is."""
JUDGED = ("every:10", "span:112-126", "span:105-134", "span:90-149")
FIFTHS = 5


@dataclass(frozen=True)
class Case:
    """The hidden frames of one clip under one pattern."""

    answer: RolePrediction
    truth: Motion
    places_m: Float[Array, "T J 3"]


def case(model: MaskedMotionModel, clip: Clip, spec: str) -> Case:
    """What the network says of one clip, cut to the frames that were hidden."""
    hidden = masks.parse(spec, clip).hidden
    prediction = predict_roles(model, clip, hidden)
    rows: Array = np.asarray(hidden.any(axis=1))
    cut = replace(
        prediction,
        filled=_rows(prediction.filled, rows),
        role_filled=_rows(prediction.role_filled, rows),
        turns=prediction.turns[rows],
        gap_s=prediction.gap_s[rows],
        joint_motion=prediction.joint_motion[rows],
        expected_m=prediction.expected_m[rows],
    )
    truth = _rows(clip.motion, rows)
    return Case(cut, truth, truth.positions())


def _rows(motion: Motion, rows: Array) -> Motion:
    return Motion(motion.skeleton, motion.rotations[rows], motion.root_m[rows], motion.fps)


def patterns(length: int) -> tuple[str, str]:
    """Two ways to hide gaps of a length in frames from known to known: again and again, and once in
    the middle."""
    first = (FRAMES - length) // 2 + 1
    return f"every:{length}", f"span:{first}-{first + length - 2}"


def errors_of(cases: Sequence[Case], gap_calibration: GapCalibration | None) -> tuple[float, float]:
    """Mean angle of local rotations, radians, and mean joint distance, metres, over all hidden
    entries."""
    angles, distances = [], []
    for each in cases:
        moved = each.answer.moved(gap_calibration)
        angles.append(rot.geodesic_angle(moved.rotations, each.truth.rotations).ravel())
        distances.append(np.linalg.norm(moved.positions() - each.places_m, axis=-1).ravel())
    return float(np.concatenate(angles).mean()), float(np.concatenate(distances).mean())


def fit_length(
    length_s: float, groups: Sequence[Sequence[Case]], whole: bool = False
) -> tuple[dict[str, float], float]:
    """The shares of each part for one gap length, and what the expected error is to be multiplied
    by.

    One part after another, twice over: the share with the least sum of rotation and position error,
    each in terms of the fill's own. A share of zero, the fill itself, is among the choices, so the
    sum is never worse than the fill's. ``whole``: the network is believed as far as it says, and
    only its expected error is corrected.
    """
    shares = dict.fromkeys(PARTS, 1.0 if whole else 0.0)

    def table(values: dict[str, float]) -> GapCalibration:
        return GapCalibration(
            (length_s,), {part: (value,) for part, value in values.items()}, (1.0,), STIRS
        )

    fills = [errors_of(cases, table(shares)) for cases in groups]

    def cost(values: dict[str, float]) -> float:
        found = [errors_of(cases, table(values)) for cases in groups]
        return sum(
            ROTATION_WEIGHT * angle / max(fill[0], 1e-9) + distance / max(fill[1], 1e-9)
            for (angle, distance), fill in zip(found, fills, strict=True)
        )

    for _ in range(0 if whole else 2):
        for part in ("root", "legs", "trunk", "arms"):
            costs = [cost({**shares, part: share}) for share in GRID]
            shares[part] = GRID[int(np.argmin(costs))]
    true = [distance for cases in groups for distance in [errors_of(cases, table(shares))[1]]]
    said = [
        float(np.concatenate([each.answer.expected_m for each in cases]).mean()) for cases in groups
    ]
    return shares, sum(true) / max(sum(said), 1e-9)


def fit(
    model: MaskedMotionModel, clips: Sequence[Clip], progress: bool = True, whole: bool = False
) -> GapCalibration:
    """Shares and corrections for all gap lengths, from clips that the network was not trained
    on."""
    model.config.gap_calibration = None
    columns: list[tuple[dict[str, float], float]] = []
    for length in tqdm(LENGTHS, desc="calibrate", disable=not progress):
        groups = [[case(model, clip, spec) for clip in clips] for spec in patterns(length)]
        columns.append(fit_length(length / model.config.fps, groups, whole))
    return GapCalibration(
        tuple(length / model.config.fps for length in LENGTHS),
        {part: tuple(shares[part] for shares, _ in columns) for part in PARTS},
        tuple(factor for _, factor in columns),
        STIRS,
    )


def judge(model: MaskedMotionModel, clips: Sequence[Clip]) -> dict[str, Any]:
    """Expected beside true errors, gap by gap, on clips that neither training nor fitting has seen.

    Returns:
        ``{"gaps", "clips", "rank_correlation", "within_half_to_twice", "fifths": [{"expected_cm",
        "position_cm"}, ...]}``: the gaps sorted by what was expected, in five parts of equal
        number, and the means of each.
    """
    rows = [
        row
        for spec in JUDGED
        for clip in clips
        for row in gaps(recover(model, clip, masks.parse(spec, clip)))
    ]
    said, true = (
        np.array([row[key] for row in rows], dtype=float) for key in ("expected_cm", "position_cm")
    )
    fifths = [
        {
            "expected_cm": round(float(said[part].mean()), 3),
            "position_cm": round(float(true[part].mean()), 3),
        }
        for part in np.array_split(np.argsort(said), FIFTHS)
    ]
    near = (true >= said / 2) & (true <= said * 2)
    rank = float(spearmanr(said, true).statistic)
    return {
        "gaps": len(rows),
        "clips": len(clips),
        "rank_correlation": round(rank, 3),
        "within_half_to_twice": round(float(near.mean()), 3),
        "fifths": fifths,
        "hide": list(JUDGED),
    }


FUTURE_SHARES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
FUTURE_S = (2.0, 10.0)
"""Seconds of seed, and to generate."""


def energy(motion: Motion) -> float:
    """Mean speed of all joints, metres a second."""
    return float(np.linalg.norm(np.diff(motion.positions(), axis=0), axis=-1).mean()) * motion.fps


def fit_future(
    model: MaskedMotionModel, clips: Sequence[Clip], progress: bool = True
) -> tuple[GapCalibration, list[float]]:
    """For networks that generate: the share of all turns and shifts with which a future moves as
    much as the truth.

    Small errors of a network's own making feed on themselves, and a future that is believed whole
    grows wilder.

    Returns:
        The shares, and for each of ``FUTURE_SHARES`` the median over clips of the future's energy
        over the truth's.
    """
    seed, frames = (round(seconds * model.config.fps) for seconds in FUTURE_S)
    medians = []
    for share in tqdm(FUTURE_SHARES, desc="calibrate", disable=not progress):
        model.config.gap_calibration = _even(share).to_dict()
        ratios = []
        for number, clip in enumerate(clips):
            future = generate_clip(
                model, clip, prefix_frames=seed, frames=frames, random_seed=number
            ).generated
            ratios.append(energy(future) / max(energy(clip.motion.crop(seed, len(clip))), 0.01))
        medians.append(float(np.median(ratios)))
    return _even(FUTURE_SHARES[int(np.abs(np.log(medians)).argmin())]), medians


def _even(share: float) -> GapCalibration:
    return GapCalibration((1.0,), dict.fromkeys(PARTS, (share,)), (1.0,))
