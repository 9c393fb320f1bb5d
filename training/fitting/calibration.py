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
"""Weight of the rotation error over that of the position error, both as shares of the fill's error.
It rules out rotations that bring joints closer but bend them wrongly."""
STIRS = (1.0, 4.0)
"""Degrees (rotations) or centimetres (positions) between which joints pass from static to moving;
see ``mmm.models.calibration``. The training sources hardly have static joints to fit it on. These
are the largest values that leave the errors on their validation split unchanged."""
JUDGED = ("every:10", "span:112-126", "span:105-134", "span:90-149")
FIFTHS = 5


@dataclass(frozen=True)
class Case:
    """The hidden frames of one clip under one pattern."""

    answer: RolePrediction
    truth: Motion
    places_m: Float[Array, "T J 3"]


def case(model: MaskedMotionModel, clip: Clip, spec: str) -> Case:
    """The network's prediction for one clip, cut to the hidden frames."""
    hidden = masks.parse(spec, clip).hidden
    # The network runs once a case. All shares of the grid are tried on its stored prediction.
    prediction = predict_roles(model, clip, hidden)
    rows: Array = np.asarray(hidden.any(axis=1))
    cut = replace(
        prediction,
        filled=_rows(prediction.filled, rows),
        role_filled=_rows(prediction.role_filled, rows),
        pose_offsets=prediction.pose_offsets[rows],
        gap_s=prediction.gap_s[rows],
        joint_motion=prediction.joint_motion[rows],
        expected_m=prediction.expected_m[rows],
    )
    truth = _rows(clip.motion, rows)
    return Case(cut, truth, truth.positions())


def _rows(motion: Motion, rows: Array) -> Motion:
    return Motion(motion.skeleton, motion.rotations[rows], motion.root_m[rows], motion.fps)


def patterns(length: int) -> tuple[str, str]:
    """SPECs with gaps of a length (frames from known to known): repeated, and once in the
    middle."""
    first = (FRAMES - length) // 2 + 1
    return f"every:{length}", f"span:{first}-{first + length - 2}"


def errors_of(cases: Sequence[Case], gap_calibration: GapCalibration | None) -> tuple[float, float]:
    """Mean angle of local rotations (radians) and mean joint distance (metres) over hidden
    frames."""
    angles, distances = [], []
    for each in cases:
        # Local rotations, so that an error of the shoulder does not count again in the elbow.
        moved = each.answer.posed(gap_calibration)
        angles.append(rot.geodesic_angle(moved.rotations, each.truth.rotations).ravel())
        distances.append(np.linalg.norm(moved.positions() - each.places_m, axis=-1).ravel())
    return float(np.concatenate(angles).mean()), float(np.concatenate(distances).mean())


def fit_length(
    length_s: float, groups: Sequence[Sequence[Case]], full_shares: bool = False
) -> tuple[dict[str, float], float]:
    """Fit the shares of one gap length by coordinate descent over a grid, in two rounds.

    The cost is the sum of rotation and position error, each as a share of the fill's. Zero (the
    fill itself) is on the grid, so that the cost is never above the fill's.

    Args:
        length_s: of the gaps, seconds from known frame to known frame.
        groups: cases of each pattern.
        full_shares: keep all shares at 1, and correct the expected error only.

    Returns:
        The share of each part, and the factor on the expected error.
    """
    shares = dict.fromkeys(PARTS, 1.0 if full_shares else 0.0)

    def table(values: dict[str, float]) -> GapCalibration:
        return GapCalibration(
            (length_s,), {part: (value,) for part, value in values.items()}, (1.0,), STIRS
        )

    # Shares of zero give the fill itself, the unit of the cost.
    fills = [errors_of(cases, table(shares)) for cases in groups]

    def cost(values: dict[str, float]) -> float:
        errors = [errors_of(cases, table(values)) for cases in groups]
        return sum(
            ROTATION_WEIGHT * angle / max(fill[0], 1e-9) + distance / max(fill[1], 1e-9)
            for (angle, distance), fill in zip(errors, fills, strict=True)
        )

    # A second round, because the best share of the legs depends on that of the root.
    for _ in range(0 if full_shares else 2):
        # The root first, because it moves all the others.
        for part in ("root", "legs", "trunk", "arms"):
            costs = [cost({**shares, part: share}) for share in GRID]
            shares[part] = GRID[int(np.argmin(costs))]
    true = [distance for cases in groups for distance in [errors_of(cases, table(shares))[1]]]
    expected = [
        float(np.concatenate([each.answer.expected_m for each in cases]).mean()) for cases in groups
    ]
    return shares, sum(true) / max(sum(expected), 1e-9)


