"""``mmm attribute``: attribute the pose at one frame to the music."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mmm import edits
from mmm.cli.options import CheckpointPath, ClipOptions, ClipPath, Hide, Seed
from mmm.cli.output import check_output, print_notes, print_table
from mmm.storage import write_atomically

if TYPE_CHECKING:
    from mmm.explain.attribution import Attribution
    from mmm.explain.deletion_curves import DeletionCurves


def attribute(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    hide: Hide,
    frame: Annotated[int, typer.Option(min=0, help="the frame that is explained; a hidden one")],
    options: ClipOptions,
    joints: Annotated[
        str, typer.Option(metavar="NAMES", help="joints or groups, with commas; all if left out")
    ] = "",
    method: Annotated[
        str, typer.Option(help="integrated_gradients, gradients or occlusion")
    ] = "integrated_gradients",
    seed: Seed = 0,
    deletion: Annotated[
        bool,
        typer.Option(
            "--deletion",
            help="also print deletion curves: how far the pose moves as music is removed, "
            "highest-ranked frames first",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="the file that gets all values")
    ] = None,
) -> None:
    """Attribute the pose at one frame of a recovery to the music.

    --deletion adds a table of deletion curves. Music frames are replaced by the window's mean,
    highest-ranked first, and the table lists how far the pose moves for each share of them (1: as
    far as without any music). For comparison it also lists three other orders: by the attention
    maps, nearest frames first, and random.

    \b
    Keys of the .npz:
      values                float32 (frames, groups)
      groups                names of the groups of music features
      frame, joints, method what was explained, and how
      window                first and last-plus-one frame of the network's window
      deletion_shares, deletion_METHOD
                            with --deletion: the curves
    """
    # Gradients take minutes, so a bad output is refused first.
    check_output(out, (".npz",))
    edited = edits.apply(hide, options.read(clip), seed)
    # Imported here: importing torch takes seconds, and bad options should fail before that.
    from mmm.checkpoints import load_model
    from mmm.explain.attribution import attribute as run

    # An empty list would mean no joint. None means all.
    names = [name for name in joints.replace(" ", "").split(",") if name] or None
    model = load_model(checkpoint)
    attribution = run(model, edited.clip, edited.mask, frame, names, method)
    curves = None
    if deletion:
        from mmm.explain.deletion_curves import deletion_curves

        # The scores are passed on, so that the attribution is not computed twice.
        curves = deletion_curves(
            model, edited.clip, edited.mask, frame, names, method, scores=attribution.per_frame()
        )
    if out is not None:
        arrays = _arrays(attribution, method, curves)
        write_atomically(out, lambda file: np.savez_compressed(file, **arrays))
    print_notes(*edited.clip.notes)
    # No line break: _print_attribution prints the shares of the groups on the same line.
    typer.echo(f"{edited.clip.name}, frame {frame}, by {method.replace('_', ' ')}: ", nl=False)
    _print_attribution(attribution)
    if curves is not None:
        _print_deletion(curves)


def _arrays(
    attribution: "Attribution", method: str, curves: "DeletionCurves | None"
) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "values": attribution.values,
        "groups": np.array(attribution.groups),
        "frame": attribution.frame,
        "window": np.array(attribution.window),
        "joints": np.array(attribution.joints),
        "method": np.array(method),
    }
    if curves is not None:
        arrays |= {"deletion_shares": curves.shares}
        arrays |= {f"deletion_{name}": values for name, values in curves.moved.items()}
    return arrays


def _print_attribution(attribution: "Attribution") -> None:
    """The share of each group of features, then the ten frames that count most."""
    # Attributions are signed: without absolute values, sums would cancel.
    sizes = np.abs(attribution.values)
    total = max(float(sizes.sum()), 1e-12)  # all values may be zero
    shares = zip(attribution.groups, sizes.sum(axis=0) / total, strict=True)
    typer.echo(", ".join(f"{name} {share:.0%}" for name, share in shares))
    per_frame = attribution.per_frame()
    top_frames = np.argsort(-per_frame, kind="stable")[:10].tolist()
    typer.echo(
        "music frames that count most: "
        + ", ".join(f"{frame} ({per_frame[frame] / total:.1%})" for frame in top_frames)
    )


def _print_deletion(curves: "DeletionCurves") -> None:
    typer.echo("how far the pose moves as music is taken away (1: as far as without any of it):")
    rows = [
        {"share": f"{share:.0%}"}
        | {name: round(float(values[k]), 3) for name, values in curves.moved.items()}
        for k, share in enumerate(curves.shares)
        # The first point of every curve is zero by definition.
        if k
    ]
    columns = {"share": "taken", **{name: name.replace("_", " ") for name in curves.moved}}
    print_table(rows, columns)
