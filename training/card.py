"""The checkpoint's card: what it is, what it was trained on, how good it is; made from its own files."""

import json
from pathlib import Path
from typing import Any

import torch

from mmm.checkpoint import describe
from mmm.io.files import write_atomically
from mmm.models import make_model

DATA_NOTES = {
    "dance": "The project's own procedural dance set (`data/dance`): synthetic songs and rule-made dances on the "
             "SMPL-24 body, 60 fps. Train, validation and test differ in songs, dancers and orders of moves. "
             "Made by this project; MIT licence.",
}
METHOD_ORDER = ("hold", "slerp", "spline")


def record(checkpoint: Path, section: str, results: dict[str, Any]) -> None:
    """Put a section of results into a checkpoint's metrics.json, in place of an older one, and rewrite its card."""
    info = describe(checkpoint)
    text = json.dumps({**info.metrics, section: results}, indent=1) + "\n"
    write_atomically(info.path / "metrics.json", lambda file: file.write(text.encode()))
    write_card(info.path)


def write_card(folder: Path) -> None:
    """Rewrite ``README.md`` in a checkpoint's folder from its config.json and metrics.json."""
    info = describe(folder)
    with torch.device("meta"):
        parameters = sum(p.numel() for p in make_model(info.config).parameters())
    training = info.metrics.get("training", {})
    config = info.config
    lines = [
        f"# {info.name}", "",
        f"A `{config.model_type.removeprefix('mmm-')}` network of the masked motion modelling workbench: recovers "
        f"hidden frames of motion on a {config.joints}-joint body at {config.fps:g} frames a second"
        f"{', listening to music' if config.uses_music else ''}. "
        f"{parameters / 1e6:.1f} M parameters, stored as float16.",
        "", "| | |", "|---|---|",
        f"| window | {config.max_frames} frames; longer clips in overlapping windows |",
        f"| input, output | {config.fill} fill, {config.output} output |",
        f"| masks in training | {', '.join(f'`{m}`' for m in config.trained_masks or [])} |",
        *_training_rows(training), "", "## Data", "",
        DATA_NOTES.get(str(training.get("data")), f"Prepared set `{training.get('data', 'unknown')}`."), "",
        *_evaluation(info.metrics.get("evaluation"), info.name),
        *_hearing(info.metrics.get("hearing"), info.name),
        "## Licence", "", "MIT, like the project.", "",
    ]
    (info.path / "README.md").write_text("\n".join(lines))


def _training_rows(training: dict[str, Any]) -> list[str]:
    if not training:
        return []
    plan, curve = training["plan"], training["curve"]
    return [
        f"| trained on | {training['clips']} clips, {training['frames']:,} frames of the train split |",
        f"| steps | {plan['steps']:,} of {plan['batch']} windows of {plan['min_frames']} to {plan['max_frames']} "
        f"frames, learning rate {plan['learning_rate']:g}, seed {plan['seed']} |",
        f"| loss | {plan['loss']}, {curve[0]['loss']:.4f} at step {curve[0]['step']} to {curve[-1]['loss']:.4f} |",
        f"| command | `{training['command']}` |",
        *([f"| remark | {training['remark']} |"] if "remark" in training else []),
    ]


def _evaluation(evaluation: dict[str, Any] | None, name: str) -> list[str]:
    if not evaluation:
        return ["## Results", "", "Not evaluated yet.", ""]
    rows = evaluation["rows"]
    methods = [m for m in dict.fromkeys(row["method"] for row in rows) if m not in METHOD_ORDER] + list(METHOD_ORDER)
    lines = ["## Results", "",
             f"Means over hidden entries only, {evaluation['clips']} clips of {evaluation['frames']} frames of the "
             f"{evaluation['split']} split, never seen in training. Rotation: geodesic angle of local rotations, "
             "degrees. Position: joint distance after forward kinematics, centimetres. Baselines: same entries.", "",
             "| hidden | | " + " | ".join(methods) + " |", "|---|---|" + "---|" * len(methods)]
    for spec in dict.fromkeys(row["hide"] for row in rows):
        of = {row["method"]: row for row in rows if row["hide"] == spec}
        for metric, label in (("rotation_deg", "rotation, deg"), ("position_cm", "position, cm")):
            means = [of[m][metric] for m in methods]
            best = min((mean for mean in means if mean is not None), default=None)
            cells = ["-" if mean is None else f"**{mean:.2f}**" if mean == best else f"{mean:.2f}" for mean in means]
            lines.append(f"| `{spec}` | {label} | " + " | ".join(cells) + " |")
    return [*lines, "", f"Made by `python -m training.evaluate --checkpoint checkpoints/{name} --data "
            f"data/processed/{evaluation['data']} --clips {evaluation['clips']}`.", ""]


def _hearing(hearing: dict[str, Any] | None, name: str) -> list[str]:
    if not hearing:
        return []
    rows = hearing["rows"]
    lines = ["## Does it hear?", "",
             f"Rotation error in a gap in the middle of {hearing['frames']} frames, degrees, {rows[0]['clips']} clips "
             f"of the {hearing['split']} split, mean and 95 % bootstrap interval.", "",
             "| gap, frames | right music | silence | another song | saved against another song |",
             "|---|---|---|---|---|"]
    for row in rows:
        cells = ["{:.2f} ({:.2f} to {:.2f})".format(*row[kind]) for kind in ("right", "silence", "another")]
        mean, low, high = row["saved_against_another"]
        lines.append(f"| {row['gap']} | {' | '.join(cells)} | {mean:.0%} ({low:.0%} to {high:.0%}) |")
    return [*lines, "", f"Made by `python -m training.hearing --checkpoint checkpoints/{name} --data "
            f"data/processed/{hearing['data']} --clips {rows[0]['clips']}`.", ""]
