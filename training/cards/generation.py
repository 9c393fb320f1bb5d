"""The section of a card about generation from a seed."""

from collections.abc import Mapping, Sequence
from typing import Any

_FIGURES = (
    ("energy_share", "energy, share of the truth's", ".2f"),
    ("least", "lowest and highest energy in any second", ""),
    ("frozen", "clips that stand still for 1 s", "d"),
    ("still_s", "longest standstill, s", ".2f"),
    ("skate_cm_s", "foot skate, cm/s", ".2f"),
    ("drift_m", "largest distance from the end of the seed, m", ".2f"),
    ("floor", "lowest joint: most under, most over the floor, cm", ""),
    # Physical foot contact score of EDGE (Tseng et al. 2023).
    ("pfc", "PFC", ".4f"),
    # Beat alignment is published in two directions. FACT (Li et al. 2021) averages over the beats
    # of the motion, Bailando (Siyao et al. 2022) over those of the music.
    ("per_music_beat", "beat alignment, per music beat", ".3f"),
    ("per_motion_beat", "beat alignment, per motion beat", ".3f"),
    ("move_and_side", "bars with the rule's move and side", ".0%"),
    ("move", "bars with the rule's move", ".0%"),
    # FID and diversity in kinetic and geometric features, as FACT (Li et al. 2021) introduced them.
    ("fid_kinetic", "FID, kinetic", ".2f"),
    ("fid_geometric", "FID, geometric", ".2f"),
    ("diversity_kinetic", "diversity, kinetic", ".2f"),
    ("diversity_geometric", "diversity, geometric", ".2f"),
)
_TEMPERATURES = (
    ("variety", "temperature", "g"),
    ("apart_cm", "distance between them, cm", ".2f"),
    ("kinetic_distance", "in kinetic features", ".2f"),
    ("energy_share", "energy", ".2f"),
    ("per_music_beat", "per music beat", ".3f"),
    ("per_motion_beat", "per motion beat", ".3f"),
    ("move_and_side", "move and side", ".0%"),
    ("skate_cm_s", "skate, cm/s", ".2f"),
    ("frozen", "frozen", "d"),
)

_OF_MOVES = (
    " *Another song* is the recorded dance measured against other music. A bar is classified as "
    "the move whose mean over the train split is nearest. The truth's column is the upper limit; "
    "chance is one bar in 24, or in 12 without sides."
)


def _cell(row: Mapping[str, Any], key: str, form: str) -> str:
    # The range over seconds, because a mean hides motion that dies down and starts again.
    if key == "least":
        return f"{min(row['energy_shares']):.2f} to {max(row['energy_shares']):.2f}"
    if key == "floor":
        return f"{row['under_floor_cm']:.1f} / {row['over_floor_cm']:.1f}"
    value = (
        # Only our own dance set states which move a bar asks for.
        row.get("moves", {}).get(key)
        if key in ("move", "move_and_side") and "moves" in row
        else row.get(key)
    )
    return "-" if value is None else format(value, form)


def _table(results: Mapping[str, Any]) -> list[list[str]]:
    """Rows of figures and columns of methods; figures that no method has are left out."""
    rows = results["rows"]
    lines = [["", *rows]]
    for key, title, form in _FIGURES:
        cells = [_cell(row, key, form) for row in rows.values()]
        # Figures on music or moves are empty for a set without them.
        if any(cell != "-" for cell in cells):
            lines.append([title, *cells])
    return lines


def _temperature_table(results: Mapping[str, Any]) -> list[list[str]]:
    kept = [
        column
        for column in _TEMPERATURES
        # Decided over all rows, so that every row has the same cells.
        if any(row.get(column[0]) is not None for row in results["varieties"])
    ]
    return [
        [title for _, title, _ in kept],
        *([_cell(row, key, form) for key, _, form in kept] for row in results["varieties"]),
    ]


def generation_lines(results: Mapping[str, Any], name: str) -> list[str]:
    """The tables as aligned plain text, for the terminal."""
    lines = [_sentence(results), ""]
    for table in (_table(results), _temperature_table(results) if results["varieties"] else []):
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
    # The other rows are recorded motion and baselines, whose speed of generation means nothing.
    network = results["rows"][name]
    return [
        *lines,
        "",
        f"energy in each second, share of the truth's mean: "
        f"{' '.join(f'{share:.2f}' for share in network['energy_shares'])}",
        f"{network['frames_per_second']:.0f} frames a second",
    ]


def _sentence(results: Mapping[str, Any]) -> str:
    return (
        f"{results['clips']} clips of the {results['split']} split of `{results['data']}`, never "
        f"seen in training: {results['seconds']:g} s generated from {results['seed_frames']} "
        f"frames ({results['fps']:g} a second), temperature {results['variety']:g}. Means over "
        f"clips; floor and standstill: the worst clip."
    )


def _markdown(table: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(table[0]) + " |",
        "|" + "---|" * len(table[0]),
        *("| " + " | ".join(line) + " |" for line in table[1:]),
    ]


def generation_section(generation: Mapping[str, Any] | None, name: str) -> list[str]:
    """The section as lines of Markdown; empty where it was not measured."""
    lines: list[str] = []
    for results in (generation or {}).values():
        # Only `benchmark dance` measures moves, so they tell which command made the section.
        moves = any("moves" in row for row in results["rows"].values())
        command = "dance" if moves else "continue"
        lines += [
            f"## Generation from a seed: {results['data']}",
            "",
            _sentence(results),
            "",
            *_markdown(_table(results)),
            "",
            f"FID and diversity: features standardised by {results['reference_clips']} other clips "
            f"of the split." + (_OF_MOVES if moves else ""),
            "",
        ]
        if results["varieties"]:
            lines += [
                f"Diversity of {results['varieties'][0]['seeds']} continuations of each seed, by "
                "temperature:",
                "",
                *_markdown(_temperature_table(results)),
                "",
            ]
        lines += [
            f"Made by `python -m training benchmark {command} --checkpoint checkpoints/{name} "
            f"--data "
            f"data/processed/{results['data']} --clips {results['clips']} --seed-frames "
            f"{results['seed_frames']} "
            f"--seconds {results['seconds']:g}`.",
            "",
        ]
    return lines
