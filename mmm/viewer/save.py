"""``mmm.save``: a clip or a result, written as a motion file, a film, a web page or a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmm.errors import FileError, SpecError
from mmm.io.clips import PathLike, save_clip
from mmm.motion.clip import Clip
from mmm.storage import write_atomically
from mmm.viewer.html import write_html
from mmm.viewer.scene import Watchable, scene_of
from mmm.viewer.video import FILM_SUFFIXES, Progress, write_film


def save(
    item: Clip | Watchable,
    path: PathLike,
    *,
    beside: Sequence[Any] = (),
    film_frames: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a clip or a result; the suffix chooses the format.

    ``.bvh .npz .pkl .glb`` hold the motion (see :func:`mmm.save_clip`). ``.mp4 .gif .webp`` are
    films and ``.html`` is a page that opens without a server or a network. They show the truth
    beside a result. ``.png`` is the map of position errors of a recovery. The file appears under
    its name only when it is complete.

    Args:
        item: a clip, or a result of recovering, generating or intervening.
        path: where to write.
        beside: results of the same kind that a film or a page shows beside it.
        film_frames: first frame and the one after the last of a film; all by default. Its sound is
            that of these frames.
        progress: for films, called with the share done, 0 to 1. An exception from it ends the
            writing.

    Raises:
        FileError: the suffix is unknown, the format cannot hold the motion, or the folder cannot be
            written.
        SpecError: ``film_frames`` are no frames of the item, or ``path`` is no film.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if film_frames is not None and suffix not in FILM_SUFFIXES:
        raise SpecError(
            str(path), "film_frames given", " or ".join(FILM_SUFFIXES), "leave film_frames out"
        )
    if suffix in FILM_SUFFIXES:
        scene = scene_of(item, *beside)
        if film_frames is not None:
            scene = scene.crop(*film_frames)
        write_film(scene, path, progress=progress)
    elif suffix == ".html":
        write_html(scene_of(item, *beside), path)
    elif suffix == ".png":
        _save_error_map(item, path)
    # save_clip() knows the motion formats and refuses every other suffix.
    else:
        save_clip(item if isinstance(item, Clip) else item.as_clip(), path)


def _save_error_map(item: Clip | Watchable, path: Path) -> None:
    # Looked up by name, because the classes of results belong to a higher layer.
    error_map = getattr(item, "error_map", None)
    if error_map is None:
        raise FileError(
            str(path),
            f"a {type(item).__name__} has no map of errors",
            "a recovery, for .png",
            "choose another suffix",
        )
    picture = error_map()
    write_atomically(path, lambda file: picture.save(file, "PNG", optimize=True))
