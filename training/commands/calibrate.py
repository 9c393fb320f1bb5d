"""``python -m training calibrate``: how far recovery follows a network on joint roles."""

import json
from pathlib import Path
from typing import Annotated

import torch
import typer

from mmm.checkpoints import CheckpointInfo, describe, load_model, read_json
from mmm.errors import ModelError
from mmm.models import MaskedMotionModel
from mmm.models.calibration import PARTS, GapCalibration
from mmm.models.field_names import OLD_FIELD_NAMES
from mmm.storage import write_text
from training.benchmark.clips import prepared
from training.cards.card import record
from training.commands import options as c
from training.data.dataset import MotionSet
from training.fitting import calibration
from training.fitting.gate import with_gate
from training.fitting.priors import fit_speed_prior


def calibrate(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a checkpoint on joint roles; its files are rewritten")
    ],
    data: Annotated[
        Path,
        typer.Option(help="prepared set: fitted on its val split, measured on its test split"),
    ],
    clips: Annotated[int, typer.Option(min=1, help="how many of each split, spread evenly")] = 60,
    full_shares: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="use predictions unscaled and fit the expected error only; shares fitted on this "
            "validation split may not suit other recordings",
        ),
    ] = False,
    symmetric: Annotated[
        bool,
        typer.Option(
            "--symmetric",
            help="from now on, average the predictions for the motion and its mirror image; the "
            "network takes up to twice the time",
        ),
    ] = False,
    gate_only: Annotated[
        bool,
        typer.Option(
            "--gate-only",
            help="keep the shares that the checkpoint has, and fit the gap gate alone: when "
            "recovery follows a curve instead, and the expected error",
        ),
    ] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all")] = 0,
) -> None:
    """Fit how far recovery follows a network by gap length, and measure its expected error."""
    if threads:
        torch.set_num_threads(threads)
    with c.one_line_errors():
        info = describe(checkpoint)
        # Read from config.json, before the weights are loaded.
        if info.config.representation != "roles":
            raise ModelError(
                str(checkpoint),
                "a network on the joints of one skeleton",
                "one on joint roles",
                "leave the calibration out",
            )
        model = load_model(checkpoint)
        # A network with a horizon generates futures. There are no gap lengths to fit by, so it gets
        # one scale and, beside it, a speed prior.
        if info.config.horizon_s:
            if symmetric:
                raise ModelError(
                    str(checkpoint),
                    "a network that generates; the mean of two futures is not a plausible one",
                    "one that recovers",
                    "leave --symmetric out",
                )
            _calibrate_future(model, info.path, data, clips)
            return
        # Set before the fit, because it changes the predictions that the scales are fitted to.
        model.config.symmetric = info.config.symmetric if gate_only else symmetric
        kept = None
        if gate_only:
            kept, full_shares = _kept(info, full_shares)
        _calibrate_gaps(model, info.path, data, clips, full_shares, kept)


def _calibrate_gaps(
    model: MaskedMotionModel,
    folder: Path,
    data: Path,
    clips: int,
    full_shares: bool,
    kept: GapCalibration | None,
) -> None:
    """Fit scales by gap length and a gap gate, store them, measure them and print them.

    With ``kept``, its scales stay and the gate alone is fitted.
    """
    # Fitted on val and measured on test, because errors on the clips that the scales were fitted
    # to would look too small.
    fitted, measured = (
        MotionSet(data / split).cut_clips(
            clips, calibration.FRAMES, model.config.skeleton, model.config.fps
        )
        for split in ("val", "test")
    )
    symmetric = model.config.symmetric
    gap_calibration = kept or calibration.fit(model, fitted, full_shares=full_shares)
    # Whole clips, because gaps of four seconds need room.
    gap_calibration = with_gate(model, prepared(data / "val").clips, gap_calibration)
    _store(folder, gap_calibration=gap_calibration.to_dict(), symmetric=symmetric)
    # The test split must be measured with the calibration that has just been stored.
    model.config.gap_calibration = gap_calibration.to_dict()
    results = calibration.compare_expected(model, measured) | {
        "data": data.resolve().name,
        "fitted_on": len(fitted),
        "asked": clips,
        "whole": full_shares,
        "symmetric": symmetric,
        "gate_only": kept is not None,
    }
    record(folder, "calibration", results)
    columns = (*gap_calibration.shares.values(), gap_calibration.expected)
    typer.echo("gap s   " + "".join(f"{part:>9}" for part in (*PARTS, "expected")))
    for index, length_s in enumerate(gap_calibration.gap_s):
        typer.echo(f"{length_s:6.2f}  " + "".join(f"{row[index]:9.2f}" for row in columns))
    typer.echo(
        f"expected and true errors of {results['gaps']} gaps: rank correlation "
        f"{results['rank_correlation']:.2f}"
    )


def _kept(info: CheckpointInfo, full_shares: bool) -> tuple[GapCalibration, bool]:
    """The scales that a checkpoint has, and whether they leave its predictions unscaled."""
    if info.config.calibration is None:
        raise ModelError(
            str(info.path),
            "no gap calibration whose shares could be kept",
            "a checkpoint that was calibrated before",
            "leave --gate-only out",
        )
    earlier = info.metrics.get("calibration") or {}
    return info.config.calibration, bool(earlier.get("whole", full_shares))


def _calibrate_future(model: MaskedMotionModel, folder: Path, data: Path, clips: int) -> None:
    """Fit the one scale of a network that generates, and its speed prior; store and print them."""
    frames = round(sum(calibration.FUTURE_S) * model.config.fps)
    pool = MotionSet(data / "val").cut_clips(clips, frames, model.config.skeleton, model.config.fps)
    model.config.speed_prior = fit_speed_prior(MotionSet(data / "train"), model)
    gap_calibration, medians = calibration.fit_future(model, pool)
    _store(folder, gap_calibration=gap_calibration.to_dict(), speed_prior=model.config.speed_prior)
    share = gap_calibration.shares["root"][0]
    rows = [
        {"share": tried, "energy": round(median, 3)}
        for tried, median in zip(calibration.FUTURE_SHARES, medians, strict=True)
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
            "speed prior: intercept {:g}, slope {:g}, sigma {:g}".format(*model.config.speed_prior)
        )
    typer.echo(f"predictions are scaled by {share:g}")


def _store(folder: Path, **fields: object) -> None:
    """Into the configuration, the rest of which stays as it is."""
    # The raw file, not the parsed configuration: fields that this version does not know stay in it.
    raw = {
        key: value
        for key, value in read_json(folder / "config.json").items()
        # A former name of a field would stay beside the new one.
        if OLD_FIELD_NAMES.get(key) not in fields
    }
    text = json.dumps({**raw, **fields}, indent=2, sort_keys=True) + "\n"
    write_text(folder / "config.json", text)
