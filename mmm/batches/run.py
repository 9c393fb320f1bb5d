"""One function over many tasks, in this process or as tasks of Ray.

Both call the same function, so results are the same bits. Ray is imported only where it is asked
for.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
        threads: torch's threads in this process, where ``work`` runs a network. Tasks of Ray take
            as many: sums of another number of threads differ in their last bit.
        title: of the progress bar.
        done: tasks beside these that were done before.

    Raises:
        MMMError: Ray is not installed, or does not answer at its address.
    """
    with tqdm(total=done + len(tasks), initial=done, desc=title, disable=None) as bar:
        # Without tasks Ray need not start.
        address = ray if tasks else None
        batch = _here(work, tasks) if address is None else _on_ray(work, tasks, address, threads)
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
                reason = type(error).__name__
                yield (
                    number,
                    Failure(
                        MMMError(_name(tasks[number]), f"the process that read it died ({reason})")
                    ),
                )


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
