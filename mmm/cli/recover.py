"""``mmm recover``: hide part of a clip, recover it, and compare with the truth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mmm import edits
from mmm.cli.options import ClipOptions, ClipPath, Hide, Roles, Seed
from mmm.cli.output import (
    METRICS_SUFFIXES,
    OUTPUT_SUFFIXES,
    FilmFrames,
    check_film_frames,
    check_output,
    film_frames_of,
    print_notes,
    print_table,
)
from mmm.cli.tables import ERROR_COLUMNS
from mmm.edits import Edited
from mmm.interpolation import baselines
from mmm.motion.roles import parse_roles
from mmm.storage import write_json, write_text

if TYPE_CHECKING:
    from mmm.recovery.result import RecoveryResult

COLUMNS = {
    "method": "method",
    **ERROR_COLUMNS,
    "time": "time",
}


def recover(
    clip: ClipPath,
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="C",
            help="folder or name of a checkpoint; or hold, slerp, inertial, spline, which need "
            "none",
        ),
    ],
    hide: Hide,
    options: ClipOptions,
    seed: Seed = 0,
    role: Roles = None,
    lock_feet: Annotated[
        bool | None,
        typer.Option(
            "--lock-feet/--no-lock-feet",
            "--plant-feet/--no-plant-feet",  # the former name, which scripts still use
            help="keep standing feet in place by bending hidden legs; default: as the checkpoint "
            "was measured",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="save the result as .bvh, .npz, .pkl or .glb; show it beside the truth as .mp4, "
            ".gif, .webp or .html; or draw the map of its errors as .png",
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="C",
            show_default=False,
            help="another checkpoint or interpolation to add to the table and to films and pages; "
            "may be repeated",
        ),
    ] = None,
    film_frames: FilmFrames = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="save the table as .json or .csv")
    ] = None,
) -> None:
    """Hide part of a clip, recover it, and compare with the truth.

    --hide also takes edits: frames kept or pinned, poses copied or given in angles, keyframes moved,
    gaps made longer or shorter. Prints the mean errors over hidden entries of the chosen method and of four
    interpolations: angle of local rotations, distance of joints and of the root. Known entries
    saved as .npz are the clip's own, bit for bit. Networks on joint roles also estimate their own
    error.
    """
    joint_names = parse_roles(role or ())
    check_output(out, (*OUTPUT_SUFFIXES, ".png"))
    check_film_frames(film_frames, out)
    check_output(metrics, METRICS_SUFFIXES)
    edited = edits.apply(hide, options.read(clip), seed)
    # Each network is loaded, run and freed before the next.
    run = _runner(edited, joint_names, lock_feet)
    # Imported here, with torch, after all options were checked.
    from mmm.evaluation.evaluate import report, report_csv, with_baselines

    first = run(checkpoint)
    # The same checkpoint twice is one row.
    others = [run(name) for name in dict.fromkeys(beside or ()) if name != checkpoint]
    results = with_baselines(first, *others)
    if out is not None:
        first.save(
            out, beside=others, film_frames=film_frames_of(film_frames, len(first.recovered))
        )
    if metrics is not None:
        figures = report(results, hide, seed)
        if metrics.suffix.lower() == ".csv":
            write_text(metrics, report_csv(figures))
        else:
            write_json(metrics, figures)
    print_notes(*edited.clip.notes, *first.notes)
    _print_results(results, hide)


def _runner(
    edited: Edited, joint_names: dict[str, str], lock_feet: bool | None
) -> Callable[[str], "RecoveryResult"]:
    """A function that recovers the clip with a checkpoint or interpolation, given its name."""
    from mmm.recovery.recover import interpolate
    from mmm.recovery.recover import recover as run

    def by(name: str) -> "RecoveryResult":
        # Interpolations come first, so that a folder of the same name cannot hide one.
        if name in baselines.BASELINES:
            return interpolate(name, edited.clip, edited.mask)
        from mmm.checkpoints import load_model

        model = load_model(name)
        return run(model, edited.clip, edited.mask, joint_names=joint_names, lock_feet=lock_feet)

    return by


def _print_results(results: Sequence["RecoveryResult"], hide: str) -> None:
    clip, hidden = results[0].clip, results[0].hidden
    count, measured = int(hidden.sum()), int(results[0].measured.sum())
    # Retimed gaps contain frames that were never recorded, so no error can be measured there.
    over = "these" if measured == count else f"the {measured} of these that were recorded"
    if count and not measured:
        over = "none of these, for none was recorded: there is no truth to compare with"
    typer.echo(
        f"{clip.name}: {len(clip)} frames at {clip.motion.fps:g} fps; {hide} hides {count} entries "
        f"in {int(hidden.any(axis=1).sum())} frames; means over {over}:"
    )
    rows = [
        {"method": r.model_name, **r.errors.summary(), "time": f"{r.elapsed_s:.2f} s"}
        for r in results
    ]
    print_table(rows, COLUMNS)
    if results[0].expected_cm is not None and hidden.any():
        # float64: float32 sums over many frames lose digits.
        expected = float(results[0].expected_cm[hidden.any(axis=1)].mean(dtype=np.float64))
        typer.echo(
            f"{results[0].model_name} expects an error of {expected:.3f} cm over all joints "
            "(for each gap: --metrics)"
        )
