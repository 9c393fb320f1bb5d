"""``mmm evaluate``: the errors of a checkpoint over many clips, beside the interpolations."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import check_fit
from mmm.cli.options import CheckpointPath, RangeOptions, Roles, Seed
from mmm.cli.output import check_output, print_notes, print_table, write_json
from mmm.cli.tables import EVALUATION_COLUMNS
from mmm.motion.roles import parse_roles
from mmm.spec import HELP as SPEC_HELP


def evaluate(
    checkpoint: CheckpointPath,
    clips: Annotated[list[Path], typer.Option(metavar="PATH...", help="motion files, one or more")],
    hide: Annotated[
        list[str], typer.Option(metavar="SPEC...", help=f"one or more of: {SPEC_HELP}")
    ],
    options: RangeOptions,
    seed: Seed = 0,
    role: Roles = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="save the rows as JSON")
    ] = None,
) -> None:
    """Measure a checkpoint and four interpolations over many clips, a SPEC at a time.

    Means are over all hidden entries together. A clip that is too short for a SPEC is left out of
    its rows (see "clips").
    """
    joint_names = parse_roles(role or ())
    check_output(out, (".json",))
    # All clips are read first: a bad file must not end a long run near its end.
    pool = [options.load(path) for path in clips]
    from mmm.checkpoints import load_model
    from mmm.evaluation.evaluate import evaluate as run

    model = load_model(checkpoint)
    # Many clips share a note. A dict keeps the first of each, in order.
    notes = dict.fromkeys(
        note for clip in pool for note in (*clip.notes, *check_fit(model.config, clip, joint_names))
    )
    rows = run(model, pool, hide, seed=seed, joint_names=joint_names)
    if out is not None:
        names = [clip.name for clip in pool]
        write_json(
            out, {"checkpoint": model.name_or_path, "seed": seed, "clips": names, "rows": rows}
        )
    print_notes(*notes)
    typer.echo(f"means over hidden entries of {len(pool)} clips, {sum(map(len, pool))} frames:")
    print_table(rows, EVALUATION_COLUMNS)
