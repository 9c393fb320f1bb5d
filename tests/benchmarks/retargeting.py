"""How well a motion moves to another character: ``python -m tests.benchmarks.retargeting MOTION CHARACTER...``.

For the motion itself and for each character: the mean speed of ankles in contact (slide), how far hands end from
where the motion has them relative to the shoulder, and how far all joints are from the motion after both ways.
"""

import sys

import numpy as np

import mmm
from mmm.motion.clip import Motion
from mmm.motion.foot_locking import legs_of
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.stances import in_stance, rest_heights


def slide_cm_s(motion: Motion) -> float:
    """Mean horizontal speed of the ankles in contact."""
    points = motion.positions()
    rest_m = rest_heights(points, motion.skeleton)
    speeds = []
    for leg in legs_of(motion.skeleton):
        path = points[:, leg.ankle]
        speed = np.linalg.norm(np.gradient(path[:, [0, 2]], axis=0), axis=1) * motion.fps
        speeds.append(speed[in_stance(path, float(rest_m[leg.ankle]), motion.fps)])
    return 100 * float(np.concatenate(speeds).mean())


def hands(motion: Motion) -> np.ndarray:
    """Wrists relative to shoulders in lengths of the arm: (T, 2, 3)."""
    joints, points = match_roles(motion.skeleton).joints, motion.positions()
    sides = []
    for side in ("left", "right"):
        shoulder, elbow, wrist = (
            points[:, joints[ROLES.index(f"{side}_{role}")]]
            for role in ("shoulder", "elbow", "wrist")
        )
        arm = np.linalg.norm(elbow - shoulder, axis=1) + np.linalg.norm(wrist - elbow, axis=1)
        sides.append((wrist - shoulder) / arm[:, None])
    return np.stack(sides, axis=1)


def main(source: str, characters: list[str]) -> None:
    """Print one row a character."""
    clip = mmm.load_clip(source)
    print("character", "joints", "slide cm/s", "hands off, arms (max)", "back cm (mean)", sep=" | ")
    print(clip.name, len(clip.motion.skeleton), f"{slide_cm_s(clip.motion):.1f}", "", "", sep=" | ")
    for path in characters:
        character = mmm.load_clip(path)
        moved = mmm.retarget(clip, character)
        off = np.linalg.norm(hands(moved.motion) - hands(clip.motion), axis=-1).max()
        back = mmm.retarget(moved, clip).motion.positions() - clip.motion.positions()
        print(
            character.name,
            len(moved.motion.skeleton),
            f"{slide_cm_s(moved.motion):.1f}",
            f"{off:.3f}",
            f"{100 * np.linalg.norm(back, axis=-1).mean():.1f}",
            sep=" | ",
        )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("expected a motion file and at least one file of a character")
    main(sys.argv[1], sys.argv[2:])
