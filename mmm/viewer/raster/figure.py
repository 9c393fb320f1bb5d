"""One body as it is painted: its volumes, their positions over time, their colours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mmm.viewer.bones import UNDRAWN
from mmm.viewer.panels import ViewerPanel
from mmm.viewer.raster.painting import SHADES, TINTS, Brush, Looks, across

Array = np.ndarray

_HEAD_LONG_M, _HEAD_WIDE_M = 0.132, 0.094  # half axes of an adult's head, as in renderer_canvas.js
_ROUND = 0.86  # trunks are flatter than cylinders, limbs are not

PITCH, YAW = 0.16, 0.42
"""The viewer's camera, radians: downward pitch, and yaw from the body's facing direction."""


def camera_axes(yaw: float, pitch: float = PITCH) -> Float[Array, "3 3"]:
    """The axes of a camera (right, up, forward as rows).

    Args:
        yaw: the direction from which it looks, radians about Y, 0 for +Z.
        pitch: downward pitch, radians.
    """
    cp, sp, cy, sy = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    return np.array(
        [[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [-sy * cp, -sp, -cy * cp]], dtype=np.float32
    )


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera: position, axes as rows (right, up, forward), focal length and principal
    point in pixels."""

    eye: Float[Array, "3"]
    axes: Float[Array, "3 3"]
    focal: float
    middle: tuple[float, float]

    def project(self, points: Float[Array, "n 3"]) -> Float[Array, "n 4"]:
        """Screen x and y (down) in pixels, depth in metres, and pixels per metre at that depth."""
        seen = (points - self.eye) @ self.axes.T
        # A point behind the camera would change sides. 5 cm ahead it is only very large.
        depth = np.maximum(seen[:, 2], 0.05)
        scale = self.focal / depth
        x, y = self.middle
        return np.stack([x + scale * seen[:, 0], y - scale * seen[:, 1], depth, scale], axis=1)


@dataclass(frozen=True)
class _Part:
    kind: str
    points: tuple[int, ...]
    owner: int
    """The joint whose rotation moves the part. Its mask colours the part."""
    axis: tuple[int, int]


