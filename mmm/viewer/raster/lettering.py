"""Names, labels and the timeline of a film."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from mmm.arrays import true_runs
from mmm.viewer.palette import THEMES, Colour, look_colour, mix, rgb
from mmm.viewer.panels import waveform_peaks
from mmm.viewer.scene import Performer, Scene

Array = np.ndarray

_FINE = 3  # supersampling of marks, for soft edges


class Lettering:
    """Draws names, chips and the timeline of one film.

    Attributes:
        page: the picture without its panels.
        corner: radius of the panels' corners, pixels.
    """

    def __init__(
        self, scene: Scene, size: tuple[int, int], theme: str, groups: Sequence[Sequence[Performer]]
    ) -> None:
        self.scene, self.size, self.theme, self.groups = scene, size, theme, groups
        # Sizes below are in pixels of a film of 720 lines, and scaled for others.
        self.unit = size[1] / 720
        self.colours = {name: rgb(colour) for name, colour in THEMES[theme].items()}
        self.muted = mix(self.colours["text"], self.colours["background"], 0.42)
        self.corner = round(14 * self.unit)
        self.margin = round(16 * self.unit)
        self.strip = (
            self.margin,
            size[1] - round(76 * self.unit),
            size[0] - self.margin,
            size[1] - round(34 * self.unit),
        )
        self.page = self._page()
        self._chips: dict[tuple[str, Colour], Array] = {}
        # Rendering text is slow. Names are drawn once, chips when first needed.
        self._names = [self._name_row(group) for group in groups]

    def panel_box(self, number: int, count: int) -> tuple[int, int, int, int]:
        """Left, top, width and height of a panel."""
        gap = round(12 * self.unit)
        width = (self.size[0] - 2 * self.margin - gap * (count - 1)) // count
        top = self.margin
        return self.margin + number * (width + gap), top, width, self.strip[1] - gap - top

    def letter(self, picture: UInt8[Array, "h w 4"], shown: int, time: float) -> None:
        """Draw names, chips, playhead and clock onto a picture with painted panels."""
        for number, (group, (row, ends)) in enumerate(zip(self.groups, self._names, strict=True)):
            left, top, _, _ = self.panel_box(number, len(self.groups))
            x, y = left + round(14 * self.unit), top + round(10 * self.unit)
            _lay(picture, row, x, y)
            for performer, end in zip(group, ends, strict=True):
                if text := self._state(performer, shown):
                    _lay(picture, self._chip(text, performer), x + end, y)
        x0, y0, x1, y1 = self.strip
        # The middle of the frame's column, as in the viewer's timeline.
        x = round(x0 + (x1 - x0) * (time + 0.5) / len(self.scene))
        half = max(1, round(1 * self.unit))
        picture[y0 - round(3 * self.unit) : y1 + round(3 * self.unit), x - half : x + half, :3] = (
            self.colours["text"]
        )
        clock = self._text(_clock(time / self.scene.fps), 16, self.colours["text"])
        count = self._text(f"frame {shown} / {len(self.scene)}", 14, self.muted)
        below = y1 + round(6 * self.unit)
        _lay(picture, clock, x0, below)
        _lay(
            picture,
            count,
            x0 + clock.shape[1] + round(10 * self.unit),
            below + round(1 * self.unit),
        )

    def _state(self, performer: Performer, shown: int) -> str:
        hidden = self.scene.hidden if performer.hidden is None else performer.hidden
        if performer.role == "truth":
            return "" if self.scene.is_recorded(shown) else "not recorded"
        if hidden is None:
            return ""
        if self.scene.prefix_frames:
            return "seed" if shown < self.scene.prefix_frames else "generated"
        count, joints = int(hidden[shown].sum()), hidden.shape[1]
        some = f"{count} of {joints} joints hidden"
        return "frame known" if not count else "frame hidden" if count == joints else some

    def _page(self) -> Image.Image:
        picture = Image.new("RGBA", self.size, (*self.colours["background"], 255))
        x0, y0, x1, y1 = self.strip
        wide, tall = (x1 - x0) * _FINE, (y1 - y0) * _FINE
        strip = Image.new("RGBA", (wide, tall), (*self.colours["surface"], 255))
        draw = ImageDraw.Draw(strip)
        hidden = self.scene.hidden
        mark = mix(self.colours["surface"], self.colours["primary"], 0.26)
        flags = hidden.any(axis=1) if hidden is not None else np.zeros(len(self.scene), dtype=bool)
        for a, b in true_runs(np.asarray(flags)):
            left = wide * a / len(self.scene)
            # One hidden frame of a long clip stays visible.
            right = max(wide * b / len(self.scene) - 1, left + 1)
            draw.rectangle((left, 0, right, tall), fill=(*mark, 255))
            draw.rectangle(
                (left, 0, right, 3 * _FINE * self.unit), fill=(*self.colours["primary"], 255)
            )
        bars = max(1, (x1 - x0) // 3)  # a bar and a gap take three pixels
        for n, loud in enumerate(self._loudness(bars)):
            half = tall * (0.04 + 0.38 * loud)
            x, middle = wide * (n + 0.5) / bars, tall * 0.54
            draw.line(
                (x, middle - half, x, middle + half),
                fill=(*self.muted, 255),
                width=round(1.6 * _FINE),
            )
        mask = Image.new("L", strip.size)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, wide - 1, tall - 1), 6 * _FINE * self.unit, fill=255
        )
        picture.paste(strip.reduce(_FINE), (x0, y0), mask.reduce(_FINE))
        title = self._text(self.scene.title[:90], 14, self.muted)
        _lay_image(picture, title, x1 - title.shape[1], y1 + round(7 * self.unit))
        return picture

    def _loudness(self, count: int) -> Array:
        """Bars of the timeline, 0 to 1: the music's loudness, or the speed of the first body."""
        audio = self.scene.music.audio if self.scene.music else None
        if audio is not None:
            line = waveform_peaks(audio.samples.mean(axis=1), count) / 255
        else:
            positions = self.scene.performers[0].motion.positions()
            speed = np.linalg.norm(np.diff(positions, axis=0, prepend=positions[:1]), axis=2).mean(
                axis=1
            )
            # The percentile: one jump in the data would make all other bars vanish.
            line = speed / max(float(np.percentile(speed, 99)), 1e-9)
        return np.clip(
            np.interp(np.linspace(0, len(line) - 1, count), np.arange(len(line)), line), 0, 1
        )

    def _name_row(self, group: Sequence[Performer]) -> tuple[Array, list[int]]:
        """A dot and a name for each body, and the position of each chip, pixels."""
        pieces, ends, x = [], [], 0
        for performer in group:
            text = self._text(performer.name[:40], 17, self.colours["text"])
            pieces.append((x, self._dot(self._colour(performer)), text))
            x += round(18 * self.unit) + text.shape[1] + round(10 * self.unit)
            ends.append(x)
            has_chip = (
                self.scene.recorded is not None
                if performer.role == "truth"
                else self.scene.hidden is not None
            )
            # Room for the longest chip, so that names do not move when a chip changes.
            x += round(150 * self.unit) if has_chip else 0
            x += round(8 * self.unit)
        row = np.zeros((round(26 * self.unit), max(x, 1), 4), dtype=np.uint8)
        for left, dot, text in pieces:
            _over(row, dot, left, (row.shape[0] - dot.shape[0]) // 2)
            _over(row, text, left + round(18 * self.unit), (row.shape[0] - text.shape[0]) // 2)
        return row, ends

    def _colour(self, performer: Performer) -> Colour:
        return look_colour(performer.name, performer.role, self.theme, performer.look)

    def _dot(self, colour: Colour) -> Array:
        size = round(11 * self.unit)
        big = Image.new("RGBA", (size * 4, size * 4), (*colour, 0))
        ImageDraw.Draw(big).ellipse((0, 0, size * 4 - 1, size * 4 - 1), fill=(*colour, 255))
        return np.asarray(big.resize((size, size), Image.Resampling.BOX))

    def _chip(self, text: str, performer: Performer) -> Array:
        # Chips of recovered and generated frames have the method's colour, others are muted.
        ink = (
            self.muted
            if text in ("frame known", "seed", "not recorded")
            else self._colour(performer)
        )
        if (text, ink) not in self._chips:
            letters = self._text(text, 13, ink)
            height, width = round(24 * self.unit), letters.shape[1] + round(20 * self.unit)
            big = Image.new("RGBA", (width * _FINE, height * _FINE))
            ImageDraw.Draw(big).rounded_rectangle(
                (1, 1, width * _FINE - 2, height * _FINE - 2),
                height * _FINE / 2,
                fill=(*self.colours["background"], 190),
                outline=(*ink, 150),
                width=_FINE,
            )
            chip = np.array(big.reduce(_FINE))
            _over(chip, letters, round(10 * self.unit), (height - letters.shape[0]) // 2)
            self._chips[text, ink] = chip
        return self._chips[text, ink]

    def _text(self, text: str, size: int, colour: Colour) -> UInt8[Array, "h w 4"]:
        """A line of text on a transparent ground."""
        # Servers may have no typeface but Pillow's own, which is not legible below 8 pixels.
        font = ImageFont.load_default(max(8.0, size * self.unit))
        left, _, right, _ = font.getbbox(text or " ")
        # The typeface's height, not the text's: lines with and without descenders then align.
        above, below = font.getmetrics() if isinstance(font, ImageFont.FreeTypeFont) else (10, 4)
        picture = Image.new(
            "RGBA", (int(np.ceil(right - min(left, 0))) + 2, above + below), (*colour, 0)
        )
        ImageDraw.Draw(picture).text((-min(left, 0), 0), text, font=font, fill=(*colour, 255))
        return np.asarray(picture)


def _clock(seconds: float) -> str:
    # Rounded down as on a clock, with a tolerance for 0.29 * 100 = 28.999...
    hundredths = int(seconds * 100 + 1e-6)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _lay(picture: UInt8[Array, "h w 4"], patch: UInt8[Array, "a b 4"], x: int, y: int) -> None:
    """Composite a patch onto an opaque picture, in place; parts beyond the border are cut."""
    patch = patch[: max(0, picture.shape[0] - y), : max(0, picture.shape[1] - x)]
    part = picture[y : y + patch.shape[0], x : x + patch.shape[1], :3]
    # uint16 holds 255 * 255. Adding 127 rounds the division.
    alpha = patch[..., 3:].astype(np.uint16)
    part[:] = (part * (255 - alpha) + patch[..., :3] * alpha + 127) // 255


def _over(under: UInt8[Array, "h w 4"], patch: UInt8[Array, "a b 4"], x: int, y: int) -> None:
    """Composite a patch onto a picture with transparency, in place."""
    below = Image.fromarray(under)
    below.alpha_composite(Image.fromarray(np.ascontiguousarray(patch)), (x, max(0, y)))
    under[:] = np.asarray(below)


def _lay_image(picture: Image.Image, patch: UInt8[Array, "h w 4"], x: int, y: int) -> None:
    picture.alpha_composite(Image.fromarray(np.ascontiguousarray(patch)), (x, y))
