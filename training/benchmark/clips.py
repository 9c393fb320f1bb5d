"""Clips for the benchmark: LAFAN1, folders and archives of motion files, prepared sets."""

import lzma
import re
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from mmm.errors import FileError, MMMError
from mmm.io import load_clip
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24
from mmm.storage import unpack
from training.benchmark.protocol import Statistics, statistics
from training.benchmark.windows import FPS, TRAIN_CUT, cut
from training.data.dataset import MotionSet

SUFFIXES = (".bvh", ".amc")
ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".zip")
# Each archive format reports damage by errors of its own.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    shutil.Error,
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
)
# The published set: 77 takes of five subjects (Harvey et al. 2020).
LAFAN1_TAKES = 77
LAFAN1_WINDOWS = 2232
"""Test windows of subject 5 in the published split."""
_TAKE = re.compile(r"[a-z]+\d+_subject([1-5])", re.IGNORECASE)
# The published split trains on subjects 1 to 4 and tests on subject 5.
_TEST_SUBJECT = "5"


@dataclass(frozen=True)
class Material:
    """The clips to evaluate on, and where they come from."""

    clips: tuple[Clip, ...]
    """Clips of the same joints, at 30 frames a second, named by their files' relative paths."""
    title: str
    notes: tuple[str, ...] = ()
    against: Statistics | None = None
    """Statistics of the published training takes, where they are available."""
    published: bool = False
    """Whether this is the published test set, so that published figures can be compared."""


def lafan1(folder: Path) -> Material:
    """LAFAN1's test takes (subject 5) if all 77 takes are there, else all takes found.

    Raises:
        FileError: there is no BVH file, or one cannot be read.
    """
    files = sorted(folder.rglob("*.bvh")) if folder.is_dir() else []
    if not files:
        raise FileError(
            str(folder), "no .bvh file", "a folder of LAFAN1's takes", "choose another folder"
        )
    takes = {path: match[1] for path in files if (match := _TAKE.fullmatch(path.stem))}
    # Distinct names are counted, since a folder may hold a take twice. An incomplete set must not be
    # compared with the figures of the published test set.
    if len({path.stem for path in takes}) < LAFAN1_TAKES:
        notes: list[str] = []
        clips = _same_joints([_load(path, path.stem, None) for path in files], notes)
        return Material(
            clips,
            f"{len(clips)} takes of LAFAN1, not the published test set ({len(takes)} of "
            f"{LAFAN1_TAKES} takes are at hand)",
            tuple(notes),
        )
    loaded = {
        path: _load(path, path.stem, None) for path in tqdm(takes, desc="takes", disable=None)
    }
    # As published, L2P is standardised by windows of the training takes, which are shorter and
    # closer together than the test windows.
    train = cut([clip for path, clip in loaded.items() if takes[path] != _TEST_SUBJECT], *TRAIN_CUT)
    test = tuple(clip for path, clip in loaded.items() if takes[path] == _TEST_SUBJECT)
    against = statistics(train, f"{len(train):,} windows of subjects 1 to 4, as published")
    return Material(test, "LAFAN1, subject 5: the published test set", (), against, published=True)


def motion_files(
    sources: Sequence[Path], fps: float | None = None, drop_first: int = 0
) -> Material:
    """Every BVH and AMC file of folders and archives, at 30 frames a second.

    Args:
        sources: folders, archives, single files.
        fps: true frame rate of all files, where it is missing or wrong.
        drop_first: frames to drop at the start of each file, such as an added T-pose.

    Raises:
        FileError: a source does not exist, or nothing in them can be read.
    """
    clips: list[Clip] = []
    broken: list[str] = []
    # Clips are read into memory, so unpacked archives need not outlive this block.
    with TemporaryDirectory() as space:
        files = [
            file
            for number, source in enumerate(sources)
            for file in _files(source, Path(space) / str(number))
        ]
        for path, label in tqdm(files, desc="files", disable=None):
            try:
                clip = _load(path, label, fps)
            except MMMError as error:
                # One damaged file must not end a run over thousands. The report counts them.
                broken.append(str(error))
                continue
            if len(clip) > drop_first:
                clips.append(clip.crop(drop_first, len(clip)) if drop_first else clip)
    names = ", ".join(str(source) for source in sources)
    if not clips:
        raise FileError(
            names,
            "no motion file that can be read",
            "BVH or AMC files, or an archive of them",
            broken[0] if broken else "choose another folder",
        )
    notes = [f"files that cannot be read: {len(broken)}, the first: {broken[0]}"] if broken else []
    kept = _same_joints(clips, notes)
    return Material(kept, f"{len(kept)} clips of {names}", tuple(notes))


