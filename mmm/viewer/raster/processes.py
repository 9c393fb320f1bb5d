"""Draws the pictures of a film in several processes.

Drawing takes most of a film's time, and threads of Python would take turns at it. The processes run
this module; a pool of ``multiprocessing`` would run the caller's script again in each of them.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from mmm.machine import cores
from mmm.viewer.raster.film import Film

FEWEST = 240
"""Pictures below which one process draws all: another takes a second to start."""
MOST = 8
"""Processes of one film; with more, the encoder is the slowest part."""


def pictures(film: Film, processes: int | None = None) -> Generator[bytes, None, None]:
    """The pictures of a film in order, each as RGBA bytes, rows from the top.

    Args:
        film: what is drawn.
        processes: how many draw; by default one a core, and one for a short film. The pictures are
            the same with any number.
    """
    count = min(processes or cores(), MOST) if len(film) >= FEWEST else 1
    width, height = film.size
    children = [_start(film, first, count) for first in range(count)] if count > 1 else []
    try:
        for number in range(len(film)):
            child = children[number % count] if children else None
            picture = child.stdout.read(width * height * 4) if child and child.stdout else b""
            # A process that could not start or was killed leaves its pictures to this one.
            yield picture if len(picture) == width * height * 4 else film.frame(number).tobytes()
    finally:
        for child in children:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()


def _start(film: Film, first: int, step: int) -> "subprocess.Popen[bytes]":
    """A process that draws picture ``first`` and every ``step``-th after it."""
    child = subprocess.Popen(
        [sys.executable, "-m", __name__],
        # Python finds the package in this folder where it is not installed.
        cwd=Path(__file__).parents[3],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    try:
        with child.stdin as pipe:
            pickle.dump((film.arguments, first, step), pipe)
    except OSError:
        # It has ended already. Its empty output says so to the reader.
        pass
    return child


def _draw() -> None:
    """Read what to draw from stdin, and write the pictures to stdout."""
    arguments, first, step = pickle.load(sys.stdin.buffer)
    film = Film(*arguments)
    for number in range(first, len(film), step):
        sys.stdout.buffer.write(film.frame(number).tobytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _draw()
