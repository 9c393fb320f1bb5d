"""Under the stage: how far each method is from the truth, over time, by joint, and in one table."""

import streamlit as st

from dashboard.figures import limb_bars
from mmm import RecoveryResult
from mmm.masks import Mask

KINDS = {"position_cm": ("Joint position", "cm"), "rotation_deg": ("Joint rotation", "deg"),
         "root_cm": ("Root position", "cm")}


def errors_section(results: list[RecoveryResult], mask: Mask) -> None:
    """Everything about errors, over hidden entries only."""
    st.subheader("How far from the truth", anchor=False)
    st.markdown(_table(results))


def _table(results: list[RecoveryResult]) -> str:
    rows = [(r.model_name, r.errors.summary(), r) for r in results]
    lines = ["| | rotation, deg | joint position, cm | root, cm | time |", "|---|---:|---:|---:|---:|"]
    best = {kind: min((s[kind] for _, s, _ in rows if s[kind] is not None), default=None) for kind in KINDS}
    for name, summary, result in rows:
        cells = []
        for kind in ("rotation_deg", "position_cm", "root_cm"):
            value = summary[kind]
            text = "–" if value is None else f"{value:.2f}"
            cells.append(f"**{text}**" if value is not None and value == best[kind] else text)
        lines.append(f"| {name} | {' | '.join(cells)} | {result.elapsed_s * 1000:.0f} ms |")
    return "\n".join(lines)
