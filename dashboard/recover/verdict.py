"""The sentence that says which method is closest to the recording."""

from typing import TYPE_CHECKING

import numpy as np

from dashboard.common import escape
from mmm.interpolation.baselines import BASELINES

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for


def verdict(results: "list[RecoveryResult]", kind: str, unit: str) -> str:
    """A Markdown sentence that compares the chosen method with the best interpolation.

    Only results over the same hidden entries are compared. The sentence is empty where nothing
    can be compared.

    Args:
        results: the chosen method first.
        kind: ``position_cm`` or ``rotation_deg``.
        unit: of the error, ``cm`` or ``°``.
    """
    first = results[0]
    means = {
        escape.markdown(result.model_name): float(mean)
        for result in results
        if np.array_equal(result.hidden, first.hidden)
        and (mean := result.errors.summary()[kind]) is not None
    }
    curves = {name: mean for name, mean in means.items() if name in BASELINES}
    chosen = escape.markdown(first.model_name)
    if chosen not in means or not curves:
        return ""
    # No space stands before a degree sign, one before cm.
    gap = "" if unit == "°" else " "

    def say(name: str, mean: float) -> str:
        return f"{name} {mean:.1f}{gap}{unit}"

    best = min(means, key=lambda name: means[name])
    curve = min(curves, key=lambda name: curves[name])
    if chosen in BASELINES:
        if best == chosen:
            return f"**{chosen} is closest to the recording: {means[best]:.1f}{gap}{unit}.**"
        return f"**{best} is closest to the recording: {means[best]:.1f}{gap}{unit}**; " + (
            f"{say(chosen, means[chosen])}."
        )
    # Compared as printed, so that the sentence claims no difference that it does not show.
    if f"{means[chosen]:.1f}" == f"{means[curve]:.1f}" and best in (chosen, curve):
        return (
            f"**{chosen} and {curve} are equally close to the recording: "
            f"{means[chosen]:.1f}{gap}{unit}.** {curve} is a plain interpolation."
        )
    if best == chosen:
        return (
            f"**{chosen} is closest to the recording: {means[chosen]:.1f}{gap}{unit}.** "
            f"Best interpolation: {say(curve, means[curve])}."
        )
    if best == curve:
        return (
            f"**A plain interpolation is closer here: {say(curve, means[curve])}, "
            f"{say(chosen, means[chosen])}.** For this pattern, {curve} is the better choice."
        )
    return (
        f"**{best} is closest to the recording: {means[best]:.1f}{gap}{unit}**; "
        f"{say(chosen, means[chosen])}; best interpolation: {say(curve, means[curve])}."
    )
