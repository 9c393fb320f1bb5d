"""The sections of a card on music: its use by the network, and what attention shows of it."""

from collections.abc import Mapping
from typing import Any


def music_use_section(measured: Mapping[str, Any] | None, name: str) -> list[str]:
    """Errors with the right music, silence and another song."""
    if not measured:
        return []
    rows = measured["rows"]
    lines = [
        "## Does it use the music?",
        "",
        f"Rotation error in a gap in the middle of {measured['frames']} frames, degrees, "
        f"{rows[0]['clips']} clips "
        f"of the {measured['split']} split, mean and 95 % bootstrap interval.",
        "",
        "| gap, frames | right music | silence | another song | "
        "error reduction against another song |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            "{:.2f} ({:.2f} to {:.2f})".format(*row[kind])
            for kind in ("right", "silence", "another")
        ]
        # Another song is the stricter comparison. Silence may be unlike all training data, so that
        # a network fails there without using the rhythm.
        mean, low, high = row["saved_against_another"]
        lines.append(
            f"| {row['gap']} | {' | '.join(cells)} | {mean:.0%} ({low:.0%} to {high:.0%}) |"
        )
    return [
        *lines,
        "",
        f"Made by `python -m training music-use --checkpoint checkpoints/{name} --data "
        f"data/processed/{measured['data']} --clips {rows[0]['clips']}`.",
        "",
    ]


def attention_lines(results: Mapping[str, Any]) -> list[str]:
    """Tables of the attention benchmark: precision at k for each rule, and the deletion curves."""
    # The rules of `training.benchmark.attention.RULES`, in its order.
    titles = {
        "all": "All music that decides the pose",
        "drums": "The drum strokes that decide the pose",
    }
    lines = []
    for rule, title in titles.items():
        rows = [row for row in results["rows"] if row["rule"] == rule]
        # With few clips, no drum may be struck near any of the frames in question.
        if not rows:
            continue
        lines += [
            f"{title}, {rows[0]['clips']} clips, {rows[0]['by_chance']:.1%} by chance:",
            "",
            "| method | precision at k | times chance | area under precision-recall |",
            "|---|---|---|---|",
        ]
        lines += [
            "| {} | {:.3f} ({:.3f} to {:.3f}) | {:.2f} | {:.3f} |".format(
                row["method"].replace("_", " "), *row["precision"], row["times_chance"], row["area"]
            )
            for row in rows
        ]
        lines.append("")
    deletion = results["deletion"]
    lines += [
        "Deletion curve: movement of the pose when this share of the music, highest ranked first, "
        "is replaced by its mean, relative to replacing all of it:",
        "",
        "| method | " + " | ".join(f"{share:.0%}" for share in deletion["shares"]) + " |",
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


def attention_section(results: Mapping[str, Any] | None, name: str) -> list[str]:
    """How well attention and attributions find the music that decides a frame."""
    if not results:
        return []
    return [
        "## Does attention show which music it uses?",
        "",
        f"{results['sentence']} A gap of {results['gap']} frames in the middle of "
        f"{results['frames']}, the pose in its middle, {results['clips']} clips of the "
        f"{results['split']} split, whose deciding music is known. Interventions and occlusion "
        f"replace {results['stretch']} frames at a time.",
        "",
        *attention_lines(results),
        f"Made by `python -m training benchmark attention --checkpoint checkpoints/{name} --data "
        f"data/processed/{results['data']} --clips {results['clips']}`.",
        "",
    ]
