"""Gaps of validation recordings that a gap gate is fitted to, recovered by the network and by the
curves.

Gaps of a sixth of a second to four seconds hide the whole body, groups of joints, or one end of a
clip. Half of the clips are also made *calmer*: the legs and the root, or all but one arm, keep a
tenth to a third of their movement. People who stand and gesture are rare in the recordings that
networks are trained on, and are where curves are hard to beat.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmm.models import MaskedMotionModel
from mmm.models.calibration import GapCalibration
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.roles import ROLES
from mmm.recovery.gap_evidence import GapEvidence, gap_evidence
from mmm.recovery.gap_mix import curves_of
from mmm.recovery.humanoid import JointRoles, RolePrediction
from mmm.recovery.recover import keep_known
from mmm.recovery.windows import WindowedOutput

Array = np.ndarray

GAPS_S = (1 / 6, 1 / 4, 1 / 3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
CONTEXTS_S = (0.5, 1.5)
"""Known seconds on either side of a gap."""
FRAMES_OF_A_GAP = 6
"""How many frames of a gap are fitted to: neighbouring ones hardly differ."""
BATCH = 8
_ARMS = [
    r for r, role in enumerate(ROLES) if role.endswith(("collar", "shoulder", "elbow", "wrist"))
]
_LEGS = [r for r, role in enumerate(ROLES) if role.endswith(("hip", "knee", "ankle", "toe"))]
_LEFT = [r for r, role in enumerate(ROLES) if role.startswith("left")]
GROUPS: dict[str, list[int]] = {
    "arms": _ARMS,
    "legs": _LEGS,
    "left arm": sorted(set(_ARMS) & set(_LEFT)),
    "right arm": sorted(set(_ARMS) - set(_LEFT)),
    "left leg": sorted(set(_LEGS) & set(_LEFT)),
    "upper body": [r for r in range(1, len(ROLES)) if r not in _LEGS],
}
KINDS = ("whole", "whole", "whole", "calm", "calm", "part", "begin", "end")
"""What is hidden of the gaps, in turn."""


@dataclass(frozen=True, eq=False)
class GateCase:
    """Some frames of one gap."""

    kind: str
    gap_s: float
    frames: int
    """Hidden frames of the whole gap."""
    hidden: Bool[Array, "F R"]
    ramp: Float[Array, "F R"]
    evidence: GapEvidence
    rotations: Float[Array, "4 F R 3 3"]
    """As the network, the inertial curve and slerp have them, and as recorded."""
    root_m: Float[Array, "4 F 3"]
    offsets_m: Float[Array, "R 3"]
    expected_m: float
    """Mean over the whole gap."""


def gate_cases(
    model: MaskedMotionModel,
    clips: Sequence[Clip],
    table: GapCalibration,
    count: int,
    random_seed: int = 0,
    progress: Callable[[int], object] = lambda _: None,
) -> list[GateCase]:
    """Recover gaps of every length.

    Args:
        model: a network on joint roles.
        clips: of the roles, at the network's rate, that the network was not trained on.
        table: scales the predictions; its own gate is not used.
        count: of each length.
        random_seed: of what is hidden and what is made calmer.
        progress: called with the number of gaps done, again and again.
    """
    rng = np.random.default_rng(random_seed)
    # What is drawn depends on the seed alone, so that equal clips give equal gates.
    cases: list[GateCase] = []
    for gap_s in GAPS_S:
        gap = round(gap_s * model.config.fps)
        drawn = list(_drawn(clips, gap, count, rng, model.config.fps))
        # Windows of one length run together.
        for size in sorted({len(clip) for clip, _, _ in drawn}):
            group = [each for each in drawn if len(each[0]) == size]
            for start in range(0, len(group), BATCH):
                cases += _recovered(model, group[start : start + BATCH], table, gap_s)
                progress(len(group[start : start + BATCH]))
    return cases


Drawn = tuple[Clip, str, Bool[Array, "T R"]]


def _drawn(
    clips: Sequence[Clip], gap: int, count: int, rng: np.random.Generator, fps: float
) -> Iterator[Drawn]:
    """Windows spread evenly over the clips, and what is hidden of each."""
    # Half a second is what the benchmark on unseen recordings shows; clips of users show more.
    for context_s in CONTEXTS_S:
        context = round(context_s * fps)
        size = gap + 2 * context
        places = [
            (clip, start)
            for clip in clips
            for start in range(0, len(clip) - size + 1, max(gap // 2, 7))
        ]
        part = count // len(CONTEXTS_S)
        chosen = np.unique(np.linspace(0, len(places) - 1, min(part, len(places))).astype(int))
        for number, i in enumerate(chosen):
            clip, start = places[i]
            # In turn rather than by chance, so that every length has gaps of every kind.
            window, kind = clip.crop(start, start + size), KINDS[number % len(KINDS)]
            if kind == "calm":
                window = _calmer(window, rng)
            first = {"begin": 0, "end": size - gap}.get(kind, context)
            joints = (
                [*GROUPS.values()][rng.integers(len(GROUPS))] if kind == "part" else slice(None)
            )
            hidden = np.zeros(window.motion.rotations.shape[:2], dtype=bool)
            hidden[first : first + gap, joints] = True
            yield window, kind, hidden


def _calmer(clip: Clip, rng: np.random.Generator) -> Clip:
    """The clip with less movement in the legs and the root, or in all but one arm."""
    motion, share = clip.motion, float(rng.uniform(0.1, 0.33))
    still = [0, *_LEGS]
    if rng.random() < 0.5:
        arm = GROUPS[("left arm", "right arm")[rng.integers(2)]]
        still = [r for r in range(len(ROLES)) if r not in arm]
    # A pose inside the gap, so that neither end is favoured.
    middle = len(motion) // 2
    pose = motion.rotations[middle, still]
    turn = rot.matrix_to_rotvec(np.swapaxes(pose, -1, -2) @ motion.rotations[:, still])
    # Turns beyond half a circle would jump to the other side.
    if np.linalg.norm(turn, axis=-1).max() > 0.9 * np.pi:
        return clip
    rotations = motion.rotations.copy()
    rotations[:, still] = pose @ rot.rotvec_to_matrix(turn * share)
    root_m = motion.root_m[middle] + share * (motion.root_m - motion.root_m[middle])
    return replace(clip, motion=replace(motion, rotations=rotations, root_m=root_m))


@torch.inference_mode()
def _recovered(
    model: MaskedMotionModel, drawn: Sequence[Drawn], table: GapCalibration, gap_s: float
) -> list[GateCase]:
    views = [JointRoles.of(model, clip, hidden) for clip, _, hidden in drawn]
    given = [view.given for view in views]
    # One batch runs faster than its windows one by one.
    together = {
        name: torch.cat([getattr(each.filled, name) for each in given])
        for name in ("features", "extra", "blend_weight")
    }
    output = model.predict(
        replace(given[0].filled, **together),
        torch.cat([each.hidden for each in given]),
        body=torch.cat([each.body for each in given if each.body is not None]),
    )
    values = [value.float().cpu().numpy() for value in views[0].read(output)]
    cases = []
    for i, (view, (clip, kind, hidden)) in enumerate(zip(views, drawn, strict=True)):
        windowed = WindowedOutput(tuple(value[i : i + 1] for value in values), None)
        predicted = view.role_predictions(windowed)[0]
        cases.append(_case(view, predicted, clip.motion, table, kind, gap_s, hidden))
    return cases


def _case(
    view: JointRoles,
    predicted: RolePrediction,
    truth: Motion,
    table: GapCalibration,
    kind: str,
    gap_s: float,
    hidden: Bool[Array, "T R"],
) -> GateCase:
    # The curves read known entries alone, although the recording has all.
    motions = (predicted.posed(table), *curves_of(truth, hidden))
    evidence = gap_evidence(*motions, hidden, predicted.expected_m)
    network = keep_known(motions[0], truth, hidden)
    rows = np.flatnonzero(hidden.any(axis=1))
    # In the middle of equal parts of the gap, so that each stands for its part.
    parts = min(FRAMES_OF_A_GAP, len(rows))
    some = rows[((np.arange(parts) + 0.5) * len(rows) / parts).astype(int)]
    return GateCase(
        kind,
        gap_s,
        len(rows),
        hidden[some],
        view.blend_weight[some],
        GapEvidence(evidence.rotation[some], evidence.root[some], evidence.body[some]),
        np.stack([motion.rotations[some] for motion in (network, *motions[1:], truth)]),
        np.stack([motion.root_m[some] for motion in (network, *motions[1:], truth)]),
        truth.skeleton.offsets_m,
        float(predicted.expected_m[rows].mean()),
    )
