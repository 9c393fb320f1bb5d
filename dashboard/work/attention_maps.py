"""Thumbnails, means, rollouts and head scores of an attention trace, computed with NumPy alone.

A *view* names one map as ``stage/block/layer/head``, for example ``cross/motion-music/2/3``. The
block is empty for maps without blocks. ``mean`` stands for all layers or heads, and ``rollout`` as
layer and head for the attention rollout of the stage (Abnar and Zuidema 2020).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, UInt8

from mmm.attention import HEAD_SCORES, AttentionTrace

if TYPE_CHECKING:
    from mmm.motion.clip import Music

Array = np.ndarray

THUMBNAIL = 60
"""Largest number of cells along a thumbnail's edge."""
MEAN, ROLLOUT = "mean", "rollout"
STAGE_NAMES = {"motion": "Motion encoder", "music": "Music encoder", "cross": "Cross-modal encoder"}
BLOCKS = ("motion-music", "motion-motion", "music-motion", "music-music")
"""Query and key of the time-joined network's blocks; the first is shown first."""


@dataclass(frozen=True)
class View:
    """One map."""

    stage: str
    block: str
    """``query-key``, or empty."""
    layer: str
    """A number from 0, ``mean`` or ``rollout``."""
    head: str

    def __str__(self) -> str:
        return f"{self.stage}/{self.block}/{self.layer}/{self.head}"

    @property
    def label(self) -> str:
        """A label such as ``layer 2, head 4``, counted from one."""
        if self.layer == ROLLOUT:
            return "rollout of all layers"
        if self.layer == MEAN == self.head:
            return "mean of all layers and heads"
        if self.layer == MEAN:
            return f"head {int(self.head) + 1}, mean of layers"
        head = "mean of heads" if self.head == MEAN else f"head {int(self.head) + 1}"
        return f"layer {int(self.layer) + 1}, {head}"


def pooled(values: Float[Array, "Q K"], size: int = THUMBNAIL) -> Float[Array, "q k"]:
    """Means of equal blocks, at most ``size`` along each axis."""
    for axis in (0, 1):
        count = values.shape[axis]
        if count > size:
            # Blocks may differ in length by one, so that no row is left out at the end.
            edges = np.linspace(0, count, size, endpoint=False).astype(int)
            lengths = np.diff([*edges, count]).astype(np.float32)
            values = np.add.reduceat(values, edges, axis=axis) / (
                lengths[:, None] if axis == 0 else lengths
            )
    return values