class Figure:
    """A panel's body, drawn like ``body.js`` and ``renderer_canvas.js`` do."""

    def __init__(self, panel: ViewerPanel, hidden: Bool[Array, "T J"] | None, looks: Looks) -> None:
        joints, tips = len(panel.parents), len(panel.tip_parents)
        self.name, self.role, self.looks = panel.name, panel.role, looks
        self.track = np.concatenate([panel.positions, panel.tips], axis=1).astype(np.float32)
        # The truth keeps its one neutral colour.
        self.hidden = hidden if panel.role != "truth" else None
        parents = (*panel.parents, *panel.tip_parents)
        radii = panel.radii if panel.radii is not None else np.full(joints, 0.045, dtype=np.float32)
        # Tips are thinner than the joint that they end. 12 mm keeps finger tips visible.
        self.radii = np.array(
            [
                radii[p] if p < joints else max(0.012, radii[parents[p]] * 0.7)
                for p in range(joints + tips)
            ]
        )
        self.parts = _parts(panel, parents, joints)
        # As arrays, so that one call shades all parts of a picture.
        self._axes = np.array([part.axis for part in self.parts])
        self._round = np.array([_ROUND if part.kind == "hull" else 1.0 for part in self.parts])
        self._owners = np.array([part.owner for part in self.parts])

    def pose(self, time: float) -> Float[Array, "P 3"]:
        """World positions of joints and tips, metres, interpolated at a time in frames."""
        # Times are products of frame rates, and may be slightly below the intended frame.
        frame = min(max(int(time + 1e-6), 0), len(self.track) - 1)
        rest = min(max(time - frame, 0.0), 1.0)
        # On a frame, its own positions are returned without a copy.
        if rest < 1e-4 or frame + 1 >= len(self.track):
            return self.track[frame]
        return np.asarray(
            self.track[frame] + (self.track[frame + 1] - self.track[frame]) * np.float32(rest)
        )

    def paint(
        self, brush: Brush, view: View, pose: Float[Array, "P 3"], tint: Float[Array, "J"]
    ) -> None:
        """Paint the body, back to front."""
        screen = view.project(pose).astype(np.float64)
        # Painter's algorithm: parts far away first. The head wins ties against the neck by 3 cm.
        depths = [
            screen[list(part.points), 2].mean() - (0.03 if part.kind == "head" else 0)
            for part in self.parts
        ]
        along = (pose[self._axes[:, 1]] - pose[self._axes[:, 0]]) @ view.axes.T
        along[:, 2] *= -1  # towards the viewer
        light = (across(along, self._round) * (SHADES - 1)).astype(np.int32)
        rows = np.round(tint[self._owners] * (TINTS - 1)).astype(int)
        for p in np.argsort(depths)[::-1].tolist():
            part, row = self.parts[p], self.looks.shades[rows[p]]
            # Edges are 5.5 mm wide in the world, within limits that keep them visible and thin.
            ink = (
                self.looks.edges[rows[p]],
                self.looks.edge_alpha,
                float(np.clip(screen[part.points[0], 3] * 0.0055, 0.5, 1.75)),
            )
            if part.kind == "hull":
                circles = np.stack(
                    [
                        screen[list(part.points), 0],
                        screen[list(part.points), 1],
                        self.radii[list(part.points)] * screen[list(part.points), 3],
                    ],
                    axis=1,
                )
                a, b = part.axis
                brush.hull(circles, (screen[a, :2], screen[b, :2]), row[light[p]], *ink)
            elif part.kind == "head":
                self._head(brush, part, pose, screen, row, ink)
            else:
                self._limb(brush, part, screen, row, light[p], ink)

    def _limb(
        self,
        brush: Brush,
        part: _Part,
        screen: Array,
        row: Array,
        light: Array,
        ink: tuple[Array, float, float],
    ) -> None:
        a, b = part.points[0], part.points[-1]
        ra, rb = (float(self.radii[p] * screen[p, 3]) for p in (a, b))
        # A limb that points at the camera has no direction on the screen. It is drawn as a ball.
        if part.kind == "ball" or not brush.limb(
            screen[a, :2], screen[b, :2], ra, rb, row[light], *ink
        ):
            big = a if ra > rb else b
            brush.ball(screen[big, :2], max(ra, rb), max(ra, rb), 0.0, row, *ink)

    def _head(
        self,
        brush: Brush,
        part: _Part,
        pose: Array,
        screen: Array,
        row: Array,
        ink: tuple[Array, float, float],
    ) -> None:
        a, b = part.points[0], part.points[-1]
        scale = float(screen[a, 3])
        # Without a crown the head's direction is unknown: a ball above its joint.
        if a == b:
            brush.ball(
                screen[a, :2] - [0, 0.6 * _HEAD_WIDE_M * scale],
                _HEAD_WIDE_M * scale,
                _HEAD_WIDE_M * scale,
                0.0,
                row,
                *ink,
            )
            return
        dx, dy = screen[b, :2] - screen[a, :2]
        true_m = float(np.linalg.norm(pose[b] - pose[a]))
        # 0.19 m from the skull's base to the crown is usual. Limits keep odd rigs in proportion.
        size = float(np.clip(true_m / 0.19, 0.7, 1.25))
        # Foreshortening of the head's axis: 1 seen from the side, 0 from above.
        seen = float(np.clip(np.hypot(dx, dy) / max(true_m * scale, 1e-6), 0, 1))
        # The outline of an ellipsoid seen under that angle.
        tall = (
            float(np.hypot(_HEAD_LONG_M * seen, _HEAD_WIDE_M * np.sqrt(1 - seen * seen)))
            * scale
            * size
        )
        # The centre lies a little below the middle: the chin reaches below the skull's base.
        brush.ball(
            screen[a, :2] + np.array([dx, dy]) * 0.42,
            _HEAD_WIDE_M * scale * size,
            tall,
            float(np.arctan2(dy, dx) + np.pi / 2),
            row,
            *ink,
        )


def _parts(panel: ViewerPanel, parents: tuple[int, ...], joints: int) -> list[_Part]:
    parts = []
    starts = panel.starts or parents
    for hull in panel.hulls:
        owner = hull[0]
        # The hips' volume begins the body, so no bone leads to it.
        axis = (owner, hull[-1]) if starts[owner] < 0 else (starts[owner], owner)
        parts.append(_Part("hull", hull, owner, axis))
    for p, parent in enumerate(starts):
        # Bones inside a rounded volume would show through its edge.
        together = p < joints and any(p in hull and parent in hull for hull in panel.hulls)
        crown = panel.crown >= 0 and p == joints + panel.crown
        if parent >= 0 and not together and not crown:
            parts.append(_Part("limb", (parent, p), parent, (parent, p)))
    if panel.head >= 0:
        top = (joints + panel.crown,) if panel.crown >= 0 else ()
        parts.append(
            _Part("head", (panel.head, *top), panel.head, (panel.head, *(top or (panel.head,))))
        )
    # Ends of chains without a tip, such as a hand without fingers, are rounded off.
    inner = set(starts).union(*panel.hulls)
    inner |= {
        panel.parents[j] for j in inner if 0 <= j < joints
    }  # of bones that begin at one place
    parts += [
        _Part("ball", (j,), j, (j, j))
        for j in range(joints)
        if starts[j] != UNDRAWN and j not in inner and j != panel.head
    ]
    return parts
