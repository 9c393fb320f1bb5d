"""The sections of a card on gap calibration, the speed prior and static joints."""

from collections.abc import Mapping
from typing import Any

from mmm.generation.activity import DRAWS, STILL_M_S
from mmm.models import MaskedMotionConfig
from mmm.models.calibration import GapCalibration

_SHARES = {
    False: "Shares of its turns and of the pelvis's shift that served best on the validation "
    "split, by the length of the gap; 0 is the fill itself.",
    True: "It is believed as far as it says, in gaps of all lengths.",
}


def _lively(law: list[float] | None) -> list[str]:
    if law is None:
        return []
    # Intercept, slope and sigma of an AR(1) model of log speed (`mmm.generation.activity`).
    level, pull, spread = law
    return [
        f"For every window {DRAWS} futures are drawn. Kept is the one whose speed v' (root mean "
        f"square over "
        f"joints, m/s) comes nearest to one drawn from ln(v' + {STILL_M_S:g}) = {level:g} + "
        f"{pull:g} "
        f"ln(v + {STILL_M_S:g}) ± {spread:g}, where v is the speed of the past that the network "
        f"sees: how people "
        "go on in the train split.",
        "",
    ]


def _resting(gap_calibration: GapCalibration) -> list[str]:
    if gap_calibration.static_thresholds is None:
        return []
    low, high = gap_calibration.static_thresholds
    return [
        f"A joint that turns by less than {low:g}° in the known frames on both sides of a gap "
        f"rests, and stays as "
        f"it was filled; from {high:g}° on none does. The pelvis, and legs with it, must move by "
        f"less than as many "
        "centimetres too.",
        "",
    ]


def _symmetric(config: MaskedMotionConfig) -> list[str]:
    return (
        ["Every answer is the mean with the one to the mirror image of the motion.", ""]
        if config.symmetric
        else []
    )


def calibration_section(
    results: Mapping[str, Any] | None, name: str, config: MaskedMotionConfig
) -> list[str]:
    """Shares by gap length, static joints, symmetric answers and expected errors."""
    # Without a calibration in config.json, kept figures describe a state that the network no longer
    # has.
    if not results or config.calibration is None:
        return []
    # Networks that generate are calibrated by energy, at one share for all gap lengths. They have
    # no table by gap length.
    if "future" in results:
        rows = [
            [f"{row['share']:g}" for row in results["future"]],
            [f"{row['energy']:.2f}" for row in results["future"]],
        ]
        return [
            "## How far it is believed",
            "",
            f"Turns and shifts count by {results['share']:g}, with which ten seconds "
            f"generated from "
            f"two move as much "
            f"as the truth: the median over {results['fitted_on']} clips of the "
            f"validation split of "
            f"the mean joint "
            "speed, over the truth's.",
            "",
            *_lively(config.speed_prior),
            "| share | " + " | ".join(rows[0]) + " |",
            "|---|" + "---|" * len(rows[0]),
            "| energy | " + " | ".join(rows[1]) + " |",
            "",
            f"Made by `python -m training calibrate --checkpoint checkpoints/{name} --data "
            f"data/processed/"
            f"{results['data']} --clips {results['asked']}`.",
            "",
        ]
    gap_calibration = config.calibration
    lines = [
        "## How far it is believed, and how sure it is",
        "",
        # Metrics files from before the option lack the key, so they count as not `whole`.
        f"{_SHARES[bool(results.get('whole'))]} The last column is what the error that it "
        f"expects of "
        f"itself is "
        f"multiplied by, fitted on {results['fitted_on']} clips of the validation split.",
        "",
        *_resting(gap_calibration),
        *_symmetric(config),
        "| gap, s | " + " | ".join(gap_calibration.shares) + " | expected error |",
        "|---|" + "---|" * (len(gap_calibration.shares) + 1),
    ]
    # The order must match the table's head above, which names the parts and then the expected
    # error.
    columns = (*gap_calibration.shares.values(), gap_calibration.expected)
    lines += [
        f"| {gap_s:.2f} | " + " | ".join(f"{row[index]:.2f}" for row in columns) + " |"
        for index, gap_s in enumerate(gap_calibration.gap_s)
    ]
    lines += [
        "",
        f"{results['gaps']:,} gaps in {results['clips']} clips of the test split "
        f"({', '.join(f'`{spec}`' for spec in results['hide'])}), sorted by the error that it "
        f"expected, in "
        f"{len(results['fifths'])} parts of equal number; mean joint distance from the truth, "
        f"centimetres:",
        "",
        "| | " + " | ".join(str(number) for number in range(1, len(results["fifths"]) + 1)) + " |",
        "|---|" + "---|" * len(results["fifths"]),
    ]
    lines += [
        f"| {label} | " + " | ".join(f"{part[key]:.2f}" for part in results["fifths"]) + " |"
        for label, key in (("expected", "expected_cm"), ("came true", "position_cm"))
    ]
    return [
        *lines,
        "",
        f"Rank correlation of expected and true errors {results['rank_correlation']:.2f}; "
        f"{results['within_half_to_twice']:.0%} of the true errors lie between half and twice the "
        f"expected one. Made "
        f"by `python -m training calibrate --checkpoint checkpoints/{name} --data "
        f"data/processed/{results['data']} "
        f"--clips {results['asked']}"
        f"{''.join(f' --{option}' for option in ('whole', 'symmetric') if results.get(option))}`.",
        "",
    ]
