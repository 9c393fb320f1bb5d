"""The tables of docs/results.md and the README, from the checkpoints' metrics (``python -m training
results``).

Every block between ``<!-- NAME -->`` and ``<!-- end -->`` is replaced; the text around the blocks
stays.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmm.checkpoints import list_checkpoints
from mmm.errors import FileError
from training.cards.protocol import protocol_table, worse_table

# Names of shipped checkpoints. A missing one stops the command, so that no page loses a table.
DANCE, ROLES, FUTURE = (
    ("dance-3bert-small", "dance-ecm-small"),
    ("inbetween", "common-small"),
    "dance-future",
)
BASELINES = ("hold", "slerp", "inertial", "spline")
# A span in the middle of 300, 240 or 150 frames; its length says more to a reader than its place.
LABELS = {
    "span:135-164": "gap of 30",
    "span:120-179": "gap of 60",
    "span:105-194": "gap of 90",
    "span:112-126": "gap of 15",
    "span:105-134": "gap of 30",
    "span:90-149": "gap of 60",
    "span:67-81": "gap of 15",
    "span:60-89": "gap of 30",
}
Metrics = Mapping[str, Mapping[str, Any]]


def errors_table(evaluations: Mapping[str, Mapping[str, Any]], specs: Sequence[str] = ()) -> str:
    """Rotation and position errors of several networks and the baselines, a row a pattern.

    Args:
        evaluations: results of ``python -m training evaluate`` by network, on the same clips and
            patterns.
        specs: the patterns in the order of the rows; by default all of the first network.
    """
    of: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, evaluation in evaluations.items():
        for row in evaluation["rows"]:
            # Baselines are in every network's rows, measured on the same clips: the first copy
            # serves.
            if row["method"] == name or row["method"] in BASELINES:
                of.setdefault(row["hide"], {}).setdefault(row["method"], row)
    columns = [*evaluations, *BASELINES]
    lines = [
        "| hidden | " + " | ".join(f"`{c}`" if c in evaluations else c for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for spec in specs or of:
        # A pattern that one network was not measured on would leave holes in its row.
        if not set(columns) <= of.get(spec, {}).keys():
            continue
        best = min(of[spec][c]["position_cm"] for c in columns)
        cells = [_cell(of[spec][c], best) for c in columns]
        lines.append(f"| {LABELS.get(spec, f'`{spec}`')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], best: float) -> str:
    text = f"{row['rotation_deg']:.2f} / {row['position_cm']:.2f}"
    return f"**{text}**" if row["position_cm"] == best else text


SHORT = (
    # Recordings of other laboratories first: they say most about a visitor's own.
    ("LAFAN1", "inbetween", ("unseen", "lafan1"), ("span:105-134",)),
    ("Bandai-Namco", "inbetween", ("unseen", "bandai_namco"), ("span:60-89",)),
    ("AIST++, without music", "inbetween", ("unseen", "aist-roles"), ("span:135-164",)),
    ("held-out CMU subjects", "inbetween", ("parts", "^cmu/"), ("span:105-134",)),
    ("held-out SNU scenes", "inbetween", ("parts", "^snu/"), ("span:105-134",)),
    ("our own dances", "dance-3bert-small", ("evaluation",), ("every:20", "span:120-179")),
)


def short_table(metrics: Metrics) -> str:
    """Errors of a few rows for the README, beside the interpolation with the smallest position
    error."""
    lines = [
        "| recordings | hidden | network | its errors | best interpolation |",
        "|---|---|---|---|---|",
    ]
    for words, name, place, specs in SHORT:
        evaluation: Any = metrics[name]
        for key in place:
            evaluation = evaluation[key]
        for spec in specs:
            of = {row["method"]: row for row in evaluation["rows"] if row["hide"] == spec}
            best = min(BASELINES, key=lambda method: of[method]["position_cm"])
            lines.append(
                # -1 equals no error, so neither cell is set in bold.
                f"| {words} | {LABELS.get(spec, f'`{spec}`')} | `{name}` | {_cell(of[name], -1)} | "
                f"{_cell(of[best], -1)} ({best}) |"
            )
    return "\n".join(lines)


def future_words(metrics: Metrics) -> str:
    """The main figures of dances that `dance-future` generated, in two sentences."""
    rows = metrics[FUTURE]["generation"]["dance-long"]["rows"]
    made, truth, other = rows[FUTURE], rows["truth"], rows["another song"]
    low, high = min(made["energy_shares"]), max(made["energy_shares"])
    clips = metrics[FUTURE]["generation"]["dance-long"]["clips"]
    return (
        f"Their energy in every second is {low:.2f} to {high:.2f} of the truth's. Beat alignment is "
        f"{made['per_music_beat']:.2f} (truth {truth['per_music_beat']:.2f}, another song "
        f"{other['per_music_beat']:.2f}), {made['moves']['move_and_side']:.0%} of the bars have the "
        f"move that the music asks for (truth {truth['moves']['move_and_side']:.0%}), feet slide at "
        f"{made['skate_cm_s']:.1f} cm/s (truth {truth['skate_cm_s']:.1f}), and {made['frozen']} of "
        f"{clips} dances come to a standstill."
    )


def music_use_table(metrics: Metrics) -> str:
    """Rotation errors with the right music, silence and another song."""
    lines = [
        "| checkpoint | gap | right | silence | another | saved |",
        "|---|---|---|---|---|---|",
    ]
    for name in DANCE:
        for row in metrics[name]["hearing"]["rows"]:
            saved, low, high = row["saved_against_another"]
            lines.append(
                f"| `{name}` | {row['gap']} | {row['right'][0]:.2f} | {row['silence'][0]:.2f} | "
                f"{row['another'][0]:.2f} | {saved:.0%} ({low:.0%} to {high:.0%}) |"
            )
    return "\n".join(lines)


def generated_table(card: str) -> str:
    """The first table of a card's section about generation from a seed."""
    lines = card.split("## Generation from a seed", 1)[1].splitlines()
    # Taken from the card rather than made again, so that page and card cannot disagree.
    start = next(k for k, line in enumerate(lines) if line.startswith("|"))
    stop = next(k for k in range(start, len(lines)) if not lines[k].startswith("|"))
    return "\n".join(lines[start:stop])


