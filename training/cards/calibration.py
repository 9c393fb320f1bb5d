"""The sections of a card on gap calibration, the speed prior and static joints."""

from collections.abc import Mapping
from typing import Any

from mmm.generation.activity import DRAWS, STILL_M_S
from mmm.models import MaskedMotionConfig
from mmm.models.calibration import GapCalibration

_SHARES = {
    False: "The predicted rotations and the shift of the pelvis are scaled by the shares that gave "
    "the lowest error on the validation split, by gap length. A share of 0 is the fill itself.",
    True: "Predictions are used unscaled, in gaps of all lengths.",
}


def _speed_prior(prior: list[float] | None) -> list[str]:
    if prior is None:
        return []
    # An AR(1) model of log speed (`mmm.generation.activity`).
    intercept, slope, sigma = prior
    return [
        f"For each window {DRAWS} futures are drawn. The one is kept whose speed v' (root mean "
        "square over joints, m/s) is closest to a draw from the speed prior ln(v' + "
        f"{STILL_M_S:g}) = {intercept:g} + {slope:g} ln(v + {STILL_M_S:g}) ± {sigma:g}. Here v is "
        "the speed of the past that the network sees. The prior is fitted on the training split.",
        "",
    ]


def _static_joints(gap_calibration: GapCalibration) -> list[str]:
    if gap_calibration.static_thresholds is None:
        return []
    low, high = gap_calibration.static_thresholds
    return [
        f"A joint that turns by less than {low:g}° in the known frames on both sides of a gap is "
        f"static and keeps the fill's rotation; above {high:g}° no joint is static. The pelvis, "
        "and the legs with it, must also move by less than the same number of centimetres.",
        "",
    ]


def _symmetric(config: MaskedMotionConfig) -> list[str]:
    return (
        ["Each prediction is the mean of those for the motion and for its mirror image.", ""]
        if config.symmetric
        else []
    )


def calibration_section(
    results: Mapping[str, Any] | None, name: str, config: MaskedMotionConfig
) -> list[str]:
    """Shares by gap length, static joints, symmetric predictions and expected errors."""
    # Without a calibration in config.json, kept figures describe a state that the network no longer
    # has.
    if not results or config.calibration is None:
        return []
    # Networks that generate are calibrated by energy, at one share for all gap lengths. They have
    # no table by gap length.
    if "future" in results:
        return _future_lines(results, name, config)
    return [
        "## Gap calibration and expected error",
        "",
        # Metrics files from before the option lack the key, so they count as not `whole`.
        f"{_SHARES[bool(results.get('whole'))]} The last column is the factor for the error that "
        f"the network expects of itself, fitted on {results['fitted_on']} clips of the validation "
        "split.",
        "",
        *_static_joints(config.calibration),
        *_symmetric(config),
        *_share_table(config.calibration),
        "",
        *_gap_gate(config.calibration),
        *_expected_errors(results),
        "",
        f"Rank correlation of expected and true errors {results['rank_correlation']:.2f}; "
        f"{results['within_half_to_twice']:.0%} of the true errors lie between half and twice the "
        f"expected one. Made by `python -m training calibrate --checkpoint checkpoints/{name} "
        f"--data data/processed/{results['data']} --clips {results['asked']}"
        f"{''.join(f' --{option}' for option in _options(results))}`.",
        "",
    ]


def _options(results: Mapping[str, Any]) -> list[str]:
    """The options of the command, by the keys under which it stores them."""
    names = ("whole", "symmetric", "gate_only")
    return [name.replace("_", "-") for name in names if results.get(name)]


def _future_lines(results: Mapping[str, Any], name: str, config: MaskedMotionConfig) -> list[str]:
    shares = [f"{row['share']:g}" for row in results["future"]]
    energies = [f"{row['energy']:.2f}" for row in results["future"]]
    return [
        "## Calibration",
        "",
        f"Predictions are scaled by {results['share']:g}. With this share, ten seconds generated "
        "from two seconds have the energy of the recording. Energy is the mean joint speed over "
        f"the recording's; the table shows its median over {results['fitted_on']} clips of the "
        "validation split.",
        "",
        *_speed_prior(config.speed_prior),
        "| share | " + " | ".join(shares) + " |",
        "|---|" + "---|" * len(shares),
        "| energy | " + " | ".join(energies) + " |",
        "",
        f"Made by `python -m training calibrate --checkpoint checkpoints/{name} --data "
        f"data/processed/{results['data']} --clips {results['asked']}`.",
        "",
    ]


def _gap_gate(gap_calibration: GapCalibration) -> list[str]:
    if gap_calibration.gate is None:
        return []
    return [
        "A gap gate then mixes this prediction with the inertial curve and with slerp, for each "
        "joint and for the root. It reads how long the gap is, how fast the known frames around "
        "it move, how far its ends are apart, and how far network and curves disagree. It also "
        "corrects the expected error, in place of the table's last column. It was fitted on the "
        "validation split.",
        "",
    ]


def _share_table(gap_calibration: GapCalibration) -> list[str]:
    # The columns are in the order of the head: the parts, then the expected error.
    columns = (*gap_calibration.shares.values(), gap_calibration.expected)
    return [
        "| gap, s | " + " | ".join(gap_calibration.shares) + " | expected error |",
        "|---|" + "---|" * (len(gap_calibration.shares) + 1),
        *(
            f"| {gap_s:.2f} | " + " | ".join(f"{row[index]:.2f}" for row in columns) + " |"
            for index, gap_s in enumerate(gap_calibration.gap_s)
        ),
    ]


def _expected_errors(results: Mapping[str, Any]) -> list[str]:
    groups = results["fifths"]
    return [
        f"{results['gaps']:,} gaps in {results['clips']} clips of the test split "
        f"({', '.join(f'`{spec}`' for spec in results['hide'])}), sorted by expected error into "
        f"{len(groups)} groups of equal size; mean joint distance from the recording, centimetres:",
        "",
        "| | " + " | ".join(str(number) for number in range(1, len(groups) + 1)) + " |",
        "|---|" + "---|" * len(groups),
        *(
            f"| {label} | " + " | ".join(f"{group[key]:.2f}" for group in groups) + " |"
            for label, key in (("expected", "expected_cm"), ("measured", "position_cm"))
        ),
    ]
