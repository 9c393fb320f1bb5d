"""Recovery of recordings that no network here was trained on, beside the four interpolations.

A window has half a second of known motion, a gap, and half a second of known motion again. Gaps of
one length do not overlap. Every window is recovered by the network and by the four interpolations,
on joint roles and at 30 frames a second, and each is measured over the frames of the gap alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmm.errors import FileError, ModelError
from mmm.interpolation.baselines import BASELINES
from mmm.metrics import inbetweening
from mmm.models import MaskedMotionModel
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.recovery.recover import recover
from training.benchmark.clips import prepared
from training.benchmark.protocol import Filling, Outcome, Statistics, outcome, statistics
from training.benchmark.windows import FPS, TEST_CUT, Windows, cut, stretches

Array = np.ndarray

GAPS = (5, 10, 15, 30, 45, 60, 90, 120)
"""Hidden frames, at 30 a second: a sixth of a second to four seconds."""
CONTEXT = 15
"""Known frames on either side of a gap."""
METRICS = ("rotation", "position", "l2p", "l2q", "npss")


@dataclass(frozen=True)
class UnseenSet:
    """A set of recordings to test on, as ``python -m data prepare --skeleton roles`` writes it."""

    title: str
    folder: str
    """The prepared set's name."""
    source: str
    """Regular expression that a clip's source matches where it belongs to the set."""
    content: str
    """Regular expression on a clip's source whose group names what the clip shows."""


# No network that this project ships was trained on any of these sets.
SETS = (
    UnseenSet("LAFAN1", "lafan1-roles", "", r"([a-zA-Z]+)\d*_subject"),
    UnseenSet("Bandai-Namco 1", "bandai_namco", "dataset-1", r"dataset-1_([^_/]+)_[^/]*$"),
    UnseenSet("Bandai-Namco 2", "bandai_namco", "dataset-2", r"dataset-2_([^_/]+)_[^/]*$"),
    UnseenSet("AIST++", "aist-roles", "", r"(g[A-Z]{2})_"),
)


def clips_of(unseen: UnseenSet, data: Path) -> tuple[Clip, ...]:
    """The set's clips at 30 frames a second, each on its own bones.

    Args:
        unseen: one of ``SETS``.
        data: the folder that holds the prepared sets.

    Raises:
        FileError: the set is not there, or holds no clip of this name.
    """
    folder = data / unseen.folder / "test"
    clips = tuple(clip for clip in prepared(folder).clips if re.search(unseen.source, clip.name))
    if not clips:
        raise FileError(
            str(folder), f"no clip of {unseen.title}", "its recordings", "prepare the set again"
        )
    return clips


def content_of(unseen: UnseenSet, source: str) -> str:
    """What a clip shows, by its name; the whole name where the set's expression does not match."""
    match = re.search(unseen.content, source)
    return match[1] if match else source


def gap_windows(clips: Sequence[Clip], gap: int, limit: int) -> Windows | None:
    """Windows around gaps of one length, spread evenly over the clips; None where no clip is long
    enough.

    Args:
        clips: of the same joints, at 30 frames a second.
        gap: hidden frames.
        limit: at most this many windows.
    """
    size = gap + 2 * CONTEXT
    places = [
        (clip, start)
        for clip in clips
        # Short gaps keep half a second between their starts. Closer ones would be near copies.
        for start in range(0, len(clip) - size + 1, max(gap, CONTEXT))
    ]
    if not places:
        return None
    # Even steps through all windows, because the first ones would come from a few clips.
    chosen = np.unique(np.linspace(0, len(places) - 1, min(limit, len(places))).astype(int))
    return stretches([places[i] for i in chosen], size)


@dataclass(frozen=True)
class GapScores:
    """One gap, filled by every method."""

    title: str
    """The set's."""
    gap: int
    clip: str
    content: str
    power: float
    """Spectral power of the recorded quaternions in the gap: the weight of this gap in NPSS."""
    scores: dict[str, dict[str, float]]
    """``METRICS`` by method: degrees, centimetres, and the three of the LAFAN1 benchmark."""
    expected_cm: float | None
    """The position error that the network expects; None where it states none."""


