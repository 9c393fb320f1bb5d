"""Reading attention: which map, which block of it, which heads are worth a look.

Attention says where a network looked, not why it moved: ``mmm.explain.interventions`` and ``mmm.explain.attribution``
measure what
the music does. And half of every ConvBERT layer is a convolution that no map shows: ``AttentionTrace.convolution``
says how much of the layer's output it makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float16, Int

from mmm.errors import ModelError, SpecError

Array = np.ndarray

HEAD_SCORES = ("across", "beats", "diagonal")
"""What heads can be sorted by; see :meth:`AttentionTrace.head_scores`."""
NEAR_FRAMES = 5
"""How far from its own moment a query may look and still be near the diagonal, frames."""
BEAT_FRAMES = 1
"""How far from a beat a key may lie and still be on it, frames."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """The half of each ConvBERT layer that is a convolution with kernels of its own for every frame and head."""

    share: Float[Array, "L"]
    """Of each layer's context output, before its output projection: squared norm of the convolution's half over that of
    the whole, over all frames of the window; 0 to 1."""
    kernels: Float16[Array, "L T H 9"]
    """The weights over the nine frames around each one; they sum to 1. ``T`` are the rows of the stage's maps."""


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """Every attention map of one window, captured while it was recovered."""

    stages: Mapping[str, Float16[Array, "L H Q K"]]
    """Stage name (``motion``, ``music``, ``cross``) to its maps: layers, heads, queries (rows), keys (columns)."""
    segments: Mapping[str, slice] | None
    """Where motion and music lie along both axes of ``cross``; None where the network joins features, not time."""
    frames: tuple[int, int]
    """First and last-plus-one frame of the clip that the window covers."""
    convolution: Mapping[str, Convolution] = field(default_factory=dict)
    """The other half of the layers, by stage; empty where the network has none (``inbetween``)."""

    def block(self, query: str, key: str) -> Float16[Array, "L H Q K"]:
        """One of the four blocks of a time-joined cross-modal encoder, e.g. ``block("motion", "music")``.

        Raises:
            ModelError: the network joins features (its maps go from frame to frame), or has no such segment.
        """
        segments = self._segments(f"block({query!r}, {key!r})")
        for name in (query, key):
            if name not in segments:
                raise ModelError(
                    f"block({query!r}, {key!r})", f"no segment {name!r}", ", ".join(segments)
                )
        return self.stages["cross"][:, :, segments[query], segments[key]]

    def layer_mean(self, stage: str) -> Float[Array, "H Q K"]:
        """The mean over a stage's layers."""
        return self._maps(stage).mean(axis=0, dtype=np.float32)

    def head_mean(self, stage: str) -> Float[Array, "L Q K"]:
        """The mean over the heads of each layer."""
        return self._maps(stage).mean(axis=1, dtype=np.float32)

    def rollout(self, stage: str) -> Float[Array, "Q K"]:
        """Attention rollout (Abnar & Zuidema 2020): how much of each input row reaches each output row of a stage.

        The mean over heads and the identity (the residual path), half each, multiplied layer by layer. Rows sum to 1.
        Convolutions and feed-forward layers are left out.
        """
        mean = self.head_mean(stage)
        whole = np.eye(mean.shape[-1], dtype=np.float32)
        for layer in mean:
            whole = 0.5 * (layer @ whole + whole)
        return whole

    def head_scores(
        self, stage: str, kind: str, beats: Sequence[int] | Int[Array, "_"] | None = None
    ) -> Float[Array, "L H"]:
        """One number a head, 0 to 1, to sort heads by: a share of its weight, the mean over queries.

        Args:
            stage: a name in ``stages``.
            kind: ``across`` (on the other modality; ``cross`` of an ecm network only), ``beats`` (on frames within 1 of
                a beat) or ``diagonal`` (within 5 frames of the query's own moment, in either modality).
            beats: for ``beats``, frames of the clip on which beats fall, such as ``clip.music.beats``.

        Raises:
            ModelError: ``across`` is asked of maps that go from frame to frame.
            SpecError: no such kind or stage, or no beats are given.
        """
        maps = self._maps(stage)
        if kind not in HEAD_SCORES:
            raise SpecError(
                f"head_scores({kind!r})",
                "no such score",
                ", ".join(HEAD_SCORES),
                "choose one of them",
            )
        rows = np.arange(maps.shape[-1])
        time = rows % (self.frames[1] - self.frames[0]) if self._joined(stage) else rows
        if kind == "across":
            if not self._joined(stage):
                raise ModelError(
                    f"head_scores({stage!r}, 'across')",
                    "these maps go from frame to frame",
                    "the cross stage of an ecm network",
                    "choose beats or diagonal",
                )
            music = rows >= self._segments("across")["music"].start
            counted = music[:, None] != music
        elif kind == "beats":
            if beats is None:
                raise SpecError(
                    "head_scores('beats')",
                    "no beats given",
                    "frames of beats",
                    "pass clip.music.beats",
                )
            at = np.asarray(beats, dtype=int) - self.frames[0]
            near = (np.abs(time[:, None] - at) <= BEAT_FRAMES).any(axis=1)
            counted = np.broadcast_to(near, (len(rows), len(rows)))
        else:
            counted = np.abs(time[:, None] - time) <= NEAR_FRAMES
        return np.stack([(layer * counted).sum(-1, dtype=np.float32).mean(-1) for layer in maps])

    def to_arrays(self) -> dict[str, Any]:
        """Everything as plain arrays, for an ``.npz``: the stages by name, ``segment_NAME`` and ``frames`` (first,
        last plus one), ``convolution_share_STAGE`` and ``kernels_STAGE``."""
        arrays: dict[str, Any] = dict(self.stages)
        for name, rows in (self.segments or {}).items():
            arrays[f"segment_{name}"] = np.array([rows.start, rows.stop])
        for stage, found in self.convolution.items():
            arrays |= {f"convolution_share_{stage}": found.share, f"kernels_{stage}": found.kernels}
        return arrays | {"frames": np.array(self.frames)}

    def _maps(self, stage: str) -> Float16[Array, "L H Q K"]:
        if stage not in self.stages:
            raise SpecError(
                f"stage {stage!r}",
                "this network has no such stage",
                ", ".join(self.stages),
                "choose one of them",
            )
        return self.stages[stage]

    def _joined(self, stage: str) -> bool:
        return stage == "cross" and self.segments is not None

    def _segments(self, where: str) -> Mapping[str, slice]:
        if self.segments is None:
            raise ModelError(
                where,
                "this network has no cross-modal blocks: its maps go from frame to frame",
                "an ecm network",
                "use stages['cross'] or another checkpoint",
            )
        return self.segments


def trace_of(maps: Any, frames: tuple[int, int], *, joined_in_time: bool) -> AttentionTrace:
    """What a network returned, on the processor and in float16.

    Args:
        maps: ``mmm.models.attention_maps.Maps`` of one window.
        frames: first frame and the one after the last.
        joined_in_time: whether the cross stage reads motion's frames and then music's (``ecm``).
    """
    length = frames[1] - frames[0]
    segments = (
        {"motion": slice(0, length), "music": slice(length, 2 * length)} if joined_in_time else None
    )
    convolution = {
        stage: Convolution(
            np.stack([share[0].cpu().numpy() for share, _ in layers]),
            np.stack([kernels[0].half().cpu().numpy() for _, kernels in layers]),
        )
        for stage, layers in maps.convolutions.items()
    }
    return AttentionTrace(
        {
            stage: np.stack([layer[0].half().cpu().numpy() for layer in layers])
            for stage, layers in maps.items()
        },
        segments,
        frames,
        convolution,
    )
