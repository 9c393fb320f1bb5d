"""AMC motions on ASF skeletons (CMU, SNU). ``mmm.io.asf`` defines their angles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError, MMMError
from mmm.io.asf import AsfSkeleton, extrinsic, read_asf
from mmm.io.body import TURNED_UP, body_height, guess_unit, is_z_up, unit_notes, z_up_to_y_up
from mmm.io.bvh_motion import LARGEST_NUMBER
from mmm.io.files import LARGEST, check_size, read_text
from mmm.motion.clip import Clip, Motion

Array = np.ndarray

CMU_FPS = 120.0
"""AMC files without a rate are assumed to be CMU's, recorded at 120 frames a second."""
# ASF gives lengths in inches divided by its `length` (0.45 in CMU's files).
_INCH_M = 0.0254
# AMC has no standard key for the rate, so some collections give it in a folder's name (walk_60fps).
_FPS_IN_PATH = re.compile(r"_(\d+)fps", re.IGNORECASE)
_CURE = "use the recording and the .asf that came with it"


@dataclass
class _AmcText:
    """The numbers of an AMC file by bone, not yet interpreted."""

    values: dict[str, Float[Array, "T n"]]
    frames: int
    radians: bool
    fps: float | None


def read_amc(
    path: Path,
    asf: Path | None = None,
    unit_m: float | None = None,
    fps: float | None = None,
    up: str | None = None,
    largest: int = LARGEST,
) -> Clip:
    """An ``.amc`` file as a clip.

    Args:
        path: the file.
        asf: its skeleton; by default a fitting one beside it or in the two folders above.
        unit_m: metres per unit; by default 0.0254 / the ASF's ``length`` if that makes a body of
            natural size, else the unit that does.
        fps: frames per second; by default the file's, else that in the name of a folder
            (``..._60fps``), else 120.
        up: the axis that points up, ``y`` or ``z``; by default guessed from the body's posture.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: with the line at fault, or no fitting ``.asf`` is found.
    """
    text = _parse(path)
    body, notes = (read_asf(asf), ()) if asf is not None else _find_asf(path, text)
    if misfit := _misfit(body, text):
        raise FileError(
            str(path), f"{misfit} {body.path.name}", "the skeleton of this recording", _CURE
        )
    rate = (
        fps
        or text.fps
        or next((float(m[1]) for m in map(_FPS_IN_PATH.search, reversed(path.parts)) if m), CMU_FPS)
    )
    check_size(str(path), len(body.bones), text.frames, largest)
    rotations, root = _local_rotations(body, text)
    bare = body.skeleton()
    height = body_height(bare)
    unit, unit_name = _INCH_M / body.length_scale, "inches"
    if unit_m is not None:
        unit = unit_m
    # The header's unit is not always that of the numbers. It is used if it gives a body between 1 m
    # and 2.4 m tall.
    elif not 1.0 <= height * unit <= 2.4:
        unit, unit_name = guess_unit(height)
    notes = (*notes, *unit_notes(height * unit, unit_name, unit_m is not None))
    tips = tuple((j, (x * unit, y * unit, z * unit)) for j, (x, y, z) in bare.end_sites)
    skeleton = replace(bare, offsets_m=bare.offsets_m.astype(np.float64) * unit, end_sites=tips)
    motion = Motion(skeleton, rotations, (root * unit).astype(np.float32), rate)
    z_up = is_z_up(skeleton, motion.rotations, motion.root_m) if up is None else up == "z"
    if z_up:
        motion, notes = z_up_to_y_up(motion), (*notes, TURNED_UP)
    meta = MappingProxyType({"amc": {"unit_m": unit, "asf": body.path.name, "z_up": z_up}})
    return Clip(path.stem, motion, source=str(path), notes=notes, meta=meta)


def _parse(path: Path) -> _AmcText:
    """The numbers of every bone."""
    # Lines are collected as text and converted one bone at a time, which is ten times as fast as
    # line by line.
    parts: dict[str, list[str]] = {}
    radians, fps, frames = False, None, 0
    text, _ = read_text(path, "an AMC motion")
    for number, line in enumerate(text.split("\n"), start=1):
        name, rest = (*line.split(None, 1), "", "")[:2]
        if not name or name.startswith("#"):
            continue
        if name.startswith(":"):
            # Degrees are the default, as in CMU's files; the ASF's `angle` applies to the ASF only.
            radians = radians or name.upper() == ":RADIANS"
            if name.upper() == ":SAMPLES-PER-SECOND":
                fps = _rate(rest, path, number)
        elif name.isdecimal() and not rest.strip():
            frames += 1
        # A bone that occurs twice in a frame would shift all its later frames by one.
        elif frames and len(parts.setdefault(name, [])) < frames:
            parts[name].append(rest)
        else:
            raise FileError(
                f"{path} line {number}",
                repr(line.strip()[:40])
                + (" a second time in one frame" if frames else " before the first frame number"),
                "frame numbers, each followed by one line per bone",
                _CURE,
            )
    if not frames:
        raise FileError(
            f"{path} line {text.count(chr(10)) + 1}", "no frames", "at least one", _CURE
        )
    values = {}
    for name, rows in parts.items():
        table = _numbers(rows, frames)
        if table is None:
            raise _fault(text, name, frames, len(rows[0].split()), path)
        values[name] = table
    return _AmcText(values, frames, radians, fps)


