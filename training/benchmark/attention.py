"""Score attention maps and attributions against the dance set, where the deciding music is known.

In each clip a gap in the middle is recovered. Each method gives every music frame a score for its
influence on the frame in the middle of the gap. The k frames with the highest scores are compared
with the k frames that decide it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from tqdm import tqdm

from mmm import masks
from mmm.errors import SpecError
from mmm.explain.attribution import attribution_of
from mmm.explain.deletion_curves import Deletion, map_scores
from mmm.explain.frame_explainer import FrameExplainer
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.music.features import silence
from training.benchmark.bootstrap import interval
from training.benchmark.dance_truth import TruthTable
from training.data.dataset import MotionSet

Array = np.ndarray
Scores = dict[str, Float[Array, "T"]]

# Three seconds and one second at the 60 frames a second of the dance set.
FRAMES, GAP = 180, 60
STRETCH = 6
"""Music frames that occlusion and interventions replace at a time: the length of a drum stroke."""
STEPS = 6
"""Steps of integrated gradients."""
SHARES = (0.1, 0.3)
"""Points of the deletion curve: shares of the music that are removed, highest ranked first."""
RULES: dict[str, tuple[str, ...]] = {"all": ("chord", "kick", "snare"), "drums": ("kick", "snare")}
"""The deciding music frames to be found: all of them, of which most are the bar whose chord chooses
the move; or only the strokes of kick and snare, a few frames among many."""
METHODS = (
    "random",
    "nearest",
    "attention",
    "rollout",
    "gradients",
    "integrated_gradients",
    "occlusion",
    "mute",
)
"""Random scores; closeness in time; the mean of the attention maps (motion to music where the
network joins them in time); attention rollout; the methods of ``mmm.explain.attribution``; and an
intervention: the movement of the pose when a stretch is silenced."""


def precision_at_k(scores: Float[Array, "T"], truth: Bool[Array, "T"]) -> float:
    """The share of true frames among the k highest, where k is the number of true frames.

    Among equal scores the earlier frame ranks higher.
    """
    count = int(truth.sum())
    # A stable sort, because other sorts order ties differently from one platform to the next.
    return float(truth[np.argsort(-scores, kind="stable")[:count]].mean())


def average_precision(scores: Float[Array, "T"], truth: Bool[Array, "T"]) -> float:
    """The area under the precision-recall curve: the mean precision at the ranks of true frames."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    # This looks at the whole ranking. Precision at k ignores the order within the first k.
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def score_clip(
    model: MaskedMotionModel, clip: Clip, number: int
) -> tuple[Scores, dict[str, list[float]]]:
    """The scores of all methods for one clip, and their deletion curves.

    Args:
        model: a network with music.
        clip: ``FRAMES`` frames with music.
        number: seeds the random scores.
    """
    frames, joints = len(clip), range(model.config.joints)
    start = (frames - GAP) // 2
    mask, frame = masks.span(clip, start, start + GAP - 1), frames // 2
    explainer = FrameExplainer(model, clip, mask, frame)
    columns = explainer.columns(joints)
    deletion = Deletion(explainer, columns)
    original = deletion.with_music
    scores: Scores = {
        # Seeded by the clip, so that the row does not depend on which clips are measured. 811
        # separates this stream from other uses of the same numbers.
        "random": np.random.default_rng([number, 811]).random(frames),
        # Deciding music lies near its frame. A useful explanation must beat this row, not chance
        # alone.
        "nearest": -np.abs(np.arange(frames) - frame).astype(float),
        **map_scores(model, clip, mask, frame),
        **{
            # The sign says in which direction the pose moves. Importance is the size.
            method: np.abs(attribution_of(explainer, joints, method, STEPS)).sum(-1)
            for method in ("gradients", "integrated_gradients")
        },
        # Occlusion inserts the mean of the music, which sounds like no song. Muting inserts silence.
        "occlusion": _replaced(explainer, columns, original, explainer.mean),
        "mute": _replaced(explainer, columns, original, _silent(model, explainer)),
    }
    return scores, {
        method: deletion.moved(values, SHARES).tolist() for method, values in scores.items()
    }


def _silent(model: MaskedMotionModel, explainer: FrameExplainer) -> torch.Tensor:
    # One frame serves for all, because silence is the same in each.
    row = model.config.fitted_stats.scale_music(silence(1, model.config.fps).features)
    return torch.from_numpy(row)[None].to(explainer.music).expand_as(explainer.music)


@torch.no_grad()
def _replaced(
    explainer: FrameExplainer, columns: list[int], original: torch.Tensor, other: torch.Tensor
) -> Float[Array, "T"]:
    """The movement of the pose when a stretch of music is replaced, interpolated linearly between
    the middles of the stretches."""
    frames = explainer.music.shape[1]
    starts = range(0, frames, STRETCH)
    moved = []
    for start in starts:
        music = explainer.music.clone()
        music[:, start : start + STRETCH] = other[:, start : start + STRETCH]
        moved.append(float((explainer.poses(music)[:, columns] - original).norm()))
    # Each stretch is measured once. A stretch around every frame would take six times as long.
    return np.interp(np.arange(frames), np.array(starts) + (STRETCH - 1) / 2, moved)