def blocks(root: Path) -> dict[str, str]:
    """The text of every block, by name, from the checkpoints in a folder."""
    infos = {card.name: card for card in list_checkpoints(root)}
    metrics: Metrics = {name: card.metrics for name, card in infos.items()}
    made = {
        "dance": errors_table({name: metrics[name]["evaluation"] for name in DANCE}),
        "music-use": music_use_table(metrics),
        "short": short_table(metrics),
        "future": future_words(metrics),
        "generated": generated_table(infos[FUTURE].card),
    }
    protocol = metrics["inbetween"]["protocol"]
    made |= {"protocol": protocol_table(protocol), "contents": worse_table(protocol)}
    for part, name in (("cmu", "^cmu/"), ("snu", "^snu/")):
        made[part] = errors_table({n: metrics[n]["parts"][name] for n in ROLES})
    # Networks on joint roles alone: these sets have other skeletons than the dance networks.
    for data in ("lafan1", "bandai_namco", "aist-roles"):
        made[data] = errors_table({n: metrics[n]["unseen"][data] for n in ROLES})
    return made


def rewritten(text: str, made: Mapping[str, str], source: str = "text") -> str:
    """Replace the blocks of a text.

    Raises:
        FileError: the text names an unknown block.
    """

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        # A misspelt block would otherwise keep its old table for ever.
        if name not in made:
            raise FileError(source, f"a block {name!r}", ", ".join(made), "correct its name")
        return f"<!-- {name} -->\n{made[name]}\n<!-- end -->"

    # DOTALL and the lazy `.*?`: a block spans lines and ends at the first end mark.
    return re.sub(r"<!-- (\S+) -->\n.*?<!-- end -->", block, text, flags=re.DOTALL)
