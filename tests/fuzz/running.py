"""Running inputs in a process with limits, and telling what went wrong."""

import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmm.errors import MMMError
from tests.fuzz.mutation import mutated
from tests.fuzz.readers import READERS

SLOWEST_S = 5.0
"""No input may take longer."""
MOST_MEMORY = 1 << 30
"""Bytes that reading may take beyond what the process has at its start."""
ROOT = Path(__file__).parents[2]
FINDS = Path(__file__).parent / "finds"


@dataclass
class Report:
    """What a run of inputs came to."""

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    finds: dict[str, int] | None = None
    """By what was raised and where, the number of one such input."""


class _TooSlowError(BaseException):
    """Not an Exception, so that no reader takes it for a damaged file."""


def input_of(reader: str, seed: int, number: int, seeds: list[bytes]) -> bytes:
    """The input of this number."""
    return mutated(seeds, random.Random(f"{reader} {seed} {number}"))


def one(reader: str, data: bytes) -> str:
    """Reads an input: ``ok``, ``refused``, or what went wrong and where."""
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    try:
        with tempfile.TemporaryDirectory(dir=folder) as empty:
            READERS[reader].run(data, Path(empty))
    except MMMError as error:
        text = str(error)
        return "refused" if "\n" not in text and len(text) < 6_000 else f"message: {text[:60]!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if "/mmm/" in frame.filename] or list(frames)
        last = inside[-1]
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
    return "ok"


def work(reader: str, seed: int, start: int, count: int) -> None:
    """In the limited process: a line of JSON for each input that is no plain success."""
    warnings.simplefilter("ignore")
    with Path("/proc/self/statm").open() as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, used + MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = READERS[reader].seeds()

    def stop(*_: Any) -> None:
        raise _TooSlowError

    signal.signal(signal.SIGALRM, stop)
    refused, slowest_s = 0, 0.0
    for number in range(start, start + count):
        if number % 100 == 0:
            print(json.dumps({"at": number}), flush=True)
        data = input_of(reader, seed, number, seeds)
        signal.setitimer(signal.ITIMER_REAL, SLOWEST_S)
        began = time.process_time()
        result = one(reader, data)
        signal.setitimer(signal.ITIMER_REAL, 0)
        slowest_s = max(slowest_s, time.process_time() - began)
        refused += result == "refused"
        if result not in ("ok", "refused"):
            print(json.dumps({"number": number, "find": result}), flush=True)
    print(json.dumps({"done": count, "refused": refused, "slowest_s": slowest_s}), flush=True)


def run(
    reader: str,
    count: int,
    seed: int = 0,
    start: int = 0,
    batch: int = 2_000,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Reads inputs in processes of their own, a batch each.

    Args:
        reader: one of ``READERS``.
        count: inputs.
        seed: of the mutations.
        start: the number of the first input.
        batch: inputs a process.
        progress: called after every batch.
    """
    report, began = Report(finds={}), time.perf_counter()
    for first in range(start, start + count, batch):
        size = min(batch, start + count - first)
        for line in _lines(reader, seed, first, size):
            if "find" in line:
                report.finds.setdefault(line["find"], line["number"])
            report.refused += line.get("refused", 0)
            report.slowest_s = max(report.slowest_s, line.get("slowest_s", 0.0))
        report.inputs += size
        report.seconds = time.perf_counter() - began
        if progress is not None:
            progress(report)
    return report


def _lines(reader: str, seed: int, first: int, size: int) -> Iterator[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--work",
        reader,
        str(seed),
        str(first),
        str(size),
    ]
    at = first
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        try:
            for text in process.stdout:
                line = json.loads(text)
                at = line.get("at", line.get("number", at))
                yield line
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        yield {"find": f"the process ended with {process.returncode}", "number": at}
