import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation, RotationSpline, Slerp

from mmm.motion import rotations as rot
from tests.mmm.making import random_rotations

SEEDS = st.integers(0, 2**32 - 1)
VECTORS = hnp.arrays(np.float64, (3,), elements=st.floats(-2, 2, width=32))
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def about(axis: str, angle: float) -> np.ndarray:
    """The textbook matrix of a right-handed turn about one axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array(
        {
            "X": [[1, 0, 0], [0, c, -s], [0, s, c]],
            "Y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            "Z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        }[axis]
    )


@given(rotvec=VECTORS)
def test_rotvec_round_trip_and_oracle(rotvec):
    norm = np.linalg.norm(rotvec)
    rotvec = rotvec if norm < 3.1 else rotvec / norm * 3.1
    matrix = rot.rotvec_to_matrix(rotvec)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(rotvec).as_matrix(), atol=1e-6)
    np.testing.assert_allclose(rot.matrix_to_rotvec(matrix), rotvec, atol=1e-4)
    assert matrix.dtype == np.float32


def test_columns_are_acted_on():
    np.testing.assert_allclose(
        rot.rotvec_to_matrix(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-6
    )


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=20, deadline=None)
@given(angles=VECTORS)
def test_euler_is_intrinsic_in_the_order_of_its_letters(order, angles):
    angles[1] *= 0.7  # away from gimbal lock
    matrix = rot.euler_to_matrix(angles, order)
    by_hand = about(order[0], angles[0]) @ about(order[1], angles[1]) @ about(order[2], angles[2])
    np.testing.assert_allclose(matrix, by_hand, atol=1e-6)
    np.testing.assert_allclose(
        rot.euler_to_matrix(rot.matrix_to_euler(matrix, order), order), matrix, atol=1e-5
    )
    np.testing.assert_allclose(rot.matrix_to_euler(matrix, order), angles, atol=1e-3)


@pytest.mark.parametrize("order", ORDERS)
def test_gimbal_lock_gives_the_same_rotation_without_a_warning(order):
    matrix = rot.euler_to_matrix(np.array([0.3, np.pi / 2, -0.8]), order)
    np.testing.assert_allclose(
        rot.euler_to_matrix(rot.matrix_to_euler(matrix, order), order), matrix, atol=2e-3
    )


def test_fewer_euler_angles():
    np.testing.assert_allclose(
        rot.euler_to_matrix(np.array([[0.4]]), "Y"), [about("Y", 0.4)], atol=1e-6
    )
    np.testing.assert_allclose(
        rot.euler_to_matrix(np.array([0.4, 0.2]), "YX"),
        about("Y", 0.4) @ about("X", 0.2),
        atol=1e-6,
    )


@pytest.mark.parametrize("order", ["zyx", "", "XYW"])
def test_other_euler_orders_are_refused(order):
    with pytest.raises(ValueError, match="upper-case letters of XYZ"):
        rot.euler_to_matrix(np.zeros(3), order)


@given(seed=SEEDS)
def test_quaternions(seed):
    matrices = random_rotations(seed, 4, 2)
    quats = rot.matrix_to_quat_wxyz(matrices)
    assert (quats[..., 0] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(quats, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(rot.quat_wxyz_to_matrix(quats), matrices, atol=1e-5)
    np.testing.assert_allclose(rot.quat_wxyz_to_matrix(-3 * quats), matrices, atol=1e-5)
    w, x, y, z = quats[0, 0]
    assert matrices[0, 0, 0, 0] == pytest.approx(1 - 2 * (y * y + z * z), abs=1e-5)
    assert matrices[0, 0, 1, 0] == pytest.approx(2 * (x * y + w * z), abs=1e-5)


@given(seed=SEEDS)
def test_sixd(seed):
    matrices = random_rotations(seed, 5, 3)
    sixd = rot.matrix_to_sixd(matrices)
    np.testing.assert_array_equal(sixd[..., :3], matrices[..., :, 0])
    np.testing.assert_array_equal(sixd[..., 3:], matrices[..., :, 1])
    np.testing.assert_allclose(rot.sixd_to_matrix(sixd), matrices, atol=1e-5)


@given(seed=SEEDS)
def test_sixd_of_anything_is_a_rotation(seed):
    matrices = rot.sixd_to_matrix(np.random.default_rng(seed).normal(size=(6, 6)))
    np.testing.assert_allclose(
        matrices @ np.swapaxes(matrices, -1, -2), np.broadcast_to(np.eye(3), (6, 3, 3)), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-5)


@given(seed=SEEDS)
def test_projection_is_the_nearest_rotation(seed):
    rng = np.random.default_rng(seed)
    anything = rng.normal(size=(3, 3))
    nearest, residual = rot.project_to_so3(anything)
    np.testing.assert_allclose(nearest @ nearest.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(nearest) == pytest.approx(1, abs=1e-5)
    assert residual == pytest.approx(np.linalg.norm(anything - nearest), abs=1e-5)
    others = random_rotations(seed, 200)
    beside = nearest @ rot.rotvec_to_matrix(rng.normal(size=(50, 3)) * 0.01)
    for rival in (others, beside):
        assert (np.linalg.norm(anything - rival, axis=(-2, -1)) >= residual - 1e-5).all()


def test_projection_leaves_rotations_alone():
    matrices = random_rotations(0, 7, 2)
    nearest, residual = rot.project_to_so3(matrices)
    np.testing.assert_allclose(nearest, matrices, atol=1e-6)
    assert residual.max() < 1e-6
    assert residual.shape == (7, 2)


@pytest.mark.parametrize("away", [1e-7, 1e-5, 0.4 * rot.NEAR, 1e-3])
def test_projection_of_what_is_almost_a_rotation_is_that_of_singular_values(away):
    near = random_rotations(0, 200).astype(np.float64) + np.random.default_rng(1).uniform(
        -away, away, (200, 3, 3)
    )
    u, _, vt = np.linalg.svd(near)
    nearest, residual = rot.project_to_so3(near)
    np.testing.assert_allclose(nearest, u @ vt, atol=1e-7)
    np.testing.assert_allclose(residual, np.linalg.norm(near - u @ vt, axis=(-2, -1)), atol=1e-7)


def test_projection_turns_a_mirror_into_a_rotation():
    nearest, residual = rot.project_to_so3(np.diag([1.0, 1.0, -1.0]))
    assert np.linalg.det(nearest) == pytest.approx(1)
    assert residual == pytest.approx(2)


@given(seed=SEEDS)
def test_geodesic_angle_oracle(seed):
    a, b = random_rotations(seed, 2, 6)
    expected = (Rotation.from_matrix(a).inv() * Rotation.from_matrix(b)).magnitude()
    # near half a turn the chord hardly grows: float32 matrices tell the angle to about a thousandth there
    np.testing.assert_allclose(rot.geodesic_angle(a, b), expected, atol=2e-3)
    np.testing.assert_allclose(rot.geodesic_angle(a, b), rot.geodesic_angle(b, a), atol=1e-6)


def test_geodesic_angle_of_small_and_large_turns():
    matrices = random_rotations(1, 10)
    assert rot.geodesic_angle(matrices, matrices).max() == 0
    for angle in (1e-4, 0.5, 3.0):
        turned = matrices @ about("Y", angle).astype(np.float32)
        np.testing.assert_allclose(rot.geodesic_angle(matrices, turned), angle, rtol=1e-2)


@given(seed=SEEDS, weight=st.floats(0, 1))
def test_slerp_oracle(seed, weight):
    a, b = random_rotations(seed, 2)
    expected = Slerp([0, 1], Rotation.from_matrix(np.stack([a, b])))(weight).as_matrix()
    if rot.geodesic_angle(a, b) < 3.1:  # near half a turn the shorter arc is a matter of rounding
        np.testing.assert_allclose(rot.slerp(a, b, np.array(weight)), expected, atol=1e-4)


@given(seed=SEEDS)
def test_slerp_ends(seed):
    a, b = random_rotations(seed, 2, 4)
    np.testing.assert_allclose(rot.slerp(a, b, np.zeros(4)), a, atol=1e-5)
    np.testing.assert_allclose(rot.slerp(a, b, np.ones(4)), b, atol=1e-4)
    half = rot.slerp(a, b, np.full(4, 0.5))
    np.testing.assert_allclose(rot.geodesic_angle(a, half), rot.geodesic_angle(half, b), atol=2e-3)


def test_rotation_spline_oracle_and_ends():
    times, keys = np.array([2.0, 5.0, 9.0, 11.0]), random_rotations(3, 4)
    query = np.array([0.0, 2.0, 3.3, 7.1, 10.9, 11.0, 20.0])
    found = rot.rotation_spline(times, keys, query)
    expected = RotationSpline(times, Rotation.from_matrix(keys))(np.clip(query, 2, 11)).as_matrix()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found[0], keys[0], atol=1e-5)
    np.testing.assert_allclose(found[-1], keys[-1], atol=1e-5)
    np.testing.assert_array_equal(
        rot.rotation_spline(times[:1], keys[:1], query), np.repeat(keys[:1], 7, axis=0)
    )


def test_leading_axes_are_kept():
    matrices = random_rotations(0, 2, 3, 4)
    assert rot.matrix_to_rotvec(matrices).shape == (2, 3, 4, 3)
    assert rot.matrix_to_euler(matrices, "ZYX").shape == (2, 3, 4, 3)
    assert rot.matrix_to_quat_wxyz(matrices).shape == (2, 3, 4, 4)
    assert rot.matrix_to_sixd(matrices).shape == (2, 3, 4, 6)
    assert rot.matrix_to_rotvec(matrices[0, 0, 0]).shape == (3,)
    for back, size in (
        (rot.rotvec_to_matrix, 3),
        (rot.quat_wxyz_to_matrix, 4),
        (rot.sixd_to_matrix, 6),
    ):
        assert back(np.ones((2, 3, 4, size))).shape == (2, 3, 4, 3, 3)
        assert back(np.ones((0, size))).shape == (0, 3, 3)


def test_the_farthest_angle_is_counted_from_the_first():
    angles = np.radians([[10.0, 40.0], [11.0, 20.0], [8.0, 40.0]])  # frames, joints
    vectors = np.stack([angles, np.zeros((3, 2)), np.zeros((3, 2))], axis=-1)
    found = rot.farthest_angle(rot.rotvec_to_matrix(vectors))
    np.testing.assert_allclose(np.degrees(found), [2, 20], atol=1e-3)
