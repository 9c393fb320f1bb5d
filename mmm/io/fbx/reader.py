"""FBX files as clips, binary or ASCII, from Mixamo, Maya, MotionBuilder, Blender and others.

ufbx (https://github.com/ufbx/ufbx) evaluates the scene at each frame. It handles pre- and
post-rotations, pivots, animation layers, scale inheritance, units and axes. It runs in a separate
process, see ``mmm.io.fbx.extract``.
"""

import importlib.util
import json
import math
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.choosing import Choice, choose
from mmm.io.files import FPS_RANGE, LARGEST, check_size, read_bytes
from mmm.io.nodes.motion import Unit, body_clip, rest_rotations
from mmm.io.nodes.tree import Body, NodeTree, choose_body
from mmm.motion.clip import Clip

Array = np.ndarray

INSTALL = "pip install 'masked-motion-workbench[fbx]'"
"""The command that installs the binding."""
LIMIT_S = 120.0
"""Seconds that the evaluation of a file may take."""
PROGRAM = Path(__file__).with_name("extract.py")
"""The program that runs the binding."""
_CURE = "export it again"
# Most nodes of a scene, with meshes and controls; a film set has some tens of thousands.
_MOST_NODES = 100_000


@dataclass(frozen=True)
class _Take:
    name: str
    begin_s: float
    end_s: float
    moves: bool


@dataclass(frozen=True)
class _Scene:
    """The program's description of a file."""

    tree: NodeTree
    takes: tuple[_Take, ...]
    fps: float
    unit_m: float


def read_fbx(
    path: Path,
    unit_m: float | None = None,
    take: str | None = None,
    body: str | None = None,
    largest: int = LARGEST,
) -> Clip:
    """One take of an ``.fbx`` as a clip.

    Args:
        path: the file.
        unit_m: metres per unit, where the unit that the file states is wrong.
        take: the take's name or its number from 1; the first that moves if not given.
        body: which of several bodies, by its root's name or its number from 1; the largest if
            not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: the binding is not installed, or the file is damaged, too long or no FBX.
        SpecError: no such take or body.
    """
    source = str(path)
    read_bytes(path)  # raises the usual errors for a missing or empty file, or a folder
    # find_spec does not import the binding, which is safe in its own process only.
    if importlib.util.find_spec("ufbx") is None:
        raise FileError(source, "FBX needs the library ufbx, which is not installed", cure=INSTALL)
    with _Program(path) as program:
        scene = _scene(program.answer(), source)
        chosen = choose_body(scene.tree, body, source)
        names = [item.name for item in scene.takes]
        first = next((i for i, item in enumerate(scene.takes) if item.moves), 0)
        index = choose("take", names, take, source, first)
        start_s, frames = _span(scene, index, source)
        check_size(source, len(chosen.nodes), frames, largest)
        # A file without takes is a character without motion, which is read as one frame.
        request = {"start_s": start_s, "frames": frames, "fps": scene.fps, "nodes": chosen.nodes}
        program.ask(request | {"take": index if names else -1})
        matrices = program.matrices(frames, len(chosen.nodes))
    return _clip(path, scene, chosen, matrices, Choice("take", tuple(names), index), unit_m)


def _clip(
    path: Path,
    scene: _Scene,
    body: Body,
    matrices: Float[Array, "N J 4 4"],
    takes: Choice,
    unit_m: float | None,
) -> Clip:
    # The program converts to metres by the file's own unit.
    scale = 1.0 if unit_m is None else unit_m / scene.unit_m
    matrices[..., :3, 3] *= scale
    rest = rest_rotations(body, matrices[0], matrices[1])
    unit = Unit(unit_m or scene.unit_m, unit_m is not None, "of the file,")
    notes = () if takes.names else ("It holds no take: one frame shows its rest pose.",)
    return body_clip(body, matrices[2:], rest, scene.fps, path, "fbx", unit, takes, notes)


