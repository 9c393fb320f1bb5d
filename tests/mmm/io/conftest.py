import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch):
    monkeypatch.delenv("MMM_DATA", raising=False)
    assert "MMM_DATA" not in os.environ


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip("the real recordings (../shared/data) are not here")
    return SHARED


@pytest.fixture
def smpl_clip():
    """40 frames of a smoothly, widely turning SMPL body."""
    rng = np.random.default_rng(3)
    time = np.linspace(0, 6, 40)[:, None, None]
    rotvec = 1.5 * np.sin(time * rng.uniform(0.5, 2, (24, 3)) + rng.uniform(0, 6, (24, 3)))
    rotations = (
        Rotation.from_rotvec(rotvec.reshape(-1, 3))
        .as_matrix()
        .reshape(40, 24, 3, 3)
        .astype(np.float32)
    )
    root_m = np.cumsum(rng.normal(0, 0.02, (40, 3)), axis=0).astype(np.float32) + np.float32(
        [0, 0.9, 0]
    )
    return Clip(
        "gBR_sBM_cAll_d04_mBR0_ch01",
        Motion(SMPL24, rotations, root_m, 60.0),
        source="made",
        split="val",
        notes=("A note.",),
        meta={"aist": {"smpl_scaling": 93.75}},
    )


@pytest.fixture
def tree_clip():
    """Three joints with a tip, none of SMPL's names."""
    skeleton = Skeleton(
        ("Hips", "Spine", "Head"),
        (-1, 0, 1),
        np.float32([[0, 0.9, 0], [0, 0.6, 0.1], [0, 0.5, 0]]),
        end_sites=((2, (0.0, 0.2, 0.0)),),
    )
    rotations = Rotation.from_euler("YXZ", np.linspace(-3, 3, 36).reshape(12, 3)).as_matrix()
    rotations = np.repeat(rotations[:, None], 3, axis=1).astype(np.float32)
    return Clip("tree", Motion(skeleton, rotations, np.ones((12, 3), np.float32), 30.0))
