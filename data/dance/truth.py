"""The ground truth: which music frames decide which frames and joints of the motion, by which rule.

An influence maps a stretch of music to a stretch of motion. The influences are complete: a change of
the music anywhere else leaves these motion frames bit-identical, which
``tests/data/dance/test_truth.py`` checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from data.dance.choreography import BLEND_BEATS, FPS, KICK_WINDOW_S, SNARE_WINDOW_S, move_of
from data.dance.song import Drum, Song
from data.dance.style import Dancer
from mmm.motion.skeleton import SMPL24

Array = np.ndarray

RULES = ("chord", "kick", "snare")
_STROKE_S = 0.1
"""Duration that counts as a drum stroke, which holds most of its energy."""
_LEGS = ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle")
# No channel moves the hands (SMPL's joints 22 and 23).
_NOT_DANCED = ("left_hand", "right_hand")
_KICKED = ("pelvis", "spine1", "spine2", "neck", "head", *_LEGS)
_SNARED = (
    "spine3",
    "neck",
    "head",
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("collar", "shoulder", "elbow", "wrist")
    ),
)
JOINTS: dict[str, tuple[int, ...]] = {
    "chord": tuple(j for j, name in enumerate(SMPL24.names) if name not in _NOT_DANCED),
    "kick": tuple(SMPL24.names.index(name) for name in _KICKED),
    "snare": tuple(SMPL24.names.index(name) for name in _SNARED),
}
"""Joints whose local rotation a rule moves. Chords and kicks move the root's position too (it
counts as joint 0)."""


@dataclass(frozen=True)
class Influence:
    """A stretch of music and the stretch of motion that it decides; frames of the clip, stops not
    included."""

    rule: str
    """``chord`` (a bar's chord and section decide move, side and size), ``kick`` or ``snare``."""
    label: str
    """The chord and the move (``Am v_step right``), or the drum."""
    music: tuple[int, int]
    motion: tuple[int, int]


@dataclass(frozen=True)
class Truth:
    """All influences on a clip."""

    frames: int
    influences: tuple[Influence, ...]

    def deciding(
        self, frame: int, joint: int | None = None, rules: Sequence[str] = RULES
    ) -> Bool[Array, "T"]:
        """The music frames that decide a motion frame, optionally for one joint: (T,) bool."""
        return self.matrix(joint, rules, slice(frame, frame + 1))[0]

    def matrix(
        self, joint: int | None = None, rules: Sequence[str] = RULES, rows: slice = slice(None)
    ) -> Bool[Array, "T T"]:
        """True where the motion frame of a row is decided by the music frame of a column."""
        result = np.zeros((self.frames, self.frames), dtype=bool)
        for influence in self.influences:
            if influence.rule in rules and (joint is None or joint in JOINTS[influence.rule]):
                result[slice(*influence.motion), slice(*influence.music)] = True
        return result[rows]


def truth_of(song: Song, dancer: Dancer, start: int = 0, frames: int | None = None) -> Truth:
    """The ground truth of frames ``start`` to ``start + frames`` of a song, by default to its end.

    Influences without a motion frame in the clip are left out. Music outside the clip is cut off,
    which may leave an influence without music.
    """
    count = song.frames(FPS) - start if frames is None else frames
    influences = [
        *_chords(song, dancer),
        *_drum(song, dancer, "kick", KICK_WINDOW_S),
        *_drum(song, dancer, "snare", SNARE_WINDOW_S),
    ]
    inside = (
        Influence(
            influence.rule,
            influence.label,
            _clipped(influence.music, start, count),
            _clipped(influence.motion, start, count),
        )
        for influence in influences
    )
    return Truth(
        count, tuple(influence for influence in inside if influence.motion[0] < influence.motion[1])
    )


def _clipped(span: tuple[int, int], start: int, count: int) -> tuple[int, int]:
    first, stop = (int(np.clip(frame - start, 0, count)) for frame in span)
    return first, stop


def _span(start_s: float, stop_s: float) -> tuple[int, int]:
    """The frames between two times, both included."""
    # The tolerance keeps frames that rounding puts just outside.
    return int(np.ceil(start_s * FPS - 1e-6)), int(np.floor(stop_s * FPS + 1e-6)) + 1


def _chords(song: Song, dancer: Dancer) -> list[Influence]:
    influences = []
    for k, bar in enumerate(song.bars):
        start_s, stop_s, blend_s = k * song.bar_s, (k + 1) * song.bar_s, BLEND_BEATS * song.beat_s
        side = "right" if bar.minor else "left"
        # The first and the last bar extend beyond the song.
        first_s = -1.0 if k == 0 else start_s - blend_s
        last_s = song.duration_s + 1 if k == len(song.bars) - 1 else stop_s + blend_s
        influences.append(
            Influence(
                "chord",
                f"{bar.chord_name} {move_of(bar)} {side}",
                _span(start_s, stop_s),
                _span(first_s + dancer.late_s, last_s + dancer.late_s),
            )
        )
    return influences


def _drum(song: Song, dancer: Dancer, drum: Drum, window_s: tuple[float, float]) -> list[Influence]:
    return [
        Influence(
            drum,
            drum,
            _span(onset, onset + _STROKE_S),
            _span(onset + window_s[0] + dancer.late_s, onset + window_s[1] + dancer.late_s),
        )
        for onset in song.onsets_s(drum).tolist()
    ]


def save_truths(path: Path, truths: Sequence[Truth]) -> None:
    """Save the ground truth of several clips in one ``.npz``, one row for each influence.

    Arrays: ``clip`` (index), ``rule`` (index in ``rules``), ``music`` and ``motion`` (R, 2),
    ``label``, ``joints`` (rules, 24) with the joints that a rule moves, and ``frames`` of each clip.
    """
    rows = [
        (k, RULES.index(influence.rule), influence.label, influence.music, influence.motion)
        for k, truth in enumerate(truths)
        for influence in truth.influences
    ]
    clip, rule, label, music, motion = zip(*rows, strict=True)
    moved = np.zeros((len(RULES), len(SMPL24)), dtype=bool)
    for k, name in enumerate(RULES):
        moved[k, list(JOINTS[name])] = True
    np.savez_compressed(
        path,
        clip=np.array(clip, dtype=np.int32),
        rule=np.array(rule, dtype=np.int8),
        label=np.array(label),
        music=np.array(music, dtype=np.int32),
        motion=np.array(motion, dtype=np.int32),
        rules=np.array(RULES),
        joints=moved,
        frames=np.array([truth.frames for truth in truths], dtype=np.int32),
    )


def load_truths(path: Path) -> list[Truth]:
    """Load the ground truth of each clip from a file of ``save_truths``."""
    with np.load(path, allow_pickle=False) as stored:
        columns = {
            name: stored[name] for name in ("clip", "rule", "label", "music", "motion", "frames")
        }

    def influences(index: int) -> tuple[Influence, ...]:
        rows: Int[Array, "R"] = np.flatnonzero(columns["clip"] == index)
        return tuple(
            Influence(
                RULES[columns["rule"][r]],
                str(columns["label"][r]),
                tuple(columns["music"][r].tolist()),
                tuple(columns["motion"][r].tolist()),
            )
            for r in rows
        )

    return [Truth(int(frames), influences(k)) for k, frames in enumerate(columns["frames"])]
