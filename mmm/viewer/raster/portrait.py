"""A small picture of a motion: one typical pose on a transparent background."""

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mmm.motion.clip import Motion
from mmm.viewer.palette import NEUTRAL
from mmm.viewer.panels import panel_from_motion
from mmm.viewer.raster.figure import YAW, Figure, View, camera_axes
from mmm.viewer.raster.painting import Brush, Looks

Array = np.ndarray

SIZE = (176, 208)
"""Width and height in pixels, twice the size of a card, for high-resolution screens."""
_CANDIDATES = 48  # poses among which one is chosen
# Far from the mean pose but not the farthest, which is often a T-pose before the recording.
_RANK = 0.8
_DISTANCE_M, _MARGIN = 5.0, 0.05


def typical_frame(motion: Motion) -> int:
    """A frame whose pose is typical of the motion: far from its mean pose, but not the farthest.

    Poses are compared by world positions of joints relative to the root.
    """
    frames = np.unique(np.linspace(0, len(motion) - 1, _CANDIDATES).round().astype(int))
    positions = Motion(
        motion.skeleton, motion.rotations[frames], motion.root_m[frames], motion.fps
    ).positions()
    # Relative to the root, so that the position of the body does not matter.
    poses = positions - positions[:, :1]
    away = np.linalg.norm(poses - poses.mean(axis=0), axis=2).mean(axis=1)
    return int(frames[np.argsort(away, kind="stable")[int(_RANK * (len(frames) - 1))]])


def portrait(
    motion: Motion, size: tuple[int, int] = SIZE, frame: int | None = None
) -> UInt8[Array, "h w 4"]:
    """A picture of the body, RGBA.

    Args:
        size: width and height in pixels. The body is as large as fits.
        frame: the frame to draw; ``typical_frame`` if None.
    """
    frame = typical_frame(motion) if frame is None else frame
    still = Motion(
        motion.skeleton,
        motion.rotations[frame : frame + 1],
        motion.root_m[frame : frame + 1],
        motion.fps,
    )
    panel = panel_from_motion("", still, "truth")
    figure = Figure(panel, None, Looks.of(NEUTRAL["light"], NEUTRAL["light"], False))
    view, tint = (
        _view(figure, panel.facing_rad + YAW, size),
        np.zeros(len(panel.parents), dtype=np.float32),
    )
    # Painted on black and on white: the difference is the transparency.
    grounds = []
    for colour in (0, 255):
        picture = np.full((size[1], size[0], 4), colour, dtype=np.uint8)
        picture[..., 3] = 255
        figure.paint(Brush(picture.view(np.uint32)[..., 0]), view, figure.pose(0.0), tint)
        grounds.append(picture[..., :3].astype(np.float32))
    opacity = 1 - np.clip((grounds[1] - grounds[0]).mean(axis=2) / 255, 0, 1)
    # On black, colours are multiplied by their opacity, which the division undoes.
    colour = grounds[0] / np.maximum(opacity, 1 / 255)[..., None]
    return np.dstack([np.clip(colour, 0, 255), 255 * opacity]).round().astype(np.uint8)


def portrait_webp(motion: Motion, size: tuple[int, int] = SIZE) -> bytes:
    """The picture as a WebP file, about 3 KB."""
    file = io.BytesIO()
    Image.fromarray(portrait(motion, size)).save(file, "WEBP", quality=80, method=4)
    return file.getvalue()


def _view(figure: Figure, yaw: float, size: tuple[int, int]) -> View:
    """A camera that shows the whole body as large as fits."""
    # Joints that are not drawn, such as those of long hair, take no room.
    drawn = sorted({p for part in figure.parts for p in part.points})
    axes, pose = camera_axes(yaw), figure.pose(0.0)[drawn]
    middle = (pose.min(axis=0) + pose.max(axis=0)) / 2
    eye = middle - axes[2] * np.float32(_DISTANCE_M * max(float(np.ptp(pose, axis=0).max()), 0.1))
    # The body is first projected with a focal length of 1; its extent then gives the right one.
    seen = View(eye, axes, 1.0, (0.0, 0.0)).project(pose)
    around = (
        figure.radii[drawn] * seen[:, 3] * 1.6
    )  # heads are larger than the radius of their joint
    low, high = (
        (seen[:, :2] - around[:, None]).min(axis=0),
        (seen[:, :2] + around[:, None]).max(axis=0),
    )
    room = np.array(size) * (1 - 2 * _MARGIN)
    focal = float((room / np.maximum(high - low, 1e-6)).min())
    x, y = np.array(size) / 2 - focal * (low + high) / 2
    return View(eye, axes, focal, (float(x), float(y)))
