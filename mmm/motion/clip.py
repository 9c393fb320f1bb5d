"""What a clip is: a motion, perhaps its music, and where both came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.errors import SpecError
from mmm.motion import rotations as rot
from mmm.motion.skeleton import Skeleton, forward_kinematics

Array = np.ndarray


def _digest(*arrays: Array, text: str = "") -> str:
    state = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        state.update(str((array.shape, array.dtype.str)).encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Motion:
    """A skeleton moving: local rotations of every joint and the world path of the root.

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
        object.__setattr__(self, "rotations", rotations)
        object.__setattr__(self, "root_m", root_m)

    def __repr__(self) -> str:
        return f"Motion({len(self)} frames at {self.fps:g} fps, {len(self.skeleton)} joints)"

    def __len__(self) -> int:
        return len(self.root_m)

    @property
    def duration_s(self) -> float:
        """How long the motion plays, seconds: frames / fps."""
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
        at = [joint for joint, _ in self.skeleton.end_sites]
        offsets = np.array([offset for _, offset in self.skeleton.end_sites], dtype=np.float32)
        return positions[:, at] + np.einsum("teij,ej->tei", world[:, at], offsets)

    def floor_m(self) -> float:
        """Height of the floor under the feet: the 5th percentile of the lowest foot joint or tip, metres."""
        feet = list(self.skeleton.feet) or list(range(len(self.skeleton)))
        low = self.positions()[:, feet, 1].min(axis=1)
        tips = [e for e, (joint, _) in enumerate(self.skeleton.end_sites) if joint in feet]
        if tips:
            low = np.minimum(low, self.tip_positions()[:, tips, 1].min(axis=1))
        return float(np.percentile(low, 5))

    def crop(self, start: int, stop: int) -> "Motion":
        """Frames ``start`` to ``stop`` (not included).

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
        """The same movement at another frame rate: slerp of rotations, a straight line for the root.

        The first frame stays where it is in time; a last fraction of a frame is dropped.
        """
        if fps == self.fps:
            return self
        count = int(np.floor((len(self) - 1) * fps / self.fps + 1e-6)) + 1
        at = np.minimum(np.arange(count) * self.fps / fps, len(self) - 1)
        low = np.minimum(np.floor(at).astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        weight = (at - low).astype(np.float32)
        per_joint = np.broadcast_to(weight[:, None], (count, len(self.skeleton)))
        rotations = rot.slerp(self.rotations[low], self.rotations[high], per_joint)
        root_m = self.root_m[low] + weight[:, None] * (self.root_m[high] - self.root_m[low])
        return Motion(self.skeleton, rotations, root_m, fps)

    def mirror(self) -> "Motion":
        """The motion seen in a mirror (x to -x), left and right limbs changing names."""
        flip = np.array([-1, 1, 1], dtype=np.float32)
        swap = list(self.skeleton.mirror_index)
        tips = tuple((swap[j], (-x, y, z)) for j, (x, y, z) in self.skeleton.end_sites)
        skeleton = replace(
            self.skeleton, offsets_m=self.skeleton.offsets_m[swap] * flip, end_sites=tips
        )
        rotations = self.rotations[:, swap] * flip[:, None] * flip
        return Motion(skeleton, rotations, self.root_m * flip, self.fps)

    def digest(self) -> str:
        """32 hexadecimal digits that change with any value, name or bone; a cache key."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        text = repr((self.skeleton.names, self.skeleton.parents, self.skeleton.end_sites, self.fps))
        return _digest(self.skeleton.offsets_m, self.rotations, self.root_m, text=text)


@dataclass(frozen=True, eq=False)
class Audio:
    """Sound as it was recorded."""

    samples: Float[Array, "N C"]
    """Float32 in [-1, 1], one column a channel."""
    rate_hz: int
    """Samples per second."""

    def __repr__(self) -> str:
        return (
            f"Audio({self.duration_s:.2f} s at {self.rate_hz} Hz, {self.samples.shape[1]} channels)"
        )

    @property
    def duration_s(self) -> float:
        """Seconds of sound."""
        return len(self.samples) / self.rate_hz

    def crop_s(self, start_s: float, stop_s: float) -> "Audio":
        """The sound between two moments, in seconds; padded with silence where it ends too early."""
        start, stop = round(start_s * self.rate_hz), round(stop_s * self.rate_hz)
        cut = self.samples[max(start, 0) : max(stop, 0)]
        missing = (stop - start) - len(cut)
        return Audio(np.pad(cut, ((0, max(missing, 0)), (0, 0))), self.rate_hz)


