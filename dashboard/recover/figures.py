"""Figures in plain HTML; they return text and never call Streamlit.

Not plotly: its script alone is 4.7 MB, which the browser reads before it draws the stage.
"""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmm.viewer.palette import method_colour, method_colours

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

LIMBS = ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")
COLUMNS = {
    "rotation_deg": ("rotation, °", "Mean angle between true and recovered local rotations"),
    "position_cm": ("position, cm", "Mean distance between true and recovered joints"),
    "root_cm": ("root, cm", "Mean distance of the body's root, over frames in which it was hidden"),
}


MAX_GAPS = 24
"""So many gaps are shown one by one; the rest are in the metrics file."""


def gaps_table(rows: "Sequence[Mapping[str, Any]]", dark: bool = False) -> str:
    """A cell a gap: what the network expects of itself there, and what came true (rows of
    ``mmm.evaluation.evaluate.gaps``).

    Two bars compare them; of many gaps the first ones are shown, and how many more there are.
    """
    shown = rows[:MAX_GAPS]
    longest = (
        max((max(row["expected_cm"], row["position_cm"] or 0) for row in shown), default=0.0) or 1.0
    )
    colour, cells = method_colour("", dark), []
    for row in shown:
        name = f"{row['first']}–{row['last']}" if row["first"] < row["last"] else str(row["first"])
        bars = "".join(
            f'<i class="{kind}" style="width:{100 * (row[key] or 0) / longest:.1f}%;--bar:{colour}"></i>'
            for kind, key in (("expects", "expected_cm"), ("was", "position_cm"))
        )
        was = "never recorded" if row["position_cm"] is None else f"was {row['position_cm']:.1f} cm"
        cells.append(
            f'<div class="gap" role="listitem"><span>gap {name}</span>'
            f"<b>expects {row['expected_cm']:.1f} cm</b><em>{was}</em>"
            f"<div>{bars}</div></div>"
        )
    more = len(rows) - len(shown)
    rest = f'<div class="gap more">and {more} more gaps, in the metrics</div>' if more else ""
    return f'<div class="wb-gaps" role="list">{"".join(cells)}{rest}</div>'


def limb_bars(results: "Sequence[RecoveryResult]", kind: str, unit: str, dark: bool = False) -> str:
    """Mean error over hidden entries of each limb, one bar a method; limbs of which nothing was hidden are left out."""
    tables = [(result.model_name, result.errors.per_group()) for result in results]
    limbs = [limb for limb in LIMBS if tables[0][1].get(limb, {}).get(kind) is not None]
    values = {
        (limb, name): float(groups.get(limb, {}).get(kind) or 0)
        for limb in limbs
        for name, groups in tables
    }
    longest = max(values.values(), default=0.0) or 1.0
    blocks, colours = [], method_colours([name for name, _ in tables], dark)
    for limb in limbs:
        bars = "".join(
            _bar(name, values[limb, name], longest, unit, colours[name]) for name, _ in tables
        )
        blocks.append(
            f'<div class="limb"><span>{limb.replace("_", " ")}</span><div>{bars}</div></div>'
        )
    return f'<div class="wb-bars">{"".join(blocks)}</div>'


def _bar(name: str, value: float, longest: float, unit: str, colour: str) -> str:
    hint = html.escape(f"{name}: {value:.2f} {unit}")
    return (
        f'<div class="bar" title="{hint}"><i style="width:{100 * value / longest:.1f}%;background:{colour}"></i>'
        f"<em>{value:.1f}</em></div>"
    )


def means_table(results: "Sequence[RecoveryResult]", dark: bool = False) -> str:
    """A row a method, a column an error; the best of each column is bold."""
    summaries = [result.errors.summary() for result in results]
    best = {
        kind: min((v for s in summaries if (v := s[kind]) is not None), default=None)
        for kind in COLUMNS
    }
    heads = "".join(f'<th title="{hint}">{head}</th>' for head, hint in COLUMNS.values())
    heads += '<th title="Time of the recovery alone">time, ms</th>'
    rows, colours = [], method_colours([result.model_name for result in results], dark)
    for result, summary in zip(results, summaries, strict=True):
        cells = []
        for kind in COLUMNS:
            value = summary[kind]
            text = "–" if value is None else f"{value:.2f}"
            cells.append(
                f"<td><b>{text}</b></td>"
                if value is not None and value == best[kind]
                else f"<td>{text}</td>"
            )
        dot = f'<i style="background:{colours[result.model_name]}"></i>'
        rows.append(
            f"<tr><th>{dot}{html.escape(result.model_name)}</th>{''.join(cells)}"
            f"<td>{result.elapsed_s * 1000:.0f}</td></tr>"
        )
    return (
        f'<table class="wb-table"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
