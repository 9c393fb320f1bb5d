"""How well a motion moves to another character: ``python -m tests.benchmarks.retargeting MOTION CHARACTER...``.

The characters are those of the files, and two built by hand: 65 joints as Mixamo has them, and 73
joints with longer arms, shorter legs and an A-pose. For each: the speed of feet in contact (slide),
how far hands end from where the motion has them relative to the shoulder, how far the floor moves,
and how far all joints are from the motion after both ways, in memory and through a ``.bvh``.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import mmm
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton
from tests.mmm.motion.retargeting.characters import long_arms, mixamo
from tests.mmm.motion.retargeting.measures import hands_off_cm, slide_cm_s

COLUMNS = ("character", "joints", "slide cm/s", "hands cm (max)", "floor cm", "back cm (mean)")


def through_bvh(clip: Clip) -> Clip:
    """The clip as another program would hand it back: joints and numbers, nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.bvh"
        mmm.save_clip(clip, path)
        return mmm.load_clip(path)


def off_cm(clip: Clip, source: Clip) -> float:
    """Mean distance of all joints, centimetres."""
    apart = np.linalg.norm(clip.motion.positions() - source.motion.positions(), axis=-1)
    return 100 * float(apart.mean())


def main(source: str, files: list[str]) -> None:
    """Print one row a character."""
    clip = mmm.load_clip(source)
    characters: dict[str, Clip | Skeleton] = {"Mixamo-like": mixamo(), "long arms": long_arms()}
    characters |= {Path(path).stem: mmm.load_clip(path) for path in files}
    print(*COLUMNS, "back through .bvh cm", sep=" | ")
    print(clip.name, len(clip.motion.skeleton), f"{slide_cm_s(clip):.1f}", sep=" | ")
    for name, character in characters.items():
        moved = mmm.retarget(clip, character)
        floor_m = moved.motion.floor_m() - clip.motion.floor_m()
        print(
            name,
            len(moved.motion.skeleton),
            f"{slide_cm_s(moved):.1f}",
            f"{hands_off_cm(clip, moved).max():.1f}",
            f"{100 * floor_m:.1f}",
            f"{off_cm(mmm.retarget(moved, clip), clip):.2f}",
            f"{off_cm(mmm.retarget(through_bvh(moved), clip), clip):.2f}",
            sep=" | ",
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("expected a motion file and any number of files of characters")
    main(sys.argv[1], sys.argv[2:])
