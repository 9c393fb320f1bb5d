"""What a checkpoint's card says of the in-betweening protocol."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.benchmark.report import FEW, METRICS, RATIOS_PUBLISHED, by_group, ratios

# Columns of the card. NPSS stays in metrics.json.
_HEADS = {"l2p": "L2P", "l2q": "L2Q", "position_cm": "position"}


def summary(rows: Sequence[Mapping[str, Any]], method: str, command: str) -> dict[str, Any]:
    """What is kept of a benchmark's rows: one method over interpolation at every gap, and by group
    over the better of interpolation and spline."""
    overall = [row for row in rows if row["group"] == "all"]
    relative = [row for row in ratios(overall) if row["method"] == method]
    # Scores beside ratios, because only scores can be compared with published tables.
    scores = {row["gap"]: row for row in overall if row["method"] == method}
    return {
        "windows": relative[0]["windows"],
        "gaps": [row["gap"] for row in relative],
        "command": command,
        "over_interpolation": {
            metric: [_rounded(row[metric]) for row in relative] for metric in METRICS
        },
        "scores": {
            metric: [_rounded(scores[row["gap"]][metric]) for row in relative] for metric in METRICS
        },
        "groups": [
            {key: _rounded(row[key]) for key in ("group", "windows", "gap", "l2p", "position_cm")}
            for row in by_group(rows, method)
        ],
    }


def _rounded(value: Any) -> Any:
    # Names and counts pass through; further digits differ between machines.
    return round(value, 4) if isinstance(value, float) else value


def protocol_table(protocol: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a set: its ratios to interpolation."""
    lines = [
        "| motion | windows | " + " | ".join(_HEADS.values()) + " |",
        "|---|---|" + "---|" * len(_HEADS),
    ]
    for name, results in protocol.items():
        shares = [
            " ".join(
                "-" if value is None else f"{value:.2f}"
                for value in results["over_interpolation"][metric]
            )
            for metric in _HEADS
        ]
        lines.append(f"| {name} | {results['windows']:,} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def worse_groups(results: Mapping[str, Any]) -> list[tuple[str, int, list[float]]]:
    """Groups of 20 windows or more in which L2P is above that of the better baseline at some gap:
    name, windows, ratios."""
    shares: dict[tuple[str, int], list[float]] = {}
    for row in results["groups"]:
        # Ratios of a few windows vary too much to name a content by.
        if row["windows"] >= FEW and row["l2p"] is not None:
            shares.setdefault((row["group"], row["windows"]), []).append(row["l2p"])
    return [
        (name, windows, values) for (name, windows), values in shares.items() if max(values) > 1
    ]


def worse_table(protocol: Mapping[str, Mapping[str, Any]]) -> str:
    """In which contents interpolating is better: a sentence, and a line a content."""
    worse = [
        (place, *group) for place, results in protocol.items() for group in worse_groups(results)
    ]
    worse.sort(key=lambda group_row: -max(group_row[3]))
    asked = sum(
        len({row["group"] for row in results["groups"] if row["windows"] >= FEW})
        for results in protocol.values()
    )
    if not asked:
        return "By content it has not been measured."
    start = (
        f"L2P over that of the better of interpolation and spline, of the {asked} contents with "
        f"{FEW} windows or "
        "more: "
    )
    if not worse:
        return start + "nowhere above 1."
    gaps = next(iter(protocol.values()))["gaps"]
    return "\n".join(
        [
            start + f"above 1 at some gap in {len(worse)} of them.",
            "",
            "| content | motion | windows | " + " | ".join(f"gap of {gap}" for gap in gaps) + " |",
            "|---|---|---|" + "---|" * len(gaps),
            *(
                f"| {name} | {place} | {windows} | "
                + " | ".join(f"{value:.2f}" for value in values)
                + " |"
                for place, name, windows, values in worse
            ),
        ]
    )


def protocol_section(protocol: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """The section of the card, or nothing."""
    if not protocol:
        return []
    gaps = next(iter(protocol.values()))["gaps"]
    *some, last = (str(gap) for gap in gaps)
    published = ", ".join(
        f"{name} " + " ".join("-" if value is None else f"{value:.2f}" for value in values)
        for name, values in RATIOS_PUBLISHED.items()
    )
    return [
        "## The LAFAN1 in-betweening protocol",
        "",
        f"Ten known frames, a gap of {', '.join(some)} or {last} frames, one known frame; errors "
        f"over those of "
        "interpolation (slerp of local rotations, a straight line for the root). L2P is "
        "standardised by the "
        "windows' own mean and deviation. Published L2P over interpolation, on the full LAFAN1 "
        "test set: "
        f"{published}.",
        "",
        protocol_table(protocol),
        "",
        worse_table(protocol),
        "",
        *(f"- {name}: `{results['command']}`" for name, results in protocol.items()),
        "",
    ]