@dataclass(frozen=True, eq=False)
class Music:
    """What the network hears: features aligned with the motion's frames; the sound too where it is at hand."""

    features: Float[Array, "T M"]
    """The 35 features of ``mmm.music``, float32, one row a motion frame."""
    fps: float
    """Rows per second; the motion's frame rate."""
    beats: Int[Array, "B"]
    """Frames on which a beat falls, ascending."""
    tempo_bpm: float
    """Beats per minute."""
    audio: Audio | None = None
    """The sound itself, starting with frame 0."""
    without: Mapping[str, Audio] = field(default_factory=lambda: MappingProxyType({}))
    """The same sound without one of its parts (``drums``, ``chords``), where such recordings are at hand."""

    def __repr__(self) -> str:
        return f"Music({len(self)} frames at {self.fps:g} fps, {self.tempo_bpm:.0f} bpm, {len(self.beats)} beats)"

    def __len__(self) -> int:
        return len(self.features)

    def crop(self, start: int, stop: int) -> "Music":
        """Frames ``start`` to ``stop`` (not included) of features, beats and sound."""
        inside = self.beats[(self.beats >= start) & (self.beats < stop)] - start
        span_s = start / self.fps, stop / self.fps
        audio = self.audio.crop_s(*span_s) if self.audio else None
        without = {part: sound.crop_s(*span_s) for part, sound in self.without.items()}
        return replace(
            self, features=self.features[start:stop], beats=inside, audio=audio, without=without
        )

    def digest(self) -> str:
        """32 hexadecimal digits that change with the features, the beats or the sound."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        sound = (self.audio.samples,) if self.audio else ()
        return _digest(self.features, self.beats, *sound, text=repr((self.fps, self.tempo_bpm)))


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded of a clip that was edited since: the truth that its recoveries are held against."""

    motion: Motion
    """As long as the clip. In frames without a recording it holds something plain, which nobody may take for truth."""
    frames: Bool[Array, "T"]
    """False where nothing was recorded: a gap was made longer or shorter."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A named motion with its music, if it has any."""

    name: str
    motion: Motion
    music: Music | None = None
    source: str = ""
    """Where it came from: a file path or the name of a generated set."""
    split: str = ""
    """``train``, ``val``, ``test``, or empty where no list says."""
    notes: tuple[str, ...] = ()
    """What the reader had to do to the file, in sentences for the user."""
    meta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Facts of the file's format that the writer of the same format puts back (units, Euler orders, ...)."""
    recording: Recording | None = None
    """What was recorded, where ``motion`` was edited since (``mmm.edits``); None: the motion is what was recorded."""

    def __post_init__(self) -> None:
        if self.recording is not None and not len(self.motion) == len(self.recording.motion) == len(
            self.recording.frames
        ):
            raise ValueError(
                f"{self.name}: {len(self.motion)} frames, {len(self.recording.motion)} of its recording"
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
        """What was recorded: the motion itself, but where it was edited. True only in frames that are ``recorded``."""
        return self.motion if self.recording is None else self.recording.motion

    @property
    def recorded(self) -> Bool[Array, "T"]:
        """Frames of which there is a recording: all, but for gaps that were made longer or shorter."""
        return np.ones(len(self), dtype=bool) if self.recording is None else self.recording.frames

    def crop(self, start: int, stop: int) -> "Clip":
        """Frames ``start`` to ``stop`` (not included) of motion and music."""
        music, was = self.music.crop(start, stop) if self.music else None, self.recording
        recording = (
            None if was is None else Recording(was.motion.crop(start, stop), was.frames[start:stop])
        )
        return replace(self, motion=self.motion.crop(start, stop), music=music, recording=recording)

    def digest(self) -> str:
        """32 hexadecimal digits over motion and music (not the name): a cache key."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        text = self.motion.digest() + (self.music.digest() if self.music else "")
        if self.recording is not None:
            text += self.recording.motion.digest() + _digest(self.recording.frames)
        return _digest(text=text)