def measure(
    model: MaskedMotionModel,
    name: str,
    unseen: UnseenSet,
    clips: Sequence[Clip],
    gaps: Sequence[int],
    limit: int,
    progress: Callable[[int], object] = lambda _: None,
) -> list[GapScores]:
    """Scores of the network and of the four interpolations in every gap.

    Args:
        model: a network on joint roles.
        name: what the network is called in ``GapScores.scores``.
        unseen: where the clips come from.
        clips: of one set.
        gaps: lengths in frames.
        limit: largest number of windows of each length.
        progress: called with the number of windows done since the last call.

    Raises:
        ModelError: the network reads the joints of one skeleton.
    """
    # The sets have different skeletons, which networks on joint roles alone can read.
    if model.config.representation != "roles":
        raise ModelError(
            name, "a network on one skeleton's joints", "one on joint roles", "choose inbetween"
        )
    # One standard for all gap lengths of a set, so that their L2P can be compared.
    standard = statistics(cut(clips, *TEST_CUT), f"the windows of {unseen.title}")
    measured: list[GapScores] = []
    for gap in gaps:
        windows = gap_windows(clips, gap, limit)
        for i in range(len(windows) if windows is not None else 0):
            # For the type checker: the range is empty without windows.
            assert windows is not None
            window = windows.take(slice(i, i + 1))
            measured.append(_scores_of(model, name, unseen, window, gap, standard))
            progress(1)
    return measured


def _scores_of(
    model: MaskedMotionModel,
    name: str,
    unseen: UnseenSet,
    window: Windows,
    gap: int,
    standard: Statistics,
) -> GapScores:
    inside = slice(CONTEXT, CONTEXT + gap)
    skeleton = replace(window.skeleton, offsets_m=window.offsets_m[0])
    clip = Clip(window.labels[0], Motion(skeleton, window.rotations[0], window.root_m[0], FPS))
    hidden = np.zeros(window.rotations.shape[1:3], dtype=bool)
    hidden[inside] = True
    result = recover(model, clip, hidden)
    motions = {name: result.recovered.motion}
    motions |= {method: fill(clip, hidden) for method, fill in BASELINES.items()}
    # All methods start from the same known frame, so that the signs of their quaternions agree.
    truth = outcome(window, _filling(clip.motion, inside), CONTEXT - 1)
    scores = {}
    for method, motion in motions.items():
        filled = outcome(window, _filling(motion, inside), CONTEXT - 1)
        angle = rot.geodesic_angle(clip.motion.rotations[inside], motion.rotations[inside])
        scores[method] = {
            "rotation": float(np.degrees(angle).mean(dtype=np.float64)),
            **_world_scores(truth, filled, standard),
        }
    expected = result.expected_cm
    return GapScores(
        unseen.title,
        gap,
        window.labels[0],
        content_of(unseen, window.labels[0]),
        _power(truth),
        scores,
        None if expected is None else float(expected[inside].mean(dtype=np.float64)),
    )


def _filling(motion: Motion, inside: slice) -> Filling:
    return motion.rotations[None, inside], motion.root_m[None, inside]


def _world_scores(truth: Outcome, filled: Outcome, standard: Statistics) -> dict[str, float]:
    apart = np.linalg.norm(truth.positions_m.astype(np.float64) - filled.positions_m, axis=-1)
    flat = [o.quats.reshape(*o.quats.shape[:2], -1) for o in (truth, filled)]
    return {
        "position": float(100 * apart.mean()),
        "l2p": inbetweening.l2p(
            truth.positions_m, filled.positions_m, standard.mean_m, standard.std_m
        ),
        "l2q": inbetweening.l2q(truth.quats, filled.quats),
        "npss": inbetweening.npss(*flat),
    }


def _power(truth: Outcome) -> float:
    """The weight of a window in NPSS: the power of its quaternions' spectrum (real part)."""
    values = truth.quats.reshape(*truth.quats.shape[:2], -1).astype(np.float64)
    return float((np.real(np.fft.fft(values, axis=1)) ** 2).sum())
