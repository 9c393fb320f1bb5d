"""``mmm info``: describe a clip, a folder of clips or a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmm.cli.options import FileOptions
from mmm.cli.output import print_table
from mmm.cli.tables import EVALUATION_COLUMNS, table
from mmm.io.body import body_height, how_read, unit_name
from mmm.io.files import MOTION_SUFFIXES
from mmm.motion.clip import Clip, Music
from mmm.motion.facing import facing_deg, nearest_axis

if TYPE_CHECKING:
    from mmm.checkpoints import CheckpointInfo

Facts = list[tuple[str, str]]
"""Names and values; the lines of a table have no name."""


def info(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="a motion file, a folder of them, or the folder or name of a checkpoint",
        ),
    ],
    options: FileOptions,
    search: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            show_default=False,
            help="for a folder: only files whose name or facts hold all these words",
        ),
    ] = "",
) -> None:
    """Describe a clip, a folder of clips or a checkpoint."""
    # A checkpoint is a folder too: the one with a config.json.
    if Path(path).is_dir() and not (Path(path) / "config.json").is_file():
        _print_folder(Path(path), search)
        return
    # The reader also gets files of other suffixes: its error lists the formats that are read.
    if Path(path).suffix.lower() in MOTION_SUFFIXES or Path(path).is_file():
        facts = clip_facts(options.load(Path(path)))
    else:
        from mmm.checkpoints import describe

        facts = checkpoint_facts(describe(path))
    # Rows of a table have no name, and start in the first column.
    width = max(len(name) for name, _ in facts)
    for name, fact in facts:
        typer.echo(f"{name:{width}}  {fact}" if name else fact)


def _print_folder(folder: Path, search: str) -> None:
    from mmm.evaluation.library import COLUMNS, listing

    # Column widths depend on every row, so all files are read before the first line.
    rows = list(listing(folder, search))
    print_table(rows, COLUMNS)
    typer.echo(f"{len(rows)} motion files")


def clip_facts(clip: Clip) -> Facts:
    """The facts of a clip."""
    motion = clip.motion
    return [
        ("clip", clip.name),
        ("frames", str(len(clip))),
        ("fps", f"{motion.fps:g}"),
        ("seconds", f"{motion.duration_s:.2f}"),
        ("joints", str(len(motion.skeleton))),
        # The height exposes a wrong unit: 170 m means that the file is in centimetres.
        ("height", f"{body_height(motion.skeleton):.2f} m along the bones, ankle to top"),
        *_orientation_facts(clip),
        ("music", _music_fact(clip.music)),
        ("split", clip.split or "not listed"),
        *(("note", note) for note in clip.notes),
    ]


def _orientation_facts(clip: Clip) -> Facts:
    facts = []
    unit_and_axis = how_read(clip)
    if unit_and_axis:
        unit_m, up = unit_and_axis
        facts.append(("read as", f"{unit_name(unit_m)}, {up.upper()} up (--unit, --up)"))
    heading_deg = facing_deg(clip.motion)
    if heading_deg is not None:
        axis, off_deg = nearest_axis(heading_deg)
        facts.append(
            ("faces", f"{axis.upper()}, {off_deg:+.0f} degrees off, at the first frame (--facing)")
        )
    return facts


def _music_fact(music: Music | None) -> str:
    if music is None:
        return "none"
    sound = "features without the sound"
    if music.audio:
        sound = f"{music.audio.duration_s:.1f} s of sound"
    return f"{sound}, {music.tempo_bpm:.0f} bpm, {len(music.beats)} beats"


def checkpoint_facts(about: "CheckpointInfo") -> Facts:
    """The facts of a checkpoint, its training and its evaluation."""
    import torch

    from mmm.models import make_model

    config = about.config
    with torch.device("meta"):  # counts the weights without allocating one
        parameters = sum(p.numel() for p in make_model(config).parameters())
    training, evaluation = (about.metrics.get(key) or {} for key in ("training", "evaluation"))
    # Cards of older checkpoints may lack any of these, so nothing is required.
    plan = training.get("plan", {})
    facts = [
        ("checkpoint", about.name),
        ("network", config.model_type.removeprefix("mmm-")),
        ("parameters", f"{parameters:,}"),
        ("fps", f"{config.fps:g}"),
        ("joints", str(config.joints)),
        ("music", "used" if config.uses_music else "not used"),
        ("window", f"{config.max_frames} frames"),
        ("filling", f"{config.fill} fill, {config.output} output"),
        ("masks", ", ".join(config.trained_masks or ()) or "not recorded"),
        (
            "training",
            f"{plan.get('steps', '?')} steps of {plan.get('batch', '?')} windows, "
            f"{training.get('clips', '?')} clips of {training.get('data', '?')}"
            if training
            else "not recorded",
        ),
    ]
    if not evaluation:
        return [*facts, ("metrics", "not evaluated yet")]
    facts.append(
        (
            "metrics",
            f"means over hidden entries, {evaluation.get('clips', '?')} clips of the "
            f"{evaluation.get('split', '?')} split",
        )
    )
    return facts + [("", line) for line in table(evaluation.get("rows", []), EVALUATION_COLUMNS)]
