"""``python -m training pretrain``: masked motion modelling from scratch.

On several GPUs: ``accelerate launch -m training pretrain ...`` with the same options.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from mmm.models import MaskedMotionModel, make_model
from training.commands import options as c
from training.commands.compatibility import check_body, config_for
from training.data.dataset import MotionSet
from training.engine.loop import make_accelerator
from training.plans.plan import TrainingPlan
from training.plans.recipes import PRETRAINING, Recipe, find_recipe


def pretrain(
    preset: Annotated[
        str, typer.Option(help="a recipe of training.plans.recipes: ecm, 3bert-small, ...")
    ],
    run: c.RunOptions,
    changes: c.PlanOptions,
    fill: Annotated[
        str,
        typer.Option(
            help="what the network sees in gaps: zero, hold, slerp or inertial; empty: the "
            "preset's own"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help="absolute or residual; empty: the preset's own")] = "",
) -> None:
    """Train a network from scratch. After an interruption, the same command continues."""
    if run.threads:
        torch.set_num_threads(run.threads)
    with c.one_line_errors():
        recipe = find_recipe(PRETRAINING, preset)
        plan = changes.change(recipe.plan)
        accelerator = make_accelerator()
        split = c.load_split(run.data, accelerator)
        network_changes = recipe.changes | {
            # An empty option leaves the preset's own value.
            name: value
            for name, value in (("fill", fill), ("output", output))
            if value
        }
        model = untrained(recipe, network_changes, plan, split, run.data)
        c.run_and_save(
            model,
            split,
            plan,
            accelerator,
            run,
            program="pretrain",
        )


def untrained(
    recipe: Recipe, changes: dict[str, Any], plan: TrainingPlan, split: MotionSet, data: Path
) -> MaskedMotionModel:
    """A recipe's network with random weights. Fits the statistics of the split.

    Args:
        recipe: the network's preset and plan.
        changes: fields of the network's configuration.
        plan: its seed draws the weights.
        split: the training split of the set ``data``; its statistics are set.
        data: the set's folder, for messages.

    Raises:
        ModelError: the network cannot train on the set.
    """
    config = config_for(recipe.network, {"trained_masks": plan.specs, **changes}, split)
    check_body(data, split, config)
    # Networks on roles scale by leg lengths and need no fitted statistics.
    if config.representation == "roles":
        split.stats = config.fitted_stats
    else:
        config.stats = split.fit_stats(config.max_frames).to_dict()
        if config.fill != "zero":
            config.standard = split.fit_standard(config.max_frames)
    # Right before the weights are drawn, so that reading the set cannot shift the random numbers.
    torch.manual_seed(plan.seed)
    return make_model(config)
