"""Continuations of unseen recordings as a picture: ``python -m tests.benchmarks.strangers_sheet``.

One row for each recording, failures included: in grey the last frame of the seed, then a pose every
second. The recordings are those of ``python -m training benchmark strangers --each 7``, with one
random seed. ``--data`` names the folder of the prepared sets, as there; ``--out`` the picture.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmm.checkpoints import load_model
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLE_PARENTS, ROLES
from training.benchmark.strangers import Recording, figures, network, recordings
from training.commands.benchmark_strangers import SETS

TITLES = {
    "lafan1-roles": "LAFAN1",
    "aist-roles": "AIST++",
    "bandai_namco": "Bandai-Namco",
    "common": "held-out CMU and SNU",
}
EACH = 7
POSES, EVERY_S = 10, 1.0
CELL, LABEL = (84, 118), 250
BACKGROUND, INK, FAINT, LINE = "#fbfaf8", "#24262b", "#8d8f95", "#d5d2cc"
COLOURS = {"left": "#2457a6", "right": "#c4411b"}


@dataclass(frozen=True)
class Row:
    """A recording, what follows its seed, and the figures of that."""

    recording: Recording
    after: Motion
    values: dict[str, float]


def draw_pose(
    draw: ImageDraw.ImageDraw, pose: np.ndarray, middle: float, foot: float, grey: bool
) -> None:
    """Draw one pose (R, 3), in metres over the floor, seen in its own heading from the side."""
    scale = 46.0
    across = pose[ROLES.index("left_hip")] - pose[ROLES.index("right_hip")]
    # Half from the side and half from the front, where both arms can be seen.
    turn = np.arctan2(across[2], across[0]) + np.pi / 4
    flat = pose - pose[0]
    x = middle + scale * (np.cos(turn) * flat[:, 0] + np.sin(turn) * flat[:, 2])
    y = foot - scale * pose[:, 1]
    for role, parent in enumerate(ROLE_PARENTS):
        if parent < 0:
            continue
        side = ROLES[role].partition("_")[0]
        colour = FAINT if grey else COLOURS.get(side, INK)
        draw.line([(x[parent], y[parent]), (x[role], y[role])], fill=colour, width=2)
    head = ROLES.index("head")
    draw.ellipse(
        [x[head] - 5, y[head] - 9, x[head] + 5, y[head] + 1],
        outline=FAINT if grey else INK,
        width=2,
    )


def sheet(rows: Sequence[Row]) -> Image.Image:
    """All rows in one picture."""
    wide, high = LABEL + CELL[0] * (POSES + 1), CELL[1] * len(rows) + 12
    picture = Image.new("RGB", (wide, high), BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for k, row in enumerate(rows):
        top, foot = k * CELL[1] + 8, (k + 1) * CELL[1] - 8
        values = row.values
        state = ": failed" if values["failed"] else ""
        lines = (
            f"{TITLES[row.recording.source]}{state}",
            row.recording.name[-44:],
            f"energy {values['energy']:.2f} of the recording's",
            f"{values['outside']:.0%} of the seconds outside",
        )
        for number, line in enumerate(lines):
            fill = COLOURS["right"] if state and number == 0 else INK
            draw.text((10, top + 18 * number), line, fill=fill, font=font)
        draw.line([(LABEL, foot), (wide - 10, foot)], fill=LINE)
        floor = np.array([0, row.recording.motion.floor_m(), 0])
        step = round(EVERY_S * row.after.fps)
        poses = [(row.recording.seed.positions()[-1], True)]
        poses += [(pose, False) for pose in row.after.positions()[step - 1 :: step][:POSES]]
        for place, (pose, grey) in enumerate(poses):
            draw_pose(draw, pose - floor, LABEL + CELL[0] * (place + 0.5), foot, grey)
    return picture


def main() -> None:
    """Continue the recordings and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/strangers.webp"))
    parser.add_argument("--data", type=Path, default=Path("data/processed"))
    parser.add_argument("--checkpoint", default="future")
    options = parser.parse_args()
    method, rows = network(load_model(options.checkpoint)), []
    for case in recordings([options.data / name for name in SETS], EACH):
        after = method(case.seed, round(POSES * EVERY_S * case.motion.fps), 0)
        rows.append(Row(case, after, figures(after, case)))
        print(f"{case.source} {case.name}: energy {rows[-1].values['energy']:.2f}", flush=True)
    sheet(rows).save(options.out, quality=80, method=6)


if __name__ == "__main__":
    main()
