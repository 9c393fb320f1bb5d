"""Background generations, whose frames can be shown while later ones are generated."""

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard.work.computing import computing
from dashboard.work.engine import submit
from dashboard.work.jobs import Cancelled, Job, Models, loaded_models
from dashboard.work.store import Store
from mmm import Clip, Motion
from mmm.viewer.panels import ViewerPanel, panel_from_motion

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Evaluation, Generation
    from mmm.motion.clip import Music

KEPT_BYTES = 256_000_000
"""Bytes of generated rotations that are kept, over all sessions."""
MAX_VARIANTS = 3
"""Variants shown side by side, beside the truth."""
CHANNEL = "future"
"""The name of the playhead of this mode's viewer and curves."""


@dataclass(frozen=True)
class Setting:
    """The parameters that variants shown side by side share."""

    clip: str
    """The clip of the seed, and its digest."""
    prefix_frames: int
    song: str
    """Digest of the music."""


@dataclass(frozen=True)
class Ask:
    """The parameters of a generation; equal requests give the same motion."""

    setting: Setting
    frames: int
    method: str
    version: int
    """Checksum of the checkpoint's files: see ``jobs.version_of``."""
    temperature: float = 1.0
    seed: int = 0
    is_random: bool = True
    """Whether this network depends on temperature and random seed."""
    roles: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The label of the figure."""
        if not self.is_random:
            return self.method
        return f"{self.method}, seed {self.seed}" + (
            f", temperature {self.temperature:g}" if self.temperature != 1 else ""
        )

    @property
    def dance(self) -> tuple[object, ...]:
        """All fields but the length: a longer generation begins with the same frames."""
        return self.setting, self.method, self.version, self.temperature, self.seed, self.roles


@dataclass(frozen=True, eq=False)
class Made:
    """A finished generation and its evaluation."""

    ask: Ask
    generation: "Generation"
    numbers: "Evaluation"


@st.cache_resource(show_spinner=False)
def kept() -> Store[Ask, Made]:
    """The store of this server."""
    return Store(KEPT_BYTES)


def keep(made: Made) -> None:
    """Put a generation into the store."""
    kept().put(made.ask, made, made.generation.clip.motion.rotations.nbytes)


@dataclass(eq=False)
class Stream(Job[Made]):
    """A running generation, whose frames so far can be read."""

    again: str = "Generate"
    begun: float = field(default_factory=time.perf_counter)
    run_name: str = ""
    """Identifies this run for the viewer."""
    taken: bool = False
    """Whether the page has put the result among its variants."""
    fps_made: float = 0.0
    """Frames generated per second so far."""
    shown: tuple[int, bytes] | None = None
    """Number of frames and payload that the viewer got last."""
    # The worker appends and page threads copy the list first, so it needs no lock.
    _panels: list[ViewerPanel] = field(default_factory=list)
    _first: threading.Event = field(default_factory=threading.Event)

    def add(self, motion: Motion, generated: bool = True) -> None:
        """Append frames; called by the worker."""
        assert isinstance(self.request, Ask)
        self._panels.append(panel_from_motion(self.request.label, motion, "model"))
        # The recorded prefix is not a result yet: playback waits for a generated frame.
        if generated:
            self._first.set()

    def wait_for_first(self, seconds: float) -> bool:
        """Wait for the first generated frame, for the end of the job, or for ``seconds``."""
        end = time.monotonic() + seconds
        # Short waits, because a job can fail before its first frame, which only ``running`` shows.
        while time.monotonic() < end and self.running:
            if self._first.wait(0.02):
                break
        return self._first.is_set()

    @property
    def ready(self) -> int:
        """Frames made so far, seed included."""
        return sum(len(panel.positions) for panel in list(self._panels))

    def panel(self) -> ViewerPanel | None:
        """The frames so far for the viewer; None before the first generated one."""
        parts = list(self._panels)
        # The first part is the recorded prefix.
        if len(parts) < 2:
            return None
        return replace(
            parts[0],
            positions=np.concatenate([p.positions for p in parts]),
            tips=np.concatenate([p.tips for p in parts]),
        )


def start(ask: Ask, clip: Clip, music: "Music | None") -> Stream:
    """Hand a generation to the engine and return at once.

    Args:
        clip: the prefix with its music, or silent. With the clip's own music, the recorded
            continuation follows the prefix.
        music: another song than the clip's own.
    """
    # The time makes the name unique, so that the viewer restarts when an equal request runs again.
    stream = Stream(ask, run_name=f"{time.time_ns()}")
    models = loaded_models()
    submit(stream, lambda _: _generate(stream, ask, clip, music, models))
    return stream


def _generate(stream: Stream, ask: Ask, clip: Clip, music: "Music | None", models: Models) -> Made:
    """Generate in the engine's thread; every chunk is handed to the page at once."""
    stream.advance(0.0, "Loading the network")
    run = computing(models)
    model = run.model(ask.method)
    stream.advance(0.0, "Generating the first frames")
    prefix_frames, fps = ask.setting.prefix_frames, clip.motion.fps
    stream.add(clip.motion.crop(0, prefix_frames), generated=False)
    # After loading, so that the rate shown is the network's own.
    begun = time.perf_counter()

    def show(chunk: "Chunk") -> bool:
        """Hand a chunk to the page; False once the user has cancelled."""
        stream.add(chunk.motion)
        done = chunk.first + len(chunk.motion) - prefix_frames
        stream.fps_made = done / (time.perf_counter() - begun)
        try:
            stream.advance(
                done / ask.frames,
                f"{done / fps:.1f} of {ask.frames / fps:.1f} s, "
                f"{stream.fps_made:.0f} frames a second",
            )
        except Cancelled:
            # Frames that were generated so far are kept.
            return False
        return True

    generation = run.generate_clip(
        model,
        clip,
        prefix_frames=prefix_frames,
        frames=ask.frames,
        music=music,
        temperature=ask.temperature,
        random_seed=ask.seed,
        joint_names=dict(ask.roles) or None,
        on_chunk=show,
    )
    made = Made(
        # After Cancel there are fewer frames than requested, and the key must say so.
        replace(ask, frames=len(generation.generated)),
        generation,
        generation.evaluate(),
    )
    keep(made)
    return made


@st.cache_resource(max_entries=4, show_spinner=False)
def load_ahead(method: str, version: int) -> Job[bool]:
    """Load a network in the background, so that Generate does not wait for it."""
    # ``version`` serves as a part of the cache key: a retrained checkpoint is loaded again.
    job: Job[bool] = Job(method)
    models = loaded_models()

    def load(job: Job[bool]) -> bool:
        computing(models).model(method)
        return True

    return submit(job, load, for_server=True)
