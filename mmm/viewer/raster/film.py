"""A scene as pictures: bodies side by side or overlaid, labels, a timeline.

They are painted with numpy and Pillow, without a display. Bodies, colours and floor look like those
of the viewer in the browser.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from mmm.errors import SpecError
from mmm.viewer.palette import NEUTRAL, look_colour
from mmm.viewer.panels import ViewerPanel
from mmm.viewer.raster.figure import YAW, Figure, View, camera_axes
from mmm.viewer.raster.ground import Ground
from mmm.viewer.raster.lettering import Lettering
from mmm.viewer.raster.painting import Brush, Looks
from mmm.viewer.scene import Scene

Array = np.ndarray
Layout = Literal["side", "overlay"]
Theme = Literal["light", "dark"]

MOST_SIDE_BY_SIDE = 4
# The camera of camera.js, so that a film looks like the viewer.
_FIELD_OF_VIEW = 0.56  # radians, about a 40 mm lens
_LOOK_AT_M = 0.87  # the height of the middle of a standing body
_DRIFT_M = 0.6  # beyond this distance from the first body, a panel's camera follows its own body
# Standard deviations by which the camera's path and the bodies' colours are smoothed, seconds.
_FOLLOW_S, _EASE_S = 0.45, 0.07
_GHOST = 0.55  # the opacity of the truth under the other bodies


@dataclass(frozen=True, eq=False)
class _Panel:
    figures: tuple[int, ...]
    ground: Ground
    left: int
    top: int
    targets: Float[Array, "T 3"]


class Film:
    """A scene that can be drawn at any time.

    Args:
        scene: up to four bodies side by side, or up to five overlaid.
        size: width and height of the picture in pixels, even numbers.
        fps: pictures per second; the scene's own if None.
        layout: ``"side"`` or ``"overlay"``.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        SpecError: the layout cannot show so many bodies, or size or rate are out of range.
    """

    def __init__(
        self,
        scene: Scene,
        size: tuple[int, int] = (1280, 720),
        fps: float | None = None,
        layout: Layout = "side",
        theme: Theme = "light",
    ) -> None:
        self.scene, self.size, self.fps = scene, size, float(fps or scene.fps)
        self.layout: Layout = layout
        self.theme: Theme = theme
        bodies = len(scene.performers)
        if layout == "side" and bodies > MOST_SIDE_BY_SIDE:
            raise SpecError(
                "layout",
                f"{bodies} bodies side by side",
                f"at most {MOST_SIDE_BY_SIDE}",
                "choose overlay",
            )
        if not (160 <= size[0] <= 3840 and 120 <= size[1] <= 2160) or size[0] % 2 or size[1] % 2:
            raise SpecError(
                "size",
                f"{size[0]} x {size[1]}",
                "even numbers, 160 x 120 to 3840 x 2160",
                "choose a size in this range",
            )
        if not 1 <= self.fps <= 240:
            raise SpecError(
                "fps",
                f"{self.fps:g}",
                "1 to 240 pictures per second",
                "choose a rate in this range",
            )
        panels = [p.panel() for p in scene.performers]
        neutral = NEUTRAL[theme]
        self.figures = [
            Figure(
                panel,
                self._hidden_of(panel),
                Looks.of(neutral, look_colour(p.name, p.role, theme, p.look), theme == "dark"),
            )
            for panel, p in zip(panels, scene.performers, strict=True)
        ]
        self.tints = [_tints(figure, self.scene.fps) for figure in self.figures]
        groups = [tuple(range(bodies))] if layout == "overlay" else [(i,) for i in range(bodies)]
        self.lettering = Lettering(
            scene, size, theme, [[scene.performers[i] for i in group] for group in groups]
        )
        # All panels look from the same side, so that bodies can be compared.
        yaw = panels[0].facing_rad + YAW
        self.panels = [self._panel(group, n, len(groups), yaw) for n, group in enumerate(groups)]
        # The parts that never change are painted once, and copied for each picture.
        self._empty = np.asarray(self.lettering.page).view(np.uint32)[..., 0]

    def __len__(self) -> int:
        return max(1, round(self.scene.duration_s * self.fps))

    @property
    def arguments(self) -> tuple[Scene, tuple[int, int], float, Layout, Theme]:
        """Arguments with which another process can make the same film; they can be pickled."""
        # Mapping proxies cannot be pickled.
        music = self.scene.music and replace(self.scene.music, without={})
        scene = replace(self.scene, errors=dict(self.scene.errors), music=music)
        return scene, self.size, self.fps, self.layout, self.theme

    def _hidden_of(self, panel: ViewerPanel) -> Bool[Array, "T J"] | None:
        hidden = self.scene.hidden if panel.hidden is None else panel.hidden
        # A body with other joints than the mask is shown in its neutral colour.
        return (
            hidden
            if hidden is not None and hidden.any() and hidden.shape[1] == len(panel.parents)
            else None
        )

    def _panel(self, group: tuple[int, ...], number: int, count: int, yaw: float) -> _Panel:
        left, top, width, height = self.lettering.panel_box(number, count)
        focal = height / 2 / np.tan(_FIELD_OF_VIEW / 2)
        # 2.42 m of height and 2.1 m of width fit a dancer with raised or stretched arms.
        distance = max(2.42 * focal / height, 2.1 * focal / width)
        axes = camera_axes(yaw)
        floor = self.scene.floor_m
        look = np.array([0, floor + _LOOK_AT_M, 0], dtype=np.float32)
        view = View(
            look - axes[2] * np.float32(distance), axes, float(focal), (width / 2, height / 2)
        )
        ground = Ground((width, height), view, floor, self.theme, self.lettering.corner)
        self._view = view
        return _Panel(group, ground, left, top, self._path(group[0]))

    def _path(self, index: int) -> Float[Array, "T 3"]:
        """The smoothed point at which a panel's camera looks in each frame.

        Panels look at the first body while their own is near it, so that bodies can be compared.
        """
        width = _FOLLOW_S * self.scene.fps
        # Horizontal only: a camera that followed jumps would hide them.
        body = self.figures[index].track[:, 0] * [1, 0, 1]
        first = self.figures[0].track[:, 0] * [1, 0, 1]
        distance = np.linalg.norm(body - first, axis=1, keepdims=True)
        goal = first + (body - first) * np.maximum(0, 1 - _DRIFT_M / np.maximum(distance, 1e-6))
        return np.asarray(gaussian_filter1d(goal, width, axis=0, mode="nearest"), dtype=np.float32)

    def frame(self, number: int) -> UInt8[Array, "h w 4"]:
        """Picture ``number`` of the film, RGBA."""
        # Time in frames. The last picture may be later than the last frame.
        time = min(number / self.fps * self.scene.fps, len(self.scene) - 1.0)
        shown = min(int(time + 1e-6), len(self.scene) - 1)
        picture = self._empty.copy()
        for panel in self.panels:
            self._paint(picture, panel, time, shown)
        self.lettering.letter(picture.view(np.uint8).reshape(*picture.shape, 4), shown, time)
        return picture.view(np.uint8).reshape(*picture.shape, 4)

    def _paint(self, picture: Array, panel: _Panel, time: float, shown: int) -> None:
        target = panel.targets[shown]
        if shown + 1 < len(panel.targets):
            target = target + (panel.targets[shown + 1] - target) * np.float32(time - shown)
        base = self._view
        view = View(
            base.eye + target,
            base.axes,
            base.focal,
            (panel.ground.size[0] / 2, panel.ground.size[1] / 2),
        )
        # Frames without a recording have no truth to draw.
        present = [
            i
            for i in panel.figures
            if self.figures[i].role != "truth" or self.scene.is_recorded(shown)
        ]
        poses = {i: self.figures[i].pose(time) for i in present}
        ghosts = [i for i in present if len(panel.figures) > 1 and self.figures[i].role == "truth"]
        ground = panel.ground.paint(
            view,
            target,
            [(self.figures[i], poses[i], 0.4 if i in ghosts else 1.0) for i in present],
        )
        width, height = panel.ground.size
        part = picture[panel.top : panel.top + height, panel.left : panel.left + width]
        part[:] = np.asarray(ground).view(np.uint32)[..., 0]
        solid = [i for i in present if i not in ghosts]
        for i in ghosts:
            self._ghost(part, i, view, poses[i], shown, _GHOST)
        for i in solid:
            self.figures[i].paint(Brush(part), view, poses[i], self.tints[i][shown])
        for i in ghosts:
            self._ghost(part, i, view, poses[i], shown, 0.1)  # faintly visible through the body

    def _ghost(
        self, part: Array, i: int, view: View, pose: Array, shown: int, alpha: float
    ) -> None:
        # The body is painted opaque and then blended, because overlaps of blended parts would show.
        layer = part.copy()
        self.figures[i].paint(Brush(layer), view, pose, self.tints[i][shown])
        columns = np.flatnonzero((layer != part).any(axis=0))
        # Only the columns that the body covers are blended, because most of a panel is empty.
        if len(columns):
            box = np.s_[:, columns[0] : columns[-1] + 1]
            under, over = (
                Image.fromarray(np.ascontiguousarray(p[box]).view(np.uint8).reshape(len(p), -1, 4))
                for p in (part, layer)
            )
            part[box] = np.asarray(Image.blend(under, over, alpha)).view(np.uint32)[..., 0]


def _tints(figure: Figure, fps: float) -> Float[Array, "T J"]:
    """The share of its body's own colour that each joint has in each frame, 0 to 1.

    Smoothing keeps dense patterns from flickering.
    """
    if figure.hidden is None:
        return np.zeros((len(figure.track), figure.track.shape[1]), dtype=np.float32)
    return np.clip(
        gaussian_filter1d(figure.hidden.astype(np.float32), _EASE_S * fps, axis=0, mode="nearest"),
        0,
        1,
    )
