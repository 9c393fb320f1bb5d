"""``mmm generate``: continue a clip from its first frames."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmm.cli.options import (
    CheckpointPath,
    ClipPath,
    FileOptions,
    Fps,
    PrefixFrames,
    Roles,
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
from mmm.motion.clip import Clip, Music
from mmm.motion.roles import parse_roles
from mmm.music.features import at_frame_rate
from mmm.storage import write_json

if TYPE_CHECKING:
    from mmm.generation.result import Generation
    from mmm.models import MaskedMotionConfig

FRAMES = 1200  # 20 s at 60 frames a second
# Keys of the printed rows, and their titles.
COLUMNS = {
    "method": "method",
    "energy": "energy m2/s2",
    "share": "of reference",
    "least": "lowest second",
    "still": "still s",
    "skate": "skate cm/s",
    "drift": "drift m",
    "floor": "under/over floor cm",
    "beats": "beats, music/motion",
}


def generate(
    clip: ClipPath,
    checkpoint: CheckpointPath,
    options: FileOptions,
    fps: Fps = None,
    music: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="recording to dance to, from the clip's first frame on; it may be longer "
            "than the clip. Default: the clip's own music",
        ),
    ] = None,
    music_start: Annotated[
        float,
        typer.Option(
            "--music-start",
            min=0,
            metavar="S",
            show_default=False,
            help="the moment of the recording, in seconds, that falls on the clip's first frame",
        ),
    ] = 0.0,
    prefix_frames: PrefixFrames = 120,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default=f"{FRAMES}, or to the music's end",
            help="how many to generate",
        ),
    ] = None,
    temperature: Temperature = 1.0,
    seed: Annotated[
        int, typer.Option(min=0, help="random seed; the same one gives the same motion")
    ] = 0,
    role: Roles = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="save the first frames and the generated ones as .npz (with the music), .bvh, "
            ".pkl or .glb; or show them as .mp4, .gif, .webp or .html, beside the truth if the "
            "clip is long enough",
        ),
    ] = None,
    film_frames: FilmFrames = None,
    metrics: MetricsJson = None,
) -> None:
    """Continue a clip from its first frames, to music if the network takes it.

    Prints figures of the generated frames, of the last known pose held still and, as far as the clip
    continues to the same music, of the truth. The figures are energy (mean squared joint speed), the
    longest standstill, foot skate, the root's displacement, the lowest foot, and beat alignment if
    there is music. Known frames saved as .npz are the clip's own, bit for bit.
    """
    joint_names = parse_roles(role or ())
    check_output(out, OUTPUT_SUFFIXES)
    check_film_frames(film_frames, out)
    check_output(metrics, (".json",))
    # Other commands crop the clip by --frames. Here it is the number of frames to generate, so the
    # whole clip is read.
    start = options.load(clip)
    if fps is not None:
        start = at_frame_rate(start, fps)
    song = _load_song(music, start.motion.fps, music_start)
    from mmm.checkpoints import load_model

    model = load_model(checkpoint)
    # The default length needs the model: music limits it only if the network takes music.
    count = _default_frames(model.config, start, song, prefix_frames) if frames is None else frames
    generation = _run(model, start, song, prefix_frames, count, temperature, seed, joint_names)
    from mmm.generation.result import evaluate, report

    # The clip's own continuation is no reference for a dance to another song.
    truth = None if song is not None and start.music is not None else start.motion
    continued = generation.clip
    figures = report(generation, evaluate(continued.motion, prefix_frames, truth, continued.music))
    if out is not None:
        generation.save(out, film_frames=film_frames_of(film_frames, len(continued)))
    if metrics is not None:
        write_json(metrics, figures)
    print_notes(*start.notes, *generation.notes)
    _print(generation, figures)


def _load_song(path: Path | None, fps: float, start_s: float) -> Music | None:
    """Music of a recording from ``start_s`` seconds on, at the clip's frame rate."""
    if path is None:
        # An option without effect is a mistake, which the user should be told of.
        if start_s:
            raise SpecError(
                "--music-start", "no recording is named", "--music as well", "name a recording"
            )
        return None
    # Imported here: audio libraries are large, and most clips come with music features.
    from mmm.music.features import load_music

    return load_music(path, fps, start_s=start_s)


def _default_frames(
    config: "MaskedMotionConfig", clip: Clip, song: Music | None, prefix_frames: int
) -> int:
    """Frames to generate by default: ``FRAMES``, or to the end of a shorter song."""
    music = song or clip.music
    if not config.uses_music or music is None or prefix_frames > len(clip):
        return FRAMES
    # Music that ends with the seed leaves no frame to generate.
    if len(music) <= prefix_frames:
        raise SpecError(
            "music",
            f"it lasts {len(music)} frames",
            f"more than the {prefix_frames} of the seed",
            "choose a longer song (--music) or a shorter seed",
        )
    return min(FRAMES, len(music) - prefix_frames)


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
    """Generate, with a progress bar where stderr is a terminal."""
    from mmm.generation.generate import generate_clip

    # A progress bar in a log file would be noise.
    is_terminal = sys.stderr.isatty()

    def show(share: float) -> None:
        if is_terminal:
            done = round(30 * share)
            # The carriage return overwrites the previous bar; only the last one ends its line.
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
        progress=show,
    )


def _print(generation: "Generation", figures: dict[str, Any]) -> None:
    typer.echo(
        f"{generation.clip.name}: {figures['seed_frames']} frames of seed and "
        f"{figures['frames']} generated at "
        f"{figures['fps']:g} fps, in {generation.elapsed_s:.1f} s; the reference energy is the "
        f"{figures['usual_energy_of']}'s:"
    )
    print_table(
        [
            {
                "method": name,
                "energy": summary["energy"],
                "share": summary["energy_share"],
                # A body that freezes after some seconds shows in its slowest second, not in the
                # mean.
                "least": min(summary["energy_shares"]),
                "still": summary["still_s"],
                "skate": summary["skate_cm_s"],
                "drift": summary["drift_m"],
                "floor": f"{summary['under_floor_cm']:.1f}/{summary['over_floor_cm']:.1f}",
                "beats": _beat_shares(summary),
            }
            for name, summary in figures["methods"].items()
        ],
        COLUMNS,
    )
    # "hold" is frozen by definition.
    frozen = [
        name for name, summary in figures["methods"].items() if summary["frozen"] and name != "hold"
    ]
    if frozen:
        typer.echo(f"standing still for a second or longer: {', '.join(frozen)}")
    for remark in figures["remarks"]:
        typer.echo(remark)
    if figures["remarks"]:
        typer.echo(
            f"People seldom do that: try another seed, such as --seed {generation.random_seed + 1}."
        )


def _beat_shares(summary: dict[str, Any]) -> str:
    # Either share alone can be 1 trivially: motion that shakes meets every music beat, and motion
    # with a single beat may happen to meet one. So both are shown.
    return "/".join(
        "-" if summary[key] is None else f"{summary[key]:.3f}"
        for key in ("per_music_beat", "per_motion_beat")
    )
