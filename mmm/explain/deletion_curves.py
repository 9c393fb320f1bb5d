"""Deletion curves: how fast a pose changes as the highest-ranked music frames are removed.

A ranking of music frames is good if removing its first few changes the pose as much as removing all
music (Petsiuk et al. 2018). Random order and *nearest frames first* are the baselines: a ranking
that does not beat them shows nothing about the network.
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
"""Shares of the window's music to remove, most important frames first."""
RANDOM_ORDERS = 6
"""The random baseline is the mean over this many random orders."""


class Deletion:
    """Replaces music frames of a window by the window's mean, the highest-ranked first.

    Args:
        explainer: the frame whose pose is measured.
        columns: columns of the pose that are measured; see ``FrameExplainer.columns``.
    """

    def __init__(self, explainer: FrameExplainer, columns: Sequence[int]) -> None:
        self.explainer, self.columns = explainer, list(columns)
        # Curves are relative to the effect of all music, so that frames and networks compare.
        with torch.no_grad():
            self.with_music = explainer.poses(explainer.music)[:, self.columns]
            self.full_distance = float(
                (explainer.poses(explainer.mean)[:, self.columns] - self.with_music).norm()
            )

    @torch.no_grad()
    def moved(
        self, scores: Float[Array, "T"], shares: Sequence[float] = SHARES
    ) -> Float[Array, "S"]:
        """How far the pose moves at each share removed; 1 is as far as without any music.

        Args:
            scores: one for each frame of the window; of equal ones the earlier is removed first.
            shares: shares of the frames to remove, 0 to 1.
        """
        # Stable sorting makes curves reproducible where many scores are equal (outside beats, say).
        order = np.argsort(-scores, kind="stable")
        moves = []
        for share in shares:
            music = self.explainer.music.clone()
            removed = torch.from_numpy(order[: round(share * len(order))].copy())
            music[:, removed] = self.explainer.mean[:, removed]
            moves.append(
                float((self.explainer.poses(music)[:, self.columns] - self.with_music).norm())
                / max(self.full_distance, 1e-9)
            )
        return np.array(moves)


@dataclass(frozen=True, eq=False)
class DeletionCurves:
    """How far one frame's pose moves as music is removed in several orders."""

    frame: int
    joints: tuple[int, ...]
    shares: Float[Array, "S"]
    """Shares of the window's music that are removed; the first is 0."""
    moved: Mapping[str, Float[Array, "S"]]
    """How far the pose moves, by order: the method's own (``integrated_gradients``, ...),
    ``attention``, ``nearest`` and ``random``. 1 is as far as without any music, where all curves
    end; before, they may exceed it."""
    random_range: tuple[Float[Array, "S"], Float[Array, "S"]]
    """Minimum and maximum over the random orders."""

    def area(self, name: str) -> float:
        """The area under a curve, clipped at 1; the sooner it rises, the nearer to 1."""
        # Without the clipping, an overshoot would compensate for a slow start.
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
    """Deletion curves by an attribution, by attention maps, nearest frames first, and at random.

    Args:
        mask, frame, joints, method: as :func:`mmm.explain.attribution.attribute` takes them.
        scores: one for each frame of the clip, in place of an attribution; ``method`` is then their
            name in the result.
        shares: shares of the music to remove; ascending, above 0, at most 1.
        seed: random seed of the random orders.

    Raises:
        ModelError, SpecError: as in :func:`mmm.explain.attribution.attribute`; or scores or shares
            do not fit.
    """
    if not len(shares) or min(shares) <= 0 or max(shares) > 1 or sorted(shares) != list(shares):
        raise SpecError(
            "shares", f"{list(shares)}", "ascending, above 0 to 1", "choose other shares"
        )
    if scores is not None and np.shape(scores) != (len(clip),):
        raise SpecError(
            "scores",
            f"shape {np.shape(scores)}",
            f"one per frame: ({len(clip)},)",
            "rank every frame",
        )
    chosen = chosen_joints(clip, joints)
    # ``attribute`` also checks that the frame is hidden; given scores are taken as they are.
    if scores is None:
        scores = attribute(model, clip, mask, frame, joints, method).per_frame()
    explainer = FrameExplainer(model, clip, mask, frame)
    deletion, (first, end) = Deletion(explainer, explainer.columns(chosen)), explainer.window
    maps = map_scores(model, clip, mask, frame)
    orders = {
        method: scores[first:end],
        **({"attention": maps["attention"]} if maps else {}),
        # The music around a frame usually matters most; a ranking must find more than that.
        "nearest": -np.abs(np.arange(first, end) - frame).astype(float),
    }
    moved = {name: _from_zero(deletion.moved(values, shares)) for name, values in orders.items()}
    # 523 tells this stream of random numbers from others with the same seed.
    rng = np.random.default_rng([seed, 523])
    random_curves = np.stack(
        [_from_zero(deletion.moved(rng.random(end - first), shares)) for _ in range(RANDOM_ORDERS)]
    )
    return DeletionCurves(
        frame,
        tuple(chosen),
        np.array([0.0, *shares]),
        moved | {"random": random_curves.mean(axis=0)},
        (random_curves.min(axis=0), random_curves.max(axis=0)),
    )


def map_scores(
    model: MaskedMotionModel, clip: Clip, mask: Mask | Array, frame: int
) -> dict[str, Float[Array, "T"]]:
    """Scores of the music frames of a window by a frame's row in the cross-modal maps.

    Returns:
        ``attention`` (the mean over all layers and heads; motion to music where the network joins
        them in time) and ``rollout``; empty for a network without such maps.
    """
    trace = recover(model, clip, mask, attention=True, attention_frame=frame).attention
    assert trace is not None
    if "cross" not in trace.encoders:
        return {}
    row_index = frame - trace.frames[0]
    rows = {
        "attention": trace.layer_mean("cross").mean(0)[row_index],
        "rollout": trace.rollout("cross")[row_index],
    }
    # A network that joins in time (``ecm``) has motion and music along one axis: keep the music.
    return {
        name: row if trace.segments is None else row[trace.segments["music"]]
        for name, row in rows.items()
    }


def _from_zero(values: Float[Array, "n"]) -> Float[Array, "S"]:
    """A curve with its first point put before it: nothing removed, nothing moved."""
    return np.concatenate([[0.0], values])
