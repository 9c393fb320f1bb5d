"""The checkpoint's card: what it is, what it was trained on, how good it is; made from its own
files."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mmm.checkpoints import CheckpointInfo, describe
from mmm.generation.activity import DRAWS, STILL_M_S
from mmm.metrics.errors import ERROR_KINDS
from mmm.models import MaskedMotionConfig, make_model
from mmm.models.calibration import GapCalibration
from mmm.models.quantisation import is_packed
from training.cards.generation import generation_section
from training.cards.licences import data_note, licence_lines, unseen_note
from training.cards.protocol import protocol_section
from training.cards.writing import write_json, write_text
from training.engine.curve import curve_svg, stage_starts

METHOD_ORDER = ("hold", "slerp", "inertial", "spline")
CURVE = "curve.svg"
"""The drawing beside the card."""


def record(
    checkpoint: Path, section: str, results: dict[str, Any], name: str | None = None
) -> None:
    """Put a section of results into a checkpoint's metrics.json, in place of an older one, and
    rewrite its card.

    Args:
        name: where a section holds several results (``unseen``), which of them this is; the others
        stay.
    """
    info = describe(checkpoint)
    new = results if name is None else {**info.metrics.get(section, {}), name: results}
    write_json(info.path / "metrics.json", {**info.metrics, section: new})
    write_card(info.path)


def trained_on(metrics: Mapping[str, Any]) -> list[str]:
    """Names of the prepared sets that a checkpoint and its parents were trained on, the first one
    first."""
    training = metrics.get("training", {})
    sections = [*training.get("parents", []), training]
    return list(dict.fromkeys(str(section["data"]) for section in sections if "data" in section))


def write_card(folder: Path) -> None:
    """Rewrite ``README.md`` and ``curve.svg`` in a checkpoint's folder from its config.json and
    metrics.json."""
    info = describe(folder)
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
        *(["| feet | held where they stand (`plant_feet`) |"] if info.config.lock_feet else []),
        f"| masks in training | {', '.join(f'`{m}`' for m in info.config.trained_masks or [])} |",
        *_training_rows(training),
        "",
        *_curve(info.path, info.name, training),
        "## Data",
        "",
        *(line for data in sets or ["unknown"] for line in (data_note(data), "")),
        *_evaluation(info.metrics.get("evaluation"), info.name),
        *_parts(info.metrics.get("parts"), info.name),
        *_unseen(info.metrics.get("unseen"), info.name, sets),
        *protocol_section(info.metrics.get("protocol")),
        *_hearing(info.metrics.get("hearing"), info.name),
        *_attention(info.metrics.get("attention"), info.name),
        *generation_section(info.metrics.get("generation"), info.name),
        *_calibration(info.metrics.get("calibration"), info.name, info.config),
        "## Licence",
        "",
        *licence_lines(sets),
        "",
    ]
    write_text(info.path / "README.md", "\n".join(lines))


def _first_words(info: CheckpointInfo, parameters: int) -> str:
    config = info.config
    packed = is_packed(info.path.glob("model*.safetensors"))
    stored = "8-bit integers with a scale for each row" if packed else "float16"
    where = (
        f"on any humanoid skeleton at any frame rate ({config.joints} joint roles, {config.fps:g} "
        f"frames a second "
        "inside)"
        if config.representation == "roles"
        else f"on a {config.joints}-joint body at {config.fps:g} frames a second"
    )
    return (
        f"A `{config.model_type.removeprefix('mmm-')}` network of the masked motion modelling "
        f"workbench: recovers "
        f"hidden frames of motion {where}{', listening to music' if config.uses_music else ''}. "
        f"{parameters / 1e6:.1f} M parameters, stored as {stored}."
    )


def _training_rows(training: Mapping[str, Any]) -> list[str]:
    if not training:
        return []
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
    """How a parent was trained, as far as its checkpoint says."""
    if "plan" not in parent:
        return ""
    command = f": `{parent['command']}`" if "command" in parent else ""
    return f", {parent['plan']['steps']:,} steps on `{parent.get('data', 'unknown')}`{command}"


def _stage_rows(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for number, stage in enumerate(stages, start=1):
        patterns = ", ".join(f"`{spec}`" for spec in stage.get("patterns") or [])
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
    curve = [row for row in training.get("curve", []) if math.isfinite(row["loss"])]
    if len(curve) < 2:
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


def _evaluation(evaluation: Mapping[str, Any] | None, name: str) -> list[str]:
    if not evaluation:
        return ["## Results", "", "Not evaluated yet.", ""]
    seen = "which it was trained on" if evaluation["split"] == "train" else "never seen in training"
    return [
        "## Results",
        "",
        f"Means over hidden entries only, {evaluation['clips']} clips of {evaluation['frames']} "
        f"frames of the "
        f"{evaluation['split']} split, {seen}.{_left_out(evaluation)} Rotation: geodesic angle of "
        f"local rotations, "
        "degrees. Position: joint distance after forward kinematics, centimetres. Baselines: same "
        "entries.",
        "",
        *_table(evaluation["rows"]),
        "",
        _made_by(evaluation, name),
        "",
    ]


def _parts(parts: Mapping[str, Any] | None, name: str) -> list[str]:
    lines: list[str] = []
    for only, evaluation in (parts or {}).items():
        lines += [
            f"### The part of it whose sources match `{only}`",
            "",
            f"{evaluation['clips']} clips of {evaluation['frames']} frames.{_left_out(evaluation)}",
            "",
            *_table(evaluation["rows"]),
            "",
            _made_by(evaluation, name, f" --into parts --only '{only}'"),
            "",
        ]
    return lines


def _unseen(unseen: Mapping[str, Any] | None, name: str, sets: Sequence[str]) -> list[str]:
    if not unseen:
        return []
    lines = [
        "## Results on other sets",
        "",
        "Sets of other recordings, bodies and makers, measured in the same way. They are here for "
        "evaluation "
        "only.",
        "",
    ]
    for data, evaluation in unseen.items():
        trained = "**trained on**" if data in sets else "never trained on"
        lines += [
            f"### {data}",
            "",
            f"{unseen_note(data)} "
            f"{trained[0].upper() if trained[0] != '*' else trained[0]}{trained[1:]}. "
            f"{evaluation['clips']} clips of {evaluation['frames']} frames of its "
            f"{evaluation['split']} split."
            f"{_left_out(evaluation)}",
            "",
            *_table(evaluation["rows"]),
            "",
            _made_by(evaluation, name, " --into unseen"),
            "",
        ]
    return lines


def _left_out(evaluation: Mapping[str, Any]) -> str:
    short = evaluation.get("left_out", 0)
    if not short:
        return ""
    of = f" of the split's {evaluation['available']}" if "available" in evaluation else ""
    return f" {short}{of} clips are shorter than {evaluation['frames']} frames and were left out."


def _made_by(evaluation: Mapping[str, Any], name: str, more: str = "") -> str:
    split = "" if evaluation["split"] == "test" else f" --split {evaluation['split']}"
    return (
        f"Made by `python -m training evaluate --checkpoint checkpoints/{name} --data "
        f"data/processed/"
        f"{evaluation['data']}{more}{split} --frames {evaluation['frames']} "
        f"--clips {evaluation.get('asked', evaluation['clips'])}`."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    there = list(dict.fromkeys(row["method"] for row in rows))
    methods = [
        *(m for m in there if m not in METHOD_ORDER),
        *(m for m in METHOD_ORDER if m in there),
    ]
    lines = ["| hidden | | " + " | ".join(methods) + " |", "|---|---|" + "---|" * len(methods)]
    for spec in dict.fromkeys(row["hide"] for row in rows):
        of = {row["method"]: row for row in rows if row["hide"] == spec}
        for metric in ("rotation_deg", "position_cm"):
            kind = ERROR_KINDS[metric]
            label = f"{kind.short}, {kind.plain_unit}"
            means = [of[m][metric] for m in methods]
            best = min((mean for mean in means if mean is not None), default=None)
            cells = [
                "-" if mean is None else f"**{mean:.2f}**" if mean == best else f"{mean:.2f}"
                for mean in means
            ]
            lines.append(f"| `{spec}` | {label} | " + " | ".join(cells) + " |")
    return lines


def _hearing(hearing: Mapping[str, Any] | None, name: str) -> list[str]:
    if not hearing:
        return []
    rows = hearing["rows"]
    lines = [
        "## Does it hear?",
        "",
        f"Rotation error in a gap in the middle of {hearing['frames']} frames, degrees, "
        f"{rows[0]['clips']} clips "
        f"of the {hearing['split']} split, mean and 95 % bootstrap interval.",
        "",
        "| gap, frames | right music | silence | another song | saved against another song |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            "{:.2f} ({:.2f} to {:.2f})".format(*row[kind])
            for kind in ("right", "silence", "another")
        ]
        mean, low, high = row["saved_against_another"]
        lines.append(
            f"| {row['gap']} | {' | '.join(cells)} | {mean:.0%} ({low:.0%} to {high:.0%}) |"
        )
    return [
        *lines,
        "",
        f"Made by `python -m training music-use --checkpoint checkpoints/{name} --data "
        f"data/processed/{hearing['data']} --clips {rows[0]['clips']}`.",
        "",
    ]


_SHARES = {
    False: "Shares of its turns and of the pelvis's shift that served best on the validation split, by the "
    "length of the gap; 0 is the fill itself.",
    True: "It is believed as far as it says, in gaps of all lengths.",
}


def _lively(law: list[float] | None) -> list[str]:
    if law is None:
        return []
    level, pull, spread = law
    return [
        f"For every window {DRAWS} futures are drawn. Kept is the one whose speed v' (root mean "
        f"square over "
        f"joints, m/s) comes nearest to one drawn from ln(v' + {STILL_M_S:g}) = {level:g} + "
        f"{pull:g} "
        f"ln(v + {STILL_M_S:g}) ± {spread:g}, where v is the speed of the past that the network "
        f"sees: how people "
        "go on in the train split.",
        "",
    ]


def _resting(gap_calibration: GapCalibration) -> list[str]:
    if gap_calibration.static_thresholds is None:
        return []
    low, high = gap_calibration.static_thresholds
    return [
        f"A joint that turns by less than {low:g}° in the known frames on both sides of a gap "
        f"rests, and stays as "
        f"it was filled; from {high:g}° on none does. The pelvis, and legs with it, must move by "
        f"less than as many "
        "centimetres too.",
        "",
    ]


def _symmetric(config: MaskedMotionConfig) -> list[str]:
    return (
        ["Every answer is the mean with the one to the mirror image of the motion.", ""]
        if config.symmetric
        else []
    )


def _calibration(
    found: Mapping[str, Any] | None, name: str, config: MaskedMotionConfig
) -> list[str]:
    if not found or config.calibration is None:
        return []
    if "future" in found:
        rows = [
            [f"{row['share']:g}" for row in found["future"]],
            [f"{row['energy']:.2f}" for row in found["future"]],
        ]
        return [
            "## How far it is believed",
            "",
            f"Turns and shifts count by {found['share']:g}, with which ten seconds generated from "
            f"two move as much "
            f"as the truth: the median over {found['fitted_on']} clips of the validation split of "
            f"the mean joint "
            "speed, over the truth's.",
            "",
            *_lively(config.speed_prior),
            "| share | " + " | ".join(rows[0]) + " |",
            "|---|" + "---|" * len(rows[0]),
            "| energy | " + " | ".join(rows[1]) + " |",
            "",
            f"Made by `python -m training calibrate --checkpoint checkpoints/{name} --data "
            f"data/processed/"
            f"{found['data']} --clips {found['asked']}`.",
            "",
        ]
    gap_calibration = config.calibration
    lines = [
        "## How far it is believed, and how sure it is",
        "",
        f"{_SHARES[bool(found.get('whole'))]} The last column is what the error that it expects of "
        f"itself is "
        f"multiplied by, fitted on {found['fitted_on']} clips of the validation split.",
        "",
        *_resting(gap_calibration),
        *_symmetric(config),
        "| gap, s | " + " | ".join(gap_calibration.shares) + " | expected error |",
        "|---|" + "---|" * (len(gap_calibration.shares) + 1),
    ]
    columns = (*gap_calibration.shares.values(), gap_calibration.expected)
    lines += [
        f"| {gap_s:.2f} | " + " | ".join(f"{row[at]:.2f}" for row in columns) + " |"
        for at, gap_s in enumerate(gap_calibration.gap_s)
    ]
    lines += [
        "",
        f"{found['gaps']:,} gaps in {found['clips']} clips of the test split "
        f"({', '.join(f'`{spec}`' for spec in found['hide'])}), sorted by the error that it "
        f"expected, in "
        f"{len(found['fifths'])} parts of equal number; mean joint distance from the truth, "
        f"centimetres:",
        "",
        "| | " + " | ".join(str(number) for number in range(1, len(found["fifths"]) + 1)) + " |",
        "|---|" + "---|" * len(found["fifths"]),
    ]
    lines += [
        f"| {label} | " + " | ".join(f"{part[key]:.2f}" for part in found["fifths"]) + " |"
        for label, key in (("expected", "expected_cm"), ("came true", "position_cm"))
    ]
    return [
        *lines,
        "",
        f"Rank correlation of expected and true errors {found['rank_correlation']:.2f}; "
        f"{found['within_half_to_twice']:.0%} of the true errors lie between half and twice the "
        f"expected one. Made "
        f"by `python -m training calibrate --checkpoint checkpoints/{name} --data "
        f"data/processed/{found['data']} "
        f"--clips {found['asked']}"
        f"{''.join(f' --{option}' for option in ('whole', 'symmetric') if found.get(option))}`.",
        "",
    ]


def attention_lines(found: Mapping[str, Any]) -> list[str]:
    """Tables of the attention benchmark: precision at k by what was asked for, and the deletion
    curve."""
    titles = {"all": "all music that decides", "drums": "the drum strokes that decide"}
    lines = []
    for rule, title in titles.items():
        rows = [row for row in found["rows"] if row["rule"] == rule]
        if not rows:
            continue
        lines += [
            f"Looking for {title}, {rows[0]['clips']} clips, by chance {rows[0]['by_chance']:.1%}:",
            "",
            "| by | precision at k | times chance | area under precision-recall |",
            "|---|---|---|---|",
        ]
        lines += [
            "| {} | {:.3f} ({:.3f} to {:.3f}) | {:.2f} | {:.3f} |".format(
                row["method"].replace("_", " "), *row["precision"], row["times_chance"], row["area"]
            )
            for row in rows
        ]
        lines.append("")
    deletion = found["deletion"]
    lines += [
        "How far the pose moves when the first share of the music is replaced by its mean, over "
        "all of it:",
        "",
        "| by | " + " | ".join(f"{share:.0%}" for share in deletion["shares"]) + " |",
        "|---|" + "---|" * len(deletion["shares"]),
    ]
    return [
        *lines,
        *(
            f"| {row['method'].replace('_', ' ')} | "
            + " | ".join(f"{moved:.2f}" for moved in row["moved"])
            + " |"
            for row in deletion["rows"]
        ),
        "",
    ]


def _attention(found: Mapping[str, Any] | None, name: str) -> list[str]:
    if not found:
        return []
    return [
        "## Does attention show what it hears?",
        "",
        f"{found['sentence']} A gap of {found['gap']} frames in the middle of {found['frames']}, "
        f"the pose in its "
        f"middle, {found['clips']} clips of the {found['split']} split; which music decides it is "
        f"known. "
        "Interventions and occlusion take "
        f"{found['stretch']} frames at a time.",
        "",
        *attention_lines(found),
        f"Made by `python -m training benchmark attention --checkpoint checkpoints/{name} --data "
        f"data/processed/{found['data']} --clips {found['clips']}`.",
        "",
    ]
