"""The losses that a training plan can name."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig
from training.losses.base import Loss, MseLoss
from training.losses.energy_score import FutureLoss
from training.losses.humanoid import RolesLoss
from training.losses.pose import ContactLoss, PoseLoss, RelativeLoss
from training.plans.plan import TrainingPlan


def _roles(config: MaskedMotionConfig, **changes: Any) -> Loss:
    if config.representation != "roles":
        raise ModelError(
            "loss of joint roles",
            f"a network on {config.joints} joints of one skeleton",
            "a network on joint roles",
            "choose pose or mse",
        )
    return replace(RolesLoss.of(config), **changes)


def _future(config: MaskedMotionConfig) -> Loss:
    return FutureLoss.of(config)


LOSSES: dict[str, Callable[[MaskedMotionConfig], Loss]] = {
    "pose": lambda config: PoseLoss(config.skeleton, config.fitted_stats),
    "mse": lambda config: MseLoss(),
    "contact": lambda config: ContactLoss(config.skeleton, config.fitted_stats, fps=config.fps),
    "roles": _roles,
    # Closer to the benchmark: adds local rotations and whole poses, weights heights and slow motion
    # more.
    "roles-fair": partial(_roles, local=1.0, position=2.0, frame=2.0, height=4.0, evenly=0.6),
    "future": _future,
    # For the ablation of forward kinematics and of the weights by gap.
    "roles-turns": partial(_roles, position=0.0, velocity=0.0, contact=0.0, square=0.0),
    "roles-pelvis": partial(_roles, contact=0.0, kinematics=False),
    "roles-even": partial(_roles, by_gap=False),
}
"""Losses by the names that ``TrainingPlan.loss`` takes."""


def make_loss(plan: TrainingPlan, config: MaskedMotionConfig) -> Loss:
    """The loss that a plan names.

    Raises:
        ModelError: there is no such loss, or the network cannot be trained with it.
    """
    if plan.loss not in LOSSES:
        raise ModelError(
            f"loss {plan.loss!r}", "no such loss", ", ".join(LOSSES), "choose one of them"
        )
    loss = LOSSES[plan.loss](config)
    samples = getattr(loss, "samples", 1)
    if samples != plan.samples:
        raise ModelError(
            f"loss {plan.loss!r}",
            f"{plan.samples} samples of each window",
            str(samples),
            "choose a preset for this loss, such as inbetween-future",
        )
    if plan.normalise_by_fill and type(loss).sums is not Loss.sums:
        raise ModelError(
            f"loss {plan.loss!r}",
            "it does not tell windows apart",
            "a loss that does",
            "leave --normalise-by-fill out",
        )
    return RelativeLoss(loss, plan.fill_floor) if plan.normalise_by_fill else loss
