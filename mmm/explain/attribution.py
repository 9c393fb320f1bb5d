"""Attributions of the pose at one frame of a recovery to the music, by captum.

The baseline is always the window's mean music, which carries no timing. The target is the rotation
of the chosen joints at the frame and, with the root joint, the root's position. *Integrated
gradients* (Sundararajan et al. 2017) and *gradients* use the network's derivatives. *Occlusion*
replaces a few consecutive frames of music at a time by the mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.explain.frame_explainer import FrameExplainer, chosen_joints
from mmm.masks import Mask
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.music.features import FEATURE_SLICES
from mmm.recovery.recover import hidden_array

Array = np.ndarray
Tensor = torch.Tensor

METHODS = ("integrated_gradients", "gradients", "occlusion")
# Short names for pages and tables, in the order of the feature columns.
_NAMES = ("onset", "mfcc", "chroma", "peaks", "beats")
GROUPS: dict[str, slice] = dict(zip(_NAMES, FEATURE_SLICES.values(), strict=True))
"""Kinds of music features, and the columns of each."""
STEPS = 16
"""Steps of integrated gradients, by Gauss-Legendre quadrature."""
OCCLUDED_FRAMES = 12
"""Frames of music that occlusion replaces at a time: a fifth of a second at 60 fps."""
ESTIMATE = 4
"""Factor by which an estimate saves evaluations.

With a quarter of the steps, integrated gradients rank the frames of the music as with all of them
(correlation over frames 0.999 on a sample dance, with both networks for dances). Occlusion with a
quarter of the stretches is coarser in time."""
_BATCH_SIZE = 4  # windows in one pass of the network


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each frame and feature group of the music moved one frame of the recovered motion."""

    values: Float[Array, "T G"]
    """One row for each frame of the clip, one column for each feature group; zero outside the
    window.

    Integrated gradients are signed: positive values move the joints in the direction in which all
    the music moves them, negative values in the opposite one."""
    groups: tuple[str, ...]
    """``onset``, ``mfcc``, ``chroma``, ``peaks``, ``beats``."""
    method: str
    frame: int
    joints: tuple[int, ...]
    window: tuple[int, int]
    """First and last-plus-one frame of the window; music outside it cannot reach the frame."""

    def per_frame(self) -> Float[Array, "T"]:
        """The sum of absolute values over groups."""
        return np.abs(self.values).sum(axis=1)


