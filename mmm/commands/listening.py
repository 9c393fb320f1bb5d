"""What a network listens to: ``python -m mmm attention``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mmm import masks
from mmm.commands.shared import (
    CheckpointPath,
    ClipPath,
    Fps,
    Frames,
    Hide,
    MusicPath,
    Roles,
    Seed,
    check_output,
    load,
    say_notes,
)
from mmm.errors import SpecError
from mmm.io.files import write_atomically
from mmm.naming import parse_roles


def attention(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    hide: Hide,
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="where the maps go")],
    music: MusicPath = None,
    frames: Frames = ":",
    fps: Fps = None,
    seed: Seed = 0,
    role: Roles = None,
    frame: Annotated[int, typer.Option(min=0, help="of longer clips: the window that holds this frame")] = 0,
    rollout: Annotated[bool, typer.Option("--rollout", help="save attention rollout too")] = False,
) -> None:
    """Save the attention maps of a recovery as .npz.

    \b
    Keys:
      motion, music, cross  float16 (layers, heads, queries, keys): one array a
                            stage of the network; each row sums to 1
      segment_motion, segment_music
                            first and last-plus-one row of each in cross; only
                            where the network joins them in time (ecm)
      kernels_STAGE         float16 (layers, rows, heads, 9): the dynamic kernels of
                            the convolution beside the maps, where there is one
      convolution_share_STAGE
                            (layers,): the convolution's share of the layer's
                            output, 0 to 1
      rollout_STAGE         with --rollout: float32 (queries, keys)
      frames                first and last-plus-one frame of the window
      hidden                bool (frames, joints) of the window, true = hidden
      model                 the checkpoint's name
    """
    roles = parse_roles(role or ())
    check_output(out, (".npz",))
    truth = load(clip, music, frames, fps)
    if frame >= len(truth):
        raise SpecError(f"--frame {frame}", f"the clip has {len(truth)} frames", f"0 to {len(truth) - 1}",
                        "choose a frame of the clip")
    mask = masks.parse(hide, truth, seed)
    from mmm.checkpoint import load_model
    from mmm.recovery import recover as run

    result = run(load_model(checkpoint), truth, mask, attention=True, attention_frame=frame, roles=roles)
    trace = result.attention
    assert trace is not None
    arrays = trace.to_arrays() | {"hidden": result.hidden[slice(*trace.frames)], "model": np.array(result.model_name)}
    if rollout:
        arrays |= {f"rollout_{stage}": trace.rollout(stage) for stage in trace.stages}
    write_atomically(out, lambda file: np.savez_compressed(file, **arrays))
    say_notes(*truth.notes, *result.notes)
    typer.echo(f"wrote {out}: " + ", ".join(f"{stage} {maps.shape}" for stage, maps in trace.stages.items()))
