"""How fast films are written: two dancers side by side, 1280 x 720, with sound.

    taskset -c 0,1 python -m tests.benchmarks.film_speed --rounds 3

Each round writes the film with one process and with one a core, and then only draws it, so that all share
what else the machine does. Processor time of the drawing is what one undisturbed core would need. The demand
is 60 pictures a second on two quiet cores: a film in its own length.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from mmm import load_clip, masks
from mmm.interpolation.baselines import BASELINES
from mmm.viewer.raster.film import Film
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.video import write_film

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "dance_092bpm_test004_dancer03.npz"


def scene(frames: int) -> Scene:
    """A sample dance and its slerp recovery."""
    clip = load_clip(SAMPLE, frames=(0, frames))
    mask = masks.every_nth(clip, 15)
    recovered = BASELINES["slerp"](clip, mask.hidden)
    both = Performer("Truth", clip.motion, "truth"), Performer("slerp", recovered, "baseline")
    return Scene(clip.name, both, mask.hidden, clip.music)


def measure(shown: Scene) -> dict[str, float]:
    """Pictures a second: written by one process and by all (wall clock), drawn (wall clock, processor time)."""
    took_s = []
    for processes in (1, None):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            write_film(shown, Path(folder) / "film.mp4", processes=processes)
            took_s.append(time.perf_counter() - start)
    film = Film(shown)
    start, busy = time.perf_counter(), time.process_time()
    for number in range(len(film)):
        film.frame(number)
    drawn, busy = time.perf_counter() - start, time.process_time() - busy
    return {
        "by one": len(film) / took_s[0],
        "by all": len(film) / took_s[1],
        "drawn": len(film) / drawn,
        "drawn_cpu": len(film) / busy,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=600)
    given = parser.parse_args()
    shown = scene(given.frames)
    rounds = [measure(shown) for _ in range(given.rounds)]
    for name in rounds[0]:
        print(
            f"{name:10} {statistics.median(r[name] for r in rounds):6.1f} pictures a second "
            f"({', '.join(f'{r[name]:.1f}' for r in rounds)})"
        )
    print(
        f"by all / by one {statistics.median(r['by all'] / r['by one'] for r in rounds):.2f} (median of pairs)"
    )


if __name__ == "__main__":
    main()
