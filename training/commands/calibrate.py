"""How far to believe a network on joint roles: ``python -m training.calibrate --checkpoint DIR --data DIR``.

On the validation split, for gaps of several lengths: what share of the network's turns and shifts serves best (into
``config.json`` as ``gap_calibration``), and by how much the error that it expects of itself is off. Then, on the
test split, what the corrected expectation is worth: expected beside true errors, gap by gap,
into ``metrics.json`` and the card.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from jaxtyping import Float
from scipy.stats import spearmanr
from tqdm import tqdm

from mmm import masks
from mmm.checkpoints import describe, load_model, read_json
from mmm.errors import MMMError, ModelError
from mmm.evaluation.evaluate import gaps
from mmm.generation.generate import generate_clip
from mmm.io.files import write_atomically
from mmm.models import MaskedMotionModel
from mmm.models.calibration import PARTS, GapCalibration
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.recovery.humanoid import RolePrediction, answer
from mmm.recovery.recover import recover
from training.cards.card import record
from training.data.dataset import MotionSet
from training.fitted import fit_speed_prior

Array = np.ndarray
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

FRAMES = 240
LENGTHS = (3, 5, 10, 15, 20, 30, 45, 60, 90)
"""Frames from the known one before to the one after, at the network's rate."""
GRID = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
ROTATION_WEIGHT = 2.0
"""Of the rotation error as a share of the fill's, beside the position error's: turns that bring the joints nearer but
bend them wrongly are not wanted."""
STIRS = (1.0, 4.0)
"""Degrees, or centimetres, between which joints rest less and less; see ``mmm.models.calibration``. The training
sources hardly have
resting joints to fit it on: it was chosen as the most that leaves their validation split as it is."""
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
    found = answer(model, clip.motion, hidden)
    rows: Array = np.asarray(hidden.any(axis=1))
    cut = RolePrediction(
        found.roles,
        _rows(found.filled, rows),
        _rows(found.role_filled, rows),
        found.turns[rows],
        found.gap_s[rows],
        found.joint_motion[rows],
        found.expected_m[rows],
        None,
        found.frames,
    )
    truth = _rows(clip.motion, rows)
    return Case(cut, truth, truth.positions())


def _rows(motion: Motion, rows: Array) -> Motion:
    return Motion(motion.skeleton, motion.rotations[rows], motion.root_m[rows], motion.fps)


def patterns(length: int) -> tuple[str, str]:
    """Two ways to hide gaps of a length in frames from known to known: again and again, and once in the middle."""
    first = (FRAMES - length) // 2 + 1
    return f"every:{length}", f"span:{first}-{first + length - 2}"


def errors_of(cases: Sequence[Case], gap_calibration: GapCalibration | None) -> tuple[float, float]:
    """Mean angle of local rotations, radians, and mean joint distance, metres, over all hidden entries."""
    angles, distances = [], []
    for each in cases:
        moved = each.answer.moved(gap_calibration)
        angles.append(rot.geodesic_angle(moved.rotations, each.truth.rotations).ravel())
        distances.append(np.linalg.norm(moved.positions() - each.places_m, axis=-1).ravel())
    return float(np.concatenate(angles).mean()), float(np.concatenate(distances).mean())


def fit_length(
    length_s: float, groups: Sequence[Sequence[Case]], whole: bool = False
) -> tuple[dict[str, float], float]:
    """The shares of each part for one gap length, and what the expected error is to be multiplied by.

    One part after another, twice over: the share with the least sum of rotation and position error, each in terms of
    the fill's own. A share of zero, the fill itself, is among the choices, so the sum is never worse than the fill's.
    ``whole``: the network is believed as far as it says, and only its expected error is corrected.
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
    """Shares and corrections for all gap lengths, from clips that the network was not trained on."""
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
        ``{"gaps", "clips", "rank_correlation", "within_half_to_twice", "fifths": [{"expected_cm", "position_cm"},
        ...]}``: the gaps sorted by what was expected, in five parts of equal number, and the means of each.
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
    """For networks that generate: the share of all turns and shifts with which a future moves as much as the truth.

    Small errors of a network's own making feed on themselves, and a future that is believed whole grows wilder.

    Returns:
        The shares, and for each of ``FUTURE_SHARES`` the median over clips of the future's energy over the truth's.
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


