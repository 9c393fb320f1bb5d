"""The leaderboard: checkpoints and interpolations over many clips and patterns, measured once and kept on disk.

What is kept is a line of JSON a measurement (``measurements.jsonl`` in ``data/processed/leaderboard``): one method, one
clip, one pattern, as sums over hidden entries, so that any set of clips can be put together. A measurement belongs to
the bytes of the checkpoint and of the clip's file: after either has changed it is not shown any more.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmm import masks
from mmm import paths as places
from mmm.checkpoints import CheckpointSummary, check_fit
from mmm.errors import MMMError, SpecError
from mmm.interpolation.baselines import BASELINES
from mmm.io import load_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24

if TYPE_CHECKING:
    from mmm.models import MaskedMotionModel  # imports torch
    from mmm.recovery.recover import RecoveryResult

METRICS: Mapping[str, tuple[str, str]] = {
    "rotation_deg": ("Joint rotation", "°"),
    "position_cm": ("Joint position", "cm"),
    "root_cm": ("Root", "cm"),
    "elapsed_s": ("Time a clip", "s"),
}
"""What is measured, and its unit; all but the time over hidden entries only."""
ERRORS = ("rotation_deg", "position_cm", "root_cm")
PATTERNS = ("random:0.15", "every:5", "every:15", "keep:5,hide:5", "gap:15", "gap:30", "gap:60")
"""SPECs; ``gap:N`` stands for a span of N frames in the middle of the clip."""
FRAMES = 300
"""So many frames of a clip, its first ones; all of a shorter one."""
RESAMPLES, INTERVAL = 1000, (2.5, 97.5)

Version = str


@dataclass(frozen=True)
class Measurement:
    """One method on one clip with one pattern."""

    method: str
    version: Version
    """Of the checkpoint's bytes; of an interpolation empty."""
    clip: str
    digest: str
    """Of the bytes of the clip's file."""
    pattern: str
    seed: int
    frames: int
    hidden: int
    """Entries (frames times joints)."""
    sums: dict[str, float]
    """Of each error over hidden entries."""
    counts: dict[str, int]
    """Over how many."""
    elapsed_s: float

    @property
    def key(self) -> tuple[str, Version, str, str, int, int]:
        """What makes it the same measurement."""
        return self.method, self.version, self.digest, self.pattern, self.seed, self.frames


@dataclass(frozen=True)
class Contest:
    """Which clips, patterns and checkpoints stand against each other."""

    clips: tuple[Path, ...]
    patterns: tuple[str, ...] = PATTERNS
    checkpoints: tuple[CheckpointSummary, ...] = ()
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


def digest_of(path: Path) -> str:
    """Of a file's bytes."""
    stat = path.stat()
    return _digest(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8192)
def _digest(path: str, changed_ns: int, size: int) -> str:
    return blake2b(Path(path).read_bytes(), digest_size=12).hexdigest()


def version_of(card: CheckpointSummary) -> Version:
    """Of the bytes of a checkpoint's weights and configuration."""
    files = [card.path / "config.json", *sorted(card.path.glob("*.safetensors"))]
    return blake2b("".join(map(digest_of, files)).encode(), digest_size=8).hexdigest()


class Book:
    """Measurements on disk: lines are only ever added, so that a run cut short has lost nothing that was measured."""

    def __init__(self, folder: Path | None = None) -> None:
        self.file = (folder or places.MEASURED) / "measurements.jsonl"

    def read(self) -> dict[tuple[Any, ...], Measurement]:
        """By key, the latest of each; lines that make no sense (a disk that was full) are passed over."""
        found = {}
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        for line in lines:
            try:
                one = Measurement(**json.loads(line))
                found[one.key] = one
            except (ValueError, TypeError):
                continue
        return found

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Write them down."""
        text = "".join(json.dumps(asdict(one)) + "\n" for one in measurements)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":  # a run that was cut short in the middle of a line
                    text = "\n" + text
            file.write(text.encode())


def measure(
    contest: Contest,
    book: Book,
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
    contest: Contest,
    kept: Mapping[tuple[Any, ...], Measurement],
    clip: Clip,
    path: Path,
    pattern: str,
    cards: Sequence[CheckpointSummary],
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


@dataclass(frozen=True)
class Cell:
    """One method and pattern, over the clips that all methods of its section have in common."""

    method: str
    pattern: str
    clips: int
    hidden: int
    means: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    """95 % of what other draws of clips would give (bootstrap over clips); None of a single clip."""


@dataclass(frozen=True)
class Section:
    """Networks that fit the same clips, and the interpolations on just these clips."""

    clips: tuple[str, ...]
    methods: tuple[str, ...]
    """Networks, then interpolations."""
    cells: Mapping[tuple[str, str], Cell]
    """By method and pattern; what was not measured is not there."""

    def best(self, pattern: str, metric: str) -> float | None:
        """The least mean of a column."""
        means = [cell.means[metric] for (_, p), cell in self.cells.items() if p == pattern]
        return min((mean for mean in means if mean is not None), default=None)


def standings(contest: Contest, book: Book) -> list[Section]:
    """What the book says of these clips, patterns and checkpoints, as they are now; the section of most clips first."""
    digests = {digest_of(path): path.stem for path in contest.clips}
    versions = {card.name: version_of(card) for card in contest.checkpoints} | dict.fromkeys(
        BASELINES, ""
    )
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for one in book.read().values():
        if (
            one.digest in digests
            and versions.get(one.method) == one.version
            and one.seed == contest.seed
            and one.pattern in contest.patterns
        ):
            found.setdefault((one.method, one.pattern), {})[one.digest] = one
    covered = {
        name: frozenset(d for (method, _), by in found.items() if method == name for d in by)
        for name in versions
    }
    networks = [card.name for card in contest.checkpoints if covered[card.name]]
    groups = sorted(
        {covered[name] for name in networks}, key=lambda group: (-len(group), sorted(group))
    )
    if not groups and covered["hold"]:
        groups = [covered["hold"]]
    return [
        _section(group, [n for n in networks if covered[n] == group], contest, found, digests)
        for group in groups
    ]


def _section(
    group: frozenset[str],
    networks: list[str],
    contest: Contest,
    found: Mapping[tuple[str, str], Mapping[str, Measurement]],
    digests: Mapping[str, str],
) -> Section:
    methods, cells = (*networks, *BASELINES), {}
    for pattern in contest.patterns:
        here = {name: found[name, pattern] for name in methods if (name, pattern) in found}
        common = sorted(group.intersection(*here.values())) if here else []
        for name, by in here.items():
            if common:
                cells[name, pattern] = _cell(name, pattern, [by[digest] for digest in common])
    return Section(tuple(sorted(digests[d] for d in group)), methods, cells)


def _cell(method: str, pattern: str, ones: Sequence[Measurement]) -> Cell:
    means: dict[str, float | None] = {
        "elapsed_s": float(np.median([one.elapsed_s for one in ones]))
    }
    intervals: dict[str, tuple[float, float] | None] = {"elapsed_s": None}
    draws = np.random.default_rng(0).integers(0, len(ones), (RESAMPLES, len(ones)))
    for name in ERRORS:
        sums, counts = np.array([[one.sums[name], one.counts[name]] for one in ones], dtype=float).T
        means[name] = float(sums.sum() / counts.sum()) if counts.sum() else None
        intervals[name] = None
        if len(ones) > 1 and counts.min() > 0:
            low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), INTERVAL)
            intervals[name] = float(low), float(high)
    return Cell(method, pattern, len(ones), sum(one.hidden for one in ones), means, intervals)
