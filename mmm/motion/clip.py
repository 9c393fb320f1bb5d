"""Clips: a motion, possibly with music, and its origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mmm.errors import SpecError
from mmm.motion import rotations as rot
from mmm.motion.skeleton import Skeleton, forward_kinematics
from mmm.motion.sound import Audio, Music, digest_of

__all__ = ["Audio", "Clip", "Motion", "Music", "Recording"]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Motion:
    """A moving skeleton: local rotations of every joint and the world path of the root.

    Immutable. Arrays are converted to float32 and must not be written to afterwards, since world
    positions are computed once.

    Raises:
        ValueError: shapes disagree, a value is not finite, or there is no frame.
    """

    skeleton: Skeleton
    rotations: Float[Array, "T J 3 3"]
    """Local rotation matrices, float32: each joint in its parent's frame."""
    root_m: Float[Array, "T 3"]
    """World position of the root joint, metres, Y up, float32."""
    fps: float
    """Frames per second."""

    def __post_init__(self) -> None:
        rotations = np.asarray(self.rotations, dtype=np.float32)
        root_m = np.asarray(self.root_m, dtype=np.float32)
        frames = len(root_m)
        if (
            rotations.shape != (frames, len(self.skeleton), 3, 3)
            or root_m.shape != (frames, 3)
            or not frames
        ):
            raise ValueError(
                f"rotations {rotations.shape}, root {root_m.shape}, {len(self.skeleton)} joints"
            )
        if not (np.isfinite(rotations).all() and np.isfinite(root_m).all() and self.fps > 0):
            raise ValueError("a motion must be finite and its frame rate positive")
        # The dataclass is frozen, so the converted arrays are set past its guard.
        object.__setattr__(self, "rotations", rotations)
        object.__setattr__(self, "root_m", root_m)

    def __repr__(self) -> str:
        return f"Motion({len(self)} frames at {self.fps:g} fps, {len(self.skeleton)} joints)"

    def __len__(self) -> int:
        return len(self.root_m)

    @property
    def duration_s(self) -> float:
        """Playing time in seconds: frames / fps."""
        return len(self) / self.fps

    @cached_property
    def _world(self) -> tuple[Array, Array]:
        return forward_kinematics(self.skeleton, self.rotations, self.root_m)

    def positions(self) -> Float[Array, "T J 3"]:
        """World positions of every joint, metres, float32; computed once."""
        return self._world[0]

    def world_rotations(self) -> Float[Array, "T J 3 3"]:
        """World rotations of every joint, float32; computed once."""
        return self._world[1]

    def tip_positions(self) -> Float[Array, "T E 3"]:
        """World positions of the skeleton's end sites, metres, float32; ``E`` may be zero."""
        positions, world = self._world
        if not self.skeleton.end_sites:
            return np.zeros((len(self), 0, 3), dtype=np.float32)
        joints = [joint for joint, _ in self.skeleton.end_sites]
        offsets = np.array([offset for _, offset in self.skeleton.end_sites], dtype=np.float32)
        return positions[:, joints] + np.einsum("teij,ej->tei", world[:, joints], offsets)

    def floor_m(self) -> float:
        """Height of the floor, metres: the 5th percentile of the lowest foot joint or toe tip."""
        # Without known feet, the lowest joint counts.
        feet = list(self.skeleton.feet) or list(range(len(self.skeleton)))
        low = self.positions()[:, feet, 1].min(axis=1)
        tips = [e for e, (joint, _) in enumerate(self.skeleton.end_sites) if joint in feet]
        if tips:
            low = np.minimum(low, self.tip_positions()[:, tips, 1].min(axis=1))
        # A percentile, not the minimum: single frames of real recordings sink into the floor.
        return float(np.percentile(low, 5))

    def crop(self, start: int, stop: int) -> "Motion":
        """The frames from ``start`` up to, not including, ``stop``.

        Raises:
            SpecError: the range is empty or not inside the motion.
        """
        if not 0 <= start < stop <= len(self):
            raise SpecError(
                f"frames {start}:{stop}",
                f"the motion has {len(self)} frames",
                f"0 <= start < stop <= {len(self)}",
                "choose a range inside it",
            )
        return replace(self, rotations=self.rotations[start:stop], root_m=self.root_m[start:stop])

    def resample(self, fps: float) -> "Motion":
        """The same movement at another frame rate.

        Rotations are interpolated by slerp, the root linearly. The first frame keeps its time; a
        last fraction of a frame is dropped.
        """
        if fps == self.fps:
            return self
        # The small number absorbs rounding: 60 to 30 fps must not lose its last frame.
        count = int(np.floor((len(self) - 1) * fps / self.fps + 1e-6)) + 1
        frames = np.minimum(np.arange(count) * self.fps / fps, len(self) - 1)  # fractional
        low = np.minimum(np.floor(frames).astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        weight = (frames - low).astype(np.float32)
        per_joint = np.broadcast_to(weight[:, None], (count, len(self.skeleton)))
        rotations = rot.slerp(self.rotations[low], self.rotations[high], per_joint)
        root_m = self.root_m[low] + weight[:, None] * (self.root_m[high] - self.root_m[low])
        return Motion(self.skeleton, rotations, root_m, fps)

    def mirror(self) -> "Motion":
        """The mirrored motion (x becomes -x), with left and right limbs exchanged."""
        flip = np.array([-1, 1, 1], dtype=np.float32)
        swap = list(self.skeleton.mirror_index)
        tips = tuple((swap[j], (-x, y, z)) for j, (x, y, z) in self.skeleton.end_sites)
        skeleton = replace(
            self.skeleton, offsets_m=self.skeleton.offsets_m[swap] * flip, end_sites=tips
        )
        # A reflection M turns a rotation R into M R M; the signs of both factors are multiplied.
        rotations = self.rotations[:, swap] * flip[:, None] * flip
        return Motion(skeleton, rotations, self.root_m * flip, self.fps)

    def digest(self) -> str:
        """A cache key: 32 hexadecimal digits that change with any value, name or bone."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        text = repr((self.skeleton.names, self.skeleton.parents, self.skeleton.end_sites, self.fps))
        return digest_of(self.skeleton.offsets_m, self.rotations, self.root_m, text=text)


@dataclass(frozen=True, eq=False)
class Recording:
    """The recording of a clip that was edited since: the reference for errors of its recoveries."""

    motion: Motion
    """As long as the clip. Frames without a recording hold a placeholder, not the truth."""
    frames: Bool[Array, "T"]
    """False in gaps whose length was changed, where nothing was recorded."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A named motion, with its music if it has any.

    Raises:
        ValueError: motion, music and recording differ in length or frame rate.
    """

    name: str
    motion: Motion
    music: Music | None = None
    source: str = ""
    """Where it came from: a file path or the name of a generated set."""
    split: str = ""
    """``train``, ``val``, ``test``, or empty if no list says."""
    notes: tuple[str, ...] = ()
    """What the reader assumed or repaired, in sentences for the user."""
    meta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Properties of the file's format that its writer restores (units, Euler orders, ...)."""
    recording: Recording | None = None
    """The recording, if ``motion`` was edited (``mmm.edits``). None: the motion is the recording."""

    def __post_init__(self) -> None:
        # These are programming errors: readers and edits keep lengths equal.
        if self.recording is not None and not len(self.motion) == len(self.recording.motion) == len(
            self.recording.frames
        ):
            raise ValueError(
                f"{self.name}: {len(self.motion)} frames, "
                f"{len(self.recording.motion)} of its recording"
            )
        if self.music is not None and (
            len(self.music) != len(self.motion) or self.music.fps != self.motion.fps
        ):
            raise ValueError(
                f"{self.name}: {len(self.music)} music frames at {self.music.fps} fps, "
                f"{len(self.motion)} motion frames at {self.motion.fps} fps"
            )

    def __repr__(self) -> str:
        return f"Clip({self.name!r}, {self.motion!r}, {self.music!r})"

    def __len__(self) -> int:
        return len(self.motion)

    @property
    def truth(self) -> Motion:
        """The recorded motion. It is the truth only in frames that are ``recorded``."""
        return self.motion if self.recording is None else self.recording.motion

    @property
    def recorded(self) -> Bool[Array, "T"]:
        """Frames that were recorded: all except gaps that were made longer or shorter."""
        return np.ones(len(self), dtype=bool) if self.recording is None else self.recording.frames

    def crop(self, start: int, stop: int) -> "Clip":
        """Motion and music from frame ``start`` up to, not including, ``stop``.

        Raises:
            SpecError: the range is empty or not inside the clip.
        """
        music, recording = self.music.crop(start, stop) if self.music else None, self.recording
        if recording is not None:
            recording = Recording(recording.motion.crop(start, stop), recording.frames[start:stop])
        return replace(self, motion=self.motion.crop(start, stop), music=music, recording=recording)

    def digest(self) -> str:
        """A cache key: 32 hexadecimal digits over motion, music and recording, not the name."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        text = self.motion.digest() + (self.music.digest() if self.music else "")
        if self.recording is not None:
            text += self.recording.motion.digest() + digest_of(self.recording.frames)
        return digest_of(text=text)
