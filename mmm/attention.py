"""Attention maps of one window: selecting maps and blocks, and ranking heads.

Attention says where a network looked, not why it moved. ``mmm.explain.interventions`` and
``mmm.explain.attribution`` measure what the music does. Half of every ConvBERT layer is a
convolution that no map shows. ``AttentionTrace.convolution`` holds its part of the layer's output.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float16, Int

from mmm.errors import ModelError, SpecError

Array = np.ndarray

HEAD_SCORES = ("across", "beats", "diagonal")
"""Scores by which heads can be ranked. See :meth:`AttentionTrace.head_scores`."""
NEAR_FRAMES = 5
"""Keys at most this many frames from the query count as near the diagonal."""
BEAT_FRAMES = 1
"""Keys at most this many frames from a beat count as on it; trackers are off by about one."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """The span-based dynamic convolution of each ConvBERT layer (Jiang et al. 2020).

    It has kernels of its own for every frame and head.
    """

    share: Float[Array, "L"]
    """The convolution's part of each layer's context output, 0 to 1: its squared norm over the
    squared norm of both halves, over all frames and before the output projection."""
    kernels: Float16[Array, "L T H 9"]
    """The weights over the nine frames around each one; they sum to 1. ``T`` is the number of rows
    of the encoder's maps."""


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """Every attention map of one window, captured while it was recovered."""

    encoders: Mapping[str, Float16[Array, "L H Q K"]]
    """The maps by encoder (``motion``, ``music``, ``cross``): layers, heads, queries, keys."""
    segments: Mapping[str, slice] | None
    """Where motion and music lie along both axes of ``cross``. None if the network joins
    features instead of time."""
    frames: tuple[int, int]
    """First and last-plus-one frame of the clip that the window covers."""
    convolution: Mapping[str, Convolution] = field(default_factory=dict)
    """The other half of the layers, by encoder. Empty if the network has none
    (``inbetween``)."""

    def block(self, query: str, key: str) -> Float16[Array, "L H Q K"]:
        """One of the four blocks of a cross-modal encoder that joins motion and music in time.

        Example: ``block("motion", "music")`` is where the motion looks at the music.

        Raises:
            ModelError: the network joins features (its maps go from frame to frame), or it has no
                such segment.
        """
        segments = self._segments(f"block({query!r}, {key!r})")
        for name in (query, key):
            if name not in segments:
                raise ModelError(
                    f"block({query!r}, {key!r})", f"no segment {name!r}", ", ".join(segments)
                )
        # Rows are queries, columns are keys: the first name selects rows.
        return self.encoders["cross"][:, :, segments[query], segments[key]]

    def layer_mean(self, encoder: str) -> Float[Array, "H Q K"]:
        """The mean over an encoder's layers."""
        # float32: sums of many float16 weights lose the small ones.
        return self._maps(encoder).mean(axis=0, dtype=np.float32)

    def head_mean(self, encoder: str) -> Float[Array, "L Q K"]:
        """The mean over the heads of each layer."""
        return self._maps(encoder).mean(axis=1, dtype=np.float32)

    def rollout(self, encoder: str) -> Float[Array, "Q K"]:
        """Attention rollout: how much of each input row reaches each output row of an encoder.

        The mean over heads and the identity (the residual path) count half each. Their sums are
        multiplied layer by layer. Rows sum to 1. Convolutions and feed-forward layers are left
        out.

        Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020.
        """
        mean = self.head_mean(encoder)
        flow = np.eye(mean.shape[-1], dtype=np.float32)
        for layer in mean:
            # Half attention, half identity: the identity stands for the residual connection.
            flow = 0.5 * (layer @ flow + flow)
        return flow

    def head_scores(
        self, encoder: str, kind: str, beats: Sequence[int] | Int[Array, "_"] | None = None
    ) -> Float[Array, "L H"]:
        """A share of each head's attention weight, 0 to 1, to sort heads by; the mean over queries.

        Args:
            encoder: a name in ``encoders``.
            kind: ``across`` counts weight on the other modality (``cross`` of a network that joins
                time only), ``beats`` weight on frames within 1 of a beat, ``diagonal`` weight within 5
                frames of the query's own moment, in either modality.
            beats: for ``beats``, frames of the clip on which beats fall, such as
                ``clip.music.beats``.

        Raises:
            ModelError: ``across`` is asked of maps that go from frame to frame.
            SpecError: no such kind or encoder, or no beats are given.
        """
        maps = self._maps(encoder)
        if kind not in HEAD_SCORES:
            raise SpecError(
                f"head_scores({kind!r})",
                "no such score",
                ", ".join(HEAD_SCORES),
                "choose one of them",
            )
        rows = np.arange(maps.shape[-1])
        # A time-joined encoder reads the window twice: motion's frames, then music's.
        time = rows % self._segments(kind)["music"].start if self._joined(encoder) else rows
        if kind == "across":
            if not self._joined(encoder):
                raise ModelError(
                    f"head_scores({encoder!r}, 'across')",
                    "these maps go from frame to frame",
                    "the cross encoder of an ecm network",
                    "choose beats or diagonal",
                )
            music = rows >= self._segments("across")["music"].start
            counted = music[:, None] != music  # query and key in different modalities
        elif kind == "beats":
            if beats is None:
                raise SpecError(
                    "head_scores('beats')",
                    "no beats given",
                    "frames of beats",
                    "pass clip.music.beats",
                )
            # Beats count from the clip's first frame, rows from the window's.
            beat_rows = np.asarray(beats, dtype=int) - self.frames[0]
            near = (np.abs(time[:, None] - beat_rows) <= BEAT_FRAMES).any(axis=1)
            counted = np.broadcast_to(near, (len(rows), len(rows)))
        else:
            counted = np.abs(time[:, None] - time) <= NEAR_FRAMES
        # Layer by layer: the product of all maps at once would be a second copy of the trace.
        return np.stack([(layer * counted).sum(-1, dtype=np.float32).mean(-1) for layer in maps])

    def to_arrays(self) -> dict[str, Any]:
        """Everything as plain arrays, for an ``.npz``.

        The keys are the encoders' names, ``segment_NAME`` and ``frames`` (first, last plus one),
        ``convolution_share_ENCODER`` and ``kernels_ENCODER``.
        """
        arrays: dict[str, Any] = dict(self.encoders)
        for name, rows in (self.segments or {}).items():
            arrays[f"segment_{name}"] = np.array([rows.start, rows.stop])
        for encoder, convolution in self.convolution.items():
            arrays[f"convolution_share_{encoder}"] = convolution.share
            arrays[f"kernels_{encoder}"] = convolution.kernels
        return arrays | {"frames": np.array(self.frames)}

    def _maps(self, encoder: str) -> Float16[Array, "L H Q K"]:
        if encoder not in self.encoders:
            raise SpecError(
                f"encoder {encoder!r}",
                "this network has no such encoder",
                ", ".join(self.encoders),
                "choose one of them",
            )
        return self.encoders[encoder]

    def _joined(self, encoder: str) -> bool:
        return encoder == "cross" and self.segments is not None

    def _segments(self, call: str) -> Mapping[str, slice]:
        if self.segments is None:
            raise ModelError(
                call,
                "this network has no cross-modal blocks: its maps go from frame to frame",
                "an ecm network",
                "use encoders['cross'] or another checkpoint",
            )
        return self.segments


def trace_of(maps: Any, frames: tuple[int, int], *, joined_in_time: bool) -> AttentionTrace:
    """What a network returned, on the processor and in float16.

    Args:
        maps: ``mmm.models.attention_maps.Maps`` of one window.
        frames: first frame and the one after the last.
        joined_in_time: whether the cross encoder reads motion's frames and then music's (``ecm``,
            ``inbetween`` with music).
    """
    # float16 halves a trace of tens of megabytes; weights up to 1 keep three digits.
    segments = None
    if joined_in_time:
        # Rows, not frames: a network with a frame rate of its own has others.
        length = maps["cross"][0].shape[-1] // 2
        segments = {"motion": slice(0, length), "music": slice(length, 2 * length)}
    convolution = {
        encoder: Convolution(
            np.stack([share[0].cpu().numpy() for share, _ in layers]),
            np.stack([kernels[0].half().cpu().numpy() for _, kernels in layers]),
        )
        for encoder, layers in maps.convolutions.items()
    }
    return AttentionTrace(
        {
            encoder: np.stack([layer[0].half().cpu().numpy() for layer in layers])
            for encoder, layers in maps.items()
        },
        segments,
        frames,
        convolution,
    )
