"""``mmm attention``: the attention maps of a recovery."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mmm import edits
from mmm.cli.options import CheckpointPath, ClipOptions, ClipPath, Hide, Roles, Seed
from mmm.cli.output import check_output, print_notes
from mmm.errors import SpecError
from mmm.motion.roles import parse_roles
from mmm.storage import write_atomically


def attention(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    hide: Hide,
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="the file that gets the maps")],
    options: ClipOptions,
    seed: Seed = 0,
    role: Roles = None,
    frame: Annotated[
        int,
        typer.Option(min=0, help="for clips longer than a window: use the one with this frame"),
    ] = 0,
    rollout: Annotated[bool, typer.Option("--rollout", help="save attention rollout too")] = False,
) -> None:
    """Save the attention maps of a recovery as .npz.

    \b
    Keys:
      motion, music, cross  float16 (layers, heads, queries, keys): one array for
                            each encoder of the network; each row sums to 1
      segment_motion, segment_music
                            first and last-plus-one row of each in cross; only
                            where the network joins them in time (ecm)
      kernels_ENCODER       float16 (layers, rows, heads, 9): the dynamic kernels of
                            the convolution parallel to attention (ConvBERT only)
      convolution_share_ENCODER
                            (layers,): the convolution's share of the layer's
                            output, 0 to 1
      rollout_ENCODER       with --rollout: float32 (queries, keys)
      frames                first and last-plus-one frame of the window
      hidden                bool (frames, joints) of the window, true = hidden
      model                 the checkpoint's name
    """
    joint_names = parse_roles(role or ())
    # A bad output is refused before the network runs.
    check_output(out, (".npz",))
    edited = edits.apply(hide, options.read(clip), seed)
    if frame >= len(edited.clip):
        raise SpecError(
            f"--frame {frame}",
            f"the clip has {len(edited.clip)} frames",
            f"0 to {len(edited.clip) - 1}",
            "choose a frame of the clip",
        )
    # Imported here: importing torch takes seconds, and bad options should fail before that.
    from mmm.checkpoints import load_model
    from mmm.recovery.recover import recover

    result = recover(
        load_model(checkpoint),
        edited.clip,
        edited.mask,
        attention=True,
        attention_frame=frame,
        joint_names=joint_names,
    )
    trace = result.attention
    # recover() was asked for maps, and raises where the network has none.
    assert trace is not None
    arrays = trace.to_arrays() | {
        "hidden": result.hidden[slice(*trace.frames)],
        "model": np.array(result.model_name),
    }
    if rollout:
        arrays |= {f"rollout_{encoder}": trace.rollout(encoder) for encoder in trace.encoders}
    # Most weights of long windows are close to zero, so the maps compress well.
    write_atomically(out, lambda file: np.savez_compressed(file, **arrays))
    print_notes(*edited.clip.notes, *result.notes)
    shapes = ", ".join(f"{encoder} {maps.shape}" for encoder, maps in trace.encoders.items())
    typer.echo(f"wrote {out}: {shapes}")
