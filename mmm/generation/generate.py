"""Continuing a motion from its first frames, with or without music.

Checkpoints with a library of recorded movement continue by retrieval
(``mmm.generation.stitching``), all others by the network alone (``mmm.generation.rollout``). Both
draw all random numbers from one generator: the same random seed gives the same motion.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mmm.checkpoints import check_fit
from mmm.generation.request import Request
from mmm.generation.result import CONTINUED, Chunk, Generation
from mmm.generation.rollout import predict_windows
from mmm.generation.stitching import stitch_pieces
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music


@runtime_checkable
class NamedNetwork(Protocol):
    """The attributes of a network that a result needs. A network that runs on a server is
    represented by these alone."""

    name_or_path: str

    @property
    def config(self) -> Any:
        """Its :class:`mmm.models.MaskedMotionConfig`."""


def generate(
    model: MaskedMotionModel,
    clip: Clip,
    *,
    prefix_frames: int = 120,
    frames: int = 1200,
    music: Music | None = None,
    temperature: float = 1.0,
    random_seed: int = 0,
    joint_names: Mapping[str, str] | None = None,
    attention_frame: int | None = None,
) -> Iterator[Chunk]:
    """Continue a clip from its first frames; yields the future about a second at a time.

    Args:
        model: any network; those whose ``trained_masks`` hide the last frames do it well.
        clip: its first ``prefix_frames`` frames are the seed; nothing after them is read.
        prefix_frames: at least half a second.
        frames: how many to generate after the seed.
        music: the music to dance to, from the clip's first frame on and at the clip's rate; None
            takes the clip's own. Networks with music input get silence if there is none.
        temperature: 0 to 3. 0 is the mean prediction, 1 matches training, larger values are more
            diverse. Networks with music input and without latent noise always give the same dance
            up to 1. Above 1, a share of the song's bars (at 2, all) is transposed, which gives
            other moves on the same beats.
        random_seed: the same number gives the same motion.
        joint_names: for networks on joint roles, joint names by role, as ``recover`` takes them.
        attention_frame: a generated frame, counted with the seed; the chunk that holds it brings
            its attention maps.

    Returns:
        An iterator over chunks of the clip's skeleton and rate; the seed is not among them.

    Raises:
        SpecError: the seed is too short or longer than the clip, the music ends before the motion
            would, or ``attention_frame`` is not generated.
        ModelError: the network does not fit the clip.
    """
    # Checked here and not in the iterators, so that errors are raised by the call and not by the
    # first chunk, when a page already shows the run.
    numbers = (prefix_frames, frames, music, temperature, random_seed)
    request = Request(model, clip, *numbers, joint_names, attention_frame).checked()
    return predict_windows(request) if model.config.library is None else stitch_pieces(request)


def generate_clip(
    model: MaskedMotionModel,
    clip: Clip,
    *,
    prefix_frames: int = 120,
    frames: int = 1200,
    music: Music | None = None,
    temperature: float = 1.0,
    random_seed: int = 0,
    joint_names: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    on_chunk: Callable[[Chunk], object] | None = None,
) -> Generation:
    """Run :func:`generate` to its end and return seed and future as one clip, with the music.

    The other arguments, and the errors, are those of :func:`generate`.

    Args:
        progress: called with the share done, 0 to 1, after each chunk. An exception from it ends
            the run.
        on_chunk: called with each chunk before ``progress``. If it returns False, the run ends
            early with the frames generated so far.
    """
    return run_to_end(
        generate,
        model,
        clip,
        prefix_frames=prefix_frames,
        frames=frames,
        music=music,
        temperature=temperature,
        random_seed=random_seed,
        joint_names=joint_names,
        progress=progress,
        on_chunk=on_chunk,
    )


def run_to_end(
    generate_chunks: Callable[..., Iterator[Chunk]],
    model: NamedNetwork,
    clip: Clip,
    *,
    prefix_frames: int,
    frames: int,
    progress: Callable[[float], None] | None,
    on_chunk: Callable[[Chunk], object] | None,
    **options: Any,
) -> Generation:
    """The work of :func:`generate_clip`, wherever the chunks come from.

    Args:
        generate_chunks: called as :func:`generate` is; here, or on a server.
        options: the other arguments of :func:`generate_clip`, all of them.
    """
    started = time.perf_counter()
    # ``generate`` checks the length of the seed; its message states the valid range.
    parts = [clip.motion.crop(0, prefix_frames)] if 0 < prefix_frames <= len(clip) else []
    chunks = generate_chunks(model, clip, prefix_frames=prefix_frames, frames=frames, **options)
    for chunk in chunks:
        parts.append(chunk.motion)
        # Only False ends the run, because callbacks without a return value return None.
        if on_chunk is not None and on_chunk(chunk) is False:
            break
        if progress is not None:
            progress((chunk.first + len(chunk.motion) - prefix_frames) / frames)
    elapsed_s = time.perf_counter() - started
    return _assembled(
        model, clip, parts, prefix_frames=prefix_frames, elapsed_s=elapsed_s, **options
    )


def _assembled(
    model: NamedNetwork,
    clip: Clip,
    parts: list[Motion],
    *,
    prefix_frames: int,
    music: Music | None,
    temperature: float,
    random_seed: int,
    elapsed_s: float,
    joint_names: Mapping[str, str] | None = None,
) -> Generation:
    """Join a seed and the chunks after it to one result.

    Args:
        parts: the seed, then the motions of the chunks in order.
        music: the music given to :func:`generate`, or None if the clip's own was taken.
        elapsed_s: seconds that the generation took.

    The other arguments are those given to :func:`generate`.
    """
    motion = Motion(
        clip.motion.skeleton,
        np.concatenate([part.rotations for part in parts]),
        np.concatenate([part.root_m for part in parts]),
        clip.motion.fps,
    )
    played = music or clip.music
    # A network without music ignores the song. It is kept for playback if it is long enough.
    fits = played is not None and played.fps == motion.fps and len(played) >= len(motion)
    soundtrack = played.crop(0, len(motion)) if played is not None and fits else None
    continued = Clip(
        f"{clip.name}{CONTINUED}",
        motion,
        soundtrack,
        clip.source,
        clip.split,
        clip.notes,
        clip.meta,
    )
    truth = None
    # The recorded motion is no truth for another song.
    if len(clip) > prefix_frames and music is None:
        truth = clip.crop(0, min(len(clip), len(motion)))
    name = model.name_or_path or model.config.model_type
    notes = _notes(model, clip, continued, prefix_frames, joint_names)
    return Generation(
        continued, prefix_frames, name, temperature, random_seed, elapsed_s, truth, notes
    )


def _notes(
    model: NamedNetwork,
    clip: Clip,
    continued: Clip,
    prefix_frames: int,
    joint_names: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """Remarks on the result for the user."""
    notes = list(check_fit(model.config, continued, joint_names))
    # Networks learn to continue from training masks that hide the last frames.
    if not any("last" in spec for spec in model.config.trained_masks or []):
        notes.append(
            f"{model.name_or_path or 'This network'} was not trained to continue a motion, only to "
            "fill gaps."
        )
    if len(clip) == prefix_frames:
        notes.append("The clip ends with the seed: there is no truth to compare with.")
    return tuple(notes)
