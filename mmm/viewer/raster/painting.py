"""Paints the volumes of bodies with numpy: tapered limbs, rounded trunks, heads.

The look is that of the canvas (``renderer_canvas.js``, ``shading.js``): volumes are painted back to
front, lit from one side, and separated by a thin dark edge. A picture is (height, width) uint32,
with the bytes R, G, B, 255 in memory.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt32
from PIL import Image, ImageDraw

from mmm.viewer.palette import Colour, mix

Array = np.ndarray

LIGHT = np.array([-0.46, 0.72, 0.52], dtype=np.float32)
"""Direction of the light in the camera's frame (right, up, towards the camera)."""
# Steps from shadow to highlight, from neutral to own colour, and across a volume; enough that no
# bands show.
SHADES, TINTS, ACROSS = 64, 8, 64
_FINER = 3  # supersampling of trunks' masks, for soft edges


def packed(colours: Float[Array, "*b 3"]) -> UInt32[Array, "*b"]:
    """Colours 0..255 in the layout of a picture."""
    r, g, b = np.moveaxis(np.clip(np.round(colours), 0, 255).astype(np.uint32), -1, 0)
    # The order of bytes on little-endian machines, which is what Pillow reads as RGBA.
    return np.asarray(r | g << 8 | b << 16 | np.uint32(255 << 24), dtype=np.uint32)


@dataclass(frozen=True, eq=False)
class Looks:
    """The colours of one body: from shadow to highlight, from neutral to its own colour."""

    shades: UInt32[Array, "tints shades"]
    edges: Float[Array, "tints 3"]
    edge_alpha: float

    @classmethod
    def of(cls, neutral: Colour, accent: Colour, dark: bool) -> "Looks":
        """The same table as in ``shading.js``."""
        shades, edges = np.empty((TINTS, SHADES, 3)), np.empty((TINTS, 3))
        for tint in range(TINTS):
            base = np.array(mix(neutral, accent, tint / (TINTS - 1)), dtype=float)
            low = base + (np.array([10, 14, 26] if dark else [38, 44, 66]) - base) * (
                0.74 if dark else 0.62
            )
            high = base + (255 - base) * (0.5 if dark else 0.66)
            light = np.linspace(0, 1, SHADES)[:, None]
            shades[tint] = np.where(
                light < 0.56,
                low + (base - low) * light / 0.56,
                base + (high - base) * (light - 0.56) / 0.44,
            )
            edges[tint] = low * 0.65
        return cls(packed(shades), edges, 0.6 if dark else 0.4)


def lit(nx: Array, ny: Array, nz: Array) -> Array:
    """Brightness of a surface by its normal in the camera's frame, 0 to 1."""
    diffuse = np.maximum(nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2], 0)
    # A rim light, like Schlick's approximation of the Fresnel term (which has the power 5).
    rim = (1 - np.maximum(nz, 0)) ** 3
    # Ambient, Lambert's diffuse, light from the sky, and the rim.
    return np.clip(0.27 + 0.57 * diffuse + 0.13 * (ny * 0.5 + 0.5) + 0.13 * rim, 0, 1)


def across(axes: Float[Array, "p 3"], roundness: Float[Array, "p"]) -> Float[Array, "p across"]:
    """Brightness across volumes, from the left edge to the right one.

    Args:
        axes: directions of the volumes' axes in the camera's frame (right, up, towards the camera).
        roundness: 1 for a cylinder, less for something flatter.
    """
    length = np.maximum(np.linalg.norm(axes, axis=1), 1e-6)
    sx, sy, tilt = axes[:, 0], axes[:, 1], axes[:, 2] / length
    flat = np.maximum(np.hypot(sx, sy), 1e-6)
    facing = np.sqrt(np.maximum(0, 1 - tilt * tilt))
    px, py, qx, qy = sy / flat, -sx / flat, -sx / flat * tilt, -sy / flat * tilt
    s = np.linspace(-1, 1, ACROSS)[None] * roundness[:, None]
    c = np.sqrt(np.maximum(0, 1 - s * s))
    return lit(
        s * px[:, None] + c * qx[:, None], s * py[:, None] + c * qy[:, None], c * facing[:, None]
    )


