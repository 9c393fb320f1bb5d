"""Measure how a server bears many people: ``python -m tests.load --people 1,4,16,32``.

Starts the workbench of this folder (or of ``--root``) on a free port of 127.0.0.1, lets so many people open the page at
once, each with a pattern of their own, and prints how long they waited until the recovery stood on the page: median
(p50), 95th percentile (p95), errors, the slowest answer of ``/_stcore/health`` meanwhile, memory and threads.
"""

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import psutil
import typer

from tests.browser import ROOT, free_port
from tests.load.client import Visit, Visitor

HEALTH_EVERY_S = 0.2
START_S = 120.0


class Server:
    """The workbench, started in a process of its own, and how it fares."""

    def __init__(self, root: Path, options: Sequence[str]) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "streamlit",
                "run",
                str(root / "dashboard" / "app.py"),
                "--server.headless=true",
                f"--server.port={self.port}",
                "--server.address=127.0.0.1",
                *options,
            ],
            cwd=root,
            env=os.environ | {"MMM_DATA": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.slowest_health_s = 0.0
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=1)
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    async def watch(self) -> None:
        """Ask for the server's health again and again, over a connection of its own each time."""
        while True:
            begun = time.perf_counter()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /_stcore/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                await reader.read()
                writer.close()
            finally:
                self.slowest_health_s = max(self.slowest_health_s, time.perf_counter() - begun)
            await asyncio.sleep(HEALTH_EVERY_S)

    def memory_mb(self) -> float:
        """Resident memory of the server and the processes it has started."""
        process = psutil.Process(self.process.pid)
        family = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family if one.is_running()) / 1e6

    def threads(self) -> int:
        """Of the server."""
        return psutil.Process(self.process.pid).num_threads()

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def address_of(number: int, method: str) -> dict[str, str]:
    """The page with a pattern that nobody else has: no result can be another visitor's."""
    first = 30 + number % 300
    query = {"hide": f"span:{first}-{first + 60 + number // 300 % 200}"}
    return query | ({"method": method} if method else {})


async def crowd(server: Server, people: int, number: int, args: SimpleNamespace) -> list[Visit]:
    """So many people, evenly over ``--over`` seconds, each ``--rounds`` times."""

    async def person(place: int) -> list[Visit]:
        await asyncio.sleep(args.over * place / people)
        visits = []
        for turn in range(args.rounds):
            visitor = Visitor(server.port, args.limit)
            query = (
                {} if args.same else address_of(number + place * args.rounds + turn, args.method)
            )
            visits.append(
                await visitor.open(query, until_served=not args.open_only, stay_s=args.stay)
            )
        return visits

    watching = asyncio.ensure_future(server.watch())
    visits = await asyncio.gather(*map(person, range(people)))
    watching.cancel()
    return [visit for some in visits for visit in some]


def line(people: int, visits: Sequence[Visit], server: Server, open_only: bool) -> str:
    """One row of the table."""
    waited = [v.opened_s if open_only else v.served_s for v in visits]
    times = np.array([seconds for seconds in waited if seconds is not None and seconds])
    errors = [v.error for v in visits if v.error]
    p50, p95 = np.percentile(times, [50, 95]) if len(times) else (np.nan, np.nan)
    row = (
        f"{people:6d}  {len(times):6d}  {p50:7.2f}  {p95:7.2f}  {len(errors):6d}  "
        f"{sum(v.told_to_wait for v in visits):7d}  {server.slowest_health_s:8.2f}  "
        f"{server.memory_mb():9.0f}  {server.threads():7d}"
    )
    return row + (f"   {errors[0]}" if errors else "")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    people: Annotated[str, typer.Option(help="so many at a time, one after another")] = "1,4,16,32",
    rounds: Annotated[int, typer.Option(help="visits of each of them")] = 1,
    over: Annotated[float, typer.Option(help="seconds over which they come")] = 0.0,
    stay: Annotated[float, typer.Option(help="seconds that they stay afterwards")] = 0.0,
    limit: Annotated[float, typer.Option(help="seconds a visit may take")] = 120.0,
    method: Annotated[str, typer.Option(help="a checkpoint or interpolation, for all")] = "",
    same: Annotated[bool, typer.Option("--same", help="all open the page's first view")] = False,
    open_only: Annotated[
        bool, typer.Option("--open-only", help="nobody waits for a recovery")
    ] = False,
    root: Annotated[Path, typer.Option(help="the workbench to be measured")] = ROOT,
    option: Annotated[list[str] | None, typer.Option(help="for `streamlit run`")] = None,
) -> None:
    """Open the workbench as many people, and print how long they wait."""
    args = SimpleNamespace(
        people=people,
        rounds=rounds,
        over=over,
        stay=stay,
        limit=limit,
        method=method,
        same=same,
        open_only=open_only,
        root=root,
        option=option or [],
    )
    server, number = Server(args.root, args.option), 0
    try:
        # Before the first row, so that no row has the server's first import of torch in it.
        asyncio.run(Visitor(server.port, args.limit).open({}))
        print("people  served      p50      p95  errors  waiting  health s  memory MB  threads")
        for people in map(int, args.people.split(",")):
            server.slowest_health_s = 0.0
            visits = asyncio.run(crowd(server, people, number, args))
            number += people * args.rounds
            print(line(people, visits, server, args.open_only), flush=True)
    finally:
        server.close()


if __name__ == "__main__":
    app()