def fit(
    model: MaskedMotionModel,
    clips: Sequence[Clip],
    progress: bool = True,
    full_shares: bool = False,
) -> GapCalibration:
    """Fit shares and corrections for all gap lengths, on clips that the network was not trained
    on."""
    # An earlier calibration must not act on the predictions that the new one is fitted to.
    model.config.gap_calibration = None
    columns: list[tuple[dict[str, float], float]] = []
    for length in tqdm(LENGTHS, desc="calibrate", disable=not progress):
        groups = [[case(model, clip, spec) for clip in clips] for spec in patterns(length)]
        columns.append(fit_length(length / model.config.fps, groups, full_shares))
    return GapCalibration(
        tuple(length / model.config.fps for length in LENGTHS),
        {part: tuple(shares[part] for shares, _ in columns) for part in PARTS},
        tuple(factor for _, factor in columns),
        STIRS,
    )


def compare_expected(model: MaskedMotionModel, clips: Sequence[Clip]) -> dict[str, Any]:
    """Compare expected with real errors, gap by gap, on clips unused in training and fitting.

    Returns:
        ``{"gaps", "clips", "rank_correlation", "within_half_to_twice", "fifths": [{"expected_cm",
        "position_cm"}, ...]}``: the fifths are five equal parts of the gaps, sorted by expected
        error, with the means of each.
    """
    rows = [
        row
        for spec in JUDGED
        for clip in clips
        for row in gaps(recover(model, clip, masks.parse(spec, clip)))
    ]
    expected, true = (
        np.array([row[key] for row in rows], dtype=float) for key in ("expected_cm", "position_cm")
    )
    fifths = [
        {
            "expected_cm": round(float(expected[part].mean()), 3),
            "position_cm": round(float(true[part].mean()), 3),
        }
        for part in np.array_split(np.argsort(expected), FIFTHS)
    ]
    near = (true >= expected / 2) & (true <= expected * 2)
    # Ranks, because what matters is which gaps to look at first.
    rank = float(spearmanr(expected, true).statistic)
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
"""Seconds of the prefix, and seconds to generate."""


def energy(motion: Motion) -> float:
    """Mean speed of all joints, metres a second."""
    return float(np.linalg.norm(np.diff(motion.positions(), axis=0), axis=-1).mean()) * motion.fps


def fit_future(
    model: MaskedMotionModel, clips: Sequence[Clip], progress: bool = True
) -> tuple[GapCalibration, list[float]]:
    """Fit the share of rotations and shifts with which generated motion is as lively as recorded
    motion.

    Generated motion is fed back to the network. Its errors add up, and at the full share the motion
    grows wilder.

    Returns:
        The shares, and for each of ``FUTURE_SHARES`` the median over clips of generated over
        recorded energy.
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
            # The floor is for recordings in which nobody moves.
            ratios.append(energy(future) / max(energy(clip.motion.crop(seed, len(clip))), 0.01))
        medians.append(float(np.median(ratios)))
    # The nearest to 1 on a logarithmic scale: half as lively is as wrong as twice as lively.
    return _even(FUTURE_SHARES[int(np.abs(np.log(medians)).argmin())]), medians


def _even(share: float) -> GapCalibration:
    return GapCalibration((1.0,), dict.fromkeys(PARTS, (share,)), (1.0,))