def prepared(folder: Path) -> Material:
    """One split of a prepared set, each clip on its subject's bones.

    Raises:
        FileError: the folder is not a prepared split, or lacks bone lengths or the frame rate.
    """
    motions = MotionSet(folder)
    # A set may state only joint names. Those of SMPL imply the skeleton.
    skeleton = motions.skeleton or (SMPL24 if motions.joint_names == list(SMPL24.names) else None)
    if skeleton is None or motions.fps is None:
        raise FileError(
            str(folder),
            "a set that does not say its bones or frame rate",
            "one that does",
            "prepare it again",
        )
    clips = []
    for entry in motions.clips:
        clip = motions._clip(entry, entry["frames"], skeleton, motions.fps)
        clips.append(
            replace(
                clip,
                name=str(entry.get("source", clip.name)),
                # The published methods take no music, so no method here gets any.
                music=None,
                motion=clip.motion.resample(FPS),
            )
        )
    return Material(
        tuple(clips),
        f"{len(clips)} clips of the prepared split {folder.name} of {folder.resolve().parent.name}",
    )


def _load(path: Path, label: str, fps: float | None) -> Clip:
    clip = load_clip(path, fps=fps)
    rate = clip.motion.fps
    # Headers round the frame time: 0.0333 stands for a thirtieth of a second.
    motion = (
        replace(clip.motion, fps=FPS) if abs(rate - FPS) < 0.01 * FPS else clip.motion.resample(FPS)
    )
    return replace(clip, name=label, music=None, motion=motion)


def _files(source: Path, space: Path) -> list[tuple[Path, str]]:
    """Motion files of one source with their paths in it; an archive counts as a folder of its
    name."""
    if not source.exists():
        raise FileError(str(source), "no such file or folder", cure="check the spelling")
    if source.is_dir():
        paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
        motions = [
            (path, str(path.relative_to(source)))
            for path in paths
            if path.suffix.lower() in SUFFIXES
        ]
        packed = [path for path in paths if path.name.lower().endswith(ARCHIVES)]
        # Each archive is unpacked into a folder of its own, so that equal names do not collide.
        return motions + [
            motion
            for number, path in enumerate(packed)
            for motion in _files(path, space / f"in{number}")
        ]
    if not source.name.lower().endswith(ARCHIVES):
        return [(source, source.name)]
    inside = space / source.name.split(".")[0]  # a reader may find the frame rate in the name
    inside.mkdir(parents=True)
    try:
        unpack(source, inside)
    except _BROKEN as error:
        raise FileError(
            str(source), f"cannot be unpacked ({error})", cure="fetch it again"
        ) from None
    return [
        (path, str(path.relative_to(space)))
        for path in sorted(space.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def _same_joints(clips: Sequence[Clip], notes: list[str]) -> tuple[Clip, ...]:
    """The clips of the skeleton with the most frames.

    L2P and L2Q sum over joints, so skeletons cannot be mixed.
    """
    groups: list[list[Clip]] = []
    for clip in clips:
        group = next(
            (g for g in groups if g[0].motion.skeleton.same_joints(clip.motion.skeleton)), None
        )
        if group is None:
            groups.append([clip])
        else:
            group.append(clip)
    # By frames rather than clips: a body with many short clips may have little motion.
    groups.sort(key=lambda group: -sum(map(len, group)))
    for other in groups[1:]:
        notes.append(
            f"clips of another body ({len(other[0].motion.skeleton)} joints) left out: "
            f"{len(other)}, "
            f"the first {other[0].name}"
        )
    return tuple(groups[0])
