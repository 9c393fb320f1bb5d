"""Continuation by retrieval. The network recovers the joins between recorded pieces."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from mmm.attention import AttentionTrace
from mmm.generation.request import Request
from mmm.generation.result import Chunk
from mmm.generation.retrieval import stream
from mmm.generation.search import searcher_of
from mmm.generation.song import Song
from mmm.motion.clip import Clip, Motion
from mmm.recovery.recover import recover

Array = np.ndarray


class _Joiner:
    """Recovers the hidden start of each new piece, and keeps the requested attention maps."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.start = request.prefix_frames
        """The first frame of the piece that is joined, counted with the seed."""
        self.trace: AttentionTrace | None = None

    def __call__(self, window: Motion, hidden: Bool[Array, "T J"]) -> Motion:
        """Recover the hidden frames of a window."""
        request, frame = self.request, self.request.attention_frame
        # The window begins with the known past, so it starts that much before the piece.
        first = self.start - int((~hidden.any(axis=1)).argmin())
        inside = request.wants_attention(first, first + len(window))
        result = recover(
            request.model,
            Clip("join", window),
            hidden,
            attention=inside,
            attention_frame=frame - first if frame is not None and inside else 0,
            joint_names=request.joint_names,
            # Feet are locked afterwards, over the whole piece.
            lock_feet=False,
        )
        if result.attention is not None:
            start, stop = result.attention.frames
            self.trace = replace(result.attention, frames=(first + start, first + stop))
        return result.recovered.motion


def stitch_pieces(request: Request) -> Iterator[Chunk]:
    """Yield recorded pieces one after another.

    Args:
        request: a checked request, whose checkpoint has a library.

    Raises:
        ModelError: the library is not readable, or roles of the skeleton are not found.
    """
    folder, library = request.model.checkpoint_folder, request.model.config.library
    assert folder is not None and library is not None, "a library lies in a checkpoint's folder"
    join = _Joiner(request)
    pieces = stream(
        searcher_of(folder / library),
        request.seed,
        request.frames,
        rng=request.rng(),
        temperature=request.temperature,
        joint_names=request.joint_names,
        join=join,
        song=Song.of(request.music, request.prefix_frames),
    )
    for piece, _ in pieces:
        # The window of a join overlaps the previous piece; its maps belong to the piece that holds
        # the frame.
        has_frame = request.wants_attention(join.start, join.start + len(piece))
        yield Chunk(join.start, piece, join.trace if has_frame else None)
        join.start, join.trace = join.start + len(piece), None
