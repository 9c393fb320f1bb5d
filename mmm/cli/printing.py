"""What the command line prints of a clip, a checkpoint or a list of results."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmm.io.body import body_height, how_read, unit_name
from mmm.metrics.errors import ERROR_KINDS
from mmm.motion.clip import Clip
from mmm.motion.facing import facing_deg, nearest_axis

if TYPE_CHECKING:
    from mmm.checkpoints import CheckpointInfo

ERROR_COLUMNS = {name: kind.column for name, kind in ERROR_KINDS.items()}
"""The three errors as columns of a table."""
EVALUATION_COLUMNS = {
    "hide": "hidden",
    "method": "method",
    **ERROR_COLUMNS,
    "clips": "clips",
}
"""Keys of the rows of ``mmm.evaluation.evaluate.evaluate`` and what a table calls them."""
LEADERBOARD_COLUMNS = {
    "section": "section",
    "pattern": "hidden",
    "method": "method",
    **ERROR_COLUMNS,
    "elapsed_s": "time s",
    "clips": "clips",
    "hidden": "entries",
}
"""Likewise of ``mmm.evaluation.standings.rows``."""


def clip_facts(clip: Clip) -> list[tuple[str, str]]:
    """What there is to say of a clip: names and values."""
    motion, music = clip.motion, clip.music
    heard = "none"
    if music is not None:
        sound = (
            f"{music.audio.duration_s:.1f} s of sound"
            if music.audio
            else "features without the sound"
        )
        heard = f"{sound}, {music.tempo_bpm:.0f} bpm, {len(music.beats)} beats"
    read = how_read(clip)
    told = (
        [("read as", f"{unit_name(read[0])}, {read[1].upper()} up (--unit, --up)")] if read else []
    )
    faces = facing_deg(motion)
    if faces is not None:
        axis, off = nearest_axis(faces)
        told.append(
            ("faces", f"{axis.upper()}, {off:+.0f} degrees off, at the first frame (--facing)")
        )
    return [
        ("clip", clip.name),
        ("frames", str(len(clip))),
        ("fps", f"{motion.fps:g}"),
        ("seconds", f"{motion.duration_s:.2f}"),
        ("joints", str(len(motion.skeleton))),
        ("height", f"{body_height(motion.skeleton):.2f} m along the bones, ankle to top"),
        *told,
        ("music", heard),
        ("split", clip.split or "not listed"),
        *(("note", note) for note in clip.notes),
    ]


def checkpoint_facts(about: "CheckpointInfo") -> list[tuple[str, str]]:
    """What there is to say of a checkpoint; lines of its table of results have no name."""
    import torch

    from mmm.models import make_model

    config = about.config
    with torch.device("meta"):  # counted without making a single weight
        parameters = sum(p.numel() for p in make_model(config).parameters())
    training, evaluation = (about.metrics.get(key) or {} for key in ("training", "evaluation"))
    plan = training.get("plan", {})
    facts = [
        ("checkpoint", about.name),
        ("network", config.model_type.removeprefix("mmm-")),
        ("parameters", f"{parameters:,}"),
        ("fps", f"{config.fps:g}"),
        ("joints", str(config.joints)),
        ("music", "listens to it" if config.uses_music else "does without"),
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


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[str]:
    """Lines of a table, words to the left and numbers to the right; a mean over nothing is a dash."""
    cells = [list(columns.values()), *([_cell(row.get(key)) for key in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [
        key in ("hide", "method", "change", "name", "kind", "problem", "pattern") for key in columns
    ]
    return [
        "  ".join(
            text.ljust(width) if flush else text.rjust(width)
            for text, width, flush in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in cells
    ]
