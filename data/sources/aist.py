"""AIST++ by its published lists: the split and the recording of each motion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.sources.files import Skip, SourceFile
from data.sources.units import SPLITS
from mmm.errors import FileError
from mmm.io import parse_aist_name
from mmm.io.sound import SOUND_SUFFIXES

IGNORE_LIST = "ignore_list.txt"


@dataclass(frozen=True)
class Lists:
    """The published lists."""

    split_of: Mapping[str, str]
    """``train``, ``val`` or ``test`` by name."""
    ignored: frozenset[str]
    """Motions whose reconstruction failed."""


@dataclass(frozen=True)
class Placed:
    """A motion's split and recording, or the reason why it is left out."""

    name: str
    split: str = ""
    music: Path | None = None
    tempo_bpm: float | None = None
    skip: Skip | None = None
    missing_music: str = ""


def read_lists(folder: Path, motions: Path) -> Lists:
    """The three ``crossmodal_*.txt`` of a folder, and ``ignore_list.txt`` there, above it or beside
    the motions.

    Raises:
        FileError: a list is missing or cannot be read, or a name is in two splits.
    """
    split_of: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"crossmodal_{split}.txt"
        for name in _names(path):
            # A motion in two splits would be in training and test data.
            if split_of.setdefault(name, split) != split:
                raise FileError(
                    str(path),
                    f"{name} is in {split_of[name]} too",
                    "every name in one split",
                    "download the lists again",
                )
    # The annotations keep the list beside the folder of splits; people also copy it to the motions.
    places = [folder, folder.parent, motions, motions.parent]
    ignored = next(
        (place / IGNORE_LIST for place in places if (place / IGNORE_LIST).is_file()), None
    )
    # Required, because motions whose reconstruction failed look valid and harm training.
    if ignored is None:
        raise FileError(
            str(folder / IGNORE_LIST),
            "no such list",
            "the motions that AIST++ says to leave out",
            "copy it from the AIST++ annotations, or put an empty file there",
        )
    return Lists(split_of, frozenset(_names(ignored)))


def _names(path: Path) -> list[str]:
    try:
        # Names contain no spaces, so lists with several names on a line work as well.
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            str(path),
            f"cannot be read ({getattr(error, 'strerror', error)})",
            "a list of AIST++ names",
            "copy the splits of the AIST++ annotations",
        ) from None
    if bad := next((word for word in words if parse_aist_name(word) is None), None):
        raise FileError(
            str(path),
            f"{bad[:60]!r}",
            "names such as gBR_sBM_cAll_d04_mBR0_ch01",
            "correct the list",
        )
    return words


def recordings(folder: Path) -> dict[str, Path]:
    """Recordings by music id (``BR0``): ``mBR0.wav`` and its like anywhere under a folder, wav
    before ogg.

    Raises:
        FileError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileError(
            str(folder),
            "no such folder",
            "recordings such as mBR0.wav",
            "leave --music out to prepare the motions alone",
        )
    paths: dict[str, Path] = {}
    # Sorted by format first: ``setdefault`` keeps the best recording of each id.
    for path in sorted(folder.rglob("m*"), key=lambda path: (_rank(path), str(path))):
        if path.suffix.lower() in SOUND_SUFFIXES and path.is_file():
            # Without the leading ``m``, as motion names hold the id.
            paths.setdefault(path.stem[1:], path)
    return paths


def _rank(path: Path) -> int:
    return (
        SOUND_SUFFIXES.index(path.suffix.lower())
        if path.suffix.lower() in SOUND_SUFFIXES
        else len(SOUND_SUFFIXES)
    )


def place(file: SourceFile, lists: Lists, music: Mapping[str, Path] | None) -> Placed:
    """The split and the recording of one motion.

    Args:
        file: a file with an AIST++ name.
        lists: the lists of splits and of ignored motions; a name in both is ignored.
        music: recordings by id; None for motion alone.
    """
    stem = Path(file.label).stem
    name = parse_aist_name(stem)
    if name is None:
        return Placed(
            stem,
            skip=Skip(
                file.label,
                "not an AIST++ name",
                f"{stem}; expected one such as gBR_sBM_cAll_d04_mBR0_ch01",
            ),
        )
    # The lists write ``cAll`` for every camera.
    listed = name.list_name
    if listed in lists.ignored:
        return Placed(listed, skip=Skip(file.label, f"in {IGNORE_LIST}"))
    split = lists.split_of.get(listed, "")
    if not split:
        return Placed(listed, skip=Skip(file.label, "in no split list"))
    # The tempo is part of the name, so it is known without the recording as well.
    if music is None:
        return Placed(listed, split, tempo_bpm=name.tempo_bpm)
    if name.music not in music:
        return Placed(
            listed,
            skip=Skip(
                file.label,
                "its music is missing",
                f"no recording m{name.music}; put "
                f"m{name.music}.wav into --music, or leave --music out for motion alone",
            ),
            missing_music=f"m{name.music}",
        )
    return Placed(listed, split, music[name.music], name.tempo_bpm)
