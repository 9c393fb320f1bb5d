"""A checkpoint's model card: description, training data and results, written from its own files."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mmm.checkpoints import CheckpointInfo, describe
from mmm.models import make_model
from mmm.models.quantisation import is_packed
from mmm.storage import write_json, write_text
from training.cards.calibration import calibration_section
from training.cards.evaluation import evaluation_section, parts_section, unseen_section
from training.cards.generation import generation_section
from training.cards.licences import data_note, licence_lines
from training.cards.music import attention_section, music_use_section
from training.cards.protocol import protocol_section
from training.engine.curve import curve_svg, stage_starts

CURVE = "curve.svg"
"""The drawing beside the card."""


def record(
    checkpoint: Path, section: str, results: dict[str, Any], name: str | None = None
) -> None:
    """Replace a section of results in a checkpoint's metrics.json, and rewrite its card.

    Args:
        checkpoint: the checkpoint's folder.
        section: a key of metrics.json, such as ``evaluation``.
        results: the new content, as JSON.
        name: key inside a section that holds several results (``unseen``); the others stay.
    """
    # Read anew for every section, so that results of other commands written in the meantime stay.
    info = describe(checkpoint)
    # A named result joins the others of its section, such as the other unseen sets.
    new = results if name is None else {**info.metrics.get(section, {}), name: results}
    # Before the card, which is made from this file.
    write_json(info.path / "metrics.json", {**info.metrics, section: new})
    write_card(info.path)


def trained_on(metrics: Mapping[str, Any]) -> list[str]:
    """Names of the prepared sets that a checkpoint and its parents were trained on, in order."""
    training = metrics.get("training", {})
    # Parents count as well: weights carry the licence of all data that they have seen.
    sections = [*training.get("parents", []), training]
    return list(dict.fromkeys(str(section["data"]) for section in sections if "data" in section))


def write_card(folder: Path) -> None:
    """Rewrite ``README.md`` and ``curve.svg`` in a checkpoint's folder from its config.json and
    metrics.json."""
    info = describe(folder)
    # Only the number of parameters is needed. Tensors on "meta" allocate no memory.
    with torch.device("meta"):
        parameters = sum(p.numel() for p in make_model(info.config).parameters())
    training, sets = info.metrics.get("training", {}), trained_on(info.metrics)
    lines = [
        f"# {info.name}",
        "",
        _first_words(info, parameters),
        "",
        "| | |",
        "|---|---|",
        f"| window | {info.config.max_frames} frames; longer clips in overlapping windows |",
        f"| input, output | {info.config.fill} fill, {info.config.output} output |",
        *(["| feet | locked while in contact (`lock_feet`) |"] if info.config.lock_feet else []),
        f"| masks in training | {', '.join(f'`{m}`' for m in info.config.trained_masks or [])} |",
        *_training_rows(training),
        "",
        *_curve(info.path, info.name, training),
        "## Data",
        "",
        # A checkpoint without a record of its training says so instead of hiding the question of
        # licence.
        *(line for data in sets or ["unknown"] for line in (data_note(data), "")),
        # Networks that only generate are not evaluated on gaps.
        *(
            []
            if "generation" in info.metrics and "evaluation" not in info.metrics
            else evaluation_section(info.metrics.get("evaluation"), info.name)
        ),
        *parts_section(info.metrics.get("parts"), info.name),
        *unseen_section(info.metrics.get("unseen"), info.name, sets),
        *protocol_section(info.metrics.get("protocol")),
        # The metrics file keeps the first name of this section.
        *music_use_section(info.metrics.get("hearing"), info.name),
        *attention_section(info.metrics.get("attention"), info.name),
        *generation_section(info.metrics.get("generation"), info.name),
        *calibration_section(info.metrics.get("calibration"), info.name, info.config),
        "## Licence",
        "",
        *licence_lines(sets),
        "",
    ]
    write_text(info.path / "README.md", "\n".join(lines))


def _first_words(info: CheckpointInfo, parameters: int) -> str:
    config = info.config
    # Read from the files, because config.json does not say how the weights are stored.
    packed = is_packed(info.path.glob("model*.safetensors"))
    stored = "8-bit integers with a scale for each row" if packed else "float16"
    bodies = (
        f"on any humanoid skeleton at any frame rate ({config.joints} joint roles, {config.fps:g} "
        "frames a second inside)"
        if config.representation == "roles"
        else f"on a {config.joints}-joint body at {config.fps:g} frames a second"
    )
    return (
        f"A masked motion network of type `{config.model_type.removeprefix('mmm-')}`: recovers "
        f"hidden frames of motion {bodies}{', with music' if config.uses_music else ''}. "
        f"{parameters / 1e6:.1f} M parameters, stored as {stored}."
    )


def _training_rows(training: Mapping[str, Any]) -> list[str]:
    if not training:
        return []
    # Read as JSON, not as a TrainingPlan: old checkpoints have plans with other fields.
    plan, curve = training["plan"], training["curve"]
    return [
        *(
            f"| fine-tuned from | `{parent['name']}`{_in_short(parent)} |"
            for parent in training.get("parents", [])
        ),
        f"| trained on | {training['clips']} clips, {training['frames']:,} frames of the train "
        f"split |",
        f"| steps | {plan['steps']:,} of {plan['batch']} windows of {plan['min_frames']} to "
        f"{plan['max_frames']} "
        f"frames, learning rate {plan['learning_rate']:g}, seed {plan['seed']} |",
        *_stage_rows(plan.get("stages") or []),
        *(
            [
                f"| loss | {plan['loss']}, {curve[0]['loss']:.4f} at step {curve[0]['step']} "
                f"to {curve[-1]['loss']:.4f} |"
            ]
            if curve
            else []
        ),
        f"| command | `{training['command']}` |",
        *([f"| remark | {training['remark']} |"] if "remark" in training else []),
    ]


def _in_short(parent: Mapping[str, Any]) -> str:
    """How a parent was trained, where its checkpoint records it."""
    # A parent may be known by its name alone.
    if "plan" not in parent:
        return ""
    command = f": `{parent['command']}`" if "command" in parent else ""
    return f", {parent['plan']['steps']:,} steps on `{parent.get('data', 'unknown')}`{command}"


def _stage_rows(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for number, stage in enumerate(stages, start=1):
        patterns = ", ".join(f"`{spec}`" for spec in stage.get("patterns") or [])
        # A stage without `fixed` uses its patterns in every window, which needs no words.
        if patterns and stage.get("fixed", 1.0) < 1:
            patterns += f" in {stage['fixed']:.0%} of the windows, random masks in the others"
        rows.append(
            f"| stage {number} | {stage['steps']:,} steps, learning rate "
            f"{stage['learning_rate']:g}, "
            f"{patterns or 'random masks'} |"
        )
    return rows


def _curve(folder: Path, name: str, training: Mapping[str, Any]) -> list[str]:
    """Draw the training curve, and show it; a curve of one point is not drawn."""
    # A diverged step gives NaN or infinity, for which the drawing has no place.
    curve = [row for row in training.get("curve", []) if math.isfinite(row["loss"])]
    if len(curve) < 2:
        # An older drawing would show another run.
        (folder / CURVE).unlink(missing_ok=True)
        return []
    text = curve_svg(
        curve,
        f"{name}: loss in training",
        f"{training['plan']['loss']} loss (no unit)",
        stage_starts(training["plan"]),
    )
    write_text(folder / CURVE, text)
    return [f"![Loss over {curve[-1]['step']:,} training steps]({CURVE})", ""]
