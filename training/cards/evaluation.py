"""The sections of a card on errors: of the test split, of parts of it, and of unseen sets."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmm.metrics.errors import ERROR_KINDS
from training.cards.licences import unseen_note

# Baselines from the simplest to the most elaborate; networks stand before them.
METHOD_ORDER = ("hold", "slerp", "inertial", "spline")


def evaluation_section(evaluation: Mapping[str, Any] | None, name: str) -> list[str]:
    """Errors of the test split, beside the baselines."""
    if not evaluation:
        return ["## Results", "", "Not evaluated yet.", ""]
    # A split of the training data is stated as such, because its errors do not show generalisation.
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


def parts_section(parts: Mapping[str, Any] | None, name: str) -> list[str]:
    """Errors of parts of the test split, one table for each."""
    lines: list[str] = []
    for only, evaluation in (parts or {}).items():
        lines += [
            f"### Clips whose sources match `{only}`",
            "",
            f"{evaluation['clips']} clips of {evaluation['frames']} frames.{_left_out(evaluation)}",
            "",
            *_table(evaluation["rows"]),
            "",
            _made_by(evaluation, name, f" --into parts --only '{only}'"),
            "",
        ]
    return lines


def unseen_section(unseen: Mapping[str, Any] | None, name: str, sets: Sequence[str]) -> list[str]:
    """Errors on sets that the network was not trained on; nothing where there are none."""
    if not unseen:
        return []
    lines = [
        "## Results on other sets",
        "",
        "Recordings of other makers and bodies, measured in the same way and used for evaluation "
        "only.",
        "",
    ]
    for data, evaluation in unseen.items():
        # Decided when the card is written, because a later fine-tuning may have used the set.
        trained = "**trained on**" if data in sets else "never trained on"
        lines += [
            f"### {data}",
            "",
            f"{unseen_note(data)} "
            # `str.capitalize` would also lower the rest.
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
    # Older metrics files lack this number.
    of = f" of the split's {evaluation['available']}" if "available" in evaluation else ""
    return f" {short}{of} clips are shorter than {evaluation['frames']} frames and were left out."


def _made_by(evaluation: Mapping[str, Any], name: str, more: str = "") -> str:
    # The quoted command leaves out options that have their default value.
    split = "" if evaluation["split"] == "test" else f" --split {evaluation['split']}"
    return (
        f"Made by `python -m training evaluate --checkpoint checkpoints/{name} --data "
        f"data/processed/"
        f"{evaluation['data']}{more}{split} --frames {evaluation['frames']} "
        f"--clips {evaluation.get('asked', evaluation['clips'])}`."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    measured = list(dict.fromkeys(row["method"] for row in rows))
    methods = [
        *(m for m in measured if m not in METHOD_ORDER),
        *(m for m in METHOD_ORDER if m in measured),
    ]
    lines = ["| hidden | | " + " | ".join(methods) + " |", "|---|---|" + "---|" * len(methods)]
    # In the order of measurement, patterns first and gaps after them.
    for spec in dict.fromkeys(row["hide"] for row in rows):
        of = {row["method"]: row for row in rows if row["hide"] == spec}
        for metric in ("rotation_deg", "position_cm"):
            kind = ERROR_KINDS[metric]
            label = f"{kind.short}, {kind.plain_unit}"
            means = [of[m][metric] for m in methods]
            # None stands for a mask that hides no entry of this kind.
            best = min((mean for mean in means if mean is not None), default=None)
            cells = [
                # Compared before rounding, so that only one of two equal figures in print is bold.
                "-" if mean is None else f"**{mean:.2f}**" if mean == best else f"{mean:.2f}"
                for mean in means
            ]
            lines.append(f"| `{spec}` | {label} | " + " | ".join(cells) + " |")
    return lines
