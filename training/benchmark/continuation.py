"""Continuations of seeds beside the recordings, for dances to music and for motion without.

The rows are the network, the truth, the truth with the music of another song (where there is
music), and the seed's last pose held still. All figures count the frames after the seed and are
means over clips.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError, ModelError
from mmm.generation.generate import generate_clip
from mmm.metrics import dance as dm
from mmm.metrics import dance_features as df
from mmm.metrics.geometric_features import geometric_features
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music
from training.benchmark.dance_moves import Bar, Moves
from training.benchmark.songs import partners, songs_of
from training.data.dataset import MotionSet

Array = np.ndarray

REFERENCE_CLIPS = 80
"""Largest number of other clips of the split whose features are the reference of the FID."""
SEEDS_APART = 10_000
"""Distance between the random seeds of one clip. Each clip has its own seed: with one for all, the
means would depend on a single draw."""
Progress = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Case:
    """A clip cut into its seed and the frames after it."""

    clip: Clip
    seed: Motion
    truth: Motion
    usual: float
    """The truth's mean energy, m²/s²."""
    bars: tuple[Bar, ...] = ()
    """Whole bars after the seed, counted from its end."""

    @property
    def music(self) -> Music | None:
        """The music after the seed."""
        music = self.clip.music
        return None if music is None else music.crop(len(self.seed), len(self.clip))


@dataclass(frozen=True, eq=False)
class Material:
    """The cases that are measured, and the references that they are compared with."""

    cases: list[Case]
    others: list[int]
    """For each case, the index of a case with another song; empty without music."""
    kinetic: df.Reference
    geometric: df.Reference
    moves: Moves | None
    reference_clips: int


def material(
    stored: MotionSet,
    model: MaskedMotionModel,
    clips: int,
    prefix_frames: int,
    seconds: float,
    bars: Sequence[Sequence[Bar]] | None = None,
    moves: Moves | None = None,
) -> Material:
    """Cut seeds and truths from a split.

    Args:
        clips: number of clips, spread evenly over the split.
        prefix_frames: length of the seed.
        seconds: duration after the seed.
        bars: the bars of every clip of the split, for our own dance set.

    Raises:
        FileError: the split's clips are too short, or too few.
        ModelError: the network is made for other motion, or takes music and the set has none.
    """
    fps = stored.fps or model.config.fps
    frames = prefix_frames + round(seconds * fps)
    if model.config.uses_music and stored.music is None:
        raise ModelError(
            model.name_or_path,
            "the network uses music, and the set has none",
            "a network for motion alone",
            "choose another checkpoint or set",
        )
    if len(stored.clips) < 2 or frames <= prefix_frames:
        raise FileError(
            "split",
            f"{len(stored.clips)} clips, {frames - prefix_frames} frames to generate",
            "2 clips or more, and something to generate",
            "ask for more",
        )
    pool = stored.cut_clips(clips, frames, model.config.skeleton, fps)
    place = {entry["name"]: k for k, entry in enumerate(stored.clips)}
    cases = [_case(clip, prefix_frames, place, bars) for clip in pool]
    # Features of the cases themselves would make the truth's distance zero, so others are taken.
    chosen = {clip.name for clip in pool}
    rest = [
        clip
        for clip in stored.cut_clips(
            len(pool) + REFERENCE_CLIPS, frames, model.config.skeleton, fps
        )
        if clip.name not in chosen
    ]
    reference = [clip.motion.crop(prefix_frames, frames) for clip in rest] or [
        case.truth for case in cases
    ]
    return Material(
        cases,
        partners(pool, songs_of(pool, stored.clips)) if model.config.uses_music else [],
        df.Reference.of([df.kinetic_features(motion) for motion in reference]),
        df.Reference.of([geometric_features(motion) for motion in reference]),
        moves,
        len(rest),
    )


def _case(
    clip: Clip, prefix_frames: int, place: dict[str, int], bars: Sequence[Sequence[Bar]] | None
) -> Case:
    name, _, offset = clip.name.partition(" from ")
    away = int(offset or 0) + prefix_frames
    of_clip = () if bars is None else bars[place[name]]
    shifted = [replace(bar, start=bar.start - away, stop=bar.stop - away) for bar in of_clip]
    truth = clip.motion.crop(prefix_frames, len(clip))
    inside = tuple(bar for bar in shifted if bar.start >= 0 and bar.stop <= len(truth))
    return Case(clip, clip.motion.crop(0, prefix_frames), truth, dm.energy(truth), inside)


