"""A small canvas on Pillow: lines, boxes, dots and text with smooth edges."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Array = np.ndarray
Colour = tuple[int, int, int]

INK: Colour = (31, 41, 55)
"""Colour of text."""
_WHITE: Colour = (255, 255, 255)
_FINE = 2
"""Everything is drawn larger by this factor and then shrunk, for smooth edges."""


class Canvas:
    """Pillow's drawing with coordinates in the final picture's pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.image = Image.new("RGB", (width * _FINE, height * _FINE), _WHITE)
        self.draw = ImageDraw.Draw(self.image)

    def line(
        self, points: Sequence[tuple[float, float]], colour: Colour, width: float = 1.0
    ) -> None:
        """Draw connected lines; ``width`` in pixels of the final picture."""
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self.draw.line(fine, fill=colour, width=max(round(width * _FINE), 1), joint="curve")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.draw.rectangle([left * _FINE, top * _FINE, right * _FINE, bottom * _FINE], fill=colour)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.draw.ellipse(
            [
                (x - radius) * _FINE,
                (y - radius) * _FINE,
                (x + radius) * _FINE,
                (y + radius) * _FINE,
            ],
            fill=colour,
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: Colour = INK,
        size: int = 14,
        anchor: str = "ls",
    ) -> float:
        """Write a text; returns its width."""
        # Pillow brings this font along, so that pictures are alike on all machines.
        font = ImageFont.load_default(size * _FINE)
        self.draw.text((x * _FINE, y * _FINE), text, fill=colour, font=font, anchor=anchor)
        return float(self.draw.textlength(text, font=font)) / _FINE

    def pixels(self) -> UInt8[Array, "H W 3"]:
        """The picture, shrunk to its final size."""
        return np.asarray(self.image.resize(self.size, Image.Resampling.LANCZOS))
