"""Fixtures of the library's tests."""

from pathlib import Path

import pytest

from tests.mmm.making import smooth_motion

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """An ecm network with random weights for the tiny skeleton at 30 fps, written by save_model."""
    from mmm.checkpoints import save_model
    from tests.mmm.networks import tiny_model

    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-ecm"
    save_model(
        tiny_model("ecm", fill="slerp", output="residual", trained_masks=["every:4..40"]),
        folder,
        {},
    )
    return folder


@pytest.fixture(scope="session")
def tiny_clip_file(tmp_path_factory):
    """60 frames of the tiny skeleton with music features, as .npz."""
    from mmm.io import save_clip
    from tests.mmm.networks import tiny_clip

    path = tmp_path_factory.mktemp("clips") / "tiny.npz"
    save_clip(tiny_clip(60), path)
    return path


@pytest.fixture(scope="session")
def smpl_clip_file(tmp_path_factory):
    """40 frames of the SMPL body without music, as .pkl."""
    from mmm.io import save_clip
    from mmm.motion.clip import Clip

    path = tmp_path_factory.mktemp("clips") / "made.pkl"
    save_clip(Clip("made", smooth_motion(0, 40)), path)
    return path


@pytest.fixture
def aist_motion():
    """A real AIST++ motion, where the recordings lie beside the project."""
    path = SHARED / "aistpp" / "motions" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
    if not path.is_file():
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    return path
