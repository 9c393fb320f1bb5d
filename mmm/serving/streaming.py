"""Answers that are sent while they are made: frames, and how much of a recovery is done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from mmm.errors import MMMError
from mmm.serving import answers, forms
from mmm.serving.engine import Deadline, Places

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Generation

_REPORT_S = 0.25
"""Seconds between two lines of progress. A client that has left is noticed as soon."""
_AHEAD = 4
"""Lines that wait for a slow client; generation stops until it has taken one."""


async def stream(
    places: Places,
    deadline: Deadline,
    work: Callable[[Callable[["Chunk"], object]], "Generation"],
) -> AsyncIterator[bytes]:
    """Start a generation and wait for its first line.

    Args:
        places: where it waits for its turn.
        deadline: its end; cancelled when the client leaves.
        work: generates, and tells its argument of every chunk.

    Returns:
        All lines. An error after the first one is the last line, ``{"error": ...}``.

    Raises:
        MMMError: the generation cannot begin, so that the answer can still have a status.
    """
    await places.enter(deadline)
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
    room = asyncio.Semaphore(_AHEAD)

    def put(item: bytes | BaseException | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, item)

    def on_chunk(chunk: "Chunk") -> None:
        future = asyncio.run_coroutine_threadsafe(room.acquire(), loop)
        try:
            # A client that takes nothing holds its place no longer than any request.
            future.result(deadline.left_s)
        except TimeoutError:
            future.cancel()
            deadline()
        put(answers.chunk_line(chunk))

    def run() -> None:
        try:
            put(answers.end_line(work(on_chunk)))
            put(None)
        # Everything goes to the request: nobody reads this thread's result.
        except BaseException as error:
            put(error)

    task = asyncio.create_task(asyncio.to_thread(run))
    # Also where the client leaves: the place is free when the thread has really ended.
    task.add_done_callback(lambda done: places.leave())
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
        # Reached when the client leaves, too: nothing is computed for nobody.
        deadline.cancel()


async def with_progress(
    places: Places, deadline: Deadline, work: Callable[[], bytes]
) -> AsyncIterator[bytes]:
    """Compute, and tell meanwhile how much is done.

    Args:
        places: where it waits for its turn.
        deadline: told by ``work`` how much is done; cancelled when the client leaves.
        work: what to compute.

    Returns:
        Lines ``{"share": 0.3}``, then ``{"done": true}`` and the bytes. An error after the first
        line is the last line.

    Raises:
        MMMError: it ends at once with an error, so that the answer can still have a status.
    """
    await places.enter(deadline)
    task = asyncio.create_task(asyncio.to_thread(work))

    def ended(done: asyncio.Task[bytes]) -> None:
        # Only here: where the client has left, the thread may still compute for a moment.
        places.leave()
        # Read, so that asyncio does not report the error of a client that has left.
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
        # Reached when the client leaves, too: nothing is computed for nobody.
        deadline.cancel()
