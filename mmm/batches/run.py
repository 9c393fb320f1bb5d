"""One function over many tasks: in this process, in several, or as tasks of Ray.

All call the same function, so results are the same bits. Ray is imported only where it is asked
for.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from mmm.errors import MMMError
from mmm.machine import cores

Task = TypeVar("Task")
Result = TypeVar("Result")

LOCAL = "local"
"""The address for which Ray starts on this machine, and ends with the run."""
_TRIES = 3
"""How often Ray starts a task again whose process or node died."""
_AHEAD = 1000
"""Tasks that Ray knows of. It asks for further nodes by them, and each costs some memory."""
_STORE_BYTES = 200_000_000
"""The object store of a Ray of this machine: results are small, and the default is a third of the
memory."""


@dataclass(frozen=True)
class FileTask:
    """A task that reads one file."""

    path: Path

    @property
    def name(self) -> str:
        """What errors call it."""
        return str(self.path)


@dataclass(frozen=True)
class Failure:
    """What became of a task that could not be done."""

    error: MMMError

    def __str__(self) -> str:
        return " ".join(str(self.error).split())


def run(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    ray: str | None = None,
    processes: int = 1,
    threads: int | None = None,
    title: str = "files",
    done: int = 0,
) -> Iterator[tuple[int, Result | Failure]]:
    """Results as they come, each with its task's number, and a progress bar on a terminal.

    Args:
        work: a function of a module; what it raises becomes a ``Failure`` of that task alone.
        tasks: what it is called with, one after another.
        ray: None: in this process and in order. ``local``: a Ray that starts here and ends with
            the run. Else the address of a running one, as ``ray.init`` takes it.
        processes: without Ray, so many processes of this machine share the tasks.
        threads: torch's threads in this process, where ``work`` runs a network. Tasks of Ray take
            as many: sums of another number of threads differ in their last bit.
        title: of the progress bar.
        done: tasks beside these that were done before.

    Raises:
        MMMError: Ray is not installed, or does not answer at its address.
    """
    with tqdm(total=done + len(tasks), initial=done, desc=title, disable=None) as bar:
        # Without tasks Ray need not start.
        if ray is not None and tasks:
            batch = _on_ray(work, tasks, ray, threads)
        else:
            batch = _in_processes(work, tasks, processes) if processes > 1 else _here(work, tasks)
        for outcome in batch:
            yield outcome
            bar.update()


def guarded(work: Callable[[Task], Result], task: Task) -> Result | Failure:
    """The result of a task; whatever goes wrong is told, never raised."""
    try:
        return work(task)
    except MMMError as error:
        return Failure(error)
    # A fault of ours, or no memory left: one file must not stop the others.
    except Exception as error:
        return Failure(MMMError(_name(task), f"{type(error).__name__}: {error}"))


def _name(task: Any) -> str:
    """A task in an error."""
    return str(getattr(task, "name", task))


def _here(
    work: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[tuple[int, Result | Failure]]:
    for number, task in enumerate(tasks):
        yield number, guarded(work, task)


def _in_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int
) -> Iterator[tuple[int, Result | Failure]]:
    """Results as they come.

    A process that dies (out of memory, say) breaks its whole pool. The remaining tasks are then
    done one at a time, so that the task at fault is known and the others are not lost.
    """
    left, do = dict(enumerate(tasks)), partial(guarded, work)
    with _pool(processes) as pool:
        futures = {pool.submit(do, task): k for k, task in left.items()}
        for future in as_completed(futures):
            # The task itself raises nothing, so an exception means that the pool broke.
            if future.exception() is None:
                del left[futures[future]]
                yield futures[future], future.result()
    # A pool of one process identifies the task at fault. After each death a new pool is needed.
    waiting = list(left)
    while waiting:
        with _pool(1) as alone:
            while waiting:
                k = waiting.pop(0)
                try:
                    outcome = alone.submit(do, tasks[k]).result()
                except BrokenProcessPool:
                    yield k, _died(tasks[k])
                    break
                yield k, outcome


def _died(task: Any, reason: str = "") -> Failure:
    return Failure(MMMError(_name(task), f"the process that read it died{reason}"))


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """A pool that drops waiting tasks when the run is stopped."""
    # "spawn": forked processes would inherit the locks of threads that numerical libraries hold.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(
    work: Callable[[Task], Result], tasks: Sequence[Task], address: str, threads: int | None
) -> Iterator[tuple[int, Result | Failure]]:
    with _connected(address) as ray:
        # Ray would give each process one thread, and the local run has more.
        omp = os.environ.get("OMP_NUM_THREADS") or str(cores())
        nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        # No node with a CPU: the cluster starts some when it hears of tasks.
        largest = max(nodes, default=0) or threads or 1
        remote = ray.remote(_in_worker).options(
            # A network takes its threads' cores; a smaller node is crowded, but gives equal bits.
            num_cpus=min(threads or 1, largest),
            max_retries=_TRIES,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": omp}},
        )
        waiting, running = iter(enumerate(tasks)), dict[Any, int]()
        while True:
            for number, task in islice(waiting, _AHEAD - len(running)):
                running[remote.remote(work, task, threads, Path.cwd())] = number
            if not running:
                return
            (ready,), _ = ray.wait(list(running), num_returns=1)
            number = running.pop(ready)
            try:
                yield number, ray.get(ready)
            # The task itself raises nothing, so its process died each time.
            except ray.exceptions.RayError as error:
                yield number, _died(tasks[number], f" ({type(error).__name__})")


def _in_worker(
    work: Callable[[Task], Result], task: Task, threads: int | None, folder: Path
) -> Result | Failure:
    """A task in a process of Ray."""

    def prepared(task: Task) -> Result:
        # Paths that the user wrote are relative to it.
        os.chdir(folder)
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        return work(task)

    # Inside: a node without the folder is told as any other fault of the task.
    return guarded(prepared, task)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray at an address; left as it was found."""
    if find_spec("ray") is None:
        raise MMMError("--ray", "ray is not installed", cure="pip install '.[serve]'")
    # Ray's own advice for its next version, of which users would see a warning.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    # A program that has connected already goes on with its connection.
    if ray.is_initialized():
        yield ray
        return
    started: dict[str, Any] = (
        {"include_dashboard": False, "object_store_memory": _STORE_BYTES, "num_cpus": cores()}
        if address == LOCAL
        else {}
    )
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **started)
    # Ray has no class of its own for this: connections, wrong addresses and versions differ.
    except Exception as error:
        raise MMMError(
            f"--ray {address}",
            f"no Ray answers there ({' '.join(str(error).split())[:200]})",
            "local, auto or HOST:PORT",
            "start one with ray start --head, or take local",
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def torch_threads() -> int:
    """Torch's threads in this process, for :func:`run`."""
    # Imported here: conversions run no network and need not wait for torch.
    import torch

    return int(torch.get_num_threads())
