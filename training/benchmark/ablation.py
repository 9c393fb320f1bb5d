"""The variants of the ablation studies, and their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AGAIN = "-again"
"""Ending of the full variant's name where it is trained with another seed."""


@dataclass(frozen=True)
class Study:
    """The variants of one recipe, their size, and how they are evaluated."""

    name: str
    full: str
    """The recipe that all others differ from in one thing."""
    others: Mapping[str, str]
    """The other recipes, and what each of them changes."""
    size: Mapping[str, Any]
    """Fields of the networks' configuration in place of the recipes'."""
    batch: int
    """Windows a step."""
    frames: int
    """Length of the clips that they are evaluated on."""
    patterns: tuple[str, ...]
    """SPECs that they are evaluated with; ``gap:N`` stands for a span of N frames in the middle of
    the clip."""
    metric: str
    ratio_to: str = ""
    """The baseline that errors are divided by; empty: errors as they are."""

    def specs(self, frames: int) -> list[str]:
        """The SPECs for clips of a length."""
        return [
            _middle(frames, int(p.removeprefix("gap:"))) if p.startswith("gap:") else p
            for p in self.patterns
        ]

    def variants(self) -> dict[str, str]:
        """Names of all variants that are trained, and what each of them changes."""
        return {
            self.full: "nothing (full variant)",
            self.full + AGAIN: "another random seed",
            **self.others,
        }


STUDIES = {
    study.name: study
    for study in (
        Study(
            "inbetween",
            "inbetween",
            {
                "inbetween-absolute": "no residual: rotations from the reference pose, no ramp, no "
                "smoothing",
                "inbetween-hold": "hold instead of the inertial fill, no ramp, no smoothing",
                "inbetween-slerp": "slerp fill instead of inertial",
                "inbetween-world": "world rotations in the body's heading as input, not relative "
                "to the reference pose",
                "inbetween-blind": "no distances to known frames as input",
                "inbetween-turns": "no forward-kinematics loss: world rotations only, so that the "
                "pelvis keeps the path of the fill",
                "inbetween-pelvis": "forward-kinematics loss for position and velocity of the "
                "pelvis only",
                "inbetween-plain": "no augmentation",
                "inbetween-abrupt": "no ramp of residuals beside known frames, no smoothing",
                "inbetween-even": "errors not weighted by gap length",
            },
            # Small, because every row of the table is a training of its own.
            {"hidden_size": 128, "intermediate_size": 384, "encoder_layers": 4},
            24,
            120,
            # The gaps of the LAFAN1 protocol (Harvey et al. 2020).
            ("gap:5", "gap:15", "gap:30", "gap:45"),
            "position_cm",
            # Errors grow with the gap, and so do those of slerp. Ratios keep the columns
            # comparable.
            "slerp",
        ),
        Study(
            "dance",
            "ecm-small",
            {
                "ecm-small-slerp": "slerp fill instead of inertial",
                "ecm-small-absolute": "absolute poses instead of a residual",
                "ecm-small-zero": "zero fill and absolute poses, as in the original",
                "ecm-small-mse": "mean squared error, as in the original",
                "ecm-small-strided": "windows at multiples of 300 frames, as in the original",
                "ecm-small-curriculum": "gaps grow over half of the steps",
                "ecm-small-relative": "each window's loss divided by that of its interpolation",
                "ecm-small-abrupt": "no ramp of residuals beside known frames, no smoothing",
            },
            {"hidden_size": 256, "intermediate_size": 256, "encoder_layers": 1, "cross_layers": 1},
            8,
            240,
            ("every:5", "every:15", "gap:30", "gap:60"),
            "rotation_deg",
        ),
    )
}


def table(
    study: Study, done: Mapping[str, Sequence[dict[str, Any]]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows of baselines and variants, and the differences of the variants from the full one.

    Args:
        done: results of ``mmm.evaluation.evaluate.evaluate`` by the names of finished variants.
        about: ``data split clips frames steps seed``, which are copied into the table.
    """
    specs = study.specs(about["frames"])
    # The baselines do not depend on a network, so the evaluation of any variant holds them.
    some = next(iter(done))
    errors = {
        row["method"]: _errors(done[some], row["method"], study.metric, specs)
        for row in done[some]
        if row["method"] != some
    }
    baselines = list(errors)
    errors |= {name: _errors(rows, name, study.metric, specs) for name, rows in done.items()}
    by = errors[study.ratio_to] if study.ratio_to else [1.0] * len(specs)
    values = {
        name: [round(error / base, 4) for error, base in zip(ratios, by, strict=True)]
        for name, ratios in errors.items()
    }
    rows = []
    for name, ratios in values.items():
        row: dict[str, Any] = {
            "name": name,
            "kind": "baseline" if name in baselines else "variant",
            "different": study.variants().get(name, ""),
            "values": ratios,
            study.metric: errors[name],
        }
        # Baselines are no variants, and a call with --only may leave the full variant out.
        if name in done and study.full in done:
            row["difference"] = [
                round(a - b, 4) for a, b in zip(ratios, values[study.full], strict=True)
            ]
        rows.append(row)
    return {
        "study": study.name,
        "full": study.full,
        **about,
        "size": dict(study.size),
        "batch": study.batch,
        "metric": study.metric,
        "ratio_to": study.ratio_to,
        "patterns": list(study.patterns),
        "specs": specs,
        # Stated, so that an unfinished table does not pass for a complete one.
        "missing": [name for name in study.variants() if name not in done],
        "rows": rows,
    }


def markdown(result: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    heads = [p.replace("gap:", "gap of ") for p in result["patterns"]]
    unit = (
        f"{result['metric']} as a ratio to {result['ratio_to']}'s"
        if result["ratio_to"]
        else result["metric"]
    )
    size = ", ".join(f"{name} {value}" for name, value in result["size"].items())
    lines = [
        f"# Ablation: {result['study']}",
        "",
        f"Variants of `{result['full']}` at a small size ({size}), each trained for "
        f"{result['steps']:,} steps of "
        f"{result['batch']} windows, seed {result['seed']}; {unit}, over the hidden entries of "
        f"{result['clips']} clips "
        f"of {result['frames']} frames of `{result['data']}`, {result['split']} split. Lower is "
        f"better.",
        "",
        f"| variant | what is different | {' | '.join(heads)} | difference to the full variant |",
        f"|---|---|{'---:|' * len(heads)}---|",
    ]
    for row in result["rows"]:
        values = " | ".join(f"{value:.2f}" for value in row["values"])
        apart = row.get("difference")
        shown = (
            ""
            if apart is None or row["name"] == result["full"]
            else ", ".join(f"{d:+.2f}" for d in apart)
        )
        what = "(baseline)" if row["kind"] == "baseline" else row["different"]
        lines.append(f"| {row['name']} | {what} | {values} | {shown} |")
    if result["missing"]:
        lines += ["", f"Not trained yet: {', '.join(result['missing'])}."]
    return "\n".join(lines) + "\n"


def _errors(
    rows: Sequence[dict[str, Any]], method: str, metric: str, specs: Sequence[str]
) -> list[float]:
    by_spec = {row["hide"]: float(row[metric]) for row in rows if row["method"] == method}
    # A SPEC that was not measured fails here instead of shifting the columns.
    return [by_spec[spec] for spec in specs]


def _middle(frames: int, gap: int) -> str:
    # Centred, as in `training evaluate`, so that both measure the same frames.
    start = (frames - gap) // 2
    return f"span:{start}-{start + gap - 1}"