def _rate(text: str, path: Path, number: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (np.isfinite(value) and value > 0):
        raise FileError(
            f"{path} line {number}",
            f"SAMPLES-PER-SECOND {text[:20]}",
            "a positive number",
        )
    return value


def _numbers(rows: list[str], frames: int) -> Float[Array, "T n"] | None:
    """A bone's lines as numbers; None if their count differs between frames."""
    words = " ".join(rows).split()
    # One conversion of all words at once; NaN marks the failure, which `_fault` then locates.
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        values = np.full(len(words), np.nan)
    width = len(rows[0].split())
    if (
        len(rows) == frames
        and bool((np.abs(values) < LARGEST_NUMBER).all())
        and all(len(row.split()) == width for row in rows)
    ):
        return values.reshape(frames, width)
    return None


def _fault(text: str, bone: str, frames: int, width: int, path: Path) -> FileError:
    """The first line of a bone that is wrong, or the first frame that lacks it."""
    frame, seen, number = 0, True, 0
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if len(words) == 1 and words[0].isdecimal():
            if not seen:
                return FileError(
                    f"{path} line {number}",
                    f"frame {frame} has no line for {bone}",
                    "every bone in every frame",
                    _CURE,
                )
            frame, seen = frame + 1, False
        elif words and words[0] == bone:
            seen = True
            try:
                good = len(words) - 1 == width and bool(
                    all(abs(float(word)) < LARGEST_NUMBER for word in words[1:])
                )
            except ValueError:
                good = False
            if not good:
                return FileError(
                    f"{path} line {number}",
                    repr(line.strip()[:60]),
                    f"{bone} and {width} finite numbers",
                    "the file is cut off; download it again" if frame == frames else _CURE,
                )
    return FileError(
        f"{path} line {number}",
        f"the last frame has no line for {bone}",
        "every bone in every frame",
        "the file is cut off; download it again",
    )


def _misfit(body: AsfSkeleton, text: _AmcText) -> str:
    """Why a skeleton does not fit this recording; empty if it does."""
    # CMU has 144 subjects whose skeletons share their bones' names, so the numbers of degrees of
    # freedom are compared as well.
    widths = {bone.name: len(bone.dof) for bone in body.bones}
    for name, values in text.values.items():
        if name not in widths:
            return f"{name} is no bone of"
        if values.shape[1] != widths[name]:
            return f"{name} has {values.shape[1]} numbers per frame, not the {widths[name]} of"
    # Bones without degrees of freedom have no line in an AMC.
    missing = [name for name, width in widths.items() if width and name not in text.values]
    return f"no line for {missing[0]}, a bone of" if missing else ""


def _candidates(path: Path) -> Iterator[Path]:
    """``.asf`` files near a recording.

    Those in its own folder come first, and among them those whose name begins the recording's.
    """
    for folder in (path.parent, *list(path.resolve().parents)[1:3]):
        skeletons = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".asf")
        # CMU names them `02.asf` and `02_01.amc`. False sorts before True, and sorting is stable.
        yield from sorted(
            skeletons, key=lambda file: not path.stem.lower().startswith(file.stem.lower())
        )


def _find_asf(path: Path, text: _AmcText) -> tuple[AsfSkeleton, tuple[str, ...]]:
    fitting: list[AsfSkeleton] = []
    refused = ""
    for candidate in _candidates(path):
        if fitting and candidate.parent != fitting[0].path.parent:
            break
        try:
            body = read_asf(candidate)
        except MMMError as error:
            refused = refused or str(error)
            continue
        if misfit := _misfit(body, text):
            refused = refused or f"{misfit} {candidate.name}"
        else:
            fitting.append(body)
    if not fitting:
        raise FileError(
            str(path),
            "no fitting .asf beside it" + (f" ({refused})" if refused else ""),
            "the skeleton of this recording",
            "put it in the same folder, or give its .asf",
        )
    if path.stem.lower().startswith(fitting[0].path.stem.lower()):
        return fitting[0], ()
    # Of several that fit, the one with the most end sites is taken, since some programs write last
    # bones of zero length.
    chosen = max(fitting, key=lambda body: len(body.skeleton().end_sites))
    ours = chosen.skeleton().offsets_m
    # Skeletons that agree within 1 % of the longest bone give the same motion and need no note.
    apart = [
        other.path.name
        for other in fitting
        if np.abs(other.skeleton().offsets_m - ours).max() > 0.01 * np.abs(ours).max()
    ]
    if apart:
        return chosen, (
            f"The skeleton was taken from {chosen.path.name}; {', '.join(apart)} would fit too "
            "(give the right .asf if that is wrong).",
        )
    return chosen, ()


def _local_rotations(
    body: AsfSkeleton, text: _AmcText
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """C M C^-1 of every bone (see ``mmm.io.asf``), and the root's position in the file's unit."""
    scale = 1.0 if text.radians else np.pi / 180
    axes = body.axes()
    rotations = np.broadcast_to(
        np.eye(3, dtype=np.float32), (text.frames, len(body.bones), 3, 3)
    ).copy()
    for j, bone in enumerate(body.bones):
        turning = [c for c, name in enumerate(bone.dof) if name.startswith("r")]
        if turning:
            # A bone may have one or two rotations only; the missing ones are zero.
            order = "".join(bone.dof[c][1] for c in turning).upper()
            turned = extrinsic(text.values[bone.name][:, turning] * scale, order)
            rotations[:, j] = axes[j] @ turned.astype(np.float64) @ axes[j].T
    root, position = body.bones[0], np.zeros((text.frames, 3))
    for c, name in enumerate(root.dof):
        if name.startswith("t"):
            position[:, "xyz".index(name[1])] = text.values[root.name][:, c]
    return rotations, position
