"""The background of a film's panel: a lit surface, the floor's grid, shadows.

The camera follows its body without rotating. Only the grid's phase and the shadows change from
picture to picture, so everything else is painted once.
"""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from mmm.viewer.palette import THEMES, Colour, mix, rgb
from mmm.viewer.raster.figure import Figure, View

Array = np.ndarray

_STEP_M, _REACH_M = 0.5, 3.4  # spacing of the grid's lines, and its radius around the body
# Metres that a shadow moves in x and z per metre of height.
_SLANT = np.array([0.16, 0.1], dtype=np.float32)
_NEAR_M = 0.4  # lines are cut at this distance from the camera
_SOFT = 4  # shadows are drawn this many times smaller, then enlarged


class Ground:
    """The background of one panel.

    Args:
        size: width and height of the panel, pixels.
        view: the camera, for a body at the origin.
        floor_m: height of the floor, metres.
        theme: ``"light"`` or ``"dark"``.
        corner: radius of the panel's corners, pixels.
    """

    def __init__(
        self, size: tuple[int, int], view: View, floor_m: float, theme: str, corner: int
    ) -> None:
        self.size, self.floor_m, self.dark = size, floor_m, theme == "dark"
        colours = {name: rgb(colour) for name, colour in THEMES[theme].items()}
        self.ink, self.dusk = colours["text"], (0, 0, 0) if self.dark else (24, 28, 48)
        self.base = self._surface(colours, view, corner)
        self.fade = self._fade(view)

    def _surface(self, colours: dict[str, Colour], view: View, corner: int) -> Image.Image:
        width, height = self.size
        top = mix(colours["background"], colours["surface"], 0.55)
        bottom = mix(colours["text"], colours["surface"], 0.88)
        down = np.linspace(0, 1, height)[:, None]
        stops = np.array([top, colours["surface"], bottom], dtype=float)
        rows = np.where(
            down < 0.62,
            stops[0] + (stops[1] - stops[0]) * down / 0.62,
            stops[1] + (stops[2] - stops[1]) * (down - 0.62) / 0.68,
        )
        picture = np.tile(rows[:, None], (1, width, 1))
        foot = view.project(np.array([[0, self.floor_m, 0]]))[0]
        reach = _REACH_M * 0.8 * foot[3]
        # A circle on the floor looks flattened by the sine of the camera's pitch.
        flat = max(0.04, abs(float(view.axes[2, 1])))
        x, y = np.arange(width) - foot[0], (np.arange(height) - foot[1]) / flat
        pool = np.clip(1 - np.hypot(x[None], y[:, None]) / reach, 0, 1)[..., None] * (
            0.075 if self.dark else 0.85
        )
        picture += (255 - picture) * pool
        # Dithering avoids bands in the soft light.
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1))
        solid = Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8))
        outside = Image.new("RGB", self.size, colours["background"])
        # Drawn four times as large and then reduced, because Pillow does not smooth corners.
        mask = Image.new("L", (width * 4, height * 4))
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, width * 4 - 1, height * 4 - 1), corner * 4, fill=255
        )
        self.inside = mask.reduce(4)
        outside.paste(solid, mask=self.inside)
        return outside.convert("RGBA")

    def _fade(self, view: View) -> Image.Image:
        """The strength of the grid at each pixel; it fades with the distance from the body."""
        width, height = self.size
        right = (np.arange(width) + 0.5 - view.middle[0]) / view.focal
        up = -(np.arange(height)[:, None] + 0.5 - view.middle[1]) / view.focal
        ray = right[None, :, None] * view.axes[0] + up[..., None] * view.axes[1] + view.axes[2]
        self.horizon = int(np.argmax((ray[..., 1] < 0).any(axis=1)))
        # Rays above the horizon never meet the floor. They are kept finite here and masked below.
        falls = np.minimum(ray[..., 1], -1e-4)
        hit = view.eye + ray * ((self.floor_m - view.eye[1]) / falls)[..., None]
        away = np.hypot(hit[..., 0], hit[..., 2]) / _REACH_M
        strength = np.where((ray[..., 1] < 0) & (away < 1), 1 - away * away, 0) * (
            0.2 if self.dark else 0.17
        )
        strength[: self.horizon] = 0
        fade = ImageChops.multiply(
            Image.fromarray(np.round(strength * 255).astype(np.uint8)), self.inside
        )
        return fade.crop((0, self.horizon, width, height))

    def paint(
        self, view: View, target: Float[Array, "3"], figures: list[tuple[Figure, Array, float]]
    ) -> Image.Image:
        """The background under some figures, each with its pose and the strength of its shadow."""
        picture = self.base.copy()
        grid = ImageChops.multiply(self._grid(view, target), self.fade)
        picture.paste((*self.ink, 255), (0, self.horizon), grid)
        shadow = self._shadow(view, figures)
        if box := shadow.getbbox():  # compositing the whole panel would cost most of the time
            left, top, right, bottom = (_SOFT * edge for edge in box)
            right, bottom = min(right, self.size[0]), min(bottom, self.size[1])
            soft = (
                shadow.crop(box)
                .resize(
                    (_SOFT * (box[2] - box[0]), _SOFT * (box[3] - box[1])),
                    Image.Resampling.BILINEAR,
                )
                .crop((0, 0, right - left, bottom - top))
            )
            mask = ImageChops.multiply(soft, self.inside.crop((left, top, right, bottom)))
            picture.paste((*self.dusk, 255), (left, top), mask)
        return picture

    def _grid(self, view: View, target: Float[Array, "3"]) -> Image.Image:
        """The lines of the grid, from the horizon down."""
        width, height = self.size
        lines = Image.new("L", (width * 2, (height - self.horizon) * 2))
        draw = ImageDraw.Draw(lines)
        steps = int(np.ceil(_REACH_M / _STEP_M))
        # Lines are numbered from the world's origin, so that they stay in place as the body moves.
        middle = np.round(target[[0, 2]] / _STEP_M).astype(int)
        reach, ends, numbers = _STEP_M * steps, [], []
        for axis in (0, 1):
            numbers += [int(middle[axis]) + k for k in range(-steps, steps + 1)]
            ends += [
                _line(axis, number * _STEP_M, middle[1 - axis] * _STEP_M + way, self.floor_m)
                for number in numbers[-2 * steps - 1 :]
                for way in (-reach, reach)
            ]
        points = np.array(ends, dtype=np.float32).reshape(-1, 2, 3)
        depth = (points - view.eye) @ view.axes[2]
        seen = depth.max(axis=1) > _NEAR_M
        points, depth = points[seen], depth[seen]
        numbers = [number for number, ahead in zip(numbers, seen, strict=True) if ahead]
        for a, b in ((0, 1), (1, 0)):  # clip lines that pass behind the camera
            behind = depth[:, a] < _NEAR_M
            way = depth[behind, b] - depth[behind, a]  # above zero: the other end is ahead
            share = (_NEAR_M - depth[behind, a]) / way
            points[behind, a] += (points[behind, b] - points[behind, a]) * share[:, None]
        screen = (view.project(points.reshape(-1, 3))[:, :2] - [0, self.horizon]).reshape(-1, 4) * 2
        # Every second line is faint. The strong ones are drawn last, over their crossings.
        for number, line in sorted(
            zip(numbers, screen.tolist(), strict=True), key=lambda each: -(each[0] % 2)
        ):
            draw.line(line, fill=128 if number % 2 else 255, width=2)
        return lines.reduce(2)

    def _shadow(self, view: View, figures: list[tuple[Figure, Array, float]]) -> Image.Image:
        """The shadows of the bodies, at a quarter of the size."""
        width, height = self.size
        shadow = Image.new("L", (-(-width // _SOFT), -(-height // _SOFT)))
        draw, strokes = ImageDraw.Draw(shadow), []
        for figure, pose, strength in figures:
            high = pose[:, 1] - self.floor_m
            dropped = np.stack(
                [
                    pose[:, 0] + high * _SLANT[0],
                    np.full(len(pose), self.floor_m),
                    pose[:, 2] + high * _SLANT[1],
                ],
                axis=1,
            )
            screen = view.project(dropped) / [_SOFT, _SOFT, 1, _SOFT]
            points, scales, heights = screen[:, :2].tolist(), screen[:, 3].tolist(), high.tolist()
            for part in figure.parts:
                a = part.points[0]
                for b in part.points[1:] or (a,):
                    # A shadow fades by 0.26 per metre of height, so that jumps can be seen.
                    alpha = (
                        min(max(0.5 - (heights[a] + heights[b]) / 2 * 0.26, 0.08), 0.5) * strength
                    )
                    wide = max(0.75, (figure.radii[a] + figure.radii[b]) * scales[a] * 0.95)
                    strokes.append((alpha, wide, points[a], points[b]))
        # Dark strokes last, because Pillow overwrites and overlaps should have the darkest value.
        for alpha, wide, a, b in sorted(strokes):
            shade, half = round(255 * alpha * (0.75 if self.dark else 0.55)), wide / 2
            draw.line((*a, *b), fill=shade, width=max(1, round(wide)))
            for x, y in (a, b):
                draw.ellipse((x - half, y - half * 0.8, x + half, y + half * 0.8), fill=shade)
        return shadow.filter(ImageFilter.GaussianBlur(1.3))


def _line(axis: int, across: float, along: float, floor: float) -> tuple[float, float, float]:
    return (across, floor, along) if axis == 0 else (along, floor, across)
