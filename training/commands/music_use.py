"""Does a network hear? Errors in a gap with the right music, with silence and with another song.

``python -m training.hearing --checkpoint DIR --data DIR`` writes its table into the checkpoint's metrics.json and card.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from mmm import masks
from mmm.checkpoints import load_model
from mmm.errors import MMMError, ModelError, SpecError
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.music.features import silence
from mmm.recovery.recover import recover
from training.cards.card import record
from training.data.dataset import MotionSet

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

GAPS = (60, 90)
RESAMPLES = 2_000
SONGS = ("right", "silence", "another")


_AIST_SONG = re.compile(r"_(m[A-Z]{2}\d+)(?:_|$)")


def song_of(clip_name: str, entry: Mapping[str, Any] | None = None) -> str:
    """Which song a clip is danced to: what the set says of it, else AIST's names, else a song of its own."""
    if entry is not None and "song" in entry:
        return str(entry["song"])
    found = _AIST_SONG.search(clip_name)
    return found[1] if found else clip_name


def songs_of(clips: Sequence[Clip], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The songs of a set's clips; all stretches of one recording have the same."""
    known = {str(entry["name"]): entry for entry in entries}
    names = [
        clip.name if clip.name in known else clip.name.rpartition(" from ")[0] for clip in clips
    ]
    return [song_of(name, known[name]) for name in names]


def partners(clips: Sequence[Clip], songs: Sequence[str]) -> list[int]:
    """For each clip the place of one with another song: half the list away, or the next one after that.

    Raises:
        SpecError: a clip has no music, or all have the same song (a single clip too): there is nothing to compare.
    """
    silent = next((clip.name for clip in clips if clip.music is None), None)
    if silent is not None:
        raise SpecError(
            silent, "a clip without music", "music with every clip", "take a set with music"
        )
    if len(set(songs)) < 2:
        raise SpecError(
            "clips",
            f"{len(clips)} with {len(set(songs))} songs",
            "2 songs or more to compare with",
            "raise --clips, or take a set with more songs",
        )
    count = len(clips)
    return [
        next(
            other
            for step in range(count)
            if songs[other := (number + count // 2 + step) % count] != song
        )
        for number, song in enumerate(songs)
    ]


def gap_errors(
    model: MaskedMotionModel, clips: Sequence[Clip], gap: int, songs: Sequence[str] | None = None
) -> dict[str, list[float]]:
    """Mean rotation error (degrees) in a gap in the middle of each clip, for each kind of music.

    Args:
        songs: each clip's song, so that ``another`` is another one; left out: by the clips' names.

    Raises:
        SpecError: as :func:`partners`, or a clip is too short for the gap.
    """
    songs = [song_of(clip.name) for clip in clips] if songs is None else songs
    others = [clips[number] for number in partners(clips, songs)]
    errors: dict[str, list[float]] = {kind: [] for kind in SONGS}
    for clip, other in zip(tqdm(clips, desc=f"gap of {gap}"), others, strict=True):
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


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval."""
    array = np.asarray(values)
    draws = np.random.default_rng(seed).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(array[draws].mean(axis=1), [2.5, 97.5])
    return float(array.mean()), float(low), float(high)


def hearing(
    model: MaskedMotionModel, clips: Sequence[Clip], songs: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One row a gap: means with intervals, and by how much the right music lowers the error.

    Raises:
        SpecError: as :func:`gap_errors`.
    """
    rows = []
    for gap in GAPS:
        errors = gap_errors(model, clips, gap, songs)
        row: dict[str, Any] = {"gap": gap, "clips": len(clips)}
        row |= {kind: [round(x, 4) for x in interval(errors[kind])] for kind in SONGS}
        for kind in SONGS[1:]:
            saved = (np.asarray(errors[kind]) - np.asarray(errors["right"])) / np.mean(errors[kind])
            row[f"saved_against_{kind}"] = [round(x, 4) for x in interval(list(saved))]
        rows.append(row)
    return rows


@app.command()
def main(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of the checkpoint; its metrics.json and card are rewritten")
    ],
    data: Annotated[Path, typer.Option(help="the prepared set; its test split is used")],
    clips: Annotated[int, typer.Option(min=1, help="how many, spread evenly over the split")] = 200,
    frames: int = 300,
    split: str = "test",
) -> None:
    """Compare recovery with the right music, silence, and another song."""
    try:
        model = load_model(checkpoint)
        if not model.config.uses_music:
            raise ModelError(
                str(checkpoint), "this network takes no music", "one that listens", "choose another"
            )
        stored = MotionSet(data / split)
        pool = stored.cut_clips(clips, frames, model.config.skeleton, model.config.fps)
        rows = hearing(model, pool, songs_of(pool, stored.clips))
        record(
            checkpoint,
            "hearing",
            {"split": split, "data": data.resolve().name, "frames": frames, "rows": rows},
        )
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    for row in rows:
        parts = [
            f"{kind} {row[kind][0]:.2f} ({row[kind][1]:.2f} to {row[kind][2]:.2f})"
            for kind in SONGS
        ]
        typer.echo(
            f"gap of {row['gap']}: rotation, deg: {', '.join(parts)}; against another song "
            f"{row['saved_against_another'][0]:+.1%} saved"
        )


if __name__ == "__main__":
    app()
