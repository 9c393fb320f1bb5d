"""What comes next: ``python -m mmm generate``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmm.cli.options import (
    OUTPUT_SUFFIXES,
    Asf,
    Body,
    CheckpointPath,
    ClipPath,
    Facing,
    Fps,
    MusicStart,
    Roles,
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
from mmm.motion.clip import Clip, Music
from mmm.motion.humanoid import parse_roles

if TYPE_CHECKING:
    from mmm.generation.result import Generation
    from mmm.models import MaskedMotionConfig

FRAMES = 1200
COLUMNS = {
    "method": "method",
    "energy": "energy m2/s2",
    "share": "of the usual",
    "least": "least in a second",
    "still": "still s",
    "skate": "skate cm/s",
    "drift": "drift m",
    "floor": "under/over floor cm",
    "beats": "beats, music/motion",
}


def generate(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    music: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="recording to dance to, heard from the clip's first frame on; it may be longer than the "
            "clip. Else the clip's own",
        ),
    ] = None,
    music_start: MusicStart = 0.0,
    prefix_frames: Annotated[
        int, typer.Option("--seed-frames", help="how many frames of the clip to go on from")
    ] = 120,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default=f"{FRAMES}, or to the music's end",
            help="how many to generate",
        ),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature", "--variety", help="0 the most middling motion, 1 as trained, up to 3"
        ),
    ] = 1.0,
    seed: Annotated[
        int, typer.Option(min=0, help="of chance; the same one gives the same motion")
    ] = 0,
    fps: Fps = None,
    unit: Unit = None,
    up: Up = None,
    facing: Facing = None,
    true_fps: TrueFps = None,
    asf: Asf = None,
    body: Body = None,
    role: Roles = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="save seed and future: .npz (with the music), .bvh, .pkl or .glb; or to be watched "
            "(beside the truth where that goes on as long): .mp4, .gif, .webp or .html",
        ),
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="save the figures as JSON")
    ] = None,
) -> None:
    """Go on from the first frames of a clip, to music where the network hears.

    Prints what the generated frames are like, and beside them the seed held still and, as far as the clip goes on after
    its seed and to the same music, what was really done: energy (mean squared joint speed), the longest standstill,
    foot skate, how far the root gets, the lowest foot, and beat alignment where there is music. Seed frames saved as
    .npz are the clip's own, bit for bit.
    """
    joint_names = parse_roles(role or ())
    check_output(out, OUTPUT_SUFFIXES)
    check_output(metrics, (".json",))
    start = load(
        clip, None, ":", fps, unit, up, facing=facing, true_fps=true_fps, asf=asf, body=body
    )
    song = _song(music, start.motion.fps, music_start)
    from mmm.checkpoints import load_model

    model = load_model(checkpoint)
    count = _length(model.config, start, song, prefix_frames) if frames is None else frames
    made = _run(model, start, song, prefix_frames, count, temperature, seed, joint_names)
    from mmm.generation.result import evaluate, report

    # What was danced to the clip's own music is no truth for another song.
    truth = None if song is not None and start.music is not None else start.motion
    figures = report(made, evaluate(made.clip.motion, prefix_frames, truth, made.clip.music))
    if out is not None:
        made.save(out)
    if metrics is not None:
        write_json(metrics, figures)
    say_notes(*start.notes, *made.notes)
    _print(made, figures)


def _song(path: Path | None, fps: float, start_s: float) -> Music | None:
    """A recording from a moment on, at the clip's frame rate."""
    if path is None:
        if start_s:
            raise SpecError("--music-start", "no recording is named", "--music with it", "name one")
        return None
    from mmm.music.features import (
        load_music,  # brings in large libraries: only where there is something to hear
    )

    return load_music(path, fps, start_s=start_s)


def _length(
    config: "MaskedMotionConfig", clip: Clip, song: Music | None, prefix_frames: int
) -> int:
    """How many frames, where nobody says: 20 s at 60 a second, or to the end of a shorter song."""
    heard = song or clip.music
    if not config.uses_music or heard is None or prefix_frames > len(clip):
        return FRAMES
    if len(heard) <= prefix_frames:
        raise SpecError(
            "music",
            f"it lasts {len(heard)} frames",
            f"more than the {prefix_frames} of the seed",
            "choose a longer song (--music) or a shorter seed",
        )
    return min(FRAMES, len(heard) - prefix_frames)


def _run(
    model: Any,
    clip: Clip,
    song: Music | None,
    prefix_frames: int,
    frames: int,
    temperature: float,
    seed: int,
    joint_names: dict[str, str],
) -> "Generation":
    """Generate, with a bar on stderr where somebody watches."""
    from mmm.generation.generate import generate_clip

    watched = sys.stderr.isatty()

    def tell(share: float) -> None:
        if watched:
            done = round(30 * share)
            end = "\n" if share >= 1 else ""
            typer.echo(
                f"\rgenerating [{'#' * done}{'.' * (30 - done)}] {share:4.0%}{end}",
                nl=False,
                err=True,
            )

    return generate_clip(
        model,
        clip,
        prefix_frames=prefix_frames,
        frames=frames,
        music=song,
        temperature=temperature,
        random_seed=seed,
        joint_names=joint_names,
        progress=tell,
    )


def _print(made: "Generation", figures: dict[str, Any]) -> None:
    typer.echo(
        f"{made.clip.name}: {figures['seed_frames']} frames of seed and {figures['frames']} generated at "
        f"{figures['fps']:g} fps, in {made.elapsed_s:.1f} s; the usual energy is the "
        f"{figures['usual_energy_of']}'s:"
    )
    print_table(
        [
            {
                "method": name,
                "energy": one["energy"],
                "share": one["energy_share"],
                "least": min(one["energy_shares"]),
                "still": one["still_s"],
                "skate": one["skate_cm_s"],
                "drift": one["drift_m"],
                "floor": f"{one['under_floor_cm']:.1f}/{one['over_floor_cm']:.1f}",
                "beats": _pair(one),
            }
            for name, one in figures["methods"].items()
        ],
        COLUMNS,
    )
    frozen = [name for name, one in figures["methods"].items() if one["frozen"] and name != "hold"]
    if frozen:
        typer.echo(f"standing still for a second or longer: {', '.join(frozen)}")


def _pair(one: dict[str, Any]) -> str:
    return "/".join(
        "-" if one[key] is None else f"{one[key]:.3f}"
        for key in ("per_music_beat", "per_motion_beat")
    )
