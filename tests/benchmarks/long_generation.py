"""Does a long generation grow or decay? ``python -m tests.benchmarks.long_generation [--minutes 10]``.

Prints, for every minute, the peak memory so far, the mean energy of the movement and the frames
a second. The last lines compare the last minute with the second one. Chunks are dropped as they
come, as a server does that sends them on. ``--music`` is repeated up to the length.
Not a test: speed and memory depend on the machine, which the first line names.
"""

import argparse
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import mmm
from mmm.generation.result import Chunk
from mmm.motion.clip import Clip, Motion, Music
from mmm.music.features import load_music
from tests.benchmarks.page_speed import machine
from tests.browser import ROOT

SEED_S = 2.0
MOST_DECAY = 0.2
"""Largest difference between the energies of the last and the second minute, relative."""
MOST_GROWTH_MB = 20.0
"""Largest growth of memory from the end of the second minute to the end of the last one."""


@dataclass(frozen=True)
class Minute:
    """The figures of one minute of movement."""

    memory_mb: float
    """The most that the process has held so far, MB."""
    energy: float
    """Mean squared joint speed relative to the root, m²/s²."""
    frames_a_second: float


def repeated(music: Music, frames: int) -> Music:
    """A song that is played again and again up to a number of frames."""
    times = -(-frames // len(music))
    features = np.tile(music.features, (times, 1))
    beats = np.concatenate([music.beats + k * len(music) for k in range(times)])
    return replace(music, features=features, beats=beats, audio=None).crop(0, frames)


def energy(motion: Motion) -> float:
    """Mean squared joint speed relative to the root, m²/s²."""
    points = motion.positions().astype(np.float64)
    steps = np.diff(points - points[:, :1], axis=0) * motion.fps
    return float((steps**2).sum(axis=-1).mean())


def minutes_of(chunks: Iterable[Chunk], fps: float) -> list[Minute]:
    """Figures of every whole minute; printed as they are known."""
    found: list[Minute] = []
    energies: list[float] = []
    frames, started = 0, time.perf_counter()
    for chunk in chunks:
        energies += [energy(chunk.motion)] * len(chunk.motion)
        frames += len(chunk.motion)
        if frames < (len(found) + 1) * 60 * fps:
            continue
        took = time.perf_counter() - started
        minute = Minute(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
            float(np.mean(energies)),
            len(energies) / took,
        )
        found.append(minute)
        print(
            f"minute {len(found):2}: {minute.memory_mb:6.0f} MB   energy {minute.energy:.3f} m²/s²"
            f"   {minute.frames_a_second:5.0f} frames/s",
            flush=True,
        )
        energies, started = [], time.perf_counter()
    return found


def verdict(found: list[Minute]) -> list[str]:
    """The last minute beside the second; the first still holds loading and the seed's activity."""
    second, last = found[1], found[-1]
    share, growth = last.energy / second.energy, last.memory_mb - second.memory_mb
    pace = 1 / np.mean([1 / minute.frames_a_second for minute in found[1:]])
    spread = [minute.energy for minute in found[1:]]
    steady = "met" if abs(share - 1) <= MOST_DECAY else "missed"
    constant = "met" if growth <= MOST_GROWTH_MB else "missed"
    return [
        f"energy of the last minute, share of the second's: {share:.2f}   target 0.8 to 1.2: "
        f"{steady}; minutes range from {min(spread):.3f} to {max(spread):.3f}",
        f"memory after the second minute: {growth:+.0f} MB   target {MOST_GROWTH_MB:g}: {constant}",
        f"frames a second after the first minute: {pace:.0f}",
    ]


def main() -> None:
    """Generate and print."""
    parser = argparse.ArgumentParser(description="Does a long generation grow or decay?")
    samples = sorted((ROOT / "data" / "samples").glob("*.npz"))
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--clip", type=Path, default=samples[0])
    parser.add_argument("--music", type=Path)
    parser.add_argument("--method", default="future")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.minutes < 3:
        parser.error(f"--minutes {asked.minutes}: 3 or more, the last is compared with the second")
    motion, model = mmm.load_clip(asked.clip).motion, mmm.load_model(asked.method)
    prefix, frames = round(SEED_S * motion.fps), round(asked.minutes * 60 * motion.fps)
    music = None
    if asked.music is not None:
        music = repeated(load_music(asked.music, motion.fps), prefix + frames)
    print(machine())
    # The clip's own music would be danced to, so only its motion is taken.
    chunks = mmm.generate(
        model,
        Clip(asked.clip.stem, motion),
        prefix_frames=prefix,
        frames=frames,
        music=music,
        random_seed=asked.seed,
    )
    for line in verdict(minutes_of(chunks, motion.fps)):
        print(line)


if __name__ == "__main__":
    main()
