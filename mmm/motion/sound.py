"""The sound and the music of a clip, aligned with its frames."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


def digest_of(*arrays: Array, text: str = "") -> str:
    """A digest of arrays and a text, 32 hexadecimal digits."""
    state = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        # Shape and type count too: equal bytes may be different arrays.
        state.update(str((array.shape, array.dtype.str)).encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Audio:
    """Sound samples at their own rate."""

    samples: Float[Array, "N C"]
    """Float32 in [-1, 1], one column per channel."""
    rate_hz: int
    """Samples per second."""

    def __repr__(self) -> str:
        return (
            f"Audio({self.duration_s:.2f} s at {self.rate_hz} Hz, {self.samples.shape[1]} channels)"
        )

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz

    def crop_s(self, start_s: float, stop_s: float) -> "Audio":
        """The sound between two times in seconds, padded with silence beyond its end."""
        start, stop = round(start_s * self.rate_hz), round(stop_s * self.rate_hz)
        # Negative times would index from the end of the array.
        cut = self.samples[max(start, 0) : max(stop, 0)]
        missing = (stop - start) - len(cut)
        return Audio(np.pad(cut, ((0, max(missing, 0)), (0, 0))), self.rate_hz)


@dataclass(frozen=True, eq=False)
class Music:
    """The music of a clip: features aligned with its frames, and the sound if available."""

    features: Float[Array, "T M"]
    """The 35 features of ``mmm.music``, float32, one row per motion frame."""
    fps: float
    """Rows per second, equal to the motion's frame rate."""
    beats: Int[Array, "B"]
    """Frames on which beats fall, ascending."""
    tempo_bpm: float
    """Beats per minute."""
    audio: Audio | None = None
    """The sound itself, starting with frame 0."""
    without: Mapping[str, Audio] = field(default_factory=lambda: MappingProxyType({}))
    """The same sound without one part (``drums``, ``chords``), if such recordings exist."""

    def __repr__(self) -> str:
        return (
            f"Music({len(self)} frames at {self.fps:g} fps, {self.tempo_bpm:.0f} bpm, "
            f"{len(self.beats)} beats)"
        )

    def __len__(self) -> int:
        return len(self.features)

    def crop(self, start: int, stop: int) -> "Music":
        """Features, beats and sound from frame ``start`` up to, not including, ``stop``."""
        inside = self.beats[(self.beats >= start) & (self.beats < stop)] - start
        span_s = start / self.fps, stop / self.fps
        audio = self.audio.crop_s(*span_s) if self.audio else None
        without = {part: sound.crop_s(*span_s) for part, sound in self.without.items()}
        return replace(
            self, features=self.features[start:stop], beats=inside, audio=audio, without=without
        )

    def digest(self) -> str:
        """A cache key: 32 hexadecimal digits over features, beats and sound."""
        return self._known_digest

    @cached_property
    def _known_digest(self) -> str:
        # Computed once: the page asks for it in every run, and a clip does not change.
        sound = (self.audio.samples,) if self.audio else ()
        return digest_of(self.features, self.beats, *sound, text=repr((self.fps, self.tempo_bpm)))
