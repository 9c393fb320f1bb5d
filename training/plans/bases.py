"""Plans and interpolation curves from which the recipes are made."""

from dataclasses import astuple, dataclass, field, replace
from typing import Any

from mmm.interpolation.gap_curve import Inertia
from training.plans.augmentation import Augment
from training.plans.masks import MaskMix
from training.plans.plan import TrainingPlan


@dataclass(frozen=True)
class Recipe:
    """A network and its training plan."""

    network: str
    """A preset of ``mmm.models``."""
    plan: TrainingPlan
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the network's configuration in place of its preset's."""


ORIGINAL = TrainingPlan(
    batch=32,
    learning_rate=1e-4,
    warmup=0,
    decay=False,
    min_frames=120,
    max_frames=300,
    loss="mse",
    corruption=True,
    shift_positions=False,
    optimizer="adam",
    weight_decay=0.0,
    save_every=1_000,
    masks=MaskMix(random=1, every=0, keep_hide=0, span=0, joint_share=0),
)
"""The settings that all pre-training of the original shares. Windows start anywhere here; those of
the original start at multiples of 300 frames, as in ``ecm-strided``."""

SMALL = TrainingPlan()
ROLES = TrainingPlan(
    steps=6_000,
    batch=24,
    learning_rate=6e-4,
    head_rate=0.03,
    min_frames=18,
    max_frames=80,
    loss="roles",
    shift_positions=False,
    ema=0.998,
    balance=0.5,
    augment=Augment(),
    masks=MaskMix(
        random=0.3,
        every=1.5,
        keep_hide=0.5,
        span=1.5,
        between=4,
        every_steps=(3, 30),
        hide_frames=(4, 30),
        span_frames=(5, 60),
    ),
)
"""For networks on joint roles, at 30 frames a second."""


def gap_curve(**changes: float) -> list[float]:
    """The inertial fill's curve with some values changed, as configurations keep it."""
    return list(astuple(replace(Inertia(), **changes)))


BY_GAP = gap_curve(
    rotation_s=0.4, root_s=6.0, rotation_by_gap=1.5, rise_s=0.3, rise_by_gap=1.5, free=1.0
)
"""The inertial fill with decay times that depend on the gap. Rotations decay sooner in long gaps,
the root later, which is better than the default in gaps of one and two seconds (validation split of
the common set). Vertical speed decays within a third of a second, because jumps end soon: heights
in gaps of 1.5 s improve by a third (train split). An end without a second known frame beyond it is
reached as by a natural spline, which lowers L2P in gaps of 5 by an eighth (validation split)."""
SOONER: dict[str, Any] = {"inertia": BY_GAP, "ramp_s": 1 / 30, "isolated_ramp_s": 1 / 120}
"""The same curve, with residuals that start sooner, above all beside isolated known frames: short
gaps leave no time for a slow start."""
FAIR = replace(
    ROLES, optimizer="muon", loss="roles-fair", min_frames=12, augment=Augment(slow=1.5, rest=0.15)
)
"""A loss closer to the LAFAN1 benchmark, Muon, and static limbs, which the data hardly has."""