def attribute(
    model: MaskedMotionModel,
    clip: Clip,
    mask: Mask | Array,
    frame: int,
    joints: Sequence[int] | Sequence[str] | None = None,
    method: str = "integrated_gradients",
    *,
    estimate: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Attribution:
    """Attribute the pose of some joints at a frame of the recovery to the music.

    Args:
        mask: hidden entries. The frame must be hidden too, since known frames are copied.
        frame: the frame of the clip to explain.
        joints: indices, or names of joints and groups (``left_arm``, ``legs``); None for all.
        method: ``integrated_gradients`` (sums to the whole movement), ``gradients`` (fast, noisy)
            or ``occlusion``.
        estimate: take ``ESTIMATE`` times fewer evaluations, for a first look.
        progress: called with the share done, 0 to 1.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError: the clip has no music; the method, frame or joint is unknown; or the frame is not
            hidden in these joints.
    """
    if method not in METHODS:
        raise SpecError(
            f"method {method!r}", "no such method", ", ".join(METHODS), "choose one of them"
        )
    chosen = chosen_joints(clip, joints)
    # The explainer checks network, clip and frame, so the mask can be indexed by the frame below.
    explainer = FrameExplainer(model, clip, mask, frame)
    if not hidden_array(clip, mask)[frame, chosen].any():
        raise SpecError(
            f"frame {frame}",
            "these joints are known there, and known entries are copied whatever the music is",
            "a hidden frame",
            "choose a frame inside a gap",
        )
    return Attribution(
        _on_clip(
            len(clip),
            explainer.window,
            attribution_of(
                explainer,
                chosen,
                method,
                STEPS // ESTIMATE if estimate else STEPS,
                OCCLUDED_FRAMES * (ESTIMATE if estimate else 1),
                progress,
            ),
        ),
        tuple(GROUPS),
        method,
        frame,
        tuple(chosen),
        explainer.window,
    )


def attribution_of(
    explainer: FrameExplainer,
    joints: Sequence[int],
    method: str,
    steps: int = STEPS,
    stretch: int = OCCLUDED_FRAMES,
    progress: Callable[[float], None] | None = None,
) -> Float[Array, "T G"]:
    """Attributions of a frame whose window is already prepared, one row for each frame of it.

    Args:
        joints: indices of the joints to explain.
        method: one of ``METHODS``.
        steps: steps of integrated gradients.
        stretch: frames that occlusion replaces at a time.
        progress: called with the share done, 0 to 1.
    """
    columns = explainer.columns(joints)
    with torch.no_grad():
        with_music, without = (
            explainer.poses(music)[:, columns] for music in (explainer.music, explainer.mean)
        )
    frames = explainer.music.shape[1]
    evaluations = {
        "gradients": 1,
        "integrated_gradients": steps,
        "occlusion": len(GROUPS) * -(-frames // min(stretch, frames)),
    }
    poses = _counted(explainer.poses, evaluations[method], progress)
    if method == "occlusion":
        return _occluded(explainer, poses, columns, with_music, stretch)
    # Captum attributes scalars. The pose is therefore projected onto the direction in which all the
    # music moves it, so that integrated gradients sum to the length of that movement.
    change = with_music - without
    direction = change / change.norm().clamp(min=1e-9)

    def moved(music: Tensor) -> Tensor:
        """(B,): the joints' change along the direction in which all the music moves them."""
        return ((poses(music)[:, columns] - without) * direction).sum(-1)

    values = _gradients(moved, explainer, method, steps)
    return np.stack([values[:, part].sum(-1) for part in GROUPS.values()], axis=-1)


def _counted(
    poses: Callable[[Tensor], Tensor], evaluations: int, progress: Callable[[float], None] | None
) -> Callable[[Tensor], Tensor]:
    """The function, with a report of the share of its evaluations that are done."""
    done = 0

    def counted(music: Tensor) -> Tensor:
        nonlocal done
        result = poses(music)
        done += len(music)
        if progress is not None:
            # Captum evaluates the unchanged music, too.
            progress(min(done / evaluations, 1.0))
        return result

    return counted


def _gradients(
    moved: Callable[[Tensor], Tensor], explainer: FrameExplainer, method: str, steps: int
) -> Float[Array, "T 35"]:
    import captum.attr  # imported here, because it imports matplotlib

    music = explainer.music.clone().requires_grad_()
    if method == "gradients":
        values = captum.attr.Saliency(moved).attribute(music, abs=True)
        # Features have different scales: weight each derivative by the feature's deviation from
        # the mean.
        values = values * (explainer.music - explainer.mean).abs()
    else:
        # Gauss-Legendre nodes need far fewer steps than a Riemann sum for the same error.
        values = captum.attr.IntegratedGradients(moved, multiply_by_inputs=True).attribute(
            music,
            baselines=explainer.mean.clone(),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=_BATCH_SIZE,
        )
    return values[0].detach().cpu().numpy().astype(np.float32)


def _occluded(
    explainer: FrameExplainer,
    poses: Callable[[Tensor], Tensor],
    columns: list[int],
    with_music: Tensor,
    stretch: int,
) -> Float[Array, "T G"]:
    """The distance that the pose moves when a stretch of one feature group becomes its mean."""
    import captum.attr

    scores = np.zeros((explainer.music.shape[1], len(GROUPS)), dtype=np.float32)
    size = min(stretch, explainer.music.shape[1])
    for column, part in enumerate(GROUPS.values()):

        def negative_distance(group: Tensor, part: slice = part) -> Tensor:
            music = explainer.music.expand(len(group), -1, -1).clone()
            music[..., part] = group
            # Captum reports the drop of an output, so the distance is negated.
            return -(poses(music)[:, columns] - with_music).norm(dim=-1)

        # One group at a time, so that scores are separate for each kind of feature.
        columns_of_group, width = explainer.music[..., part].clone(), part.stop - part.start
        with torch.no_grad():
            values: Any = captum.attr.Occlusion(negative_distance).attribute(
                columns_of_group,
                # Equal window and stride: every frame is replaced exactly once.
                sliding_window_shapes=(size, width),
                strides=(size, width),
                baselines=explainer.mean[..., part].clone(),
                perturbations_per_eval=_BATCH_SIZE,
            )
        scores[:, column] = values[0].amax(-1).cpu().numpy()
    return scores


def _on_clip(
    frames: int, window: tuple[int, int], values: Float[Array, "t G"]
) -> Float[Array, "T G"]:
    """Values of a window as values of the whole clip; zero outside the window."""
    result = np.zeros((frames, values.shape[1]), dtype=np.float32)
    result[slice(*window)] = values
    return result
