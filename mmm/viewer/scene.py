"""A scene: bodies, a mask and music, which films, web pages and the workbench draw."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from mmm.errors import SpecError
from mmm.motion.clip import Clip, Motion, Music
from mmm.viewer.palette import Look
from mmm.viewer.panels import MAX_PANELS, Future, Role, ViewerPanel, pack_viewer, panel_from_motion
from mmm.viewer.payload import with_height

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Performer:
    """One body of a scene."""

    name: str
    motion: Motion
    role: Role
    look: Look = ""
    """The colour of a second or third network, instead of the role's."""
    hidden: Bool[Array, "T J"] | None = None
    """The mask of this body, if it differs from the scene's."""

    def panel(self) -> ViewerPanel:
        """The body in the form that the viewer draws."""
        return replace(
            panel_from_motion(self.name, self.motion, self.role), look=self.look, hidden=self.hidden
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """One to five bodies of equal length.

    Raises:
        ValueError: there are none or too many, or lengths, rates and mask disagree.
    """

    title: str
    performers: tuple[Performer, ...]
    hidden: Bool[Array, "T J"] | None = None
    """True where bodies other than the truth were recovered or generated."""
    music: Music | None = None
    errors: Mapping[str, Float[Array, "T"]] = field(default_factory=dict)
    """Error curves in centimetres by name, the model's first."""
    prefix_frames: int = 0
    """Generated bodies are known up to this frame; 0 if nothing is generated."""
    recorded: Bool[Array, "T"] | None = None
    """False in frames without a recording, in which no truth is shown. None: all have one."""
    floor: float | None = None
    """Height of the floor if it is known, metres. None: under the lowest foot."""

    def __post_init__(self) -> None:
        # The viewer and films have one clock, so lengths and rates must agree.
        rates = {(len(p.motion), p.motion.fps) for p in self.performers}
        if not 1 <= len(self.performers) <= MAX_PANELS or len(rates) != 1:
            raise ValueError(f"{len(self.performers)} bodies of {sorted(rates)} frames and rates")
        if self.hidden is not None and len(self.hidden) != len(self):
            raise ValueError(f"hidden has {len(self.hidden)} frames, the bodies {len(self)}")

    def __len__(self) -> int:
        return len(self.performers[0].motion)

    def crop(self, start: int, stop: int) -> "Scene":
        """The frames from ``start`` up to, not including, ``stop``, with their part of the music.

        Raises:
            SpecError: these are no frames of the scene.
        """
        if not 0 <= start < stop <= len(self):
            raise SpecError(
                self.title,
                f"frames {start}:{stop} of {len(self)}",
                f"a part of 0:{len(self)}",
                "choose frames of the clip",
            )
        part = slice(start, stop)

        def cut(values: Array | None) -> Array | None:
            return None if values is None else values[part]

        return replace(
            self,
            performers=tuple(
                replace(p, motion=p.motion.crop(start, stop), hidden=cut(p.hidden))
                for p in self.performers
            ),
            hidden=cut(self.hidden),
            music=self.music and self.music.crop(start, stop),
            errors={name: values[part] for name, values in self.errors.items()},
            prefix_frames=min(max(self.prefix_frames - start, 0), stop - start),
            recorded=cut(self.recorded),
            # Of the whole: in a part, the lowest foot may be in the air.
            floor=self.floor_m,
        )

    def is_recorded(self, frame: int) -> bool:
        """Whether this frame was recorded, so that there is a truth to show."""
        return self.recorded is None or bool(self.recorded[frame])

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.performers[0].motion.fps

    @property
    def duration_s(self) -> float:
        """Duration in seconds."""
        return len(self) / self.fps

    @property
    def floor_m(self) -> float:
        """Height of the floor under the first body, metres."""
        if self.floor is not None:
            return self.floor
        # Rounded to 0.1 mm, so that payloads do not change with rounding errors.
        return round(self.performers[0].motion.floor_m(), 4)

    def payload(self, sound: bytes | None = None, height: int = 0) -> bytes:
        """The payload of the viewer's JavaScript.

        Args:
            sound: an encoded recording that starts with frame 0.
            height: CSS pixels; 0 for the default.
        """
        audio = self.music.audio if self.music else None
        future = Future(self.prefix_frames, len(self), len(self)) if self.prefix_frames else None
        panels = [p.panel() for p in self.performers]
        packed = pack_viewer(
            panels,
            fps=self.fps,
            # For a generation the browser needs only the seed's end: everything after it is hidden.
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
    """The interface that recoveries, generations and interventions share."""

    def scene(self, *others: Any) -> Scene:
        """The scene that shows this result, and others of its kind beside it."""
        ...

    def as_clip(self) -> Clip:
        """The clip that is written to a motion file."""
        ...


def scene_of(item: Clip | Watchable, *others: Any) -> Scene:
    """The scene that shows a clip or a result.

    Args:
        item: a clip, or a result of recovering, generating or intervening.
        others: results of the same kind to show beside it. A clip is shown alone.
    """
    # Clips do not depend on the viewer, which is a higher layer, so their scene is made here.
    if not isinstance(item, Clip):
        return item.scene(*others)
    return Scene(
        item.name,
        (Performer(item.name, item.motion, "truth"),),
        music=item.music,
        # With None, no space is reserved for the label "not recorded", which would never show.
        recorded=None if item.recorded.all() else item.recorded,
    )
