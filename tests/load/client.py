"""A visitor without a browser: Streamlit's websocket, spoken with its own message classes.

The client does what the page's frontend does: it opens the page at an address, asks again for the parts of the page
that are to be run every so often, and looks at what it is sent. It connects to 127.0.0.1 alone.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MOST_BYTES = 64 << 20
"""Of one message: a long clip with its sound is some megabytes."""


@dataclass
class Visit:
    """What one visitor met."""

    opened_s: float | None = None
    """Until the first run of the page was done."""
    served_s: float | None = None
    """Until the table of errors stood on the page."""
    error: str = ""
    """What went wrong, or what the page said was wrong."""
    told_to_wait: bool = False
    """Whether the page said that the server is busy, or named a place in the queue."""
    received: int = 0
    """Bytes."""


class Visitor:
    """One session.

    Args:
        port: of the server, on this machine.
        limit_s: the visit ends after so long, whatever has come by then.
    """

    def __init__(self, port: int, limit_s: float) -> None:
        self.port, self.limit_s = port, limit_s
        self.visit = Visit()
        self._polls: dict[str, asyncio.Task[None]] = {}

    async def open(
        self, query: dict[str, str], *, until_served: bool = True, stay_s: float = 0.0
    ) -> Visit:
        """Open the page at an address and wait for the recovery that it begins with.

        Args:
            query: of the address.
            until_served: wait for the recovery; otherwise for the first run of the page.
            stay_s: keep the connection open for so long afterwards.
        """
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(self.limit_s):
                async with websockets.connect(
                    f"ws://127.0.0.1:{self.port}/_stcore/stream",
                    max_size=MOST_BYTES,
                    open_timeout=self.limit_s,
                    ping_interval=None,
                    compression=None,
                ) as socket:
                    await self._run(socket, urlencode(query))
                    await self._listen(socket, urlencode(query), begun, until_served)
                    await asyncio.sleep(stay_s)
        except TimeoutError:
            self.visit.error = self.visit.error or f"nothing within {self.limit_s:g} s"
        except (OSError, websockets.WebSocketException) as error:
            self.visit.error = self.visit.error or f"{type(error).__name__}: {error}"
        finally:
            for task in self._polls.values():
                task.cancel()
        return self.visit

    async def _run(
        self, socket: websockets.ClientConnection, query: str, fragment: str = ""
    ) -> None:
        message = BackMsg()
        message.rerun_script.query_string = query
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        await socket.send(message.SerializeToString())

    async def _listen(
        self,
        socket: websockets.ClientConnection,
        query: str,
        begun: float,
        until_served: bool,
    ) -> None:
        async for data in socket:
            assert isinstance(data, bytes)
            self.visit.received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "stop_auto_rerun":
                self._forget_polls(message.stop_auto_rerun.fragment_ids)
            elif kind == "auto_rerun":
                rerun = message.auto_rerun
                self._poll(
                    rerun.fragment_id,
                    rerun.interval,
                    lambda fragment: self._run(socket, query, fragment),
                )
            elif kind == "delta":
                self._look_at(message, begun)
            elif kind == "script_finished" and self.visit.opened_s is None:
                self.visit.opened_s = time.perf_counter() - begun
            served = self.visit.served_s is not None or bool(self.visit.error)
            if served if until_served else self.visit.opened_s is not None:
                return

    def _look_at(self, message: ForwardMsg, begun: float) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "html" and 'wb-table"' in element.html.body and self.visit.served_s is None:
            self.visit.served_s = time.perf_counter() - begun
        elif kind == "alert":
            if "busy" in element.alert.body:
                self.visit.told_to_wait = True
            elif element.alert.format == element.alert.ERROR:
                self.visit.error = element.alert.body
        elif kind == "progress" and element.progress.text.startswith("Waiting"):
            self.visit.told_to_wait = True
        elif kind == "exception":
            self.visit.error = f"{element.exception.type}: {element.exception.message}"

    def _forget_polls(self, fragments: Iterable[str]) -> None:
        for fragment in fragments:
            if fragment in self._polls:
                self._polls.pop(fragment).cancel()

    def _poll(self, fragment: str, every_s: float, run: Callable[[str], object]) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(every_s)
                await run(fragment)  # type: ignore[misc]

        if fragment in self._polls:
            self._polls[fragment].cancel()
        self._polls[fragment] = asyncio.ensure_future(again())
