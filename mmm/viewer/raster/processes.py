"""Draws the pictures of a film in several processes.

Drawing takes most of a film's time, and Python's threads would not run in parallel. The processes
run this module, because a pool of ``multiprocessing`` would run the caller's script again in each.
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
"""Films with fewer pictures are drawn by one process, because another takes a second to start."""
MOST = 8
"""Most processes of one film; with more, the encoder would be the slowest part."""


def pictures(film: Film, processes: int | None = None) -> Generator[bytes, None, None]:
    """The pictures of a film in order, each as RGBA bytes, rows from the top.

    Args:
        film: the film to draw.
        processes: number of processes; by default one per core, and one for a short film. The
            pictures do not depend on it.
    """
    count = min(processes or cores(), MOST) if len(film) >= FEWEST else 1
    width, height = film.size
    children = [_start(film, first, count) for first in range(count)] if count > 1 else []
    try:
        for number in range(len(film)):
            child = children[number % count] if children else None
            picture = child.stdout.read(width * height * 4) if child and child.stdout else b""
            # If a process could not start or was killed, this process draws its pictures.
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
        # In this folder Python finds the package even if it is not installed.
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
        # The process has ended already; ``pictures`` sees its empty output.
        pass
    return child


def _draw() -> None:
    """Read a film and the numbers of its pictures from stdin, and write these to stdout."""
    arguments, first, step = pickle.load(sys.stdin.buffer)
    film = Film(*arguments)
    for number in range(first, len(film), step):
        sys.stdout.buffer.write(film.frame(number).tobytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _draw()
