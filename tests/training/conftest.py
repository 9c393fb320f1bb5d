"""A prepared set small enough for tests, in the layout that data.prepare writes."""

import json

import numpy as np
import pytest

from mmm.motion.rotations import matrix_to_sixd
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY, smooth_motion


def write_split(folder, lengths, seed=0, skeleton=TINY, fps=30.0, music=True):
    """Smooth motions one after another; returns them."""
    folder.mkdir(parents=True)
    motions = [smooth_motion(seed + i, n, skeleton, fps) for i, n in enumerate(lengths)]
    rng = np.random.default_rng(seed)
    first = np.cumsum([0, *lengths])
    np.save(
        folder / "rotations.npy",
        np.concatenate([matrix_to_sixd(m.rotations) for m in motions]).astype(np.float16),
    )
    np.save(folder / "root_m.npy", np.concatenate([m.root_m for m in motions]))
    if music:
        np.save(folder / "music.npy", rng.normal(size=(first[-1], 35)).astype(np.float32))
    clips = [
        {
            "name": f"clip{i}",
            "first": int(first[i]),
            "frames": n,
            "tempo_bpm": 120.0,
            "split": folder.name,
            "start": 7,
        }
        for i, n in enumerate(lengths)
    ]
    (folder / "clips.json").write_text(
        json.dumps({"version": 1, "fps": fps, "skeleton": list(skeleton.names), "clips": clips})
    )
    return motions


@pytest.fixture
def split(tmp_path):
    """Three clips of 30, 50 and 12 frames of the tiny skeleton."""
    write_split(tmp_path / "set" / "train", [30, 50, 12])
    return tmp_path / "set" / "train"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A whole set on the SMPL body, for the commands."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    for seed, name in enumerate(("train", "val", "test")):
        write_split(folder / name, [40, 36], seed * 10, SMPL24, 60.0)
    return folder
