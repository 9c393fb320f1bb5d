"""A scene: who is shown, what was hidden, the music. Film, web page and workbench all draw the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from mmm.motion.clip import Clip, Motion, Music
from mmm.viewer.palette import Look
from mmm.viewer.panels import MAX_PANELS, Future, Role, StagePanel, pack_stage, panel_from_motion
from mmm.viewer.payload import with_height

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Performer:
    """One body on the stage."""

    name: str
    motion: Motion
    role: Role
    look: Look = ""
    """Another colour than the role's, for a second and third network."""
    hidden: Bool[Array, "T J"] | None = None
    """Its own, where another pattern was hidden from it than from the others."""

    def panel(self) -> StagePanel:
        """As the stage takes it."""
        return replace(
            panel_from_motion(self.name, self.motion, self.role), look=self.look, hidden=self.hidden
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """One to five bodies of equal length.

    Raises:
        ValueError: none or too many of them, or their lengths, rates or the mask disagree.
    """

    title: str
    performers: tuple[Performer, ...]
    hidden: Bool[Array, "T J"] | None = None
    """True where those that are not the truth could not look."""
    music: Music | None = None
    errors: Mapping[str, Float[Array, "T"]] = field(default_factory=dict)
    """Centimetres a frame, by name, the model's first."""
    prefix_frames: int = 0
    """Above zero: those that are not the truth were generated from there on."""
    recorded: Bool[Array, "T"] | None = None
    """False where there is no truth: its body is not shown there. None: there is one everywhere."""

    def __post_init__(self) -> None:
        rates = {(len(p.motion), p.motion.fps) for p in self.performers}
        if not 1 <= len(self.performers) <= MAX_PANELS or len(rates) != 1:
            raise ValueError(f"{len(self.performers)} bodies of {sorted(rates)} frames and rates")
        if self.hidden is not None and len(self.hidden) != len(self):
            raise ValueError(f"hidden has {len(self.hidden)} frames, the bodies {len(self)}")

    def __len__(self) -> int:
        return len(self.performers[0].motion)

    def is_recorded(self, frame: int) -> bool:
        """Whether there is a truth to show at this frame."""
        return self.recorded is None or bool(self.recorded[frame])

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.performers[0].motion.fps

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return len(self) / self.fps

    @property
    def floor_m(self) -> float:
        """Height of the floor under the first body."""
        return round(self.performers[0].motion.floor_m(), 4)

    def payload(self, sound: bytes | None = None, height: int = 0) -> bytes:
        """What the stage's JavaScript is fed.

        Args:
            sound: an encoded recording that starts with frame 0.
            height: CSS pixels; 0 for the stage's own.
        """
        audio = self.music.audio if self.music else None
        future = Future(self.prefix_frames, len(self), len(self)) if self.prefix_frames else None
        panels = [p.panel() for p in self.performers]
        packed = pack_stage(
            panels,
            fps=self.fps,
            hidden=None if future else self.hidden,
            future=future,
            waveform=audio.samples.mean(axis=1) if audio else None,
            audio=sound,
            floor_m=self.floor_m,
            beats=self.music.beats if self.music else None,
            title=self.title,
            errors=self.errors,
            recorded=self.recorded,
        )
        return with_height(packed, height)


@runtime_checkable
class Watchable(Protocol):
    """What recoveries, generations and interventions have in common."""

    def scene(self, *others: Any) -> Scene:
        """What is watched: this, and others of its kind beside it."""
        ...

    def as_clip(self) -> Clip:
        """What is written to a motion file."""
        ...


def scene_of(item: Clip | Watchable, *others: Any) -> Scene:
    """The scene that shows a clip or a result.

    Args:
        item: a clip, or a result of recovering, generating or intervening.
        others: results of the same kind, to stand beside it. A clip is shown alone.
    """
    if not isinstance(item, Clip):
        return item.scene(*others)
    return Scene(
        item.name,
        (Performer(item.name, item.motion, "truth"),),
        music=item.music,
        recorded=None if item.recorded.all() else item.recorded,
    )
