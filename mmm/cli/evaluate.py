"""``mmm evaluate``: the errors of a checkpoint over many clips, beside the interpolations."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import describe
from mmm.cli.options import CheckpointPath, RangeOptions, Ray, Roles, Seed, files_of
from mmm.cli.output import check_output, print_failures, print_notes, print_table
from mmm.cli.tables import EVALUATION_COLUMNS
from mmm.evaluation.files import Job, measure_files, rows_of
from mmm.evaluation.measurements import version_of
from mmm.motion.roles import parse_roles
from mmm.spec import HELP as SPEC_HELP
from mmm.storage import write_json


def evaluate(
    checkpoint: CheckpointPath,
    clips: Annotated[
        list[Path], typer.Option(metavar="PATH...", help="motion files, or folders of them")
    ],
    hide: Annotated[
        list[str], typer.Option(metavar="SPEC...", help=f"one or more of: {SPEC_HELP}")
    ],
    options: RangeOptions,
    seed: Seed = 0,
    role: Roles = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="save the rows as JSON")
    ] = None,
    ray: Ray = None,
) -> None:
    """Measure a checkpoint and four interpolations over many clips, a SPEC at a time.

    Means are over all hidden entries together. A clip that is too short for a SPEC is left out of
    its rows (see "clips"). A file that cannot be read or that the network does not fit is left out
    and named at the end.

    With --ray, each file is a task, and its sums are kept in the user's cache: a second run
    measures only what is missing. Results are the same bits.
    """
    joint_names = parse_roles(role or ())
    check_output(out, (".json",))
    paths = files_of(clips)
    info = describe(checkpoint)
    job = Job(info, version_of(info), options.load, tuple(hide), seed, joint_names)
    measured, failures = measure_files(job, paths, ray)
    # Here: where all files fail, nothing is written.
    if len(failures) == len(paths):
        raise failures[0].error
    rows = rows_of(job, measured)
    if out is not None:
        names = [each.clip for each in measured]
        write_json(out, {"checkpoint": info.name, "seed": seed, "clips": names, "rows": rows})
    # Many clips share a note. A dict keeps the first of each, in order.
    print_notes(*dict.fromkeys(note for each in measured for note in each.notes))
    frames = sum(each.frames for each in measured)
    typer.echo(f"means over hidden entries of {len(measured)} clips, {frames} frames:")
    print_table(rows, EVALUATION_COLUMNS)
    print_failures(failures)
