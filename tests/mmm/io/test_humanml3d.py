"""HumanML3D's positions and features, against its authors' quaternion formulas."""

import numpy as np
import pytest

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.motion.clip import Clip
from tests.mmm.making import smooth_motion

T = 30


def quaternion_product(a, b):
    w, x, y, z = (a[..., k] for k in range(4))
    s, i, j, k = (b[..., n] for n in range(4))
    return np.stack(
        [
            w * s - x * i - y * j - z * k,
            w * i + x * s + y * k - z * j,
            w * j - x * k + y * s + z * i,
            w * k + x * j - y * i + z * s,
        ],
        axis=-1,
    )


def rotated(quaternion, vector):
    pure = np.concatenate([np.zeros((*vector.shape[:-1], 1)), vector], axis=-1)
    conjugate = quaternion * [1, -1, -1, -1]
    return quaternion_product(quaternion_product(quaternion, pure), conjugate)[..., 1:]


def recovered(features):
    """World positions of features: quaternions (cos a, 0, sin a, 0), inverted."""
    angle = np.concatenate([[0], np.cumsum(features[:-1, 0])])
    inverse = np.stack([np.cos(angle), 0 * angle, -np.sin(angle), 0 * angle], axis=-1)
    steps = np.zeros((len(features), 3))
    steps[1:, 0], steps[1:, 2] = features[:-1, 1], features[:-1, 2]
    root = np.cumsum(rotated(inverse, steps), axis=0)
    root[:, 1] = features[:, 3]
    joints = features[:, 4:67].reshape(-1, 21, 3)
    joints = rotated(np.repeat(inverse[:, None], 21, axis=1), joints)
    joints[..., 0] += root[:, None, 0]
    joints[..., 2] += root[:, None, 2]
    return np.concatenate([root[:, None], joints], axis=1)


def test_positions_are_reached(tmp_path):
    positions = smooth_motion(1, T).positions()[:, :22]
    np.save(tmp_path / "a.npy", positions)
    clip = load_clip(tmp_path / "a.npy")
    assert clip.motion.fps == 20
    np.testing.assert_allclose(clip.motion.positions(), positions, atol=1e-4)
    assert "solved from positions" in clip.notes[0]


def test_features_are_placed_as_their_authors_place_them(tmp_path):
    rng = np.random.default_rng(0)
    features = np.zeros((T, 263), np.float32)
    features[:, 0] = rng.normal(0, 0.05, T)
    features[:, 1:3] = rng.normal(0, 0.05, (T, 2))
    features[:, 3] = 0.9
    local = smooth_motion(2, T).positions()[:, :22]
    features[:, 4:67] = (local[:, 1:] - local[:, :1] * [1, 0, 1]).reshape(T, -1)
    features[:, 3] = local[:, 0, 1]
    np.save(tmp_path / "a.npy", features)
    clip = load_clip(tmp_path / "a.npy")
    np.testing.assert_allclose(clip.motion.positions(), recovered(features), atol=2e-4)


def test_what_is_written_are_the_positions(tmp_path):
    motion = smooth_motion(3, 61)  # a second at 60 per second
    save_clip(Clip("a", motion), tmp_path / "a.npy")
    written = np.load(tmp_path / "a.npy")
    assert written.shape == (21, 22, 3)
    np.testing.assert_allclose(written, motion.positions()[::3, :22], atol=1e-5)
    again = load_clip(tmp_path / "a.npy")
    np.testing.assert_allclose(again.motion.positions(), written, atol=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 21, 3)), r"shape \(4, 21, 3\); expected \(T, 22, 3\) or \(T, 263\)"),
        (np.full((4, 22, 3), np.nan), "positions are none, not finite, or far away"),
        (np.zeros((0, 22, 3)), "positions are none"),
        (np.array([{"motion": 1}], dtype=object), "not a plain array"),
        (np.array(["a"]), "an array of <U1"),
    ],
)
def test_wrong_content(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(FileError, match=message):
        load_clip(tmp_path / "a.npy")
