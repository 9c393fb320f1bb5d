"""A sample recovery as a picture: stick figures of reference, recovery and slerp above their
errors."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mmm.arrays import true_runs, unit_vectors
from mmm.motion.clip import Motion
from mmm.recovery.result import RecoveryResult
from training.engine.canvas import INK, Canvas, Colour
from training.engine.curve import ticks

Array = np.ndarray

WIDTH, HEIGHT = 1280, 860
COLUMNS = 9
"""Largest number of frames side by side."""
PALETTE: dict[str, Colour] = {
    "truth": (31, 41, 55),
    "model": (37, 99, 235),
    "slerp": (217, 88, 8),
    "inertial": (147, 51, 234),
    "spline": (13, 148, 104),
    "hold": (156, 163, 175),
}
_SHADE, _GHOST, _GRID = (243, 244, 250), (188, 194, 204), (225, 228, 233)
_SOFT, _FLOOR = (95, 104, 117), (150, 157, 168)
_VIEW_DEG = 40.0
"""The camera stands this far to the side of the dancer's front."""
_MARGIN, _GUTTER, _STRIP_TOP, _ROW, _PLOT_TOP = 28, 84, 84, 164, 640
_HEAD_M = 0.09


def sample_picture(results: Sequence[RecoveryResult], title: str) -> UInt8[Array, "H W 3"]:
    """One recovery of one clip beside its baselines.

    Args:
        results: the network's, then those of the baselines, ``slerp`` among them; all of the same
            clip and mask.
        title: the line above.

    Returns:
        (H, W, 3) uint8 pixels.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(_MARGIN, 38, title, size=20)
    # A frame counts as hidden as soon as one of its joints is.
    truth, hidden = results[0].clip.motion, np.asarray(results[0].hidden.any(axis=1))
    slerp = next(result for result in results if result.model_name == "slerp")
    rows = [
        ("truth", truth, None),
        ("model", results[0].recovered.motion, results[0]),
        ("slerp", slerp.recovered.motion, slerp),
    ]
    # The gap where slerp is worst shows best what a network adds.
    chosen = strip_frames(hidden, np.nan_to_num(slerp.errors.per_frame("position_cm")))
    _strip(canvas, rows, chosen, hidden)
    middle = (WIDTH - 24) / 2
    for kind, label, left, right in (
        ("rotation_deg", "rotation error, degrees", _MARGIN, middle),
        ("position_cm", "position error, cm", middle + 24, WIDTH - _MARGIN),
    ):
        named = [("model", results[0]), *((result.model_name, result) for result in results[1:])]
        lines = {name: np.nan_to_num(result.errors.per_frame(kind)) for name, result in named}
        means = {name: result.errors.summary()[kind] for name, result in named}
        _legend(canvas, means, label, left)
        _curves(canvas, lines, hidden, left, right)
    return canvas.pixels()


def strip_frames(hidden: Bool[Array, "T"], interest: Float[Array, "T"]) -> Int[Array, "N"]:
    """The frames to draw: evenly from the gap with the largest ``interest`` and its known
    neighbours.

    Where all gaps are short, hidden frames are taken from the whole clip.
    """
    gaps = true_runs(hidden)
    if not gaps:
        return np.linspace(0, len(hidden) - 1, COLUMNS).round().astype(int)
    first, after = max(gaps, key=lambda gap: float(interest[gap[0] : gap[1]].sum()))
    last = after - 1
    # A strip of one short gap would show the same pose several times.
    if max(stop - start for start, stop in gaps) < 4:
        there = np.flatnonzero(hidden)
        return there[np.unique(np.linspace(0, len(there) - 1, COLUMNS).round().astype(int))]
    inside = np.unique(np.linspace(first, last, COLUMNS - 2).round().astype(int))
    around = [frame for frame in (first - 1, last + 1) if 0 <= frame < len(hidden)]
    return np.unique(np.concatenate([inside, around]).astype(int))


def across_axis(motion: Motion, frame: int) -> Float[Array, "3"]:
    """The horizontal direction that the camera shows as rightwards, from where the hips of a frame
    stand.

    Seen from the dancer's front, turned by ``_VIEW_DEG``; bodies without legs are seen along the
    world's axes.
    """
    groups = motion.skeleton.groups
    left = np.array([1.0, 0.0, 0.0])
    if "left_leg" in groups and "right_leg" in groups:
        positions = motion.positions()[frame].astype(np.float64)
        # The vertical part is dropped, so that a tilted pelvis does not tilt the camera.
        level = (positions[groups["left_leg"][0]] - positions[groups["right_leg"][0]]) * [1, 0, 1]
        # The hips of a person who lies on the side are one above the other and give no direction.
        if np.linalg.norm(level) > 1e-3:
            left = level / np.linalg.norm(level)
    forward = np.cross(left, [0, 1, 0])
    angle = np.deg2rad(_VIEW_DEG)
    return np.asarray(np.cos(angle) * left + np.sin(angle) * forward)


def _strip(
    canvas: Canvas,
    rows: Sequence[tuple[str, Motion, RecoveryResult | None]],
    chosen: Int[Array, "N"],
    hidden: Bool[Array, "T"],
) -> None:
    truth = rows[0][1]
    across = across_axis(truth, int(chosen[0]))
    floor = truth.floor_m()
    column = (WIDTH - 2 * _MARGIN - _GUTTER) / len(chosen)
    body = truth.positions()[chosen]
    # A tenth of a metre of air beside the widest pose.
    reach = np.abs((body - body[:, :1]) @ across).max() + 0.1
    tall = max(float(body[..., 1].max()) - floor + 0.15, 0.3)
    # One scale for all figures, so that sizes can be compared. 0.62 of a column lets neighbours
    # overlap slightly rather than shrink.
    scale = min((_ROW - 30) / tall, 0.62 * column / reach)
    for number, frame in enumerate(chosen):
        left = _MARGIN + _GUTTER + number * column
        if hidden[frame]:
            canvas.box(
                left + 2, _STRIP_TOP - 4, left + column - 2, _STRIP_TOP + 3 * _ROW + 24, _SHADE
            )
        canvas.text(
            left + column / 2,
            _STRIP_TOP - 12,
            f"frame {frame}" + ("" if hidden[frame] else ", known"),
            _SOFT,
            13,
            "ms",
        )
    for row, (name, motion, result) in enumerate(rows):
        ground = _STRIP_TOP + (row + 1) * _ROW - 6
        canvas.line([(_MARGIN + _GUTTER, ground), (WIDTH - _MARGIN, ground)], _FLOOR, 1)
        canvas.text(_MARGIN, ground - _ROW / 2, name, PALETTE[name], 18, "lm")
        for number, frame in enumerate(chosen):
            middle = _MARGIN + _GUTTER + (number + 0.5) * column
            # All rows are placed by the reference's root, so that an error of the root shows as a
            # shift.
            origin = (middle - scale * float(truth.root_m[frame] @ across), ground + scale * floor)
            if result is not None and hidden[frame]:
                _figure(canvas, truth, frame, across, origin, scale, _GHOST)
                error = float(result.errors.position_cm[frame][result.hidden[frame]].mean())
                canvas.text(middle, ground + 14, f"{error:.1f} cm", PALETTE[name], 12, "ms")
            _figure(canvas, motion, frame, across, origin, scale, PALETTE[name])


def _figure(
    canvas: Canvas,
    motion: Motion,
    frame: int,
    across: Float[Array, "3"],
    origin: tuple[float, float],
    scale: float,
    colour: Colour,
) -> None:
    """One pose: far bones first, the left limbs paler, so that sides can be told apart."""
    skeleton = motion.skeleton
    joints = motion.positions()[frame]
    if skeleton.end_sites:
        joints = np.concatenate([joints, motion.tip_positions()[frame]])
    bones = [(parent, j) for j, parent in enumerate(skeleton.parents) if j]
    bones += [(parent, len(skeleton) + e) for e, (parent, _) in enumerate(skeleton.end_sites)]
    towards = np.cross(across, [0, 1, 0])
    flat = [
        (origin[0] + scale * float(p @ across), origin[1] - scale * float(p[1])) for p in joints
    ]
    near = joints @ towards
    # Mixed with white.
    pale = tuple(round(0.55 * c + 0.45 * 255) for c in colour)
    # The painter's algorithm: bones nearer to the camera cover those behind them.
    for start, stop in sorted(bones, key=lambda bone: float(near[list(bone)].sum())):
        limb = skeleton.limbs[stop] if stop < len(skeleton) else skeleton.limbs[start]
        tint = (pale[0], pale[1], pale[2]) if limb.startswith("left") else colour
        # The trunk is drawn slightly wider than the limbs.
        width = 3.4 if limb in ("torso", "head") else 3.0
        canvas.line([flat[start], flat[stop]], tint, width)
        for end in (start, stop):
            canvas.dot(*flat[end], width / 2, tint)
    head = skeleton.groups.get("head", ())
    if head:
        head_joint = head[-1]
        # A head's end site is its crown. Without one, the crown is placed along the neck.
        tips = [
            len(skeleton) + e
            for e, (parent, _) in enumerate(skeleton.end_sites)
            if parent == head_joint
        ]
        top = (
            joints[tips[0]]
            if tips
            else joints[head_joint]
            + _HEAD_M
            * unit_vectors(joints[head_joint] - joints[skeleton.parents[head_joint]], 1e-6)
        )
        top = (joints[head_joint] + top) / 2
        canvas.dot(
            origin[0] + scale * float(top @ across),
            origin[1] - scale * float(top[1]),
            scale * _HEAD_M,
            colour,
        )


def _legend(canvas: Canvas, means: dict[str, float | int | None], label: str, left: float) -> None:
    """The title of a plot, and a legend of its lines with their means over hidden entries."""
    canvas.text(left, _PLOT_TOP + 8, label, INK, 15)
    for name, mean in means.items():
        canvas.line([(left, _PLOT_TOP + 27), (left + 16, _PLOT_TOP + 27)], PALETTE[name], 2.5)
        text = name if mean is None else f"{name} {mean:.2f}"
        left += 40 + canvas.text(left + 22, _PLOT_TOP + 27, text, PALETTE[name], 13, "lm")


def _curves(
    canvas: Canvas, lines: dict[str, Array], hidden: Bool[Array, "T"], left: float, right: float
) -> None:
    """Errors over the frames around what was hidden, the hidden frames shaded."""
    bottom, top, inner = HEIGHT - 44, _PLOT_TOP + 42, left + 44
    there = np.flatnonzero(hidden)
    # A few known frames on each side show how the error starts and ends.
    pad = max(4, len(hidden) // 30)
    start = max(int(there[0]) - pad, 0) if len(there) else 0
    stop = min(int(there[-1]) + pad, len(hidden) - 1) if len(there) else len(hidden) - 1
    # Six percent of air above the highest line; the floor avoids an axis of no height.
    high = max(float(np.max([line.max() for line in lines.values()])) * 1.06, 1e-3)

    def place(frame: float, value: float) -> tuple[float, float]:
        share = (frame - start) / max(stop - start, 1)
        return inner + (right - inner) * share, bottom - (bottom - top) * value / high

    for first, after in true_runs(hidden):
        canvas.box(place(first - 0.5, 0)[0], top, place(after - 0.5, 0)[0], bottom, _SHADE)
    for value in ticks(0, high, 4):
        canvas.line([(inner, place(0, value)[1]), (right, place(0, value)[1])], _GRID)
        canvas.text(inner - 8, place(0, value)[1], f"{value:g}", _SOFT, 12, "rm")
    for frame in ticks(start, stop, 8):
        canvas.text(place(frame, 0)[0], bottom + 16, f"{frame:.0f}", _SOFT, 12, "ms")
    canvas.line([(inner, bottom), (right, bottom)], _FLOOR)
    canvas.text((inner + right) / 2, bottom + 34, "frame (hidden ones shaded)", _SOFT, 12, "ms")
    for name in reversed(lines):  # the network on top
        shown = [place(frame, float(lines[name][frame])) for frame in range(start, stop + 1)]
        for pair in pairwise(shown):
            canvas.line(pair, PALETTE[name], 2.6 if name == "model" else 1.8)
