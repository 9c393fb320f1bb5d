"""Recipes that train a network from scratch."""

from dataclasses import replace
from typing import Any

from training.plans.bases import FAIR, ORIGINAL, ROLES, SMALL, SOONER, Recipe
from training.plans.masks import MaskMix
from training.plans.plan import Stage, staged

_3BERT = staged(ORIGINAL, Stage(43_000, 1e-4))
_ECM = staged(ORIGINAL, Stage(53_000, 1e-4), Stage(16_000, 1e-5), Stage(69_000, 1e-6))
_COMMON = staged(replace(ORIGINAL, batch=128), Stage(20_000, 1e-4), Stage(20_000, 1e-5))
# No ramp of the residuals beside known frames, and no smoothing.
_ABRUPT: dict[str, Any] = {"ramp_s": 0.0, "smooth_s": 0.0}

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
    **{f"{name}-small": Recipe(f"{name}-small", SMALL) for name in ("3bert", "ecm")},
    "common-small": Recipe(
        "common-small", replace(ROLES, learning_rate=3e-4, head_rate=0.06, shift_positions=True)
    ),
    "inbetween": Recipe("inbetween", ROLES),
    # For one GPU that holds the whole set. The loss of ``inbetween`` is still falling at the end of
    # its training on a CPU.
    "inbetween-large": Recipe(
        "inbetween-large",
        replace(FAIR, steps=24_000, batch=512, learning_rate=1e-3, warmup=500, ema=0.999),
        SOONER,
    ),
    # For the ablation, each with one change.
    "ecm-small-strided": Recipe("ecm-small", replace(SMALL, window_stride=300)),
    "ecm-small-mse": Recipe("ecm-small", replace(SMALL, loss="mse")),
    "ecm-small-zero": Recipe("ecm-small", SMALL, {"fill": "zero", "output": "absolute"}),
    "ecm-small-absolute": Recipe("ecm-small", SMALL, {"output": "absolute"}),
    "ecm-small-curriculum": Recipe("ecm-small", replace(SMALL, gap_curriculum=0.5)),
    "ecm-small-relative": Recipe("ecm-small", replace(SMALL, normalise_by_fill=True)),
    "ecm-small-slerp": Recipe("ecm-small", SMALL, {"fill": "slerp"}),
    "ecm-small-abrupt": Recipe("ecm-small", SMALL, _ABRUPT),
    # The ramp needs a fill that meets the known frames at both ends, so it is off without one.
    "inbetween-absolute": Recipe("inbetween", ROLES, {"output": "absolute", **_ABRUPT}),
    "inbetween-hold": Recipe("inbetween", ROLES, {"fill": "hold", **_ABRUPT}),
    "inbetween-slerp": Recipe("inbetween", ROLES, {"fill": "slerp"}),
    "inbetween-world": Recipe("inbetween", ROLES, {"relative_input": False}),
    "inbetween-blind": Recipe("inbetween", ROLES, {"distance_input": False}),
    "inbetween-turns": Recipe("inbetween", replace(ROLES, loss="roles-turns")),
    "inbetween-pelvis": Recipe("inbetween", replace(ROLES, loss="roles-pelvis")),
    "inbetween-even": Recipe("inbetween", replace(ROLES, loss="roles-even")),
    "inbetween-plain": Recipe("inbetween", replace(ROLES, augment=None)),
    "inbetween-abrupt": Recipe("inbetween", ROLES, _ABRUPT),
}
