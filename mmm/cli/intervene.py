"""``mmm intervene``: how much the motion changes when the music does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mmm import edits
from mmm.cli.options import (
    CheckpointPath,
    ClipOptions,
    ClipPath,
    PrefixFrames,
    Seed,
    Temperature,
)
from mmm.cli.output import (
    OUTPUT_SUFFIXES,
    FilmFrames,
    MetricsJson,
    check_film_frames,
    check_output,
    film_frames_of,
    print_notes,
    print_table,
)
from mmm.errors import SpecError
from mmm.motion.clip import Clip
from mmm.spec import HELP as SPEC_HELP
from mmm.storage import write_json

# A recovery has a truth to compare with. Generated motion has none, so energy and beats stand in.
RECOVERY_COLUMNS = {
    "change": "music",
    "change_deg": "changed deg",
    "change_cm": "changed cm",
    "error_before_deg": "error before deg",
    "error_after_deg": "error after deg",
}
GENERATION_COLUMNS = {
    "change": "music",
    "change_deg": "changed deg",
    "change_cm": "changed cm",
    "energy_before": "energy before",
    "energy_after": "after",
    "beats_before": "beats met before",
    "beats_after": "after",
}


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
    options: ClipOptions,
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
    prefix_frames: PrefixFrames = 120,
    temperature: Temperature = 1.0,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="with one --with only: save the motion after the change (.bvh, .npz, .pkl, .glb), "
            "or before and after with the changed music, to be watched (.mp4, .gif, .webp, .html)",
        ),
    ] = None,
    film_frames: FilmFrames = None,
    metrics: MetricsJson = None,
) -> None:
    """Change the music, recover or generate again, and measure how much the motion changes.

    Each change is applied to the unchanged music. Prints means over hidden entries: how far the
    change moves rotations and joints, and the rotation error before and after it. With --future,
    prints means over the generated frames: how far the change moves rotations and joints, and,
    before and after it, the energy (relative to that of the truth or of the seed) and the share of
    music beats that the motion meets.
    """
    check_output(out, OUTPUT_SUFFIXES)
    check_film_frames(film_frames, out)
    check_output(metrics, (".json",))
    # The options belong to two different questions: --hide recovers, --future generates.
    if (hide is None) == (future is None):
        raise SpecError(
            "intervene",
            "both --hide and --future" if hide else "neither --hide nor --future",
            "one of them",
            "use --hide to recover, --future to generate",
        )
    # A file holds one motion, and each change gives another.
    if out is not None and len(changes) > 1:
        raise SpecError(
            "--out", f"{len(changes)} changes of the music", "one, for one file", "give --with once"
        )
    truth = options.read(clip)
    if hide is not None:
        results, settings = _recovered(checkpoint, truth, changes, hide, seed)
        title = f"{hide} hides {settings['hidden']} entries; means over these"
    else:
        # The check above leaves no other case.
        assert future is not None
        results, settings = _generated(
            checkpoint, truth, changes, prefix_frames, future, temperature, seed
        )
        title = f"{future} generated after {prefix_frames} of seed; means over these"
    rows = [{"change": r.intervention.label, **r.summary()} for r in results]
    if out is not None:
        results[0].save(out, film_frames=film_frames_of(film_frames, len(results[0].scene())))
    if metrics is not None:
        # The keys keep their former names: metrics files are read by other programs.
        header = {"clip": truth.name, "seed": seed, **settings}
        write_json(metrics, header | {"checkpoint": results[0].before.model_name, "rows": rows})
    # Every result repeats the notes of the recovery before.
    notes = [note for r in results for note in (*r.before.notes, *r.notes)]
    print_notes(*dict.fromkeys((*truth.notes, *notes)))
    typer.echo(f"{truth.name}: {len(truth)} frames; {title}:")
    print_table(rows, RECOVERY_COLUMNS if hide is not None else GENERATION_COLUMNS)


def _recovered(
    checkpoint: str, clip: Clip, changes: Sequence[str], hide: str, seed: int
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The recoveries before and after each change, and the settings that the report names."""
    from mmm.checkpoints import load_model
    from mmm.explain.interventions import intervene as run
    from mmm.explain.perturbations import parse

    interventions = [parse(spec) for spec in changes]  # a bad one is refused before a model loads
    edited = edits.apply(hide, clip, seed)
    results = run(load_model(checkpoint), edited.clip, edited.mask, interventions)
    return results, {"hide": hide, "hidden": int(edited.mask.hidden.sum())}


def _generated(
    checkpoint: str,
    clip: Clip,
    changes: Sequence[str],
    prefix_frames: int,
    frames: int,
    temperature: float,
    seed: int,
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The generated motions before and after each change, and the settings of the report."""
    from mmm.checkpoints import load_model
    from mmm.explain.interventions import intervene_generation
    from mmm.explain.perturbations import parse

    results = intervene_generation(
        load_model(checkpoint),
        clip,
        [parse(spec) for spec in changes],
        prefix_frames=prefix_frames,
        frames=frames,
        temperature=temperature,
        random_seed=seed,
    )
    return results, {"seed_frames": prefix_frames, "frames": frames, "variety": temperature}
