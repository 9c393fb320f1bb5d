"""Streamlit servers and browser pages for tests. The fixtures are in conftest.py."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class AppServer:
    """Streamlit servers by script, started on first use."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def url(self, script: str, env: dict[str, str] | None = None) -> str:
        """Base address of the script's app (a path from the project's root), healthy when this returns."""
        if script not in self._running:
            port = free_port()
            command = [
                sys.executable,
                "-m",
                "streamlit",
                "run",
                str(ROOT / script),
                "--server.headless=true",
                f"--server.port={port}",
                "--server.address=127.0.0.1",
                "--server.fileWatcherType=none",
                "--browser.gatherUsageStats=false",
            ]
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(env or {}), "OMP_NUM_THREADS": "1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._running[script] = (process, port)
            self._wait(process, port)
        return f"http://127.0.0.1:{self._running[script][1]}/"

    def _wait(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until:
            if process.poll() is not None:
                raise RuntimeError(
                    f"streamlit ended with status {process.returncode} before it was healthy"
                )
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"streamlit was not healthy after {START_TIMEOUT_S} s")

    def close(self) -> None:
        for process, _ in self._running.values():
            process.terminate()
            process.wait(timeout=10)


class Watched:
    """A page and every error its console saw."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(45_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("console", lambda message: self._note(message))

    def _note(self, message: Any) -> None:
        # A resource that the browser could not fetch is the network's affair (fonts, the map of Streamlit's help).
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)
