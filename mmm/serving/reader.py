"""Reads users' files in separate processes, with limits of time and of memory.

At most two processes run. They are kept, since starting one takes a second, and each reads one file
at a time. A process that crashes or exceeds its time is killed and replaced; the user sees an error
of one line.
"""

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mmm.errors import FileError
from mmm.motion.clip import Audio, Clip
from mmm.serving import exchange

ROOT = Path(__file__).resolve().parents[2]
PROGRAM: Sequence[str] = ("-m", "mmm.serving.reader_process")
"""Arguments of Python for a reader process."""
PROCESSES = 2
LIMIT_S, LIMIT_S_PER_MB = 30.0, 1.0
"""Time limit of a file, and its extension for each megabyte, seconds."""
USUAL_MB_PER_S = 8.0
"""Usual speed of reading. Progress is estimated from it, because readers report none."""
LARGE_MB = 20
"""A process that has read a larger file is replaced, which returns its memory to the system."""
LOOK_S = 0.1
"""Seconds between two looks for an answer or for a cancelled request."""
# The process number tells the cleaners of temporary folders whether the server still runs.
PREFIX = f"mmm-read-{os.getpid()}-"

Report = Callable[[float], None]
"""Called with the share done, 0 to 1; may raise to cancel."""


class _Process:
    """One reader process."""

    def __init__(self) -> None:
        # One thread, because OpenBLAS reserves memory for each thread, and readers compute little.
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        # ``-m`` finds the module from the repository root, wherever the server was started.
        self._child = subprocess.Popen(
            [sys.executable, *PROGRAM],
            cwd=ROOT,
            env=os.environ | one_thread,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A pipe that nobody reads would fill up and block the process.
            stderr=subprocess.DEVNULL,
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        # A read with a time limit needs a thread, because ``select`` takes no pipes on Windows.
        threading.Thread(target=self._listen, name="reader-pipe", daemon=True).start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        # The pipe has closed. An empty line wakes the waiting ``ask`` at once.
        self._lines.put(b"")

    def ask(self, request: dict[str, Any], seconds: float, report: Report) -> dict[str, Any] | None:
        """Send a request and wait for its answer; None if the process crashed.

        Raises:
            TimeoutError: no answer within ``seconds``.
        """
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            return None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=LOOK_S)
            except queue.Empty:
                report(1 - (end - time.monotonic()) / seconds)
                continue
            return json.loads(line) if line else None
        raise TimeoutError

    def end(self) -> None:
        """Kill the process."""
        self._child.kill()
        # Without this the killed process stays in the process table as a zombie.
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


class Readers:
    """A pool of reader processes."""

    def __init__(self, processes: int = PROCESSES) -> None:
        self._places = threading.Semaphore(processes)
        self._ready: list[_Process] = []
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start one process ahead, so that the first upload does not wait for it."""
        with self._lock:
            if not self._ready:
                self._ready.append(_Process())

    def read(
        self, kind: str, path: Path, name: str, options: dict[str, Any], report: Report, out: Path
    ) -> None:
        """Have a process read a file and write its content to ``out``.

        Args:
            kind: ``motion`` or ``song``.
            path: of the file.
            name: its name in errors.
            options: of ``mmm.load_clip``.
            report: called with the share done, 0 to 1; what it raises cancels the reading.
            out: written in the layout of :mod:`mmm.serving.exchange`.

        Raises:
            FileError: the file cannot be read, or not in time.
        """
        megabytes = path.stat().st_size / 1e6
        usual_s = 1 + megabytes / USUAL_MB_PER_S
        seconds = LIMIT_S + LIMIT_S_PER_MB * megabytes

        def report_share(spent: float) -> None:
            # At most 95 %: the usual speed is an estimate, and the answer has not come yet.
            report(min(0.95, spent * seconds / usual_s))

        # ``report`` raises when the user has pressed Cancel, which ends the wait.
        while not self._places.acquire(timeout=LOOK_S):
            report(0.0)
        process = None
        try:
            with self._lock:
                process = self._ready.pop() if self._ready else None
            process = process or _Process()
            request = {"kind": kind, "path": str(path), "out": str(out), "options": options}
            # Outside the lock, because reading takes seconds and other files must not wait.
            answer = process.ask(request, seconds, report_share)
            if answer is None:
                raise FileError(
                    name, "it crashes the program that reads it", cure="export it again"
                )
            if "fault" in answer:
                # Only logged, because the text may name paths of the server.
                logging.getLogger(__name__).error("%s: %s", name, answer["fault"])
                raise FileError(name, "the file cannot be read", cure="export it again")
            if megabytes <= LARGE_MB:
                with self._lock:
                    self._ready.append(process)
                # It is back in the pool, so ``finally`` must not end it.
                process = None
            if "error" in answer:
                raise FileError(*answer["error"])
        except TimeoutError:
            raise FileError(
                name, f"not read within {seconds:.0f} s", cure="cut it into pieces"
            ) from None
        finally:
            if process is not None:
                process.end()
            self._places.release()

    def close(self) -> None:
        """End the idle processes."""
        with self._lock:
            while self._ready:
                self._ready.pop().end()


@cache
def readers() -> Readers:
    """The pool of this process."""
    return Readers()


def _no_report(share: float) -> None:
    pass


def read_clip(
    path: Path, name: str, options: dict[str, Any] | None = None, report: Report = _no_report
) -> Clip:
    """A user's motion file; arguments as for :meth:`Readers.read`.

    Raises:
        FileError: the file cannot be read, or not in time.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        out = Path(folder) / "clip"
        readers().read("motion", path, name, options or {}, report, out)
        try:
            # A hostile file may have taken over its reader, which can then write anything.
            return exchange.unpack_clip(out.read_bytes())
        except (ValueError, OSError) as error:
            logging.getLogger(__name__).error("%s: %s", name, error)
            raise FileError(name, "the file cannot be read", cure="export it again") from None


def read_audio(path: Path, name: str, report: Report = _no_report) -> Audio:
    """A user's recording; arguments as for :meth:`Readers.read`.

    Raises:
        FileError: the file cannot be read, or not in time.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        out = Path(folder) / "song"
        readers().read("song", path, name, {}, report, out)
        try:
            return exchange.unpack_audio(out.read_bytes())
        except (ValueError, OSError) as error:
            logging.getLogger(__name__).error("%s: %s", name, error)
            raise FileError(name, "the file cannot be read", cure="export it again") from None
