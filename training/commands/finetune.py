"""``python -m training finetune``: train a checkpoint further, on fixed patterns or for generation.

On several GPUs: ``accelerate launch -m training finetune ...`` with the same options.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from mmm.checkpoints import describe, load_model
from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig, MaskedMotionModel, make_model
from mmm.models.quantisation import is_packed
from training.commands import options as c
from training.commands.compatibility import check_body
from training.data.dataset import MotionSet
from training.engine.loop import make_accelerator
from training.fitting.priors import fit_max_jump_height_m, fit_speed_prior
from training.plans.plan import TrainingPlan
from training.plans.recipes import FINETUNING, find_recipe


def finetune(
    preset: Annotated[
        str, typer.Option(help="a schedule of training.plans.recipes: 3bert, ecm-small, ...")
    ],
    parent: Annotated[
        Path, typer.Option("--from", help="the checkpoint to start from; it is left as it is")
    ],
    run: c.RunOptions,
    changes: c.PlanOptions,
) -> None:
    """Train a checkpoint further. After an interruption, the same command continues."""
    if run.threads:
        torch.set_num_threads(run.threads)
    with c.one_line_errors():
        # Training over the parent would destroy the weights that `_fingerprint` ties a resumed run
        # to.
        if run.out.resolve() == parent.resolve():
            raise ModelError(
                f"--out {run.out}",
                "the checkpoint to start from",
                "another folder",
                "choose a new name",
            )
        recipe = find_recipe(FINETUNING, preset)
        plan = changes.change(recipe.plan)
        accelerator = make_accelerator()
        info = describe(parent)
        model = load_model(parent, str(accelerator.device))
        split = c.load_split(run.data, accelerator)
        check_body(run.data, split, model.config)
        model = _prepared(model, recipe.changes, plan, split)
        c.run_and_save(
            model,
            split,
            plan,
            accelerator,
            run,
            program="finetune",
            start=_fingerprint(info.path),
            more=_ancestry(info),
            bits=_bits(info.path, plan),
        )


def _bits(parent: Path, plan: TrainingPlan) -> int:
    """The size of a stored weight. Weights that the plan freezes stay as the parent has them."""
    packed = is_packed(sorted(parent.glob("model*.safetensors")))
    return 8 if plan.only and packed else 16


def _prepared(
    model: MaskedMotionModel, changes: Mapping[str, Any], plan: TrainingPlan, split: MotionSet
) -> MaskedMotionModel:
    """The network that fine-tuning starts from. Gives the split the parent's statistics.

    Raises:
        ModelError: as :func:`with_changes`.
    """
    had_music = model.config.uses_music
    model = with_changes(model, changes)
    # Both belong to the parent's weights, which a plan for a part of the network keeps.
    if not plan.only:
        model.config.gap_calibration, model.config.symmetric = None, False
    # Both serve generation only.
    model.config.max_jump_height_m = (
        fit_max_jump_height_m(split, model.config) if plan.masks.future else None
    )
    model.config.speed_prior = fit_speed_prior(split, model) if plan.masks.future else None
    # The parent's statistics: the weights expect input that is standardised by them.
    if model.config.uses_music and not had_music:
        _fit_music(model.config, split, plan.max_frames)
    split.stats = model.config.fitted_stats
    # The parent's masks stay in the list: the card names every mask that the weights were
    # trained on.
    model.config.trained_masks = list(
        dict.fromkeys([*(model.config.trained_masks or []), *plan.specs])
    )
    return model


def _fit_music(config: MaskedMotionConfig, split: MotionSet, window: int) -> None:
    """Fit the scaling of music, which a network without music does not have."""
    fitted = split.fit_stats(window)
    standard = split.fit_standard(window)
    stats = replace(config.fitted_stats, music_min=fitted.music_min, music_max=fitted.music_max)
    config.stats = stats.to_dict()
    config.standard = (config.standard or {}) | {
        name: values for name, values in standard.items() if name.startswith("music")
    }


NEW_INPUT_STD = 0.1
"""Standard deviation of the weights of new inputs. With zero weights a new input would hardly be
used."""


def with_changes(model: MaskedMotionModel, changes: Mapping[str, Any]) -> MaskedMotionModel:
    """The network with fields of its configuration changed: options of the forward pass, new
    inputs, or music.

    New inputs come last; their weights, and those of a new encoder of music, are drawn at random.

    Raises:
        ModelError: the changes alter the shapes of other weights.
    """
    config = type(model.config).from_dict(model.config.to_dict() | dict(changes))
    # The weights of new inputs must be the same in every process and after every restart.
    torch.manual_seed(0)
    changed = make_model(config)
    weights, target = model.state_dict(), changed.state_dict()
    for name, tensor in weights.items():
        # Only the number of inputs may differ. The old columns then keep their meaning.
        if (
            name not in target
            or target[name].shape[0] != tensor.shape[0]
            or target[name].ndim != tensor.ndim
        ):
            raise ModelError(
                f"weights {name}",
                f"of shape {tuple(tensor.shape)}",
                "a network of the same sizes",
                "choose the preset of the checkpoint's own network",
            )
        if target[name].shape != tensor.shape:
            new = (
                torch.randn(tensor.shape[0], target[name].shape[1] - tensor.shape[1])
                * NEW_INPUT_STD
            )
            weights[name] = torch.cat([tensor, new.to(tensor)], dim=1)
    new_parts = {
        name: values for name, values in target.items() if name.startswith("cross_encoder.")
    }
    changed.load_state_dict(new_parts | weights)
    return changed.to(model.device)


def _fingerprint(folder: Path) -> str:
    """A digest of a checkpoint's weights: an unfinished run continues only from the same parent."""
    digest = hashlib.sha256()
    # Sorted, because the order of a directory listing differs between file systems.
    for path in sorted(folder.glob("model*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _ancestry(info: Any) -> dict[str, Any]:
    """The parent's name, and the training sections of all ancestors, the oldest first."""
    section = dict(info.metrics.get("training", {}))
    # One flat list, so that the metrics do not nest one level deeper with every fine-tuning.
    older = section.pop("parents", [])
    return {"from": info.name, "parents": [*older, {"name": info.name, **section}]}
