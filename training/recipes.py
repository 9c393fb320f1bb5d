"""Training recipes by name: the published schedules and our smaller ones.

The published schedules are those of the original work: masked pre-training, and fixed-pattern
fine-tuning of its ``3bert``. The original uses Adam (0.9, 0.999), a constant learning rate in each
stage, MSE on hidden frames, windows of 120 to 300 frames, and BERT's 80/10/10 corruption in
pre-training. All recipes add two things to it: the gradient norm is clipped, and the saved network
is an exponential moving average.
"""

from dataclasses import astuple, dataclass, field, replace
from typing import Any

from mmm.errors import ModelError
from mmm.interpolation.gap_curve import Inertia
from mmm.models import PRESETS
from training.data.augment import Augment
from training.data.masking import MaskMix
from training.plan import Stage, TrainingPlan, staged


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
"""What all pre-training of the original has in common, except that windows start anywhere here; see
``ecm-strided``."""

_3BERT = staged(ORIGINAL, Stage(43_000, 1e-4))
_ECM = staged(ORIGINAL, Stage(53_000, 1e-4), Stage(16_000, 1e-5), Stage(69_000, 1e-6))
_COMMON = staged(replace(ORIGINAL, batch=128), Stage(20_000, 1e-4), Stage(20_000, 1e-5))
_SMALL = TrainingPlan()
_ROLES = TrainingPlan(
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
_ABRUPT: dict[str, Any] = {"ramp_s": 0.0, "smooth_s": 0.0}
"""Residuals start abruptly beside known frames, and nothing is smoothed."""


def _curve(**changes: float) -> list[float]:
    """The inertial fill's curve with some values changed, as configurations keep it."""
    return list(astuple(replace(Inertia(), **changes)))


_BY_GAP = _curve(
    rotation_s=0.4, root_s=6.0, rotation_by_gap=1.5, rise_s=0.3, rise_by_gap=1.5, free=1.0
)
"""The inertial fill with decay times that depend on the gap. Rotations decay sooner in long gaps,
the root later, which is better than the default in gaps of one and two seconds (validation split of
the common set). Vertical speed decays within a third of a second, because jumps end soon: heights
in gaps of 1.5 s improve by a third (train split). An end without a second known frame beyond it is
reached as by a natural spline, which lowers L2P in gaps of 5 by an eighth (validation split)."""
_SOONER: dict[str, Any] = {"inertia": _BY_GAP, "ramp_s": 1 / 30, "isolated_ramp_s": 1 / 120}
"""The same curve, with residuals that start sooner, above all beside isolated known frames: short
gaps leave no time for a slow start."""
_FAIR = replace(
    _ROLES, optimizer="muon", loss="roles-fair", min_frames=12, augment=Augment(slow=1.5, rest=0.15)
)
"""A loss closer to the benchmark, the faster optimiser, and resting limbs, which the data hardly
has."""

PRETRAINING: dict[str, Recipe] = {
    # Published.
    "3bert": Recipe("3bert", _3BERT),
    "ecm": Recipe("ecm", _ECM),
    "common": Recipe("common", _COMMON),
    # Published, with the original's windows too: cut at multiples of 300 frames.
    "3bert-strided": Recipe("3bert", replace(_3BERT, window_stride=300)),
    "ecm-strided": Recipe("ecm", replace(_ECM, window_stride=300)),
    "common-strided": Recipe("common", replace(_COMMON, window_stride=300)),
    # Published schedules with the changes that improve recovery most.
    **{
        f"{name}-slerp": Recipe(
            name,
            replace(plan, loss="pose", corruption=False, shift_positions=True, masks=MaskMix()),
            {"fill": "slerp", "output": "residual"},
        )
        for name, plan in (("3bert", _3BERT), ("ecm", _ECM), ("common", _COMMON))
    },
    # Ours: 6,000 steps of 12 windows, on a CPU.
    **{f"{name}-small": Recipe(f"{name}-small", _SMALL) for name in ("3bert", "ecm")},
    "common-small": Recipe(
        "common-small", replace(_ROLES, learning_rate=3e-4, head_rate=0.06, shift_positions=True)
    ),
    "inbetween": Recipe("inbetween", _ROLES),
    # For one GPU with the whole set on it; the loss of ``inbetween`` still falls when its
    # processor's hours are over.
    "inbetween-large": Recipe(
        "inbetween-large",
        replace(_FAIR, steps=24_000, batch=512, learning_rate=1e-3, warmup=500, ema=0.999),
        _SOONER,
    ),
    # For the ablation: one change at a time.
    "ecm-small-strided": Recipe("ecm-small", replace(_SMALL, window_stride=300)),
    "ecm-small-mse": Recipe("ecm-small", replace(_SMALL, loss="mse")),
    "ecm-small-zero": Recipe("ecm-small", _SMALL, {"fill": "zero", "output": "absolute"}),
    "ecm-small-absolute": Recipe("ecm-small", _SMALL, {"output": "absolute"}),
    "ecm-small-curriculum": Recipe("ecm-small", replace(_SMALL, gap_curriculum=0.5)),
    "ecm-small-relative": Recipe("ecm-small", replace(_SMALL, normalise_by_fill=True)),
    "ecm-small-slerp": Recipe("ecm-small", _SMALL, {"fill": "slerp"}),
    "ecm-small-abrupt": Recipe("ecm-small", _SMALL, _ABRUPT),
    # Blending in needs a fill that meets the known frames at both ends; without one it is off, too.
    "inbetween-absolute": Recipe("inbetween", _ROLES, {"output": "absolute", **_ABRUPT}),
    "inbetween-hold": Recipe("inbetween", _ROLES, {"fill": "hold", **_ABRUPT}),
    "inbetween-slerp": Recipe("inbetween", _ROLES, {"fill": "slerp"}),
    "inbetween-world": Recipe("inbetween", _ROLES, {"relative_input": False}),
    "inbetween-blind": Recipe("inbetween", _ROLES, {"distance_input": False}),
    "inbetween-turns": Recipe("inbetween", replace(_ROLES, loss="roles-turns")),
    "inbetween-pelvis": Recipe("inbetween", replace(_ROLES, loss="roles-pelvis")),
    "inbetween-even": Recipe("inbetween", replace(_ROLES, loss="roles-even")),
    "inbetween-plain": Recipe("inbetween", replace(_ROLES, augment=None)),
    "inbetween-abrupt": Recipe("inbetween", _ROLES, _ABRUPT),
}

_FIXED = replace(ORIGINAL, corruption=False)
"""Fixed patterns hide by zeroing, without BERT's corruption."""

_3BERT_FIXED = (
    Stage(1_100, 1e-4, ("every:5",)),
    Stage(2_000, 1e-4, ("every:10",)),
    Stage(2_000, 1e-5, ("every:15",)),
    Stage(40_000, 1e-5, ("every:15",)),
    Stage(100_000, 1e-6, ("every:20",)),
)
"""Published for ``3bert`` only."""

_MIXED = Stage(
    600,
    1e-4,
    ("every:5", "every:10", "every:15", "every:20", "keep:5,hide:5"),
    fixed=0.6,
    masks=MaskMix(random=0.5, every=0, keep_hide=0, span=4, span_frames=(10, 100)),
)
_SMALL_FIXED = staged(TrainingPlan(warmup=50, normalise_by_fill=True, ema=0.99), _MIXED)


_BY_GAP_WHERE_TOLD = _curve(rotation_s=0.6, root_s=6.0, rotation_by_gap=1.0, close_s=0.07)
"""The same, only where the known frames beside a gap are close enough together to give its
speed."""
_COASTING = _curve(coast_s=0.15, root_coast_s=0.4)
"""The inertial fill, which coasts where no known frame follows."""
_FALLING = _curve(coast_s=0.15, root_coast_s=0.4, rise_coast_s=0.08)
"""The same with hardly any coasting of heights, because bodies fall (fitted on the train split of
the common set). On the ground plane a second and more would fit recorded motion best, but it would
amplify errors of the last generated step."""
_DANCE_FUTURE = TrainingPlan(
    steps=8_000,
    batch=12,
    learning_rate=3e-4,
    warmup=100,
    min_frames=150,
    max_frames=216,
    ema=0.998,
    loss="planted",
    history_noise=0.05,
    rollouts=1,
    rollout_frames=60,
    masks=MaskMix(
        random=0, every=0, keep_hide=0, span=0, future=1, future_frames=(40, 96), joint_share=0
    ),
)
"""The future with known music: the last 40 to 96 frames of a window are hidden, the frames before
are noisy, and in half of the steps generated."""
_ROLES_FUTURE = TrainingPlan(
    steps=4_000,
    batch=24,
    learning_rate=3e-4,
    head_rate=0.03,
    min_frames=50,
    max_frames=75,
    loss="future",
    samples=2,
    warmup=100,
    shift_positions=False,
    ema=0.998,
    balance=0.5,
    augment=Augment(),
    history_noise=0.04,
    rollouts=5,
    masks=MaskMix(
        random=0, every=0, keep_hide=0, span=0, future=1, future_frames=(15, 45), joint_share=0
    ),
)
"""Possible futures: the last 0.5 to 1.5 seconds are hidden, and drawn as samples."""

FINETUNING: dict[str, Recipe] = {
    "3bert": Recipe("3bert", staged(_FIXED, *_3BERT_FIXED)),
    # None was published for these two. Ours: the same five stages, with the batch of their
    # pre-training.
    "ecm": Recipe("ecm", staged(_FIXED, *_3BERT_FIXED)),
    "common": Recipe("common", staged(replace(_FIXED, batch=128), *_3BERT_FIXED)),
    # Ours: a few hundred steps in which short gaps count like long ones.
    "ecm-small": Recipe("ecm-small", _SMALL_FIXED),
    # Residuals start more slowly, so that close known frames lose nothing.
    "3bert-small": Recipe(
        "3bert-small", _SMALL_FIXED, {"inertia": [0.8, 1.6, 1.0], "ramp_s": 1 / 15}
    ),
    # The same for a network that was pre-trained on slerp: it gets used to the inertial fill.
    "ecm-small-refill": Recipe(
        "ecm-small",
        _SMALL_FIXED.scaled(1_500),
        {"fill": "inertial", "ramp_s": 1 / 30, "smooth_s": 0.02},
    ),
    # For generation: to music, of networks that hear; and of any movement, with noise for what
    # cannot be known.
    **{
        f"{name}-future": Recipe(
            name,
            _DANCE_FUTURE,
            {
                "inertia": _COASTING,
                "ramp_s": 1 / 30,
                "smooth_s": 0.02,
                "horizon_s": [2.0, 1.5, 1.0],
            },
        )
        for name in ("3bert-small", "ecm-small")
    },
    **{
        f"{name}-future": Recipe(
            name, replace(_DANCE_FUTURE, steps=40_000, batch=32, learning_rate=1e-4)
        )
        for name in ("3bert", "ecm")
    },
    "inbetween-future": Recipe(
        "inbetween",
        _ROLES_FUTURE,
        {
            "inertia": _FALLING,
            "noise_dim": 16,
            "ramp_s": 0.1,
            "smooth_s": 0.05,
            "horizon_s": [1.2, 1.2, 0.8],
        },
    ),
    # For networks on roles: more of their own pre-training, at about half its rate, on a better
    # curve.
    "common-small": Recipe(
        "common-small",
        replace(_ROLES, steps=5_000, learning_rate=2e-4, head_rate=0.06, shift_positions=True),
        {"inertia": _BY_GAP_WHERE_TOLD},
    ),
    "inbetween": Recipe(
        "inbetween", replace(_FAIR, steps=6_000, batch=96, learning_rate=1e-3), _SOONER
    ),
}


def find_recipe(recipes: dict[str, Recipe], name: str) -> Recipe:
    """A recipe by name; a preset without a recipe gets the plan of the small networks.

    Raises:
        ModelError: there is neither a recipe nor a preset of this name.
    """
    if name in recipes:
        return recipes[name]
    if name in PRESETS:
        return Recipe(
            name, PRETRAINING["ecm-small"].plan if recipes is PRETRAINING else _SMALL_FIXED
        )
    raise ModelError(
        f"preset {name!r}",
        "no such preset",
        ", ".join(dict.fromkeys([*recipes, *PRESETS])),
        "choose one of them",
    )
