"""Continuation by a network alone: sliding windows whose end is hidden.

Each window holds the last seconds as known frames and hidden frames after them. The network
recovers these as it recovers any gap, except that no known frame follows. The first part of its
prediction is kept and the window moves on, so memory does not grow with the length. Networks with
latent noise (``noise_dim``) get random numbers with each window, all from one generator. Where a
speed prior was fitted (``speed_prior``), several futures are drawn for each window and the one
whose speed fits best is kept.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.attention import AttentionTrace
from mmm.generation.activity import DRAWS, SpeedPrior
from mmm.generation.request import Request
from mmm.generation.result import Chunk
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.ground_contact import Ground
from mmm.music.features import BEATS_A_BAR, FEATURE_SLICES, silence
from mmm.recovery.recover import draws, recover
from mmm.recovery.result import RecoveryResult

Array = np.ndarray

KEEP_NOISE = 0.6
"""Correlation of the latent noise of successive windows, so that the style lasts for a while."""
FLOOR_OFF_M = 0.15
"""A floor farther from y = 0 than this, metres, is moved there for the network; some recordings
float."""
_KEY_STREAM = 4711
"""Second word of the random seed for the musical keys of the bars."""
_DEFAULT_HORIZON_S = (2.0, 1.5, 1.0)
_SEMITONES = 12


@dataclass(frozen=True)
class Horizon:
    """The lengths of a network's window when it continues a motion, in seconds."""

    known_s: float
    """Length of the known past."""
    ahead_s: float
    """Length of the predicted future."""
    kept_s: float
    """Length of the part of the prediction that is kept before the window moves on."""


def horizon(model: MaskedMotionModel) -> Horizon:
    """The lengths that this network was trained with; defaults if its configuration has none."""
    return Horizon(*(model.config.horizon_s or _DEFAULT_HORIZON_S))