class Brush:
    """Paints volumes into one part of a picture. Coordinates are relative to it, y down.

    ``shade`` arguments are colours from the left edge to the right one (:func:`across` through a
    :class:`Looks`).
    """

    def __init__(self, picture: UInt32[Array, "h w"]) -> None:
        self.picture = picture
        self.height, self.width = picture.shape
        # Centres of pixels, in float32 to halve the size of all arrays computed from them.
        self._columns = np.arange(self.width, dtype=np.float32) + 0.5
        self._rows = np.arange(self.height, dtype=np.float32)[:, None] + 0.5

    def _box(
        self, low_x: float, high_x: float, low_y: float, high_y: float
    ) -> tuple[slice, slice] | None:
        x0, x1 = max(int(low_x), 0), min(int(high_x) + 2, self.width)
        y0, y1 = max(int(low_y), 0), min(int(high_y) + 2, self.height)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None

    def limb(
        self,
        a: Array,
        b: Array,
        ra: float,
        rb: float,
        shade: UInt32[Array, "across"],
        edge: Array,
        alpha: float,
        line: float,
    ) -> bool:
        """Paint a tapered capsule between two points (x, y).

        Returns:
            False, with nothing painted, if the capsule is seen along its axis.
        """
        (ax, ay), (bx, by) = a.tolist(), b.tolist()
        length = float(np.hypot(bx - ax, by - ay))
        # One end covers the other: without common tangents there are no sides to draw.
        if length <= abs(ra - rb) + 0.5:
            return False
        reach = line + 1
        box = self._box(
            min(ax - ra, bx - rb) - reach,
            max(ax + ra, bx + rb) + reach,
            min(ay - ra, by - rb) - reach,
            max(ay + ra, by + rb) + reach,
        )
        if box is None:
            return True
        ux, uy = (bx - ax) / length, (by - ay) / length
        # Pixels in the capsule's frame: along its axis, and to the side of it.
        x, y = self._columns[box[1]] - np.float32(ax), self._rows[box[0]] - np.float32(ay)
        side = y * np.float32(ux) - x * np.float32(uy)
        along = y * np.float32(uy) + x * np.float32(ux)
        lean = (ra - rb) / length
        # Position of the nearest circle of the capsule: 0 at a, 1 at b. Computed in place, for
        # speed.
        place = np.abs(side)
        place *= np.float32(-lean / np.sqrt(1 - lean * lean) / length)
        place += along * np.float32(1 / length)
        np.clip(place, 0, 1, out=place)
        along -= place * np.float32(length)
        along *= along
        place *= np.float32(rb - ra)
        place += np.float32(ra)  # now the radius of that circle
        outside = np.sqrt(side * side + along)
        outside -= place
        side /= place
        side *= np.float32(ACROSS / 2)
        side += np.float32(ACROSS / 2)
        self._fill(box, outside, shade.take(side.astype(np.int32), mode="clip"), edge, alpha, line)
        return True

    def ball(
        self,
        centre: Array,
        rx: float,
        ry: float,
        turn: float,
        row: UInt32[Array, "shades"],
        edge: Array,
        alpha: float,
        line: float,
    ) -> None:
        """Paint an ellipse that is lit like a ball; ``turn`` (radians) rotates its axes."""
        (x0, y0), most = centre.tolist(), max(rx, ry) + line + 1
        box = self._box(x0 - most, x0 + most, y0 - most, y0 + most)
        if box is None:
            return
        c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        dx, dy = self._columns[box[1]] - np.float32(x0), self._rows[box[0]] - np.float32(y0)
        u, v = (dx * c + dy * s) / np.float32(rx), (dy * c - dx * s) / np.float32(ry)
        q = u * u + v * v  # 1 on the outline
        nz = np.sqrt(np.maximum(1 - q, 0))
        light = lit(u * c - v * s, -(u * s + v * c), nz)
        shade = row.take((light * (SHADES - 1)).astype(np.int32), mode="clip")
        self._fill(box, (np.sqrt(q) - 1) * np.float32(min(rx, ry)), shade, edge, alpha, line)

    def hull(
        self,
        circles: Float[Array, "n 3"],
        axis: tuple[Array, Array],
        shade: UInt32[Array, "across"],
        edge: Array,
        alpha: float,
        line: float,
    ) -> None:
        """Paint the rounded convex hull of circles (x, y, radius), lit across an axis."""
        outline = rounded_hull(circles)
        (low_x, low_y), (high_x, high_y) = (
            outline.min(axis=0).tolist(),
            outline.max(axis=0).tolist(),
        )
        box = self._box(low_x - line - 1, high_x + line + 1, low_y - line - 1, high_y + line + 1)
        if box is None:
            return
        direction = axis[1] - axis[0]
        direction = direction / max(float(np.hypot(*direction)), 1e-6)
        normal = np.array([-direction[1], direction[0]], dtype=np.float32)
        reach = outline @ normal
        low, high = float(reach.min()), float(reach.max())
        place = self._rows[box[0]] * normal[1] + self._columns[box[1]] * normal[0]
        index = ((place - np.float32(low)) * np.float32(ACROSS / max(high - low, 1e-6))).astype(
            np.int32
        )
        wider, cover = self._masks(box, outline, line)
        # Convert coverage to a signed distance, which is 0 at the outline and grows outwards.
        outside = (
            np.float32(0.5) - cover * np.float32(1 / 255) + (255 - wider) * np.float32(line / 255)
        )
        outside[wider == 0] = 1e3  # beyond the edge the mask gives no distance
        self._fill(box, outside, shade.take(index, mode="clip"), edge, alpha, line)

    def _masks(
        self, box: tuple[slice, slice], outline: Float[Array, "n 2"], line: float
    ) -> tuple[Array, Array]:
        """Coverage of pixels by the outline with its edge, and by the outline alone, 0 to 255."""
        rows, columns = box
        picture = Image.new(
            "L", ((columns.stop - columns.start) * _FINER, (rows.stop - rows.start) * _FINER)
        )
        moved = ((outline - [columns.start, rows.start]) * _FINER).ravel().tolist()
        draw = ImageDraw.Draw(picture)
        draw.polygon(moved, fill=255)
        cover = np.asarray(picture.reduce(_FINER))
        draw.line(
            [*moved, *moved[:4]], fill=255, width=max(1, round(2 * line * _FINER)), joint="curve"
        )
        return np.asarray(picture.reduce(_FINER)), cover

    def _fill(
        self,
        box: tuple[slice, slice],
        outside: Array,
        shade: Array,
        edge: Array,
        alpha: float,
        line: float,
    ) -> None:
        """Paint where the signed distance ``outside`` is negative, with a soft edge; pixels."""
        part = self.picture[box]
        # Most pixels are inside and need no blending. Only a thin ring is mixed below.
        np.copyto(part, shade, where=outside <= -0.5)
        near = np.nonzero((outside > -0.5) & (outside < line + 0.5))
        if not len(near[0]):
            return
        distance = outside[near]
        cover = np.clip(0.5 - distance, 0, 1)[:, None]
        stroke = np.clip(line + 0.5 - distance, 0, 1)[:, None] * alpha
        under = part[near].view(np.uint8).reshape(-1, 4)[:, :3].astype(np.float32)
        over = shade[near].view(np.uint8).reshape(-1, 4)[:, :3].astype(np.float32)
        under += (edge.astype(np.float32) - under) * stroke
        part[near] = packed(under + (over - under) * cover)


def rounded_hull(circles: Float[Array, "n 3"], corners: int = 12) -> Float[Array, "m 2"]:
    """The convex outline of circles given as x, y, radius (Andrew's monotone chain)."""
    angles = np.arange(corners) * (2 * np.pi / corners)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    dots = sorted(
        map(
            tuple,
            (circles[:, None, :2] + ring[None] * circles[:, None, 2:]).reshape(-1, 2).tolist(),
        )
    )

    def half(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        line: list[tuple[float, ...]] = []
        for p in points:
            # A right turn, or none, means that the last point is not on the hull.
            while (
                len(line) > 1
                and (
                    (line[-1][0] - line[-2][0]) * (p[1] - line[-2][1])
                    - (line[-1][1] - line[-2][1]) * (p[0] - line[-2][0])
                )
                <= 0
            ):
                line.pop()
            line.append(p)
        return line[:-1]

    return np.array(half(dots) + half(dots[::-1]))
