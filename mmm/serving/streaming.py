"""Generated frames as lines of JSON while they are made."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from mmm.errors import MMMError
from mmm.serving import answers, forms
from mmm.serving.engine import Deadline, Places

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Generation

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
