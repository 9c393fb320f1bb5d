"""What the server does for each request, without a word of HTTP or Ray.

An :class:`Engine` keeps the networks and calls ``mmm.recover``, ``mmm.generate_clip`` and
``mmm.explain``; it computes nothing itself. So results are those of a local call, bit for bit.
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
    """The end of a request's time; called as the ``progress`` of the library's functions."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds
        self.share = 0.0
        """How much of the request is done, 0 to 1."""

    @property
    def left_s(self) -> float:
        """Seconds until the end, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def cancel(self) -> None:
        """End the request at its next step: nobody waits for it any more."""
        self._end = 0.0

    def __call__(self, share: float = 0.0) -> None:
        """Note how much is done, while there is time.

        Raises:
            TooSlow: the time is over.
        """
        # Later steps, such as the writing of a file, do not know of the earlier ones.
        self.share = max(self.share, share)
        if self.left_s == 0:
            raise TooSlow(
                "request",
                f"not done within {self._seconds:g} s",
                cure="ask for fewer frames, or raise the server's --time-limit",
            )


class Places:
    """So many requests compute at a time, so many wait, and further ones are refused."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self.waiting, self.running = limits, 0, 0
        self._free = asyncio.Semaphore(limits.workers)

    async def run(self, deadline: Deadline, work: Callable[[], Result]) -> Result:
        """Compute in a thread as soon as a place is free.

        Raises:
            Busy: the queue is full.
            TooSlow: no place was free before the deadline.
        """
        await self.enter(deadline)
        try:
            return await asyncio.to_thread(work)
        finally:
            self.leave()

    async def enter(self, deadline: Deadline) -> None:
        """Wait for a place; :meth:`leave` gives it back. Errors as :meth:`run`."""
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
        """Give a place back."""
        self.running -= 1
        self._free.release()


def _stamp(folder: Path) -> object:
    """Changes when training writes a checkpoint anew."""
    stats = ((path.name, path.stat()) for path in sorted(folder.iterdir()))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


class Engine:
    """The networks of a server, and the library's calls with them; safe for many threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._models: OrderedDict[str, tuple[object, MaskedMotionModel]] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, name: str) -> Path:
        """The folder of a checkpoint of the server.

        Raises:
            ModelError: there is none of this name.
        """
        # Only names of the list: a path would read the server's disk, and a name of the Hugging
        # Face Hub would make the server download it. Looked for anew each time, because
        # checkpoints come and go; describing them all would take longer than a short recovery.
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
        """A network, loaded when it is first asked for, and again when its files have changed.

        The least recently used one goes first.
        """
        folder = self.folder(name)
        from mmm.checkpoints import load_model

        # Loading under the lock: two requests for one checkpoint must not load it twice.
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
        """A recovery by a checkpoint, or by an interpolation of this name."""
        from mmm.recovery.recover import interpolate, recover

        # As on the command line, a checkpoint's name cannot hide an interpolation.
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
        """How far each change of the music moves a recovery: rows as ``mmm intervene`` prints."""
        for change in changes:
            # The library reads the named file, which on a server is not the client's.
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
