"""The command line: ``python -m mmm recover | generate | attention | intervene | attribute | convert | info |
evaluate | leaderboard``.

Exit status 0 done, 2 bad input (said in one line on stderr), 130 interrupted. Outputs are written beside their name
and renamed when whole. Networks, and torch with them, are imported only by the commands that run one.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mmm import edits
from mmm.checkpoints import check_fit
from mmm.cli.explain import attention, attribute, intervene
from mmm.cli.generate import generate
from mmm.cli.leaderboard import leaderboard
from mmm.cli.options import (
    METRICS_SUFFIXES,
    OUTPUT_SUFFIXES,
    Asf,
    Body,
    CheckpointPath,
    ClipPath,
    Facing,
    Fps,
    Frames,
    Hide,
    MusicPath,
    MusicStart,
    Roles,
    Seed,
    TrueFps,
    Unit,
    Up,
    check_output,
    load,
    print_table,
    say_notes,
    write_json,
    write_text,
)
from mmm.cli.printing import ERROR_COLUMNS, EVALUATION_COLUMNS, checkpoint_facts, clip_facts
from mmm.errors import MMMError
from mmm.interpolation import baselines
from mmm.io.files import MOTION_SUFFIXES
from mmm.motion.humanoid import parse_roles
from mmm.spec import HELP as SPEC_HELP

if TYPE_CHECKING:
    from mmm.recovery.result import RecoveryResult

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def _about() -> None:
    """Recover hidden frames of human motion, or go on from its first ones, with or without music."""


@app.command()
def recover(
    clip: ClipPath,
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="C",
            help="folder or name of a checkpoint; or hold, slerp, inertial, spline, which need none",
        ),
    ],
    hide: Hide,
    music: MusicPath = None,
    music_start: MusicStart = 0.0,
    frames: Frames = ":",
    fps: Fps = None,
    unit: Unit = None,
    up: Up = None,
    facing: Facing = None,
    true_fps: TrueFps = None,
    asf: Asf = None,
    body: Body = None,
    seed: Seed = 0,
    role: Roles = None,
    lock_feet: Annotated[
        bool | None,
        typer.Option(
            "--lock-feet/--no-lock-feet",
            "--plant-feet/--no-plant-feet",
            help="hold feet where they stand, by bending hidden legs; default: as the checkpoint was measured",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="save the result: .bvh, .npz, .pkl or .glb; truth beside it, to be watched: .mp4, .gif, "
            ".webp or .html; or the map of its errors: .png",
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="C",
            show_default=False,
            help="another checkpoint or interpolation in the table, and in what is to be "
            "watched; may be given again",
        ),
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="save the table as .json or .csv")
    ] = None,
) -> None:
    """Hide part of a clip, recover it, and compare with the truth.

    --hide also takes edits: frames kept or pinned, poses inserted as keyframes, gaps made longer or shorter.
    Prints the mean errors over hidden entries of the chosen method and of four interpolations: angle of local
    rotations, distance of joints and of the root. Known entries saved as .npz are the clip's own, bit for bit.
    Networks on joint roles also say how far from the truth they expect to be.
    """
    joint_names = parse_roles(role or ())
    check_output(out, (*OUTPUT_SUFFIXES, ".png"))
    check_output(metrics, METRICS_SUFFIXES)
    truth = load(clip, music, frames, fps, unit, up, music_start, facing, true_fps, asf, body)
    edited = edits.apply(hide, truth, seed)
    given, mask = edited.clip, edited.mask
    from mmm.evaluation.evaluate import report, report_csv, with_baselines
    from mmm.recovery.recover import interpolate
    from mmm.recovery.recover import recover as run

    def by(name: str) -> "RecoveryResult":
        if name in baselines.BASELINES:
            return interpolate(name, given, mask)
        from mmm.checkpoints import load_model

        return run(load_model(name), given, mask, joint_names=joint_names, lock_feet=lock_feet)

    first = by(checkpoint)
    others = [by(name) for name in dict.fromkeys(beside or ()) if name != checkpoint]
    results = with_baselines(first, *others)
    if out is not None:
        first.save(out, beside=others)
    if metrics is not None:
        told = report(results, hide, seed)
        if metrics.suffix.lower() == ".csv":
            write_text(metrics, report_csv(told))
        else:
            write_json(metrics, told)
    say_notes(*given.notes, *results[0].notes)
    _print_results(results, hide)


def _print_results(results: Sequence["RecoveryResult"], hide: str) -> None:
    clip, hidden = results[0].clip, results[0].hidden
    count, measured = int(hidden.sum()), int(results[0].measured.sum())
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
    print_table(
        rows,
        {
            "method": "method",
            **ERROR_COLUMNS,
            "time": "time",
        },
    )
    if results[0].expected_cm is not None and hidden.any():
        expected = float(results[0].expected_cm[hidden.any(axis=1)].mean(dtype=np.float64))
        name = results[0].model_name
        typer.echo(
            f"{name} expects {expected:.3f} cm of itself, over all joints (each gap: --metrics)"
        )


app.command()(generate)
app.command()(attention)
app.command()(intervene)
app.command()(attribute)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="a motion file: .pkl, .bvh, .amc or .npz")
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="what to write: .bvh, .npz, .pkl or .glb; to be watched: .mp4, .gif, .webp or .html",
        ),
    ],
    music: MusicPath = None,
    music_start: MusicStart = 0.0,
    frames: Frames = ":",
    fps: Fps = None,
    unit: Unit = None,
    up: Up = None,
    facing: Facing = None,
    true_fps: TrueFps = None,
    asf: Asf = None,
    body: Body = None,
) -> None:
    """Convert a motion file; the suffixes say from what to what. Only .npz, .mp4 and .html keep the music."""
    check_output(target, OUTPUT_SUFFIXES)
    clip = load(source, music, frames, fps, unit, up, music_start, facing, true_fps, asf, body)
    from mmm.viewer.save import save

    save(clip, target)
    say_notes(*clip.notes)
    typer.echo(
        f"wrote {target}: {len(clip)} frames at {clip.motion.fps:g} fps, {len(clip.motion.skeleton)} joints"
    )


@app.command()
def info(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="a motion file, a folder of them, or the folder or name of a checkpoint",
        ),
    ],
    unit: Unit = None,
    up: Up = None,
    facing: Facing = None,
    true_fps: TrueFps = None,
    asf: Asf = None,
    body: Body = None,
    search: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            show_default=False,
            help="of a folder only files whose name or facts hold all these words",
        ),
    ] = "",
) -> None:
    """Say what a clip, a folder of clips (what the library page shows) or a checkpoint holds."""
    if Path(path).is_dir() and not (Path(path) / "config.json").is_file():
        from mmm.evaluation.library import COLUMNS, listing

        rows = list(listing(Path(path), search))
        print_table(rows, COLUMNS)
        typer.echo(f"{len(rows)} motion files")
        return
    if Path(path).suffix.lower() in MOTION_SUFFIXES or Path(path).is_file():
        lines = clip_facts(
            load(
                Path(path),
                None,
                ":",
                None,
                unit,
                up,
                facing=facing,
                true_fps=true_fps,
                asf=asf,
                body=body,
            )
        )
    else:
        from mmm.checkpoints import describe

        lines = checkpoint_facts(describe(path))
    width = max(len(name) for name, _ in lines)
    for name, fact in lines:
        typer.echo(f"{name:{width}}  {fact}" if name else fact)


@app.command()
def evaluate(
    checkpoint: CheckpointPath,
    clips: Annotated[list[Path], typer.Option(metavar="PATH...", help="motion files, one or more")],
    hide: Annotated[
        list[str], typer.Option(metavar="SPEC...", help=f"one or more of: {SPEC_HELP}")
    ],
    frames: Frames = ":",
    fps: Fps = None,
    unit: Unit = None,
    up: Up = None,
    facing: Facing = None,
    true_fps: TrueFps = None,
    asf: Asf = None,
    body: Body = None,
    seed: Seed = 0,
    role: Roles = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="save the rows as JSON")
    ] = None,
) -> None:
    """Mean errors of a checkpoint and four interpolations over many clips, a SPEC at a time.

    Means are over all hidden entries together; a clip too short for a SPEC is left out of its rows (see "clips").
    """
    joint_names = parse_roles(role or ())
    check_output(out, (".json",))
    pool = [
        load(
            path, None, frames, fps, unit, up, facing=facing, true_fps=true_fps, asf=asf, body=body
        )
        for path in clips
    ]
    from mmm.checkpoints import load_model
    from mmm.evaluation.evaluate import evaluate as run

    model = load_model(checkpoint)
    notes = dict.fromkeys(
        note for clip in pool for note in (*clip.notes, *check_fit(model.config, clip, joint_names))
    )
    rows = run(model, pool, hide, seed=seed, joint_names=joint_names)
    if out is not None:
        names = [clip.name for clip in pool]
        write_json(
            out, {"checkpoint": model.name_or_path, "seed": seed, "clips": names, "rows": rows}
        )
    say_notes(*notes)
    typer.echo(f"means over hidden entries of {len(pool)} clips, {sum(map(len, pool))} frames:")
    print_table(rows, EVALUATION_COLUMNS)


app.command()(leaderboard)


# The class of all usage errors, whether typer brings its own click or uses the one beside it.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line, without the program's name; ``sys.argv`` where None.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = app(
            _spread(given, ("--clips", "--hide")), prog_name="python -m mmm", standalone_mode=False
        )
    except MMMError as error:
        return _fail(str(error))
    except _UsageError as error:
        return _fail(" ".join(str(getattr(error, "format_message")()).split()))  # noqa: B009  it has no public type
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    typer.echo(f"error: {message}", err=True)
    return 2


def _spread(arguments: Sequence[str], options: tuple[str, ...]) -> list[str]:
    """``evaluate --clips A B`` as ``--clips A --clips B``: so a shell's ``*.bvh`` works."""
    if arguments[0] not in ("evaluate", "leaderboard"):
        return list(arguments)
    spread: list[str] = []
    option, first = "", True
    for word in arguments:
        if word.startswith("-"):
            option, first = (word if word in options else ""), True
        elif option and not first:
            spread.append(option)
        else:
            first = False
        spread.append(word)
    return spread