def as_codes(values: Float[Array, "Q K"], top: float) -> UInt8[Array, "Q K"]:
    """Square roots of values 0 to ``top`` as bytes, so that small values stay distinct."""
    # The floor keeps an all-zero map from dividing by zero.
    return np.round(np.sqrt(np.clip(values / max(top, 1e-12), 0, 1)) * 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Atlas:
    """A trace prepared for the page. Expensive parts are computed once, on the worker."""

    trace: "AttentionTrace"
    model_name: str
    music: "Music | None" = None
    """The music of the whole clip."""
    _maps: dict[str, Array] = field(default_factory=dict)

    @property
    def joined_in_time(self) -> bool:
        """Whether the cross-modal map has blocks."""
        return self.trace.segments is not None

    @property
    def rows(self) -> int:
        """Rows of a block. Networks with their own frame rate have one row per resampled frame."""
        side = next(iter(self.trace.encoders.values())).shape[-1]
        return (
            # Motion and music lie one after the other along each side of a joined map.
            side // 2
            if self.joined_in_time and next(iter(self.trace.encoders)) == "cross"
            else side
        )

    @property
    def beats(self) -> Int[Array, "B"]:
        """Frames of the clip inside the window on which a beat falls."""
        first, end = self.trace.frames
        beats = self.music.beats if self.music is not None else np.zeros(0, dtype=np.int64)
        return beats[(beats >= first) & (beats < end)]

    def in_rows(self, frames: Int[Array, "B"]) -> Int[Array, "B"]:
        """Frames of the clip as rows of the window's maps."""
        first, end = self.trace.frames
        # Such a network has another number of rows, so a frame maps to a row by proportion.
        return np.minimum((frames - first) * self.rows // (end - first), self.rows - 1)

    def blocks(self, stage: str) -> tuple[str, ...]:
        """The blocks of a stage; one empty name where it has none."""
        return BLOCKS if stage == "cross" and self.joined_in_time else ("",)

    def views(self, stage: str, block: str) -> Iterator[View]:
        """Views of a stage by layer and head, each with its mean, and the rollout last."""
        layers, heads = self.trace.encoders[stage].shape[:2]
        # The mean of a single layer would only repeat it.
        for layer in [*map(str, range(layers)), *([MEAN] if layers > 1 else [])]:
            for head in [*map(str, range(heads)), MEAN]:
                yield View(stage, block, layer, head)
        yield View(stage, block, ROLLOUT, ROLLOUT)

    def parse(self, text: str | None) -> View:
        """The view of this name, or the default view for an unknown name."""
        parts = (text or "").split("/")
        if (
            len(parts) == 4
            and parts[0] in self.trace.encoders
            and parts[1] in self.blocks(parts[0])
        ):
            for view in self.views(parts[0], parts[1]):
                if str(view) == text:
                    return view
        stage = "cross" if "cross" in self.trace.encoders else next(iter(self.trace.encoders))
        return View(
            stage, self.blocks(stage)[0], MEAN if len(self.trace.encoders[stage]) > 1 else "0", MEAN
        )

    def map(self, view: View) -> Float[Array, "Q K"]:
        """The map of a view, with queries in rows and keys in columns."""
        values = self._full_map(view.stage, view.layer, view.head)
        return values if not view.block else values[self._sides(view.block)]

    def _sides(self, block: str) -> tuple[slice, slice]:
        assert self.trace.segments is not None
        query, key = block.split("-")
        return self.trace.segments[query], self.trace.segments[key]

    def _full_map(self, stage: str, layer: str, head: str) -> Array:
        maps = self.trace.encoders[stage]
        # A single map is only converted, so caching it would waste memory.
        if layer != MEAN and head != MEAN and layer != ROLLOUT:
            return maps[int(layer), int(head)].astype(np.float32)
        key = f"{stage}/{layer}/{head}"
        if key not in self._maps:
            if layer == ROLLOUT:
                self._maps[key] = self.trace.rollout(stage)
            else:
                some = (
                    maps[:, int(head)]
                    if head != MEAN
                    else maps
                    if layer == MEAN
                    else maps[int(layer)]
                )
                flat = some.reshape(-1, *maps.shape[2:])
                total = np.zeros(flat.shape[1:], dtype=np.float32)
                # One at a time, because all of them in float32 would double the memory.
                for values in flat:
                    total += values
                self._maps[key] = total / len(flat)
        return self._maps[key]

    @cached_property
    def thumbnails(self) -> dict[tuple[str, str], UInt8[Array, "N S S"]]:
        """Stage and block to the thumbnails of its views, each up to its own largest value."""
        thumbnails = {}
        for stage in self.trace.encoders:
            for block in self.blocks(stage):
                small = [pooled(self.map(view)) for view in self.views(stage, block)]
                thumbnails[stage, block] = np.stack(
                    [as_codes(values, float(values.max())) for values in small]
                )
        return thumbnails

    @cached_property
    def scores(self) -> dict[str, dict[str, Float[Array, "L H"]]]:
        """Stage to its heads' scores by kind; kinds that a stage does not have are left out."""
        beats = self.beats
        scores: dict[str, dict[str, Array]] = {}
        for stage in self.trace.encoders:
            scores[stage] = {}
            for kind in HEAD_SCORES:
                # Scores across streams need blocks, and scores on beats need beats in the window.
                if (kind == "across" and not (stage == "cross" and self.joined_in_time)) or (
                    kind == "beats" and not len(beats)
                ):
                    continue
                scores[stage][kind] = self.trace.head_scores(
                    stage, kind, self.trace.frames[0] + self.in_rows(beats)
                )
        return scores

    def prepare(self) -> "Atlas":
        """Compute what opening the view needs."""
        # Reading a cached property computes it. The page's thread then finds it ready.
        self.thumbnails  # noqa: B018
        self.scores  # noqa: B018
        return self

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return sum(maps.nbytes for maps in [*self.trace.encoders.values(), *self._maps.values()])
