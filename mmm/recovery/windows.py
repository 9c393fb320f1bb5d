"""Recovering long clips in overlapping windows whose predictions are cross-faded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from mmm.attention import AttentionTrace, trace_of
from mmm.models import MaskedMotionModel, MaskedMotionOutput
from mmm.models.filled import Filled

Array = np.ndarray
Tensor = torch.Tensor

OVERLAP = 1 / 3
"""Share of a window that the next one covers too; predictions are cross-faded over it."""


def windows(frames: int, size: int) -> list[tuple[int, int]]:
    """Overlapping windows that cover a clip; the last one is moved back so that all have one
    length."""
    if frames <= size:
        return [(0, frames)]
    hop = size - int(size * OVERLAP)
    starts = [*range(0, frames - size, hop), frames - size]
    return [(start, start + size) for start in starts]


def fade(frames: int, size: int) -> Float[Array, "_"]:
    """Weights over a window: one in the middle, falling towards both ends, never zero."""
    ramp = max(int(size * OVERLAP), 1)
    position = np.arange(frames)
    return np.minimum(1, (np.minimum(position, frames - 1 - position) + 1) / ramp).astype(
        np.float32
    )


class CrossFade:
    """Weighted means of what overlapping windows say of the frames that they share."""

    def __init__(self, frames: int, size: int) -> None:
        self._size = size
        self._weights = np.zeros((frames, 1), np.float32)
        self._sums: list[Array] = []

    def add(self, start: int, stop: int, values: Sequence[Float[Array, "B n _"]]) -> None:
        """Add a window; ``values`` are the same quantities in the same order each time."""
        weight = fade(stop - start, self._size)[:, None]
        if not self._sums:
            frames = len(self._weights)
            self._sums = [np.zeros((len(v), frames, v.shape[-1]), np.float32) for v in values]
        for total, value in zip(self._sums, values, strict=True):
            total[:, start:stop] += value * weight
        self._weights[start:stop] += weight

    def means(self) -> tuple[Float[Array, "B T _"], ...]:
        """The quantities over the whole clip."""
        return tuple(total / self._weights for total in self._sums)


@dataclass(frozen=True)
class NetworkInput:
    """A whole clip as a network reads it: gaps filled, at the network's frame rate, on its
    device."""

    filled: Filled
    hidden: Tensor
    """(B,N,J) bool."""
    frames: Float[Array, "N"]
    """Where each of the network's frames lies among the clip's frames; ascending, the first one
    0."""
    clip_frames: int
    music: Tensor | None = None
    """(B,N,M), scaled; None for networks that take no music."""
    path: Tensor | None = None
    """(B,N,3): straight lines between the known places of the root, scaled; for own joints."""
    body: Tensor | None = None
    """(B,J,3): bone offsets, metres; for joint roles."""

    def __len__(self) -> int:
        return len(self.frames)

    def repeat(self, count: int) -> "NetworkInput":
        """A single clip as a batch of itself."""

        def many(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.expand(count, -1, -1)

        return replace(
            self,
            filled=self.filled.repeat(count),
            hidden=self.hidden.expand(count, -1, -1),
            music=many(self.music),
            path=many(self.path),
            body=many(self.body),
        )

    def window_at(self, clip_frame: int, size: int) -> tuple[int, int]:
        """The first window that holds a frame of the clip."""
        place = np.interp(clip_frame, self.frames, np.arange(len(self)))
        cuts = windows(len(self), size)
        return next(cut for cut in cuts if cut[1] == len(self) or place < cut[1])

    def clip_span(self, start: int, stop: int) -> tuple[int, int]:
        """First and last-plus-one frame of the clip that a window covers."""
        last = self.clip_frames if stop == len(self) else round(self.frames[stop])
        return round(self.frames[start]), last

    def predict(
        self,
        model: MaskedMotionModel,
        start: int,
        stop: int,
        noise: Tensor | None,
        output_attentions: bool,
    ) -> MaskedMotionOutput:
        """The network's answer to one window."""
        part = slice(start, stop)
        return model.predict(
            self.filled.part(part),
            self.hidden[:, part],
            music=None if self.music is None else self.music[:, part],
            output_attentions=output_attentions,
            place=None if self.path is None else self.path[:, part].mean(1, keepdim=True),
            body=self.body,
            noise=noise,
        )


@dataclass(frozen=True)
class WindowedOutput:
    """What a network says of a whole clip, at its own frame rate."""

    values: tuple[Float[Array, "B N _"], ...]
    """The quantities that were read from its outputs, cross-faded."""
    attention: AttentionTrace | None
    """Maps of the window that was asked for."""


@torch.inference_mode()
def predict_in_windows(
    model: MaskedMotionModel,
    given: NetworkInput,
    read: Callable[[MaskedMotionOutput], Sequence[Tensor]],
    *,
    noises: Float[Array, "B Z"] | None = None,
    attention_frame: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> WindowedOutput:
    """Run a network over a clip, window by window, and cross-fade what it says.

    Args:
        model: the network.
        given: the clip as the network reads it.
        read: takes the quantities to keep, (B,n,_) each, from the network's output.
        noises: one row of latent noise for each answer that is wanted; None: one answer, zero
            noise.
        attention_frame: a frame of the clip; the first window that holds it brings its maps.
        progress: called with the share done after each window; whatever it raises ends the run.
    """
    size = model.config.max_frames
    if noises is not None:
        given = given.repeat(len(noises))
    noise = None if noises is None else torch.from_numpy(noises).to(model.device)
    chosen = None if attention_frame is None else given.window_at(attention_frame, size)
    cross_fade, trace = CrossFade(len(given), size), None
    cuts = windows(len(given), size)
    for done, (start, stop) in enumerate(cuts, start=1):
        output = given.predict(model, start, stop, noise, (start, stop) == chosen)
        cross_fade.add(start, stop, [value.float().cpu().numpy() for value in read(output)])
        if output.attentions is not None:
            joined = model.config.model_type == "mmm-ecm"
            trace = trace_of(output.attentions, given.clip_span(start, stop), joined_in_time=joined)
        if progress is not None:
            progress(done / len(cuts))
    return WindowedOutput(cross_fade.means(), trace)