@app.command()
def main(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a checkpoint on joint roles; its files are rewritten")
    ],
    data: Annotated[
        Path,
        typer.Option(help="the prepared set: its val split to fit on, its test split to judge by"),
    ],
    clips: Annotated[int, typer.Option(min=1, help="how many of each split, spread evenly")] = 60,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="believe it as far as it says, and correct its expected error alone: what serves least on the "
            "validation split may serve on other recordings",
        ),
    ] = False,
    symmetric: Annotated[
        bool,
        typer.Option(
            "--symmetric",
            help="from now on the answer is the mean with that to the mirror image, in up to twice the "
            "network's time",
        ),
    ] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all")] = 0,
) -> None:
    """Fit how far recovery believes a network, and measure what its expected error is worth."""
    if threads:
        torch.set_num_threads(threads)
    try:
        info = describe(checkpoint)
        if info.config.representation != "roles":
            raise ModelError(
                str(checkpoint),
                "a network on the joints of one skeleton",
                "one on joint roles",
                "leave the calibration out",
            )
        model = load_model(checkpoint)
        if info.config.horizon_s:
            if symmetric:
                raise ModelError(
                    str(checkpoint),
                    "a network that generates: the mean of two futures is none",
                    "one that recovers",
                    "leave --symmetric out",
                )
            _main_future(model, info.path, data, clips)
            return
        pools = [
            MotionSet(data / split).cut_clips(
                clips, FRAMES, model.config.skeleton, model.config.fps
            )
            for split in ("val", "test")
        ]
        model.config.symmetric = symmetric
        gap_calibration = fit(model, pools[0], whole=whole)
        _store(info.path, gap_calibration=gap_calibration.to_dict(), symmetric=symmetric)
        model.config.gap_calibration = gap_calibration.to_dict()
        found = judge(model, pools[1]) | {
            "data": data.resolve().name,
            "fitted_on": len(pools[0]),
            "asked": clips,
            "whole": whole,
            "symmetric": symmetric,
        }
        record(checkpoint, "calibration", found)
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    columns = (*gap_calibration.shares.values(), gap_calibration.expected)
    typer.echo("gap s   " + "".join(f"{part:>9}" for part in (*PARTS, "expected")))
    for at, length_s in enumerate(gap_calibration.gap_s):
        typer.echo(f"{length_s:6.2f}  " + "".join(f"{row[at]:9.2f}" for row in columns))
    typer.echo(
        f"expected and true errors of {found['gaps']} gaps: rank correlation {found['rank_correlation']:.2f}"
    )


def _main_future(model: MaskedMotionModel, folder: Path, data: Path, clips: int) -> None:
    frames = round(sum(FUTURE_S) * model.config.fps)
    pool = MotionSet(data / "val").cut_clips(clips, frames, model.config.skeleton, model.config.fps)
    model.config.speed_prior = fit_speed_prior(MotionSet(data / "train"), model)
    gap_calibration, medians = fit_future(model, pool)
    _store(folder, gap_calibration=gap_calibration.to_dict(), speed_prior=model.config.speed_prior)
    share = gap_calibration.shares["root"][0]
    rows = [
        {"share": tried, "energy": round(median, 3)}
        for tried, median in zip(FUTURE_SHARES, medians, strict=True)
    ]
    record(
        folder,
        "calibration",
        {
            "future": rows,
            "share": share,
            "fitted_on": len(pool),
            "asked": clips,
            "data": data.resolve().name,
        },
    )
    for row in rows:
        typer.echo(f"share {row['share']:g}: energy {row['energy']:.2f} of the truth's")
    if model.config.speed_prior:
        typer.echo(
            "liveliness: level {:g}, pull {:g}, spread {:g}".format(*model.config.speed_prior)
        )
    typer.echo(f"believed by {share:g}")


def _store(folder: Path, **fields: object) -> None:
    """Into the configuration, the rest of which stays as it is."""
    raw = read_json(folder / "config.json")
    text = json.dumps({**raw, **fields}, indent=2, sort_keys=True) + "\n"
    write_atomically(folder / "config.json", lambda file: file.write(text.encode()))


if __name__ == "__main__":
    app()
