"""How long the features of a recording take: ``python -m tests.benchmarks.music_speed SONG``.

The song is cut to several lengths, or repeated until it has them. Each is analysed once after a short
one, which pays for imports and compilation.

Not a test: times depend on the machine.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from mmm.motion.clip import Audio
from mmm.music.audio import read_audio
from mmm.music.features import features_of

LENGTHS_S = (45, 180, 600)


def main() -> None:
    """Print the seconds that each length takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("song", type=Path, help="a sound file")
    parser.add_argument("--fps", type=float, default=60.0)
    options = parser.parse_args()
    song = read_audio(options.song)
    features_of(song.crop_s(0.0, 5.0), options.fps)
    for length_s in LENGTHS_S:
        repeats = int(np.ceil(length_s / song.duration_s))
        audio = Audio(np.tile(song.samples, (repeats, 1)), song.rate_hz).crop_s(0.0, length_s)
        start = time.perf_counter()
        features_of(audio, options.fps)
        print(f"{length_s:5d} s of sound: {time.perf_counter() - start:6.2f} s")


if __name__ == "__main__":
    main()
