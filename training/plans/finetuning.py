"""Recipes that continue the training of a network."""

from dataclasses import replace

from training.plans.augmentation import Augment
from training.plans.bases import FAIR, ORIGINAL, ROLES, SOONER, Recipe, gap_curve
from training.plans.masks import MaskMix
from training.plans.plan import Stage, TrainingPlan, staged

# Fixed patterns hide by zeroing, without BERT's corruption.
_FIXED = replace(ORIGINAL, corruption=False)

# Published for ``3bert`` only.
_3BERT_FIXED = (
    Stage(1_100, 1e-4, ("every:5",)),
    Stage(2_000, 1e-4, ("every:10",)),
    Stage(2_000, 1e-5, ("every:15",)),
    Stage(40_000, 1e-5, ("every:15",)),
    Stage(100_000, 1e-6, ("every:20",)),
)

_MIXED = Stage(
    600,
    1e-4,
    ("every:5", "every:10", "every:15", "every:20", "keep:5,hide:5"),
    fixed=0.6,
    masks=MaskMix(random=0.5, every=0, keep_hide=0, span=4, span_frames=(10, 100)),
)
SMALL_FIXED = staged(TrainingPlan(warmup=50, normalise_by_fill=True, ema=0.99), _MIXED)

# Decay times that depend on the gap, only where the known frames beside the gap are close enough
# together to give its speed.
_BY_GAP_AT_KNOWN_SPEED = gap_curve(rotation_s=0.6, root_s=6.0, rotation_by_gap=1.0, close_s=0.07)
# The inertial fill, which coasts where no known frame follows.
_COASTING = gap_curve(coast_s=0.15, root_coast_s=0.4)
# The same with hardly any coasting of heights, because bodies fall (fitted on the train split of
# the common set). On the ground plane a second and more would fit recorded motion best, but it
# would amplify errors of the last generated step.
_FALLING = gap_curve(coast_s=0.15, root_coast_s=0.4, rise_coast_s=0.08)
# Prediction with known music: the last 40 to 96 frames of a window are hidden. The frames before
# are noisy and, in half of the steps, generated.
_DANCE_FUTURE = TrainingPlan(
    steps=8_000,
    batch=12,
    learning_rate=3e-4,
    warmup=100,
    min_frames=150,
    max_frames=216,
    ema=0.998,
    loss="contact",
    history_noise=0.05,
    rollouts=1,
    rollout_frames=60,
    masks=MaskMix(
        random=0, every=0, keep_hide=0, span=0, future=1, future_frames=(40, 96), joint_share=0
    ),
)
# Prediction without music: the last 0.5 to 1.5 seconds are hidden, and several samples drawn.
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

FINETUNING: dict[str, Recipe] = {
    "3bert": Recipe("3bert", staged(_FIXED, *_3BERT_FIXED)),
    # No schedule was published for these two. They get the same five stages, with the batch of
    # their pre-training.
    "ecm": Recipe("ecm", staged(_FIXED, *_3BERT_FIXED)),
    "common": Recipe("common", staged(replace(_FIXED, batch=128), *_3BERT_FIXED)),
    # Ours: a few hundred steps in which short gaps count like long ones.
    "ecm-small": Recipe("ecm-small", SMALL_FIXED),
    # Residuals start more slowly, so that close known frames lose nothing.
    "3bert-small": Recipe(
        "3bert-small", SMALL_FIXED, {"inertia": [0.8, 1.6, 1.0], "ramp_s": 1 / 15}
    ),
    # The same for a network that was pre-trained on slerp and is adapted to the inertial fill.
    "ecm-small-refill": Recipe(
        "ecm-small",
        SMALL_FIXED.scaled(1_500),
        {"fill": "inertial", "ramp_s": 1 / 30, "smooth_s": 0.02},
    ),
    # Generation: to music, by networks that take it; and of any movement, with latent noise.
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
    # For networks on roles: more of their own pre-training, on a better curve.
    "common-small": Recipe(
        "common-small",
        replace(ROLES, steps=5_000, learning_rate=2e-4, head_rate=0.06, shift_positions=True),
        {"inertia": _BY_GAP_AT_KNOWN_SPEED},
    ),
    "inbetween": Recipe(
        "inbetween", replace(FAIR, steps=6_000, batch=96, learning_rate=1e-3), SOONER
    ),
}
