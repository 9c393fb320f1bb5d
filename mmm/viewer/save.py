"""What can be looked at and taken home, written as the suffix asks: motion, film or web page."""

from collections.abc import Callable
from pathlib import Path

from mmm.io.clips import PathLike, save_clip
from mmm.motion.clip import Clip
from mmm.viewer.html import write_html
from mmm.viewer.scene import Scene
from mmm.viewer.video import FILM_SUFFIXES, Progress, write_film


def save_shown(
    path: PathLike, scene: Callable[[], Scene], clip: Clip, progress: Progress | None = None
) -> None:
    """Write what the suffix asks for; the file appears when it is whole.

    Args:
        scene: makes what is to be watched, for ``.mp4 .gif .webp .html``.
        clip: what is written as motion, for ``.bvh .npz .pkl .glb``.
        progress: of films, called with the share done; whatever it raises ends the writing.

    Raises:
        FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in FILM_SUFFIXES:
        write_film(scene(), path, progress=progress)
    elif suffix == ".html":
        write_html(scene(), path)
    else:
        save_clip(clip, path)
