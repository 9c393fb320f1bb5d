"""``python -m training music-use``: errors in a gap with the right music, silence and another
song."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from mmm import masks
from mmm.checkpoints import load_model
from mmm.errors import ModelError, SpecError
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.music.features import silence
from mmm.recovery.recover import recover
from training.benchmark.bootstrap import interval
from training.benchmark.songs import partners, song_of, songs_of
from training.cards.card import record
from training.commands import options as c
from training.commands.compatibility import body_of
from training.data.dataset import MotionSet

# Frames; 1 and 1.5 seconds at 60 a second. In shorter gaps the known frames on both sides leave
# little for the music to decide.
GAPS = (60, 90)
SONGS = ("right", "silence", "another")


def gap_errors(
    model: MaskedMotionModel, clips: Sequence[Clip], gap: int, songs: Sequence[str] | None = None
) -> dict[str, list[float]]:
    """Mean rotation error (degrees) in a gap in the middle of each clip, for each kind of music.

    Args:
        model: a network with music.
        clips: clips of one set, with music.
        gap: length in frames.
        songs: the song of each clip, so that ``another`` is a different one; by default taken from
            the clips' names.

    Raises:
        SpecError: as :func:`partners`, or a clip is too short for the gap.
    """
    songs = [song_of(clip.name) for clip in clips] if songs is None else songs
    # The other song keeps its tempo and phase. It is real music that does not belong to the dance.
    others = [clips[number] for number in partners(clips, songs)]
    errors: dict[str, list[float]] = {kind: [] for kind in SONGS}
    for clip, other in zip(tqdm(clips, desc=f"gap of {gap}"), others, strict=True):
        # Centred, with at least one known frame on either side.
        start = (len(clip) - gap) // 2
        if start < 1:
            raise SpecError(
                clip.name,
                f"{len(clip)} frames",
                f"{gap + 2} or more around a gap of {gap}",
                "raise --frames",
            )
        hidden = masks.span(clip, start, start + gap - 1)
        music = {
            "right": clip.music,
            "silence": silence(len(clip), clip.motion.fps),
            "another": other.music,
        }
        for kind in SONGS:
            summary = recover(model, replace(clip, music=music[kind]), hidden).errors.summary()
            errors[kind].append(float(summary["rotation_deg"] or 0.0))
    return errors


def music_ablation(
    model: MaskedMotionModel, clips: Sequence[Clip], songs: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One row for each gap: means with intervals, and the error reduction by the right music.

    Raises:
        SpecError: as :func:`gap_errors`.
    """
    rows = []
    for gap in GAPS:
        errors = gap_errors(model, clips, gap, songs)
        row: dict[str, Any] = {"gap": gap, "clips": len(clips)}
        row |= {kind: [round(x, 4) for x in interval(errors[kind])] for kind in SONGS}
        for kind in SONGS[1:]:
            # Paired differences, because they vary less than the clips do. They are divided by the
            # mean over clips, because a clip with a tiny error would dominate a mean of ratios.
            saved = (np.asarray(errors[kind]) - np.asarray(errors["right"])) / np.mean(errors[kind])
            row[f"saved_against_{kind}"] = [round(x, 4) for x in interval(list(saved))]
        rows.append(row)
    return rows


def music_use(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of the checkpoint; its metrics.json and card are rewritten")
    ],
    data: Annotated[Path, typer.Option(help="the prepared set; its test split is used")],
    clips: Annotated[int, typer.Option(min=1, help="how many, spread evenly over the split")] = 200,
    frames: int = 300,
    split: str = "test",
) -> None:
    """Compare recovery with the right music, silence, and another song."""
    with c.one_line_errors():
        model = load_model(checkpoint)
        if not model.config.uses_music:
            raise ModelError(
                str(checkpoint), "a network without music", "one with music", "choose another"
            )
        stored = MotionSet(data / split)
        pool = stored.cut_clips(clips, frames, *body_of(stored, model.config))
        rows = music_ablation(model, pool, songs_of(pool, stored.clips))
        record(
            checkpoint,
            # The section keeps an older name, which shipped checkpoints have.
            "hearing",
            {"split": split, "data": data.resolve().name, "frames": frames, "rows": rows},
        )
    for row in rows:
        parts = [
            f"{kind} {row[kind][0]:.2f} ({row[kind][1]:.2f} to {row[kind][2]:.2f})"
            for kind in SONGS
        ]
        typer.echo(
            f"gap of {row['gap']}: rotation, deg: {', '.join(parts)}; against another song "
            f"{row['saved_against_another'][0]:+.1%} saved"
        )