def clip_entries(
    model: MaskedMotionModel,
    stored: MotionSet,
    truth: TruthTable,
    clips: int,
    work: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """One entry for each clip: ``precision`` and ``area`` by rule and method, ``deletion`` by method.

    Args:
        model: a network with music.
        stored: a split of the dance set.
        truth: the deciding music of the same split.
        clips: number of clips, spread evenly over the split.
        work: a file of finished entries, one a line, which are reused; new ones are appended.

    Raises:
        SpecError: the split has fewer clips.
    """
    if clips > len(stored.clips):
        raise SpecError(
            f"--clips {clips}",
            f"the split has {len(stored.clips)}",
            "no more than that",
            "ask for fewer",
        )
    # The truth table numbers the clips of the whole split, not those of the pool.
    place = {entry["name"]: number for number, entry in enumerate(stored.clips)}
    done = _finished(work)
    pool = stored.cut_clips(clips, FRAMES, model.config.skeleton, model.config.fps)
    for clip in tqdm(pool, desc="clips", disable=None):
        number = place[clip.name]
        if clip.name not in done:
            scores, deletion = score_clip(model, clip, number)
            done[clip.name] = _entry(clip.name, scores, deletion, truth, number)
            if work is not None:
                # A line after each clip, so that an interruption loses one clip at most.
                with work.open("a") as file:
                    file.write(json.dumps(done[clip.name]) + "\n")
        yield done[clip.name]


def _finished(work: Path | None) -> dict[str, dict[str, Any]]:
    if work is None or not work.is_file():
        return {}
    return {entry["clip"]: entry for entry in map(json.loads, work.read_text().splitlines())}


def _entry(
    name: str, scores: Scores, deletion: dict[str, list[float]], truth: TruthTable, number: int
) -> dict[str, Any]:
    entry: dict[str, Any] = {"clip": name, "deletion": deletion, "rules": {}}
    for rule, parts in RULES.items():
        deciding = truth.deciding(number, FRAMES // 2, FRAMES, parts)
        if not deciding.any():  # no drum is struck near it
            continue
        entry["rules"][rule] = {
            "deciding": int(deciding.sum()),
            "precision": {
                method: precision_at_k(values, deciding) for method, values in scores.items()
            },
            "area": {
                method: average_precision(values, deciding) for method, values in scores.items()
            },
        }
    return entry


def summary(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over clips: rows of rule and method, and the deletion curves.

    ``precision`` is [mean, lower, upper] with its 95 % bootstrap interval; ``by_chance`` is what
    random order gives on average (the share of the frames that decide), ``times_chance`` the
    precision over that.
    """
    rows = []
    for rule in RULES:
        scored = [entry["rules"][rule] for entry in entries if rule in entry["rules"]]
        if not scored:
            continue
        by_chance = float(np.mean([entry["deciding"] / FRAMES for entry in scored]))
        for method in METHODS:
            precision = interval([entry["precision"][method] for entry in scored])
            rows.append(
                {
                    "rule": rule,
                    "clips": len(scored),
                    "method": method,
                    "by_chance": round(by_chance, 4),
                    "precision": [round(value, 4) for value in precision],
                    "area": round(float(np.mean([entry["area"][method] for entry in scored])), 4),
                    "times_chance": round(precision[0] / by_chance, 2),
                }
            )
    curves = [
        {
            "method": method,
            "moved": [
                round(float(np.mean([entry["deletion"][method][k] for entry in entries])), 4)
                for k in range(len(SHARES))
            ],
        }
        for method in METHODS
    ]
    return {
        "clips": len(entries),
        "frames": FRAMES,
        "gap": GAP,
        "stretch": STRETCH,
        "steps": STEPS,
        "rows": rows,
        "deletion": {"shares": list(SHARES), "rows": curves},
        "sentence": sentence(rows),
    }


def sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """A summary of the scores of the attention maps, for the page and the card."""
    of = {row["method"]: row for row in rows if row["rule"] == "drums"}
    if not of:
        return ""
    # The attributions and the intervention, which begin at index 4.
    best = max((method for method in METHODS[4:]), key=lambda method: of[method]["precision"][0])
    maps, nearest = of["attention"]["precision"][0], of["nearest"]["precision"][0]
    return (
        f"Of the music frames that these maps rank highest, {maps:.0%} are drum strokes that decide "
        f"the pose. By chance it would be {of['attention']['by_chance']:.0%}, for the nearest "
        f"frames {nearest:.0%}, and for {best.replace('_', ' ')} {of[best]['precision'][0]:.0%}."
    )