def _span(scene: _Scene, index: int, source: str) -> tuple[float, int]:
    """The start of a take in seconds, and its number of frames."""
    if not FPS_RANGE[0] <= scene.fps <= FPS_RANGE[1]:
        raise FileError(
            source,
            f"{scene.fps:g} frames a second",
            f"{FPS_RANGE[0]:g} to {FPS_RANGE[1]:,.0f}",
            _CURE,
        )
    if not scene.takes:
        return 0.0, 1
    take = scene.takes[index]
    count = (take.end_s - take.begin_s) * scene.fps
    # False for NaN, too.
    if not (0 <= count < 1e9 and abs(take.begin_s) < 1e9):
        raise FileError(
            source,
            f"the take {take.name[:60]} lasts from {take.begin_s:g} to {take.end_s:g} s",
            "an end after its start",
            _CURE,
        )
    # Both ends are frames; rounding absorbs the resolution of the format's times.
    return take.begin_s, round(count) + 1


def _scene(answer: dict[str, Any], source: str) -> _Scene:
    """The program's first answer, checked, because a hostile file may control the program."""
    try:
        names = tuple(str(name) for name in answer["names"])
        parents = [int(parent) for parent in answer["parents"]]
        others = {int(node) for node in answer["others"]}
        joints = frozenset(int(node) for node in answer["joints"]) - others
        takes = tuple(
            _Take(str(name), float(begin), float(end), bool(moves))
            for name, begin, end, moves in answer["takes"]
        )
        fps, unit_m = float(answer["fps"]), float(answer["unit_m"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise FileError(source, "not a readable FBX scene", cure=_CURE) from None
    count = len(names)
    if not count == len(parents) <= _MOST_NODES or any(not -1 <= p < count for p in parents):
        raise FileError(source, f"{count:,} nodes in no tree", "a scene", _CURE)
    if not (joints <= set(range(count)) and math.isfinite(unit_m) and unit_m > 0):
        raise FileError(source, f"a unit of {unit_m:g} m", "a length above zero", _CURE)
    # Controls and the scene's root are in the tree, since joints may be below them. If no node is
    # marked as a joint, all others count as joints.
    joints = joints or frozenset(range(count)) - others
    return _Scene(NodeTree(names, tuple(parents), joints), takes, fps, unit_m)


class _Program:
    """The process that runs the binding, ended with the ``with`` block."""

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self._folder = tempfile.TemporaryDirectory(prefix="mmm-fbx-")
        self._target = Path(self._folder.name) / "matrices.npy"
        # -P keeps the script's folder off the import path, because its modules have common names.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(path.absolute()), str(self._target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        # Reading from a pipe has no timeout. Killing the process closes the pipe.
        self._timer = threading.Timer(LIMIT_S, self._process.kill)

    def __enter__(self) -> "_Program":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            FileError: the program reports an error, crashed or took too long.
        """
        assert self._process.stdout is not None
        try:
            content = json.loads(self._process.stdout.readline())
        except ValueError:
            # An empty line means that the pipe was closed.
            raise FileError(
                self.source, "a file that crashes or stalls the FBX library", cure=_CURE
            ) from None
        if not isinstance(content, dict) or "error" in content:
            problem = str(content.get("error", ""))[:200] if isinstance(content, dict) else ""
            raise FileError(
                self.source, f"not a readable FBX file ({problem})", "an FBX scene", _CURE
            )
        return content

    def ask(self, request: dict[str, Any]) -> None:
        """Send the request."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the process has ended, which the next answer reports

    def matrices(self, frames: int, joints: int) -> Float[Array, "N J 4 4"]:
        """The matrices that the program wrote, with their last row (0, 0, 0, 1) added."""
        self.answer()
        try:
            values = np.load(self._target, allow_pickle=False)
        except (OSError, ValueError):
            raise FileError(self.source, "not a readable FBX scene", cure=_CURE) from None
        if values.shape != (frames + 2, joints, 3, 4) or values.dtype != np.float64:
            raise FileError(self.source, "not a readable FBX scene", cure=_CURE)
        square = np.zeros((*values.shape[:2], 4, 4))
        square[..., :3, :], square[..., 3, 3] = values, 1.0
        return square
