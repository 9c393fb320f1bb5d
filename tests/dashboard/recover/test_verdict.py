"""The sentence that says which method is closest to the recording."""

from types import SimpleNamespace

import numpy as np
import pytest

from dashboard.recover.verdict import verdict

GAP, OTHER_GAP = np.array([[True], [False]]), np.array([[False], [True]])


def result(name: str, position_cm: float | None, hidden: np.ndarray = GAP) -> SimpleNamespace:
    """As much of a recovery as the verdict reads."""
    errors = SimpleNamespace(summary=lambda: {"position_cm": position_cm})
    return SimpleNamespace(model_name=name, hidden=hidden, errors=errors)


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        (
            {"net": 2.1, "slerp": 5.0, "spline": 3.4},
            "**net is closest to the recording: 2.1 cm.** Best interpolation: spline 3.4 cm.",
        ),
        (
            {"net": 6.4, "slerp": 9.0, "inertial": 4.5},
            "**A plain interpolation is closer here: inertial 4.5 cm, net 6.4 cm.** "
            "For this pattern, inertial is the better choice.",
        ),
        (
            {"net": 2.12, "slerp": 2.09},
            "**net and slerp are equally close to the recording: 2.1 cm.** "
            "slerp is a plain interpolation.",
        ),
        (
            {"net": 2.5, "slerp": 3.0, "other": 1.2},
            "**other is closest to the recording: 1.2 cm**; net 2.5 cm; "
            "best interpolation: slerp 3.0 cm.",
        ),
        ({"spline": 2.5, "slerp": 3.0}, "**spline is closest to the recording: 2.5 cm.**"),
        (
            {"hold": 9.0, "slerp": 3.0},
            "**slerp is closest to the recording: 3.0 cm**; hold 9.0 cm.",
        ),
        ({"net": None, "slerp": None}, ""),
        ({"net": 2.0}, ""),
    ],
)
def test_the_sentence_names_the_closest_method_and_the_best_curve(means, sentence):
    results = [result(name, mean) for name, mean in means.items()]
    assert verdict(results, "position_cm", "cm") == sentence


def test_results_of_another_pattern_are_not_compared():
    results = [result("net", 2.0), result("slerp", 3.0), result("spline", 1.0, OTHER_GAP)]
    assert verdict(results, "position_cm", "cm").startswith("**net is closest")


def test_degrees_stand_without_a_space():
    first = SimpleNamespace(
        model_name="net", hidden=GAP, errors=SimpleNamespace(summary=lambda: {"rotation_deg": 1.0})
    )
    curve = SimpleNamespace(
        model_name="hold", hidden=GAP, errors=SimpleNamespace(summary=lambda: {"rotation_deg": 2.0})
    )
    assert "1.0°" in verdict([first, curve], "rotation_deg", "°")
