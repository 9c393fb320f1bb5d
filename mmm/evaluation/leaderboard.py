"""The leaderboard: checkpoints and interpolations over many clips and patterns, measured once and kept on disk.

What is kept is a line of JSON a measurement (``measurements.jsonl`` in ``data/processed/leaderboard``): one method, one
clip, one pattern, as sums over hidden entries, so that any set of clips can be put together. A measurement belongs to
the bytes of the checkpoint and of the clip's file: after either has changed it is not shown any more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmm import masks
from mmm.checkpoints import CheckpointInfo, check_fit
from mmm.errors import MMMError, SpecError
from mmm.evaluation.measurements import Measurement, ResultsFile, Version, digest_of, version_of
from mmm.interpolation.baselines import BASELINES
from mmm.io import load_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24

if TYPE_CHECKING:
    from mmm.models import MaskedMotionModel  # imports torch
    from mmm.recovery.recover import RecoveryResult

PATTERNS = ("random:0.15", "every:5", "every:15", "keep:5,hide:5", "gap:15", "gap:30", "gap:60")
"""SPECs; ``gap:N`` stands for a span of N frames in the middle of the clip."""
FRAMES = 300
"""So many frames of a clip, its first ones; all of a shorter one."""


@dataclass(frozen=True)
class Benchmark:
    """Which clips, patterns and checkpoints stand against each other."""

    clips: tuple[Path, ...]
    patterns: tuple[str, ...] = PATTERNS
    checkpoints: tuple[CheckpointInfo, ...] = ()
    seed: int = 0


def spec_for(pattern: str, frames: int) -> str:
    """The SPEC of a pattern for a clip of so many frames.

    Raises:
        SpecError: a gap does not fit into it.
    """
    if not pattern.startswith("gap:"):
        return pattern
    try:
        gap = int(pattern.removeprefix("gap:"))
    except ValueError:
        raise SpecError(
            pattern, "not a length", "gap:N, N frames in the middle", "correct it"
        ) from None
    first = (frames - gap) // 2
    if gap < 1 or first < 1:
        raise SpecError(
            pattern,
            f"{frames} frames",
            f"{gap + 2} or more around such a gap",
            "choose a shorter gap",
        )
    return f"span:{first}-{first + gap - 1}"


def check_pattern(pattern: str) -> None:
    """Whether it makes sense at all.

    Raises:
        SpecError: it is no SPEC, or does not fit a clip of ``FRAMES`` frames of an SMPL body.
    """
    still = np.broadcast_to(np.eye(3, dtype=np.float32), (FRAMES, len(SMPL24), 3, 3))
    clip = Clip("a clip", Motion(SMPL24, still, np.zeros((FRAMES, 3), dtype=np.float32), 60.0))
    masks.parse(spec_for(pattern, FRAMES), clip)


def measure(
    contest: Benchmark,
    book: ResultsFile,
    load_model: Callable[[str], "MaskedMotionModel"] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> list[str]:
    """Measure what the book lacks; each clip and pattern is written down when it is done.

    All methods fill the same hidden entries. Networks run only on clips that fit them; a clip too short for a pattern
    is left out of it.

    Args:
        load_model: networks by name; ``mmm.load_model`` where None.
        progress: told a share of the whole and what is in hand; may raise to stop.

    Returns:
        What was left out, and why: a line each.
    """
    kept, remarks = book.read(), list[str]()
    for number, path in enumerate(contest.clips):
        try:
            clip = load_clip(path)
        except (MMMError, OSError) as error:
            remarks.append(" ".join(str(error).split()))
            continue
        clip = clip.crop(0, min(FRAMES, len(clip)))
        cards = []
        for card in contest.checkpoints:
            try:
                check_fit(card, clip)
                cards.append(card)
            except MMMError as error:
                remarks.append(
                    f"{card.name} was not run on {clip.name}: {' '.join(str(error).split())}"
                )
        for at, pattern in enumerate(contest.patterns):
            if progress is not None:
                share = (number + at / len(contest.patterns)) / len(contest.clips)
                progress(share, f"{clip.name}: {pattern}")
            try:
                found = _measured(contest, kept, clip, path, pattern, cards, load_model)
            except SpecError as error:
                remarks.append(
                    f"{clip.name} is left out of {pattern}: {' '.join(str(error).split())}"
                )
                continue
            book.add(found)
    return list(dict.fromkeys(remarks))


def _measured(
    contest: Benchmark,
    kept: Mapping[tuple[Any, ...], Measurement],
    clip: Clip,
    path: Path,
    pattern: str,
    cards: Sequence[CheckpointInfo],
    load_model: Callable[[str], "MaskedMotionModel"] | None,
) -> list[Measurement]:
    import mmm  # its recovery imports torch

    digest, new = digest_of(path), list[Measurement]()
    mask = masks.parse(spec_for(pattern, len(clip)), clip, contest.seed)
    for name, version in [
        *((name, "") for name in BASELINES),
        *((card.name, version_of(card)) for card in cards),
    ]:
        if (name, version, digest, pattern, contest.seed, len(clip)) in kept:
            continue
        result = (
            mmm.interpolate(name, clip, mask)
            if not version
            else mmm.recover((load_model or mmm.load_model)(name), clip, mask)
        )
        new.append(_note(result, version, clip.name, digest, pattern, contest.seed))
    return new


def _note(
    result: "RecoveryResult", version: Version, clip: str, digest: str, pattern: str, seed: int
) -> Measurement:
    errors, hidden = result.errors, result.hidden
    parts = {
        "rotation_deg": errors.rotation_deg[hidden],
        "position_cm": errors.position_cm[hidden],
        "root_cm": errors.root_cm[hidden[:, 0]],
    }
    return Measurement(
        result.model_name,
        version,
        clip,
        digest,
        pattern,
        seed,
        len(result.clip),
        int(hidden.sum()),
        {name: round(float(part.sum(dtype=np.float64)), 4) for name, part in parts.items()},
        {name: len(part) for name, part in parts.items()},
        round(result.elapsed_s, 4),
    )
