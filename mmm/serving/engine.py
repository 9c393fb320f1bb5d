"""The work of each request, independent of HTTP and Ray.

An :class:`Engine` keeps the networks and calls ``mmm.recover``, ``mmm.generate_clip`` and
``mmm.explain``. It computes nothing itself, so results equal those of a local call bit for bit.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mmm.checkpoints import checkpoint_root
from mmm.errors import ModelError, SpecError
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.motion.clip import Clip
from mmm.serving.limits import Busy, Limits, TooSlow

if TYPE_CHECKING:  # imports torch, which listing checkpoints does not need
    from mmm.generation.result import Generation
    from mmm.models import MaskedMotionModel
    from mmm.recovery.result import RecoveryResult

Result = TypeVar("Result")


class Deadline:
    """The time limit of a request. The library's functions call it as their ``progress``."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds
        self.share = 0.0
        """The share of the request that is done, 0 to 1."""

    @property
    def left_s(self) -> float:
        """Seconds until the limit, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def cancel(self) -> None:
        """Stop the request at its next call of ``progress``, because its client has left."""
        self._end = 0.0

    def __call__(self, share: float = 0.0) -> None:
        """Note the share that is done.

        Raises:
            TooSlow: the time is over, or :meth:`cancel` was called.
        """
        # The maximum, because later steps such as writing a file count from zero again.
        self.share = max(self.share, share)
        if self.left_s == 0:
            raise TooSlow(
                "request",
                f"not done within {self._seconds:g} s",
                cure="ask for fewer frames, or raise the server's --time-limit",
            )


class Workers:
    """Bounds the requests that compute and those that wait; further ones are refused."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self.waiting, self.running = limits, 0, 0
        self._free = asyncio.Semaphore(limits.workers)

    async def run(self, deadline: Deadline, work: Callable[[], Result]) -> Result:
        """Compute in a thread as soon as a worker is free.

        Raises:
            Busy: the queue is full.
            TooSlow: no worker was free before the deadline.
        """
        await self.enter(deadline)
        try:
            return await asyncio.to_thread(work)
        finally:
            self.leave()

    async def enter(self, deadline: Deadline) -> None:
        """Wait for a worker; :meth:`leave` frees it. Raises as :meth:`run`."""
        if self._free.locked() and self.waiting >= self._limits.queue:
            raise Busy("server", f"{self.waiting} requests wait already", cure="try again later")
        self.waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), deadline.left_s)
        except TimeoutError:
            deadline()
            raise
        finally:
            self.waiting -= 1
        self.running += 1

    def leave(self) -> None:
        """Free the worker."""
        self.running -= 1
        self._free.release()


def _stamp(folder: Path) -> object:
    """A value that changes when a file of the checkpoint does."""
    stats = ((path.name, path.stat()) for path in sorted(folder.iterdir()))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


class Engine:
    """The networks of a server, and calls of the library with them. Safe to use from threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._models: OrderedDict[str, tuple[object, MaskedMotionModel]] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, name: str) -> Path:
        """The folder of a checkpoint of the server.

        Raises:
            ModelError: there is none of this name.
        """
        # Only listed names: a path would read the server's disk, and a name of the Hugging Face
        # Hub would start a download. The folders are listed again each time, because
        # checkpoints come and go.
        folders = {
            path.parent.name: path.parent for path in checkpoint_root().glob("*/config.json")
        }
        if name not in folders:
            raise ModelError(
                name,
                "no checkpoint of this server",
                f"one of {', '.join(sorted(folders)) or '(none)'}",
                "choose one of them",
            )
        return folders[name]

    def model(self, name: str) -> "MaskedMotionModel":
        """A network, loaded at its first request, and again when its files have changed.

        Beyond ``Limits.models``, the least recently used network is dropped.
        """
        folder = self.folder(name)
        from mmm.checkpoints import load_model

        # Loaded under the lock, so that two requests for one checkpoint do not load it twice.
        with self._lock:
            stamp = _stamp(folder)
            if name not in self._models or self._models[name][0] != stamp:
                self._models[name] = stamp, load_model(folder)
            self._models.move_to_end(name)
            while len(self._models) > self._limits.models:
                self._models.popitem(last=False)
            return self._models[name][1]

    def recover(
        self, checkpoint: str, clip: Clip, mask: Mask, deadline: Deadline, **options: Any
    ) -> "RecoveryResult":
        """A recovery by a checkpoint or by an interpolation."""
        from mmm.recovery.recover import interpolate, recover

        # As on the command line, interpolations take precedence over checkpoints of their name.
        if checkpoint in BASELINES:
            return interpolate(checkpoint, clip, mask)
        model = self.model(checkpoint)
        return recover(model, clip, mask, progress=deadline, **options)

    def generate(
        self, checkpoint: str, clip: Clip, frames: int, deadline: Deadline, **options: Any
    ) -> "Generation":
        """A generation by a checkpoint."""
        from mmm.generation.generate import generate_clip

        if frames > self._limits.frames:
            raise SpecError(
                f"{frames} frames to generate",
                "more than this server makes at a time",
                f"at most {self._limits.frames}",
                "ask for fewer",
            )
        model = self.model(checkpoint)
        return generate_clip(model, clip, frames=frames, progress=deadline, **options)

    def explain(
        self,
        checkpoint: str,
        clip: Clip,
        mask: Mask,
        changes: Sequence[str],
        deadline: Deadline,
    ) -> list[Mapping[str, Any]]:
        """How far each change of the music moves a recovery, as rows of ``mmm intervene``."""
        for change in changes:
            # The library would read the named file from the server's disk.
            if change.strip().startswith("swap"):
                raise SpecError(
                    f"SPEC {change!r}",
                    "it names a file",
                    "mute, shift, stretch or without",
                    "swap music on your own machine",
                )
        from mmm.explain.interventions import intervene

        model = self.model(checkpoint)
        results = intervene(model, clip, mask, changes, progress=deadline)
        return [{"change": r.intervention.label, **r.summary()} for r in results]
