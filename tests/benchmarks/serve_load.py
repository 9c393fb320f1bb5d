"""What ``mmm serve`` costs and carries: ``python -m tests.benchmarks.serve_load [CHECKPOINT]``.

300 frames of 24 joints, every 15th known, recovered by an interpolation and by a network. First the
overhead: one client, local and remote calls by turns. Then requests a second and waiting times of
1, 8 and 32 clients, in one process and, where Ray is installed, with replicas. Server and clients
share the machine's cores. Not a test.
"""

import argparse
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import mmm
from mmm.serving.client import RemoteModel
from mmm.serving.limits import Limits

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "samples").glob("*.npz"))
FRAMES, ROUNDS, CLIENTS = 300, 30, (1, 8, 32)
INTERPOLATION = "slerp"


@contextmanager
def one_process() -> Iterator[str]:
    """The address of ``mmm serve --local``."""
    port = free_port()
    command = ["-m", "mmm", "serve", "--local", "--port", f"{port}"]
    server = subprocess.Popen([sys.executable, *command])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def on_ray(replicas: int) -> Iterator[str]:
    """The address of so many replicas on a Ray of this machine."""
    import ray
    from ray import serve

    from mmm.serving.cluster import deployment

    port = free_port()
    ray.init(
        num_cpus=replicas + 1,
        object_store_memory=100_000_000,
        include_dashboard=False,
        log_to_driver=False,
    )
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        # All of them from the start: scaling takes longer than a round.
        serve.run(deployment(Limits(workers=1), replicas=replicas, least=replicas), name="mmm")
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def milliseconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def load(call: Callable[[], object], clients: int, seconds: float) -> tuple[float, float, float]:
    """Requests a second, and the median and the 95th percentile of their milliseconds."""
    values: list[float] = []
    end = time.perf_counter() + seconds

    def ask() -> None:
        while time.perf_counter() < end:
            values.append(milliseconds(call))

    start = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Until the last answer: otherwise the requests under way would count for nothing.
    rate = len(values) / (time.perf_counter() - start)
    return rate, float(np.median(values)), float(np.percentile(values, 95))


def measure(
    name: str, local: Callable[[], object], remote: Callable[[], object], seconds: float
) -> None:
    """Print the overhead of one kind of request, then its load."""
    # The first ones load the network, in each replica.
    for _ in range(6):
        remote()
    turns = [(milliseconds(local), milliseconds(remote)) for _ in range(ROUNDS)]
    (here, there), least = np.median(turns, axis=0), np.min(turns, axis=0)
    print(
        f"  {name}: {here:.1f} ms here, {there:.1f} ms there, {there - here:.1f} ms more "
        f"(fastest: {least[0]:.1f}, {least[1]:.1f}, {least[1] - least[0]:.1f})"
    )
    for clients in CLIENTS:
        rate, median, late = load(remote, clients, seconds)
        print(
            f"    {clients:2} clients {rate:6.1f} requests a second, "
            f"p50 {median:6.0f} ms, p95 {late:6.0f} ms",
            flush=True,
        )


def main(checkpoint: str, seconds: float) -> None:
    """Print a table for each way to serve."""
    clip = mmm.load_clip(SAMPLES[0]).crop(0, FRAMES)
    hidden = mmm.masks.parse("every:15", clip)
    network = mmm.load_model(checkpoint)
    local: dict[str, Callable[[], object]] = {
        INTERPOLATION: lambda: mmm.interpolate(INTERPOLATION, clip, hidden),
        checkpoint: lambda: mmm.recover(network, clip, hidden),
    }
    ways = {"one process": one_process}
    if find_spec("ray") is not None:
        ways |= {"Ray, 1 replica": lambda: on_ray(1), "Ray, 2 replicas": lambda: on_ray(2)}
    for label, way in ways.items():
        with way() as url:
            server = mmm.connect(url)
            print(f"{label}: {server.health()['version']}", flush=True)
            for name, call in local.items():
                # The model is not asked for: interpolations have no description.
                remote = partial(server.recover, RemoteModel(name, {}), clip, hidden)
                measure(name, call, remote, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", nargs="?", default="common-small")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each number of clients")
    options = parser.parse_args()
    main(options.checkpoint, options.seconds)
