"""Responses that are sent while they are computed: generated frames, progress of a recovery."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from mmm.errors import MMMError
from mmm.serving import answers, forms
from mmm.serving.engine import Deadline, Workers

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Generation

_REPORT_S = 0.25
"""Seconds between two lines of progress, and until the server notices that a client has left."""
_AHEAD = 4
"""Lines that a slow client may leave unread before generation pauses."""


async def stream(
    workers: Workers,
    deadline: Deadline,
    work: Callable[[Callable[["Chunk"], object]], "Generation"],
) -> AsyncIterator[bytes]:
    """Start a generation and wait for its first line.

    Args:
        workers: the generation waits for one of them.
        deadline: its time limit; cancelled when the client leaves.
        work: generates, and calls its argument with every chunk.

    Returns:
        All lines. An error after the first one is the last line, ``{"error": ...}``.

    Raises:
        MMMError: the generation cannot begin. The response can still have an error status.
    """
    await workers.enter(deadline)
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
    room = asyncio.Semaphore(_AHEAD)

    def put(item: bytes | BaseException | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, item)

    def on_chunk(chunk: "Chunk") -> None:
        future = asyncio.run_coroutine_threadsafe(room.acquire(), loop)
        try:
            # A client that reads nothing keeps a worker no longer than the time limit.
            future.result(deadline.left_s)
        except TimeoutError:
            future.cancel()
            deadline()
        put(answers.chunk_line(chunk))

    def run() -> None:
        try:
            put(answers.end_line(work(on_chunk)))
            put(None)
        # Passed on to the request, because nothing else reads this thread's result.
        except BaseException as error:
            put(error)

    task = asyncio.create_task(asyncio.to_thread(run))
    # Freed when the thread has ended, which may be after the client has left.
    task.add_done_callback(lambda done: workers.leave())
    # Errors before the first frame can still become a status.
    first = await lines.get()
    if isinstance(first, BaseException):
        raise first
    return _rest(first, lines, room, deadline)


async def _rest(first: Any, lines: Any, room: Any, deadline: Deadline) -> AsyncIterator[bytes]:
    item = first
    try:
        while item is not None:
            if isinstance(item, MMMError):
                # The status has been sent, so the error is a line of the stream.
                yield answers.line(forms.fault_of(item).model_dump())
                return
            if isinstance(item, BaseException):
                raise item
            yield item
            room.release()
            item = await lines.get()
    finally:
        # Also runs when the client leaves; the computation then stops.
        deadline.cancel()


async def with_progress(
    workers: Workers, deadline: Deadline, work: Callable[[], bytes]
) -> AsyncIterator[bytes]:
    """Compute, and report progress meanwhile.

    Args:
        workers: the computation waits for one of them.
        deadline: ``work`` reports its progress to it; cancelled when the client leaves.
        work: what to compute.

    Returns:
        Lines ``{"share": 0.3}``, then ``{"done": true}`` and the bytes. An error after the first
        line is the last line.

    Raises:
        MMMError: it fails before the first line. The response can still have an error status.
    """
    await workers.enter(deadline)
    task = asyncio.create_task(asyncio.to_thread(work))

    def ended(done: asyncio.Task[bytes]) -> None:
        # Not earlier: after the client has left, the thread may still compute for a moment.
        workers.leave()
        # Read, because asyncio logs errors that nobody has read.
        if not done.cancelled():
            done.exception()

    task.add_done_callback(ended)
    try:
        await asyncio.wait({task}, timeout=_REPORT_S)
    except asyncio.CancelledError:
        deadline.cancel()
        raise
    if task.done() and (error := task.exception()) is not None:
        raise error
    return _reported(task, deadline)


async def _reported(task: "asyncio.Task[bytes]", deadline: Deadline) -> AsyncIterator[bytes]:
    try:
        while not task.done():
            yield answers.line({"share": deadline.share})
            await asyncio.wait({task}, timeout=_REPORT_S)
        error = task.exception()
        if isinstance(error, MMMError):
            # The status has been sent, so the error is a line.
            yield answers.line(forms.fault_of(error).model_dump())
            return
        yield answers.line({"done": True})
        yield task.result()
    finally:
        # Also runs when the client leaves; the computation then stops.
        deadline.cancel()
