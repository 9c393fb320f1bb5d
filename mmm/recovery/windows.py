"""Running a network over long clips in overlapping windows with cross-faded outputs."""

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
"""Fraction of a window that the next one also covers; outputs are cross-faded there."""


def windows(frames: int, size: int) -> list[tuple[int, int]]:
    """First and last-plus-one frames of overlapping windows that cover a clip."""
    if frames <= size:
        return [(0, frames)]
    hop = size - int(size * OVERLAP)
    # The last window is moved back, because networks get windows of one length.
    starts = [*range(0, frames - size, hop), frames - size]
    return [(start, start + size) for start in starts]


def fade(frames: int, size: int) -> Float[Array, "_"]:
    """Weights of a window's frames: 1 in the middle, with linear ramps at both ends."""
    # The ramps stay above zero, so that the ends of a clip have a weight to divide by.
    ramp = max(int(size * OVERLAP), 1)
    position = np.arange(frames)
    return np.minimum(1, (np.minimum(position, frames - 1 - position) + 1) / ramp).astype(
        np.float32
    )


class CrossFade:
    """Weighted means of the outputs of overlapping windows (overlap-add)."""

    def __init__(self, frames: int, size: int) -> None:
        self._size = size
        self._weights = np.zeros((frames, 1), np.float32)
        self._sums: list[Array] = []

    def add(self, start: int, stop: int, values: Sequence[Float[Array, "B n _"]]) -> None:
        """Add the outputs of one window, in the same order every time."""
        weight = fade(stop - start, self._size)[:, None]
        # The widths of the values are known from the first window on.
        if not self._sums:
            frames = len(self._weights)
            self._sums = [np.zeros((len(v), frames, v.shape[-1]), np.float32) for v in values]
        for total, value in zip(self._sums, values, strict=True):
            total[:, start:stop] += value * weight
        self._weights[start:stop] += weight

    def means(self) -> tuple[Float[Array, "B T _"], ...]:
        """The outputs over the whole clip."""
        # Every frame lies in a window, and no weight is zero.
        return tuple(total / self._weights for total in self._sums)


@dataclass(frozen=True)
class NetworkInput:
    """A whole clip as a network reads it: filled, at the network's frame rate, on its device."""

    filled: Filled
    hidden: Tensor
    """(B,N,J) bool."""
    frames: Float[Array, "N"]
    """The position of each of the network's frames among the clip's, fractional, ascending from
    0."""
    clip_frames: int
    music: Tensor | None = None
    """(B,N,M), scaled; None for networks without music."""
    path: Tensor | None = None
    """(B,N,3): linear interpolation between the known positions of the root, scaled; for networks
    on own joints."""
    body: Tensor | None = None
    """(B,J,3): bone offsets, metres; for networks on joint roles."""

    def __len__(self) -> int:
        return len(self.frames)

    def repeat(self, count: int) -> "NetworkInput":
        """Repeat a batch of one ``count`` times."""

        def repeated(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.expand(count, -1, -1)

        return replace(
            self,
            filled=self.filled.repeat(count),
            hidden=self.hidden.expand(count, -1, -1),
            music=repeated(self.music),
            path=repeated(self.path),
            body=repeated(self.body),
        )

    def window_at(self, clip_frame: int, size: int) -> tuple[int, int]:
        """The first window that contains a frame of the clip."""
        position = np.interp(clip_frame, self.frames, np.arange(len(self)))
        spans = windows(len(self), size)
        return next(span for span in spans if span[1] == len(self) or position < span[1])

    def clip_span(self, start: int, stop: int) -> tuple[int, int]:
        """The first and last-plus-one frames of the clip that a window covers."""
        last = self.clip_frames if stop == len(self) else round(self.frames[stop])
        # At another rate, frames of the network lie between those of the clip.
        return round(self.frames[start]), last

    def predict(
        self,
        model: MaskedMotionModel,
        start: int,
        stop: int,
        noise: Tensor | None,
        output_attentions: bool,
    ) -> MaskedMotionOutput:
        """Run the network on one window."""
        part = slice(start, stop)
        # The fill is that of the whole clip, so windows agree on it where they overlap.
        return model.predict(
            self.filled.part(part),
            self.hidden[:, part],
            music=None if self.music is None else self.music[:, part],
            output_attentions=output_attentions,
            # Used only if no root in the window is known.
            place=None if self.path is None else self.path[:, part].mean(1, keepdim=True),
            body=self.body,
            noise=noise,
        )


@dataclass(frozen=True)
class WindowedOutput:
    """The output of a network for a whole clip, at the network's frame rate."""

    values: tuple[Float[Array, "B N _"], ...]
    """The selected values, cross-faded between windows."""
    attention: AttentionTrace | None
    """Attention maps of one window, if requested."""


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
    """Run a network over a clip, window by window, and cross-fade the outputs.

    Args:
        model: the network.
        given: the clip as the network reads it.
        read: selects the values to keep, (B,n,_) each, from the network's output.
        noises: one row of latent noise for each prediction; None: one prediction with zero noise.
        attention_frame: a frame of the clip; attention maps of the first window that contains it
            are returned.
        progress: called after each window with the fraction done; an exception from it ends the
            run.

    Returns:
        The selected values over the whole clip.
    """
    size = model.config.max_frames
    # All rows of noise run as one batch.
    if noises is not None:
        given = given.repeat(len(noises))
    noise = None if noises is None else torch.from_numpy(noises).to(model.device)
    chosen = None if attention_frame is None else given.window_at(attention_frame, size)
    cross_fade, trace = CrossFade(len(given), size), None
    spans = windows(len(given), size)
    for done, (start, stop) in enumerate(spans, start=1):
        output = given.predict(model, start, stop, noise, (start, stop) == chosen)
        # Kept on the CPU, so that long clips do not fill the memory of the device.
        cross_fade.add(start, stop, [value.float().cpu().numpy() for value in read(output)])
        # Cross-modal encoders that join time have maps of motion and music rows; all others of
        # frames only.
        if output.attentions is not None:
            rows = 2 * (stop - start)
            joined = any(maps.shape[-1] == rows for maps in output.attentions.get("cross", ()))
            trace = trace_of(output.attentions, given.clip_span(start, stop), joined_in_time=joined)
        if progress is not None:
            progress(done / len(spans))
    return WindowedOutput(cross_fade.means(), trace)
