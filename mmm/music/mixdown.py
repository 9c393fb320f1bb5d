"""Mixing sound down to one channel without losing parts that are out of phase."""

import numpy as np
from jaxtyping import Float
from scipy.signal import istft, stft

Array = np.ndarray

_BLOCK_S = 0.5
# Channels cancel in a block if their mean keeps less than this share of their mean power.
_CANCELS = 0.1
_LOUD = 0.01  # share of the loudest block's power; cancellation in quieter blocks is inaudible
_WINDOW = 2048
_PIECE = 1 << 20  # samples processed at a time, so that memory does not grow with the recording


def mixed_down(samples: Float[Array, "N C"], rate_hz: int | float) -> Float[Array, "N"]:
    """One channel that sounds like all of them.

    This is the mean of the channels, unless they cancel each other in it: two channels in opposite
    phase have a mean of zero. In that case, the power at every time and frequency is the mean of
    the channels' powers, and the phase is that of the louder channel.

    Args:
        samples: the sound, one column per channel.
        rate_hz: samples per second.
    """
    mean = samples.mean(axis=1)
    if samples.shape[1] == 1 or not _cancel(samples, mean, rate_hz):
        return mean
    pieces = []
    for start in range(0, len(samples), _PIECE):
        # Context on both sides, because a short-time Fourier transform is less exact at its ends.
        before = min(start, 2 * _WINDOW)
        piece = samples[start - before : start + _PIECE + 2 * _WINDOW]
        length = min(_PIECE, len(samples) - start)
        pieces.append(_by_power(piece)[before : before + length])
    return np.concatenate(pieces).astype(np.float32)


def _cancel(samples: Float[Array, "N C"], mean: Float[Array, "N"], rate_hz: int | float) -> bool:
    """Whether the channels cancel each other audibly in some block."""
    block = max(1, min(len(mean), int(_BLOCK_S * rate_hz)))
    starts = np.arange(0, len(mean), block)
    mean_power = np.add.reduceat(mean.astype(np.float64) ** 2, starts)
    # Channel by channel, because squares of all channels in float64 would take much memory.
    channel_power = sum(
        np.add.reduceat(samples[:, c].astype(np.float64) ** 2, starts)
        for c in range(samples.shape[1])
    )
    power = np.asarray(channel_power) / samples.shape[1]
    return bool(((mean_power < _CANCELS * power) & (power > _LOUD * power.max(initial=0))).any())


def _by_power(samples: Float[Array, "N C"]) -> Float[Array, "N"]:
    """The sound whose power spectrum is the mean of the channels'."""
    window = min(_WINDOW, len(samples))
    _, _, spectra = stft(samples.T, nperseg=window)
    powers = np.abs(spectra) ** 2
    loudest = np.take_along_axis(spectra, powers.argmax(axis=0)[None], axis=0)[0]
    phase = loudest / np.maximum(np.abs(loudest), 1e-12)
    _, sound = istft(np.sqrt(powers.mean(axis=0)) * phase, nperseg=window)
    return np.pad(sound, (0, max(0, len(samples) - len(sound))))[: len(samples)]
