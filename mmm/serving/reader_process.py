"""The program of a reader process: it reads the files that users send.

:mod:`mmm.serving.reader` starts it as ``python -m mmm.serving.reader_process``. Requests arrive on
stdin and answers leave on stdout, each one line of JSON. A hostile file that crashes this process,
hangs it or fills its memory affects its sender alone.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from mmm.errors import MMMError
from mmm.io import load_clip
from mmm.music.audio import read_audio
from mmm.serving import exchange

MEMORY_BYTES = 3 << 30
"""Memory that a file may take, beyond that of the idle process. Half an hour of sound takes
1.4 GB."""


def main() -> None:
    """Answer requests until the server closes the pipe."""
    # Answers get a copy of stdout, and stdout goes nowhere: what a library prints is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # After the imports: the limit counts from the memory that they take.
    _limit()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        # Pipes are block-buffered: without this the server waits until its time limit.
        answers.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Read the requested file and write its content; returns ``{}`` or the error."""
    path, out = Path(request["path"]), Path(request["out"])
    try:
        if request["kind"] == "song":
            out.write_bytes(exchange.pack_audio(read_audio(path)))
        else:
            out.write_bytes(exchange.pack_clip(load_clip(path, **request["options"])))
    except MMMError as error:
        return {"error": [error.source, error.problem, error.expected, error.cure]}
    except MemoryError:
        return {"error": [path.name, "more than fits into memory", "", "cut it into pieces"]}
    except OSError as error:
        return {"error": [path.name, error.strerror or str(error), "", "restore the file"]}
    # A bug in a reader. The server logs the exception, and the user sees only that reading failed.
    except Exception as error:
        # Cut short, because an exception's text may quote the whole file.
        return {"fault": f"{type(error).__name__}: {error}"[:500]}
    return {}


def _limit() -> None:
    """Limit memory and forbid core dumps, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # The idle process's own memory, where ``/proc`` tells it.
    now = 0
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, now + MEMORY_BYTES))
    # A core dump would leave a user's file on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
