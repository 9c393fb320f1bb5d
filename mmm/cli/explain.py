"""What a network listens to: ``python -m mmm attention | intervene | attribute``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mmm import edits
from mmm.cli.options import (
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
)
from mmm.errors import SpecError
from mmm.io.files import write_atomically
from mmm.motion.humanoid import parse_roles
from mmm.spec import HELP as SPEC_HELP

CHANGED = {
    "change": "music",
    "change_deg": "changed deg",
    "change_cm": "changed cm",
    "error_before_deg": "error before deg",
    "error_after_deg": "error after deg",
}
CHANGED_FUTURE = {
    "change": "music",
    "change_deg": "changed deg",
    "change_cm": "changed cm",
    "energy_before": "energy before",
    "energy_after": "after",
    "beats_before": "beats met before",
    "beats_after": "after",
}


def attention(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    hide: Hide,
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="where the maps go")],
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
    frame: Annotated[
        int, typer.Option(min=0, help="of longer clips: the window that holds this frame")
    ] = 0,
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
    joint_names = parse_roles(role or ())
    check_output(out, (".npz",))
    edited = edits.apply(
        hide,
        load(clip, music, frames, fps, unit, up, music_start, facing, true_fps, asf, body),
        seed,
    )
    truth, mask = edited.clip, edited.mask
    if frame >= len(truth):
        raise SpecError(
            f"--frame {frame}",
            f"the clip has {len(truth)} frames",
            f"0 to {len(truth) - 1}",
            "choose a frame of the clip",
        )
    from mmm.checkpoints import load_model
    from mmm.recovery.recover import recover as run

    result = run(
        load_model(checkpoint),
        truth,
        mask,
        attention=True,
        attention_frame=frame,
        joint_names=joint_names,
    )
    trace = result.attention
    assert trace is not None
    arrays = trace.to_arrays() | {
        "hidden": result.hidden[slice(*trace.frames)],
        "model": np.array(result.model_name),
    }
    if rollout:
        arrays |= {f"rollout_{stage}": trace.rollout(stage) for stage in trace.stages}
    write_atomically(out, lambda file: np.savez_compressed(file, **arrays))
    say_notes(*truth.notes, *result.notes)
    typer.echo(
        f"wrote {out}: "
        + ", ".join(f"{stage} {maps.shape}" for stage, maps in trace.stages.items())
    )


def intervene(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    changes: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="SPEC",
            help="how the music is changed: mute, mute:120-179 (frames), shift:-200 (ms), "
            "stretch:1.1, swap:FILE (of a recording also swap:FILE@SECONDS), without:drums "
            "or without:chords; may be repeated",
        ),
    ],
    hide: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help=f"what is recovered: {SPEC_HELP}; joined by +. Or --future"
        ),
    ] = None,
    future: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="instead of --hide: generate N frames after the first --seed-frames",
        ),
    ] = None,
    prefix_frames: Annotated[
        int, typer.Option("--seed-frames", help="with --future: how many frames to go on from")
    ] = 120,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            "--variety",
            help="with --future: 0 the most middling motion, 1 as trained",
        ),
    ] = 1.0,
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
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="with one --with only: save the motion after the change (.bvh, .npz, .pkl, .glb), or "
            "before and after with the changed music, to be watched (.mp4, .gif, .webp, .html)",
        ),
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="save the table as JSON")
    ] = None,
) -> None:
    """Change the music, recover or generate again, and say how much of the motion changes.

    Prints, for each change by itself, means over hidden entries: how far rotations and joints are from where they were
    with the music as it is, and how far rotations are from the truth with each. With --future, means after the seed:
    the same distances, energy as a share of the usual, and beats met, before and after.
    """
    check_output(out, OUTPUT_SUFFIXES)
    check_output(metrics, (".json",))
    if (hide is None) == (future is None):
        raise SpecError(
            "what to do",
            "both --hide and --future" if hide else "neither --hide nor --future",
            "one of them",
            "give --hide to recover, --future to generate",
        )
    if out is not None and len(changes) > 1:
        raise SpecError(
            "--out", f"{len(changes)} changes of the music", "one, for one file", "give --with once"
        )
    truth = load(clip, music, frames, fps, unit, up, music_start, facing, true_fps, asf, body)
    from mmm.checkpoints import load_model
    from mmm.explain.perturbations import parse

    wanted = [parse(spec) for spec in changes]
    about: dict[str, Any] = {"clip": truth.name, "seed": seed}
    results: Sequence[Any]
    if hide is not None:
        from mmm.explain.interventions import intervene as run

        edited = edits.apply(hide, truth, seed)
        truth, mask = edited.clip, edited.mask
        results = run(load_model(checkpoint), truth, mask, wanted)
        about |= {"hide": hide, "hidden": int(mask.hidden.sum())}
        said, columns = f"{hide} hides {about['hidden']} entries; means over these", CHANGED
    else:
        from mmm.explain.interventions import intervene_generation

        assert future is not None
        results = intervene_generation(
            load_model(checkpoint),
            truth,
            wanted,
            prefix_frames=prefix_frames,
            frames=future,
            temperature=temperature,
            random_seed=seed,
        )
        about |= {"seed_frames": prefix_frames, "frames": future, "variety": temperature}
        said, columns = (
            f"{future} generated after {prefix_frames} of seed; means over these",
            CHANGED_FUTURE,
        )
    rows = [{"change": r.intervention.label, **r.summary()} for r in results]
    if out is not None:
        results[0].save(out)
    if metrics is not None:
        write_json(metrics, about | {"checkpoint": results[0].before.model_name, "rows": rows})
    say_notes(
        *dict.fromkeys(
            (*truth.notes, *(note for r in results for note in (*r.before.notes, *r.notes)))
        )
    )
    typer.echo(f"{truth.name}: {len(truth)} frames; {said}:")
    print_table(rows, columns)


def attribute(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    hide: Hide,
    frame: Annotated[int, typer.Option(min=0, help="whose pose is asked about; a hidden one")],
    joints: Annotated[
        str, typer.Option(metavar="NAMES", help="joints or groups, with commas; all if left out")
    ] = "",
    method: Annotated[
        str, typer.Option(help="integrated_gradients, gradients or occlusion")
    ] = "integrated_gradients",
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
    deletion: Annotated[
        bool,
        typer.Option(
            "--deletion",
            help="also take the music away, highest first, and say how fast the pose moves off",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="where all values go")
    ] = None,
) -> None:
    """Say which music moved some joints at one frame of a recovery.

    With --deletion, a table: how far the pose moves (1: as far as without any of the music) as a share of the music
    frames is replaced by their mean, those ranked highest first; beside it the attention maps' order, the nearest
    frames first, and random order.

    \b
    Keys of the .npz:
      values                float32 (frames, groups)
      groups                names of the groups of music features
      frame, window, joints, method
                            what was asked; the window's first and last-plus-one frame
      deletion_shares, deletion_METHOD
                            with --deletion: the curves
    """
    check_output(out, (".npz",))
    edited = edits.apply(
        hide,
        load(clip, music, frames, fps, unit, up, music_start, facing, true_fps, asf, body),
        seed,
    )
    truth, mask = edited.clip, edited.mask
    from mmm.checkpoints import load_model
    from mmm.explain.attribution import attribute as run

    names = [name for name in joints.replace(" ", "").split(",") if name]
    model = load_model(checkpoint)
    found = run(model, truth, mask, frame, names or None, method)
    curves = None
    if deletion:
        from mmm.explain.deletion_curves import deletion_curves

        curves = deletion_curves(
            model, truth, mask, frame, names or None, method, scores=found.per_frame()
        )
    if out is not None:
        arrays: dict[str, Any] = {
            "values": found.values,
            "groups": np.array(found.groups),
            "frame": found.frame,
            "window": np.array(found.window),
            "joints": np.array(found.joints),
            "method": np.array(method),
        }
        if curves is not None:
            arrays |= {"deletion_shares": curves.shares}
            arrays |= {f"deletion_{name}": values for name, values in curves.moved.items()}
        write_atomically(out, lambda file: np.savez_compressed(file, **arrays))
    say_notes(*truth.notes)
    total, whole = found.per_frame(), max(float(np.abs(found.values).sum()), 1e-12)
    groups = ", ".join(
        f"{name} {share:.0%}"
        for name, share in zip(found.groups, np.abs(found.values).sum(0) / whole, strict=True)
    )
    first = [int(at) for at in np.argsort(-total, kind="stable")[:10]]
    typer.echo(f"{truth.name}, frame {frame}, by {method.replace('_', ' ')}: {groups}")
    typer.echo(
        "music frames that count most: "
        + ", ".join(f"{at} ({total[at] / whole:.1%})" for at in first)
    )
    if curves is not None:
        typer.echo(
            "how far the pose moves as music is taken away (1: as far as without any of it):"
        )
        rows = [
            {"share": f"{share:.0%}"}
            | {name: round(float(values[k]), 3) for name, values in curves.moved.items()}
            for k, share in enumerate(curves.shares)
            if k
        ]
        print_table(
            rows, {"share": "taken", **{name: name.replace("_", " ") for name in curves.moved}}
        )
