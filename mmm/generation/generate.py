"""Generating what comes next: from the first frames of a real motion, to music where the network hears.

Window by window: the last seconds are known, those after them hidden, and the network recovers them as it recovers
any gap, but for that nothing follows. The first part of what it says is kept, the window moves on by as much, and so
forth; memory does not grow with the length. Chance comes in by numbers that the network is given with every window
(``noise_dim``), all from one generator: the same seed number gives the same motion. Where it is known how lively
people go on (``speed_prior``), several futures are drawn for each window, and the one that is as lively as it should be
is kept.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.attention import AttentionTrace
from mmm.checkpoints import check_fit
from mmm.errors import ModelError, SpecError
from mmm.generation.activity import DRAWS, SpeedPrior
from mmm.generation.result import CONTINUED, Chunk, Generation
from mmm.generation.retrieval import stream
from mmm.generation.search import searcher_of
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.ground_contact import Ground
from mmm.music.features import BEATS_A_BAR, FEATURE_SLICES, silence
from mmm.recovery.recover import draws, recover
from mmm.recovery.result import RecoveryResult

Array = np.ndarray

MIN_SEED_S = 0.5
"""The least that a network needs to know how somebody moves."""
KEEP_NOISE = 0.6
"""How much of the numbers of chance one window passes on to the next: a dancer does not change their mind each second.
"""
FLOOR_OFF_M = 0.15
"""A floor this far from zero is moved there while a network looks: recordings of some makers float."""


@dataclass(frozen=True)
class Horizon:
    """How a network goes on, in seconds."""

    known_s: float
    """What it sees of the past."""
    ahead_s: float
    """What it predicts at once."""
    kept_s: float
    """What is kept of that, before it looks again."""


def horizon(model: MaskedMotionModel) -> Horizon:
    """How this network goes on: as it was trained to, or as most are."""
    return Horizon(*(model.config.horizon_s or (2.0, 1.5, 1.0)))


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
    """Go on from the first frames of a clip; yields the future as it is made, about a second at a time.

    Args:
        model: any network; those trained for it (``trained_masks`` name a future) do it well.
        clip: its first ``prefix_frames`` frames are the seed; nothing after them is looked at.
        prefix_frames: at least half a second.
        frames: how many to generate after the seed.
        music: what to dance to, starting with the clip's first frame, at the clip's rate; else the clip's own. Networks
            that hear get silence where there is none.
        temperature: 0 gives the most middling future, 1 draws as the network was trained to, more strays further.
            Networks that hear and take no numbers of chance give one dance up to 1; beyond, they hear a share
            of the bars in other keys (2: all), and dance other moves on the same beat.
        random_seed: of chance; the same one gives the same motion.
        joint_names: for networks on joint roles, joint names by role, as ``recover`` takes them.
        attention_frame: a generated frame, counted with the seed: the chunk that holds it brings its attention maps.

    Raises:
        SpecError: the seed is too short or longer than the clip, the music ends before the motion would, or
            ``attention_frame`` is not generated.
        ModelError: the network does not fit the clip.
    """
    known = _check(model, clip, prefix_frames, frames, music, temperature, random_seed, joint_names)
    if (
        attention_frame is not None
        and not prefix_frames <= attention_frame < prefix_frames + frames
    ):
        raise SpecError(
            f"attention_frame {attention_frame}",
            "not a generated frame",
            f"{prefix_frames} to {prefix_frames + frames - 1}",
            "choose one of these",
        )
    if model.config.library is not None:
        return _retrieved(
            model,
            clip,
            prefix_frames,
            frames,
            temperature,
            random_seed,
            joint_names,
            attention_frame,
        )
    return _stream(
        model,
        clip,
        prefix_frames,
        frames,
        known,
        temperature,
        random_seed,
        joint_names,
        attention_frame,
    )


def _check(
    model: MaskedMotionModel,
    clip: Clip,
    prefix_frames: int,
    frames: int,
    music: Music | None,
    temperature: float,
    random_seed: int,
    joint_names: Mapping[str, str] | None,
) -> Music | None:
    """The music to hear, without its sound."""
    least = max(2, round(MIN_SEED_S * clip.motion.fps))
    if not least <= prefix_frames <= len(clip):
        raise SpecError(
            f"seed of {prefix_frames} frames",
            f"the clip has {len(clip)} at {clip.motion.fps:g} a second",
            f"{least} to {len(clip)}",
            "choose another length",
        )
    if frames < 1:
        raise SpecError(
            f"{frames} frames to generate", "nothing to do", "1 or more", "ask for more"
        )
    if random_seed < 0:
        raise SpecError(
            f"random seed {random_seed}", "below zero", "0 or more", "choose another number"
        )
    if not 0 <= temperature <= 3:
        raise SpecError(
            f"variety {temperature:g}", "out of range", "0 to 3", "choose a value between"
        )
    music = music or clip.music
    check_fit(model.config, replace(clip, music=None) if music is None else clip, joint_names)
    if not model.config.uses_music:
        return None
    if music is None:
        return None
    if music.fps != clip.motion.fps:
        raise SpecError(
            "music",
            f"{music.fps:g} rows a second",
            f"the clip's {clip.motion.fps:g}",
            "take its features at the clip's rate",
        )
    if len(music) < prefix_frames + frames:
        raise SpecError(
            "music",
            f"it lasts {len(music)} frames",
            f"{prefix_frames} of seed and {frames} to generate",
            f"generate at most {len(music) - prefix_frames} frames, or choose a longer song",
        )
    if music.features.shape[1] != model.config.music_size:
        raise ModelError(
            "music",
            f"{music.features.shape[1]} music features a frame",
            f"the network's {model.config.music_size}",
            "take them anew from the recording (--music)",
        )
    return replace(music, audio=None)


def _stream(
    model: MaskedMotionModel,
    clip: Clip,
    prefix_frames: int,
    frames: int,
    music: Music | None,
    temperature: float,
    random_seed: int,
    joint_names: Mapping[str, str] | None,
    attention_frame: int | None,
) -> Iterator[Chunk]:
    fps, plan = clip.motion.fps, horizon(model)
    known, ahead, kept = (
        max(2, round(seconds * fps)) for seconds in (plan.known_s, plan.ahead_s, plan.kept_s)
    )
    rng, noise = np.random.default_rng([random_seed, 9173]), None
    if music is not None and not model.config.noise_dim and temperature > 1:
        music = heard_otherwise(
            music,
            min(temperature - 1, 1.0),
            prefix_frames,
            np.random.default_rng([random_seed, 4711]),
        )
    past = clip.motion.crop(max(0, prefix_frames - known), prefix_frames)
    lift = _lift(model, clip.motion.crop(0, prefix_frames))
    past = replace(past, root_m=past.root_m + lift)
    ground = Ground.of(past, joint_names, model.config.max_jump_height_m)
    at, end = prefix_frames, prefix_frames + frames
    while at < end:
        count = min(kept, end - at)
        # A song that ends here is heard to its end; without one there is always more ahead.
        room = ahead if music is None else min(ahead, len(music) - at)
        heard = music.crop(at - len(past), at + room) if music is not None else None
        kept_now = min(count, room)
        first = at - len(past)  # of the window, in the whole
        asked = attention_frame is not None and at <= attention_frame < at + kept_now
        look = attention_frame - first if attention_frame is not None and asked else None
        window, hidden = _ahead_of(
            past,
            room,
            heard
            if heard is not None or not model.config.uses_music
            else silence(len(past) + room, fps),
        )
        found, trace, noise = _drawn(
            model, window, hidden, len(past) + kept_now, noise, temperature, joint_names, look, rng
        )
        if ground is not None:
            found = ground.corrected(found, len(past))
        if trace is not None:
            trace = replace(trace, frames=(first + trace.frames[0], first + trace.frames[1]))
        new = found.crop(len(past), len(past) + kept_now)
        yield Chunk(at, replace(new, root_m=new.root_m - lift), trace)
        at += len(new)
        past = found.crop(max(0, len(past) + len(new) - known), len(past) + len(new))


def _retrieved(
    model: MaskedMotionModel,
    clip: Clip,
    prefix_frames: int,
    frames: int,
    temperature: float,
    random_seed: int,
    joint_names: Mapping[str, str] | None,
    attention_frame: int | None,
) -> Iterator[Chunk]:
    """Recorded pieces one after another, their joins recovered by the network."""
    folder, library = model.checkpoint_folder, model.config.library
    assert folder is not None and library is not None, "a library lies in a checkpoint's folder"
    trace: AttentionTrace | None = None
    at = prefix_frames

    def join(window: Motion, hidden: Bool[Array, "T J"]) -> Motion:
        nonlocal trace
        first = at - int((~hidden.any(axis=1)).argmin())
        inside = attention_frame is not None and first <= attention_frame < first + len(window)
        found = recover(
            model,
            Clip("join", window),
            hidden,
            attention=inside,
            attention_frame=attention_frame - first
            if attention_frame is not None and inside
            else 0,
            joint_names=joint_names,
            lock_feet=False,  # the whole piece is grounded at once
        )
        if found.attention is not None:
            start, stop = found.attention.frames
            trace = replace(found.attention, frames=(first + start, first + stop))
        return found.recovered.motion

    pieces = stream(
        searcher_of(folder / library),
        clip.motion.crop(0, prefix_frames),
        frames,
        rng=np.random.default_rng([random_seed, 9173]),
        temperature=temperature,
        joint_names=joint_names,
        join=join,
    )
    for piece, _ in pieces:
        looked = attention_frame is not None and at <= attention_frame < at + len(piece)
        yield Chunk(at, piece, trace if looked else None)
        at, trace = at + len(piece), None


def heard_otherwise(music: Music, share: float, first: int, rng: np.random.Generator) -> Music:
    """Music of which a share of the bars is moved into another key, beats and drums as they are.

    Args:
        music: any; where it has beats, four of them are a bar, else two seconds.
        share: of the bars, 0 to 1.
        first: bars that end before this frame stay.
        rng: says which bars, and by how many of the twelve steps.
    """
    beaten = len(music.beats) > BEATS_A_BAR
    bars = music.beats[::BEATS_A_BAR] if beaten else np.arange(0, len(music), round(2 * music.fps))
    edges = [0, *(int(bar) for bar in bars if bar > 0), len(music)]
    features, where = music.features.copy(), FEATURE_SLICES["chroma_cens"]
    for start, stop in itertools.pairwise(edges):
        chosen, steps = rng.random() < share, int(rng.integers(1, 12))
        if chosen and stop > first:
            features[start:stop, where] = np.roll(features[start:stop, where], steps, axis=1)
    return replace(music, features=features)


def _ahead_of(past: Motion, ahead: int, music: Music | None) -> tuple[Clip, Bool[Array, "T J"]]:
    """The past and ``ahead`` hidden frames after it."""
    rotations = np.concatenate([past.rotations, np.repeat(past.rotations[-1:], ahead, axis=0)])
    root_m = np.concatenate([past.root_m, np.repeat(past.root_m[-1:], ahead, axis=0)])
    hidden = np.zeros(rotations.shape[:2], dtype=bool)
    hidden[len(past) :] = True
    return Clip("future", Motion(past.skeleton, rotations, root_m, past.fps), music), hidden


def _drawn(
    model: MaskedMotionModel,
    window: Clip,
    hidden: Bool[Array, "T J"],
    end: int,
    before: Float[Array, "Z"] | None,
    temperature: float,
    joint_names: Mapping[str, str] | None,
    look: int | None,
    rng: np.random.Generator,
) -> tuple[Motion, AttentionTrace | None, Float[Array, "Z"] | None]:
    """What the network makes of a window, its maps if frame ``look`` is given, and the numbers of chance it came from.

    Args:
        end: what is hidden before this frame will be kept.
        before: the numbers of the window before.
    """
    size, lively = model.config.noise_dim, model.config.speed_prior
    if not size or lively is None or not temperature:
        noise = _next_noise(size, before, rng) if size else None
        result = _recovered(model, window, hidden, noise, temperature, joint_names, look)
        return result.recovered.motion, result.attention, noise
    noises = np.stack([_next_noise(size, before, rng) for _ in range(DRAWS)])
    futures = draws(
        model, window, hidden, noises * np.float32(temperature), joint_names=joint_names
    )
    law, known = SpeedPrior(*lively), int((~hidden.any(axis=1)).sum())
    wanted = law.wanted(window.motion.crop(0, known), temperature, rng)
    k = law.nearest(wanted, [future.crop(known - 1, end) for future in futures])
    trace = (
        None
        if look is None
        else _recovered(model, window, hidden, noises[k], temperature, joint_names, look).attention
    )
    return futures[k], trace, noises[k]


def _recovered(
    model: MaskedMotionModel,
    window: Clip,
    hidden: Bool[Array, "T J"],
    noise: Float[Array, "Z"] | None,
    temperature: float,
    joint_names: Mapping[str, str] | None,
    look: int | None,
) -> RecoveryResult:
    return recover(
        model,
        window,
        hidden,
        attention=look is not None,
        attention_frame=look or 0,
        joint_names=joint_names,
        noise=None if noise is None else noise * np.float32(temperature),
        lock_feet=False,
    )  # the whole is grounded at once


def _next_noise(size: int, before: Array | None, rng: np.random.Generator) -> Float[Array, "Z"]:
    new = rng.standard_normal(size).astype(np.float32)
    return (
        new
        if before is None
        else np.float32(KEEP_NOISE) * before + np.float32((1 - KEEP_NOISE**2) ** 0.5) * new
    )


def _lift(model: MaskedMotionModel, seed: Motion) -> Float[Array, "3"]:
    """What brings the seed's floor to zero, where it is far from there; networks on one skeleton know their own."""
    floor = seed.floor_m()
    off = model.config.representation == "roles" and abs(floor) > FLOOR_OFF_M
    return np.array([0, -floor if off else 0, 0], dtype=np.float32)


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

    Args:
        progress: called with the share done, 0 to 1, after each chunk. An exception it raises ends
            the run.
        on_chunk: called with each chunk before ``progress``, for pages that show frames as they
            come. Where it returns False the run ends early and returns what was generated so far.

    The others, and the errors, are those of :func:`generate`.
    """
    started = time.perf_counter()
    parts = [clip.motion.crop(0, prefix_frames)] if 0 < prefix_frames <= len(clip) else []
    for chunk in generate(
        model,
        clip,
        prefix_frames=prefix_frames,
        frames=frames,
        music=music,
        temperature=temperature,
        random_seed=random_seed,
        joint_names=joint_names,
    ):
        parts.append(chunk.motion)
        if on_chunk is not None and on_chunk(chunk) is False:
            break
        if progress is not None:
            progress((chunk.first + len(chunk.motion) - prefix_frames) / frames)
    return assemble(
        model,
        clip,
        parts,
        prefix_frames=prefix_frames,
        music=music,
        temperature=temperature,
        random_seed=random_seed,
        elapsed_s=time.perf_counter() - started,
        joint_names=joint_names,
    )


def assemble(
    model: MaskedMotionModel,
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
    """A seed and the chunks after it, as one result; ``joint_names`` as given to :func:`generate`."""
    motion = Motion(
        clip.motion.skeleton,
        np.concatenate([part.rotations for part in parts]),
        np.concatenate([part.root_m for part in parts]),
        clip.motion.fps,
    )
    heard = music or clip.music
    beside = heard is not None and heard.fps == motion.fps and len(heard) >= len(motion)
    whole = heard.crop(0, len(motion)) if heard is not None and beside else None
    made = Clip(
        f"{clip.name}{CONTINUED}", motion, whole, clip.source, clip.split, clip.notes, clip.meta
    )
    truth = (
        clip.crop(0, min(len(clip), len(motion)))
        if len(clip) > prefix_frames and music is None
        else None
    )
    notes = list(check_fit(model.config, made, joint_names))
    if not any("last" in spec for spec in model.config.trained_masks or []):
        notes.append(
            f"{model.name_or_path or 'This network'} was not trained to go on without an end: it fills gaps."
        )
    if len(clip) == prefix_frames:
        notes.append("The clip ends with the seed: there is no truth to compare with.")
    name = model.name_or_path or model.config.model_type
    return Generation(
        made, prefix_frames, name, temperature, random_seed, elapsed_s, truth, tuple(notes)
    )
