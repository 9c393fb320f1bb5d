"""The library: small, near to what went in, readable at any moment, refusing what it is not."""

import numpy as np
import pytest

from mmm.errors import ModelError
from mmm.generation import codec
from mmm.generation.canonical import Calibration
from mmm.generation.library import Library, library_of
from mmm.motion.humanoid import match_roles
from tests.mmm.generation.people import small_library, walker


@pytest.fixture(scope="module")
def poses():
    motion = walker(6.0)
    roles = match_roles(motion.skeleton)
    return Calibration.of(roles, motion).anatomical(roles, motion)


def test_what_is_read_is_what_was_written(tmp_path):
    library = small_library()
    library.save(tmp_path / "library.safetensors")
    again = Library.load(tmp_path / "library.safetensors")
    assert again.takes == library.takes
    assert again.licence == library.licence
    np.testing.assert_array_equal(again.values, library.values)
    assert (tmp_path / "library.safetensors").stat().st_size < 40 * library.frames


def test_poses_are_kept_within_a_degree_and_a_centimetre(poses):
    library = library_of([(poses, {"source": "walk"})])
    back = library.poses(0, np.arange(len(poses), dtype=float))
    cosine = (np.einsum("trij,trij->tr", back.world, poses.world) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 1
    # The ends of a take are less exact; no piece is taken from there.
    apart = np.diff(back.hips, axis=0) - np.diff(poses.hips, axis=0)
    assert np.abs(apart[12:-12]).mean() < 0.005


def test_moments_between_frames_are_smooth(poses):
    library = library_of([(poses, {"source": "walk"})])
    fine = library.poses(0, np.arange(30, 60, 0.25))
    steps = np.linalg.norm(np.diff(fine.hips, n=2, axis=0), axis=-1)
    assert steps.max() < 0.01


def test_beyond_its_ends_a_take_stands_still(poses):
    library = library_of([(poses, {"source": "walk"})])
    late = library.poses(0, np.array([len(poses) - 1.0, len(poses) + 50.0]))
    np.testing.assert_allclose(late.hips[0], late.hips[1])


def test_integers_of_either_sign_come_back():
    values = np.random.default_rng(0).integers(-32768, 32767, (7, codec.CHANNELS)).astype(np.int16)
    np.testing.assert_array_equal(codec.unpack(codec.pack(values), 7), values)


@pytest.mark.parametrize("content", [b"", b"not a file of arrays", b"PK\x03\x04 cut"])
def test_what_is_no_library_is_refused(tmp_path, content):
    (tmp_path / "library.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="not readable as a library"):
        Library.load(tmp_path / "library.safetensors")
