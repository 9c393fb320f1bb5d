"""Small recordings for the tests of data.prepare, and running it."""

import json
from dataclasses import replace

import numpy as np
from typer.testing import CliRunner

from data.__main__ import app
from mmm.io import save_clip
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton
from tests.mmm.making import TINY, smooth_motion

TALL = replace(TINY, offsets_m=TINY.offsets_m * 1.1)
LYING = replace(TINY, offsets_m=TINY.offsets_m[:, [1, 2, 0]])
"""The joints of TINY in a rest pose of its own."""
OTHER = Skeleton((*TINY.names[:-1], "RightToe"), TINY.parents, TINY.offsets_m)


def write_bvh(path, seed, frames=40, skeleton=TINY, fps=30.0):
    """A smooth movement as BVH; returns its motion."""
    path.parent.mkdir(parents=True, exist_ok=True)
    motion = smooth_motion(seed, frames, skeleton, fps)
    save_clip(Clip(path.stem, motion), path)
    return motion


def prepare(capsys, *arguments):
    """Runs the command; returns exit status, output and error output."""
    done = run("prepare", *arguments)
    assert capsys.readouterr().out == ""
    return done.exit_code, done.stdout, done.stderr


def run(*arguments):
    """The result of ``python -m data`` with these arguments; unexpected exceptions are raised."""
    return CliRunner().invoke(app, [str(word) for word in arguments], catch_exceptions=False)


def report_of(out):
    return json.loads((out / "report.json").read_text())


def stored(out, split):
    """clips.json of a split."""
    return json.loads((out / split / "clips.json").read_text())


def units_of(out):
    """Unit to the splits it is in."""
    found = {}
    for split in ("train", "val", "test"):
        if (out / split).exists():
            for clip in stored(out, split)["clips"]:
                found.setdefault(clip["unit"], set()).add(split)
    return found


def frames_of(out, split, name):
    """Rotations (first two columns) and root of one clip of a prepared set."""
    clip = next(clip for clip in stored(out, split)["clips"] if clip["name"] == name)
    part = slice(clip["first"], clip["first"] + clip["frames"])
    return np.load(out / split / "rotations.npy")[part], np.load(out / split / "root_m.npy")[part]