def futures(
    model: MaskedMotionModel,
    cases: Sequence[Case],
    temperature: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[list[Motion], float]:
    """The network's continuation of every seed, and its speed in frames a second."""
    made, started = [], time.perf_counter()
    for number, case in enumerate(cases):
        # The clip ends with the seed, so that the network cannot see what came after.
        shown = replace(case.clip, motion=case.seed, music=None)
        made.append(
            generate_clip(
                model,
                shown,
                prefix_frames=len(case.seed),
                frames=len(case.truth),
                music=case.clip.music,
                temperature=temperature,
                random_seed=seed * SEEDS_APART + number,
            ).generated
        )
        if progress is not None:
            progress()
    return made, sum(map(len, made)) / (time.perf_counter() - started)


def held(case: Case) -> Motion:
    """The seed's last pose, repeated."""
    count = len(case.truth)
    return replace(
        case.seed,
        rotations=np.repeat(case.seed.rotations[-1:], count, axis=0),
        root_m=np.repeat(case.seed.root_m[-1:], count, axis=0),
    )


def row(motions: Sequence[Motion], of: Material, *, another_song: bool = False) -> dict[str, Any]:
    """The figures of one method.

    Args:
        another_song: whether each motion is compared with the music and bars of a case with
            another song.
    """
    cases = of.cases
    beside = [cases[k] for k in of.others] if another_song else cases
    each = [
        dm.summarise(motion, case.seed, case.usual, other.music)
        for motion, case, other in zip(motions, cases, beside, strict=True)
    ]
    usual = float(np.mean([case.usual for case in cases]))
    # Energies are averaged before the division: calm clips would dominate a mean of shares.
    seconds = _energy_by_second(each, cases) / usual
    kinetic, geometric = (
        [make(motion) for motion in motions] for make in (df.kinetic_features, geometric_features)
    )
    result: dict[str, Any] = {
        "energy": _mean([summary.energy for summary in each]),
        "energy_share": round(float(np.mean([summary.energy for summary in each])) / usual, 4),
        "energy_shares": [round(float(share), 4) for share in seconds],
        "clip_energy_shares": [
            round(float(np.percentile([summary.energy_share for summary in each], p)), 4)
            for p in (0, 10, 50, 90, 100)
        ],
        "still_s": round(max(summary.still_s for summary in each), 3),
        "frozen": sum(summary.frozen for summary in each),
        **{
            key: _mean([getattr(summary, key) for summary in each])
            for key in ("skate_cm_s", "drift_m", "pfc", "per_music_beat", "per_motion_beat")
        },
        "under_floor_cm": round(max(summary.under_floor_cm for summary in each), 2),
        "over_floor_cm": round(max(summary.over_floor_cm for summary in each), 2),
        "fid_kinetic": round(of.kinetic.distance(kinetic), 3),
        "fid_geometric": round(of.geometric.distance(geometric), 3),
        "diversity_kinetic": round(of.kinetic.diversity(kinetic), 3),
        "diversity_geometric": round(of.geometric.diversity(geometric), 3),
    }
    if of.moves is not None:
        result["moves"] = of.moves.score(motions, [case.bars for case in beside])
    return result


def _energy_by_second(each: Sequence[dm.Summary], cases: Sequence[Case]) -> Float[Array, "S"]:
    """Mean energy of every second over all clips, m²/s²."""
    return np.mean(
        [
            np.array(summary.energy_shares) * case.usual
            for summary, case in zip(each, cases, strict=True)
        ],
        axis=0,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    # Some figures need music or steps that a clip may not have.
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 5) if known else None


def rows(
    model: MaskedMotionModel,
    of: Material,
    name: str,
    temperature: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Figures of the network, the truth, the truth with another song, and the held pose."""
    made, pace = futures(model, of.cases, temperature, seed, progress)
    truths = [case.truth for case in of.cases]
    result = {name: row(made, of) | {"frames_per_second": round(pace, 1)}, "truth": row(truths, of)}
    if of.others:
        result["another song"] = row(truths, of, another_song=True)
    result["hold"] = row([held(case) for case in of.cases], of)
    return result


def by_temperature(
    model: MaskedMotionModel,
    of: Material,
    temperatures: Sequence[float],
    seeds: int,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Diversity of the continuations of each seed, and their other figures, by temperature."""
    results = []
    for temperature in temperatures:
        sets = [futures(model, of.cases, temperature, seed, progress)[0] for seed in range(seeds)]
        apart = [df.joint_distance_cm(same) for same in zip(*sets, strict=True)]
        features = [
            [(df.kinetic_features(motion) - of.kinetic.mean) / of.kinetic.std for motion in same]
            for same in zip(*sets, strict=True)
        ]
        each = [row(motions, of) for motions in sets]
        moves = [figures["moves"]["move_and_side"] for figures in each if "moves" in figures]
        results.append(
            {
                "variety": temperature,
                "seeds": seeds,
                "clips": len(of.cases),
                "apart_cm": _mean(apart),
                "kinetic_distance": _mean([df.mean_distance(np.stack(same)) for same in features]),
                **{
                    key: _mean([figures[key] for figures in each])
                    for key in (
                        "energy_share",
                        "skate_cm_s",
                        "per_music_beat",
                        "per_motion_beat",
                        "fid_kinetic",
                    )
                },
                "frozen": sum(figures["frozen"] for figures in each),
                "move_and_side": _mean(moves),
            }
        )
    return results
