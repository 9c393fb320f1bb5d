"""The plan of a training run: steps, stages, learning rates and masks, as plain values."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from training.plans.augmentation import Augment
from training.plans.masks import MaskMix


@dataclass(frozen=True)
class Stage:
    """A part of a schedule: a number of steps at one learning rate, with masks of its own."""

    steps: int
    learning_rate: float
    patterns: tuple[str, ...] = ()
    """Fixed SPECs, such as ``every:15``; each window gets one of them. Empty: random masks only."""
    masks: MaskMix | None = None
    """Random masks; None: the plan's."""
    fixed: float = 1.0
    """Share of the windows that get a fixed pattern, if there are any; the others get random
    masks."""

    @property
    def specs(self) -> list[str]:
        """The kinds of SPEC of this stage, without those of the plan."""
        return [*self.patterns, *(self.masks.specs if self.masks else [])]


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a run depends on besides the data and the network."""

    steps: int = 6_000
    batch: int = 12
    """Windows in a step, over all processes and micro-batches."""
    learning_rate: float = 3e-4
    head_rate: float = 0.15
    """Learning rate of the head as a share of the others'. Adam moves all weights by similar
    amounts, and the head, which starts at zero, sums 256 of them: at the full rate every step would
    change the output too much."""
    warmup: int = 200
    decay: bool = True
    """Cosine decay to a hundredth of the learning rate, in each stage; False: a constant rate, as
    in the original work."""
    min_frames: int = 112
    max_frames: int = 160
    """Bounds of the window length. One length is drawn for each batch, so that nothing is
    padded."""
    window_stride: int = 1
    """Windows start at multiples of this many frames: 1 is anywhere, 300 is the original's."""
    balance: float = 1.0
    """A group of clips (of one source and content) is drawn in proportion to its number of windows
    to this power: with 1 all windows are equally likely, with 0 all groups."""
    loss: str = "pose"
    """``pose`` (distances, forward kinematics, velocity), ``mse`` (the original's), or another of
    ``losses.LOSSES``."""
    normalise_by_fill: bool = False
    """Divide each window's loss by that of its interpolation, so that short gaps count like long
    ones."""
    fill_floor: float = 0.01
    """Added to that divisor, which is near zero in windows without movement."""
    corruption: bool = False
    """BERT's 80/10/10 corruption of hidden frames, as in the original; only with
    ``fill="zero"``."""
    shift_positions: bool = True
    """Start windows shorter than the network's own at any position id, so that all ids are learned.
    """
    mismatched_music_rate: float = 0.0
    """Share of the windows that get another window's music, so that the network also learns from
    the motion alone."""
    silent_music_rate: float = 0.0
    """Share of the windows whose music begins or ends within the window, with silence beside it.
    With roles."""
    only: str = ""
    """Only weights whose names begin so are trained; all others keep every bit. Empty: all."""
    history_noise: float = 0.0
    """Largest noise on known frames: radians for each joint, and a tenth as many metres for the
    root. It is smooth over time and drawn for each window up to this. The network learns to
    continue from its own inexact output."""
    rollouts: int = 0
    """Largest number of times that the network generates ``rollout_frames`` of its own past."""
    rollout_frames: int = 24
    samples: int = 1
    """Copies of each window in a batch, each with its own latent noise; for losses that compare
    samples."""
    gap_curriculum: float = 0.0
    """Share of the steps in which gaps grow from short to their full range; 0: full from the
    start."""
    optimizer: str = "adamw"
    """``adamw``, ``adam`` (the original's) or, for ``inbetween``, ``muon``; see
    ``training.engine.optimisers``."""
    weight_decay: float = 0.01
    augment: Augment | None = None
    """Augmentation, for networks on joint roles."""
    ema: float = 0.999
    clip_norm: float = 1.0
    accumulation: int = 1
    """Micro-batches in a step; the gradient is that of the whole batch."""
    compile: bool = False
    """``torch.compile`` the network."""
    seed: int = 0
    save_every: int = 100
    bfloat16: bool = True
    masks: MaskMix = field(default_factory=MaskMix)
    stages: tuple[Stage, ...] = ()
    """Run one after another; empty: one stage of the plan's own steps, rate and masks."""

    def __post_init__(self) -> None:
        assert not self.stages or self.steps == sum(stage.steps for stage in self.stages), (
            "steps of the stages"
        )

    def stage_at(self, step: int) -> tuple[Stage, int]:
        """The stage of a step, and the stage's first step; for steps beyond the end, the last
        stage."""
        first = 0
        for stage in self.stages:
            if step < first + stage.steps or stage is self.stages[-1]:
                return stage, first
            first += stage.steps
        return Stage(self.steps, self.learning_rate, masks=self.masks), 0

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        stage, first = self.stage_at(step)
        # Warm-up covers the first steps of the run, whichever stages they are in.
        # A stage that begins during warm-up decays over what is left of it.
        warm = max(self.warmup - first, 0)
        if step < self.warmup:
            return stage.learning_rate * (step + 1) / self.warmup
        if not self.decay:
            return stage.learning_rate
        share = (step - first - warm) / max(stage.steps - warm, 1)
        return stage.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    def masks_at(self, step: int) -> MaskMix:
        """The random masks of a step; gaps are short early in a curriculum."""
        masks = self.stage_at(step)[0].masks or self.masks
        grown = (
            min(1.0, (step + 1) / (self.gap_curriculum * self.steps))
            if self.gap_curriculum
            else 1.0
        )
        if grown == 1.0:
            return masks

        def up_to(bounds: tuple[int, int]) -> tuple[int, int]:
            # Only the upper bound grows: short gaps are drawn from the first step on.
            return bounds[0], bounds[0] + round((bounds[1] - bounds[0]) * grown)

        return replace(
            masks,
            every_steps=up_to(masks.every_steps),
            hide_frames=up_to(masks.hide_frames),
            span_frames=up_to(masks.span_frames),
        )

    @property
    def specs(self) -> list[str]:
        """The kinds of SPEC that the run trains on; kept in the checkpoint's configuration and
        card."""
        if not self.stages:
            return self.masks.specs
        shared = (
            self.masks.specs if any(self._uses_own_masks(stage) for stage in self.stages) else []
        )
        return list(
            dict.fromkeys([*shared, *(spec for stage in self.stages for spec in stage.specs)])
        )

    @staticmethod
    def _uses_own_masks(stage: Stage) -> bool:
        return stage.masks is None and (not stage.patterns or stage.fixed < 1)

    def scaled(self, steps: int) -> "TrainingPlan":
        """The plan with another number of steps; every stage keeps its share of them."""
        edges = [0]
        for stage in self.stages:
            edges.append(edges[-1] + stage.steps)
        # Edges are rounded, not lengths, so that the stages still add up to ``steps``.
        edges = [round(edge * steps / self.steps) for edge in edges]
        stages = tuple(
            replace(stage, steps=end - start)
            for stage, start, end in zip(self.stages, edges, edges[1:], strict=False)
        )
        return replace(self, steps=steps, stages=stages)


def staged(plan: TrainingPlan, *stages: Stage) -> TrainingPlan:
    """The plan with its steps divided into stages."""
    return replace(
        plan,
        steps=sum(stage.steps for stage in stages),
        learning_rate=stages[0].learning_rate,
        stages=stages,
    )


def plan_to_dict(plan: TrainingPlan) -> dict[str, Any]:
    """For the checkpoint's card and metrics."""
    return asdict(plan)