@dataclass(frozen=True, eq=False)
class _Window:
    """Known frames with hidden ones after them."""

    clip: Clip
    hidden: Bool[Array, "T J"]
    known: int
    """Number of known frames."""
    kept: int
    """Number of hidden frames whose prediction will be kept."""
    attention_frame: int | None
    """The frame whose attention maps are requested, counted from the window's first."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """One prediction for a window, and the latent noise behind it."""

    motion: Motion
    attention: AttentionTrace | None
    noise: Float[Array, "Z"] | None


def predict_windows(request: Request) -> Iterator[Chunk]:
    """Yield a network's continuation of a seed, a window at a time.

    Args:
        request: a checked request.
    """
    fps, lengths = request.clip.motion.fps, horizon(request.model)
    known, ahead, kept = (
        max(2, round(seconds * fps))
        for seconds in (lengths.known_s, lengths.ahead_s, lengths.kept_s)
    )
    rng, noise = request.rng(), None
    request = replace(request, music=_varied_music(request))
    lift = _lift(request.model, request.seed)
    past = request.clip.motion.crop(max(0, request.prefix_frames - known), request.prefix_frames)
    past = replace(past, root_m=past.root_m + lift)
    ground = Ground.of(past, request.joint_names, request.model.config.max_jump_height_m)
    start = request.prefix_frames
    while start < request.stop:
        window = _window(request, past, start, ahead, min(kept, request.stop - start))
        sample = _sampled(request, window, noise, rng)
        noise, motion = sample.noise, sample.motion
        # The corrected frames become the next window's past, so that drift does not accumulate.
        if ground is not None:
            motion = ground.corrected(motion, window.known)
        stop = window.known + window.kept
        new = motion.crop(window.known, stop)
        trace = _shifted(sample.attention, start - window.known)
        yield Chunk(start, replace(new, root_m=new.root_m - lift), trace)
        start += len(new)
        past = motion.crop(max(0, stop - known), stop)


def _varied_music(request: Request) -> Music | None:
    """The music for the network, partly transposed for networks without latent noise above
    temperature 1."""
    music, temperature = request.music, request.temperature
    # Such a network is deterministic: only other music gives another dance. Transposed music keeps
    # the beats.
    if music is None or request.model.config.noise_dim or temperature <= 1:
        return music
    rng = np.random.default_rng([request.random_seed, _KEY_STREAM])
    return transpose_bars(music, min(temperature - 1, 1.0), request.prefix_frames, rng)


def _window(request: Request, past: Motion, start: int, ahead: int, kept: int) -> _Window:
    """The past and the hidden frames after it, with the music of both."""
    music = request.music
    # Near the end of a song the window is shorter; without music there is no end.
    room = ahead if music is None else min(ahead, len(music) - start)
    kept = min(kept, room)
    first = start - len(past)
    if music is not None:
        music = music.crop(first, start + room)
    elif request.model.config.uses_music:
        music = silence(len(past) + room, past.fps)
    frame = request.attention_frame
    inside = request.wants_attention(start, start + kept)
    clip, hidden = _extended(past, room, music)
    row = frame - first if frame is not None and inside else None
    return _Window(clip, hidden, len(past), kept, row)


def _extended(past: Motion, ahead: int, music: Music | None) -> tuple[Clip, Bool[Array, "T J"]]:
    """The past and ``ahead`` hidden frames after it."""
    # The repeated last pose is a placeholder: recovery never reads hidden entries.
    rotations = np.concatenate([past.rotations, np.repeat(past.rotations[-1:], ahead, axis=0)])
    root_m = np.concatenate([past.root_m, np.repeat(past.root_m[-1:], ahead, axis=0)])
    hidden = np.zeros(rotations.shape[:2], dtype=bool)
    hidden[len(past) :] = True
    return Clip("future", Motion(past.skeleton, rotations, root_m, past.fps), music), hidden


def _sampled(
    request: Request, window: _Window, before: Float[Array, "Z"] | None, rng: np.random.Generator
) -> _Sample:
    """One prediction for a window.

    Args:
        before: the latent noise of the previous window; None for the first.
        rng: the random generator.
    """
    config = request.model.config
    size, prior = config.noise_dim, config.speed_prior
    # At temperature 0 every sample is the mean prediction, so there is nothing to choose from.
    if not size or prior is None or not request.temperature:
        noise = _next_noise(size, before, rng) if size else None
        result = _recovered(request, window, noise)
        return _Sample(result.recovered.motion, result.attention, noise)
    noises = np.stack([_next_noise(size, before, rng) for _ in range(DRAWS)])
    scaled = noises * np.float32(request.temperature)
    futures = draws(
        request.model, window.clip, window.hidden, scaled, joint_names=request.joint_names
    )
    speed_prior, known = SpeedPrior(*prior), window.known
    target = speed_prior.draw(window.clip.motion.crop(0, known), request.temperature, rng)
    # The last known frame is included, so that a jump at the seam counts as speed.
    stop = known + window.kept
    best = speed_prior.nearest(target, [future.crop(known - 1, stop) for future in futures])
    trace = None
    # Maps are captured in a second pass of the chosen future, because those of all futures would
    # take much memory.
    if window.attention_frame is not None:
        trace = _recovered(request, window, noises[best]).attention
    return _Sample(futures[best], trace, noises[best])


def _recovered(
    request: Request, window: _Window, noise: Float[Array, "Z"] | None
) -> RecoveryResult:
    return recover(
        request.model,
        window.clip,
        window.hidden,
        attention=window.attention_frame is not None,
        attention_frame=window.attention_frame or 0,
        joint_names=request.joint_names,
        noise=None if noise is None else noise * np.float32(request.temperature),
        # Feet are locked once, with the ground, after the window is chosen.
        lock_feet=False,
    )


def _next_noise(size: int, before: Array | None, rng: np.random.Generator) -> Float[Array, "Z"]:
    """Latent noise that follows that of the previous window as an AR(1) of unit variance."""
    new = rng.standard_normal(size).astype(np.float32)
    if before is None:
        return new
    # Networks are trained on unit variance, so the two parts are weighted to keep it.
    return np.float32(KEEP_NOISE) * before + np.float32((1 - KEEP_NOISE**2) ** 0.5) * new


def _lift(model: MaskedMotionModel, seed: Motion) -> Float[Array, "3"]:
    """The shift that brings a distant floor to zero."""
    floor = seed.floor_m()
    # Networks on one skeleton were trained with the heights of that set's recordings.
    is_far = model.config.representation == "roles" and abs(floor) > FLOOR_OFF_M
    return np.array([0, -floor if is_far else 0, 0], dtype=np.float32)


def _shifted(trace: AttentionTrace | None, first: int) -> AttentionTrace | None:
    """Maps whose frames count from the seed's first frame instead of the window's."""
    if trace is None:
        return None
    return replace(trace, frames=(first + trace.frames[0], first + trace.frames[1]))


def transpose_bars(music: Music, share: float, first: int, rng: np.random.Generator) -> Music:
    """Music with a share of its bars in another key, with beats and drums as they are.

    Args:
        music: any music. Four beats make a bar; without beats, two seconds do.
        share: share of the bars, 0 to 1.
        first: bars that end before this frame stay as they are.
        rng: chooses the bars and their keys.
    """
    has_beats = len(music.beats) > BEATS_A_BAR
    period = round(2 * music.fps)
    bars = music.beats[::BEATS_A_BAR] if has_beats else np.arange(0, len(music), period)
    edges = [0, *(int(bar) for bar in bars if bar > 0), len(music)]
    features, chroma = music.features.copy(), FEATURE_SLICES["chroma_cens"]
    for start, stop in itertools.pairwise(edges):
        # Drawn for every bar, changed or not, so that a longer seed does not shift the keys.
        chosen, steps = rng.random() < share, int(rng.integers(1, _SEMITONES))
        if chosen and stop > first:
            # Chroma has one column for each pitch class, so rolling the columns transposes.
            features[start:stop, chroma] = np.roll(features[start:stop, chroma], steps, axis=1)
    return replace(music, features=features)
