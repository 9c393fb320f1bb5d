"""Deletion curves: as more of the music that a way ranks highest is taken away, how fast does the pose move off?

A ranking is good if taking its first few frames does what taking all music does. Random order and *the nearest frames*
stand beside: a way that is not above these has shown nothing of the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.explain.attribution import attribute
from mmm.explain.frame_explainer import FrameExplainer, chosen_joints
from mmm.masks import Mask
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.recovery.recover import recover

Array = np.ndarray

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Of the window's music, taken away most important frames first."""
RANDOM_ORDERS = 6


class Deletion:
    """Music frames of a window put to its mean, the highest of a ranking first.

    Args:
        columns: of the pose, as ``FrameExplainer.columns`` gives them.
    """

    def __init__(self, probe: FrameExplainer, columns: Sequence[int]) -> None:
        self.probe, self.columns = probe, list(columns)
        with torch.no_grad():
            self.own = probe.poses(probe.music)[:, self.columns]
            self.whole = float((probe.poses(probe.mean)[:, self.columns] - self.own).norm())

    @torch.no_grad()
    def moved(
        self, scores: Float[Array, "T"], shares: Sequence[float] = SHARES
    ) -> Float[Array, "S"]:
        """How far the pose moves, as a share of the way it goes without any of the music, at each share taken away.

        Args:
            scores: one a frame of the window; among equals the earlier goes first.
        """
        order = np.argsort(-scores, kind="stable")
        found = []
        for share in shares:
            music, taken = (
                self.probe.music.clone(),
                torch.from_numpy(order[: round(share * len(order))].copy()),
            )
            music[:, taken] = self.probe.mean[:, taken]
            found.append(
                float((self.probe.poses(music)[:, self.columns] - self.own).norm())
                / max(self.whole, 1e-9)
            )
        return np.array(found)


@dataclass(frozen=True, eq=False)
class DeletionCurves:
    """How far one frame's pose moves as music is taken away in several orders."""

    frame: int
    joints: tuple[int, ...]
    shares: Float[Array, "S"]
    """Of the window's music, taken away; the first is 0."""
    moved: Mapping[str, Float[Array, "S"]]
    """By order: the way's own (``integrated_gradients``, ...), ``attention``, ``nearest``, ``random``; 1 is as far as
    without any of the music. It may go beyond, and comes to 1 in the end."""
    random_range: tuple[Float[Array, "S"], Float[Array, "S"]]
    """The least and the most of the random orders."""

    def area(self, name: str) -> float:
        """The area under a curve, the sooner it rises the nearer to 1."""
        return float(np.trapezoid(np.minimum(self.moved[name], 1), self.shares))


def deletion_curves(
    model: MaskedMotionModel,
    clip: Clip,
    mask: Mask | Array,
    frame: int,
    joints: Sequence[int] | Sequence[str] | None = None,
    method: str = "integrated_gradients",
    *,
    scores: Float[Array, "T"] | None = None,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> DeletionCurves:
    """The curve of an attribution, of the attention maps, of the nearest frames and of random order.

    Args:
        mask, frame, joints, method: as :func:`mmm.explain.attribution.attribute` takes them.
        scores: of the clip's frames, to be judged in place of an attribution by ``method`` (which is then their name).
        shares: of the music, ascending, above 0 to 1.
        seed: of the random orders.

    Raises:
        ModelError, SpecError: as :func:`mmm.explain.attribution.attribute`; or scores or shares do not fit.
    """
    if not len(shares) or min(shares) <= 0 or max(shares) > 1 or sorted(shares) != list(shares):
        raise SpecError("shares", f"{list(shares)}", "ascending, above 0 to 1", "correct them")
    if scores is not None and np.shape(scores) != (len(clip),):
        raise SpecError(
            "scores",
            f"shape {np.shape(scores)}",
            f"one a frame: ({len(clip)},)",
            "rank every frame",
        )
    chosen = chosen_joints(clip, joints)
    if scores is None:
        scores = attribute(model, clip, mask, frame, joints, method).per_frame()
    probe = FrameExplainer(model, clip, mask, frame)
    deletion, (first, end) = Deletion(probe, probe.columns(chosen)), probe.window
    maps = map_scores(model, clip, mask, frame)
    orders = {
        method: scores[first:end],
        **({"attention": maps["attention"]} if maps else {}),
        "nearest": -np.abs(np.arange(first, end) - frame).astype(float),
    }
    moved = {name: _from_zero(deletion.moved(values, shares)) for name, values in orders.items()}
    rng = np.random.default_rng([seed, 523])
    at_random = np.stack(
        [_from_zero(deletion.moved(rng.random(end - first), shares)) for _ in range(RANDOM_ORDERS)]
    )
    return DeletionCurves(
        frame,
        tuple(chosen),
        np.array([0.0, *shares]),
        moved | {"random": at_random.mean(axis=0)},
        (at_random.min(axis=0), at_random.max(axis=0)),
    )


def map_scores(
    model: MaskedMotionModel, clip: Clip, mask: Mask | Array, frame: int
) -> dict[str, Float[Array, "T"]]:
    """What a frame's row of the cross-modal maps says of each music frame of its window: ``attention`` (the mean of all
    layers and heads; motion to music where the network joins them in time) and ``rollout``. Empty without such maps."""
    trace = recover(model, clip, mask, attention=True, attention_frame=frame).attention
    assert trace is not None
    if "cross" not in trace.stages:
        return {}
    at = frame - trace.frames[0]
    rows = {
        "attention": trace.layer_mean("cross").mean(0)[at],
        "rollout": trace.rollout("cross")[at],
    }
    return {
        name: row if trace.segments is None else row[trace.segments["music"]]
        for name, row in rows.items()
    }


def _from_zero(values: Float[Array, "n"]) -> Float[Array, "S"]:
    return np.concatenate([[0.0], values])
