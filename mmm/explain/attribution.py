"""Which music moved this frame: attributions from one frame and some joints of a recovery to the music, by captum.

The question put to the network is always the same: against the window's mean music, which says nothing of any moment,
how do these joints turn (and, with the root joint, where does the body go) at this frame? *Integrated gradients* and
*gradients* answer through the network's derivatives, *occlusion* by putting the mean in place of a stretch at a time.
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
_NAMES = ("onset", "mfcc", "chroma", "peaks", "beats")
GROUPS: dict[str, slice] = dict(zip(_NAMES, FEATURE_SLICES.values(), strict=True))
"""Kinds of music features, and where each stands in a row."""
STEPS = 16
"""Of integrated gradients, by Gauss-Legendre."""
OCCLUDED_FRAMES = 12
"""How much music is taken away at a time: a fifth of a second at 60 fps."""
_AT_ONCE = 4  # windows in one batch


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each moment and kind of music has to do with one frame of the recovered motion."""

    values: Float[Array, "T G"]
    """A row a frame of the clip, a column a feature group. Zero outside the window. Integrated gradients have signs:
    above zero moves the joints as the whole music does, below zero against it."""
    groups: tuple[str, ...]
    """``onset``, ``mfcc``, ``chroma``, ``peaks``, ``beats``."""
    method: str
    frame: int
    joints: tuple[int, ...]
    window: tuple[int, int]
    """First and last-plus-one frame of the window that was looked at; other music cannot reach the frame through it."""

    def per_frame(self) -> Float[Array, "T"]:
        """The sum over groups of absolute values."""
        return np.abs(self.values).sum(axis=1)


def attribute(
    model: MaskedMotionModel,
    clip: Clip,
    mask: Mask | Array,
    frame: int,
    joints: Sequence[int] | Sequence[str] | None = None,
    method: str = "integrated_gradients",
) -> Attribution:
    """What in the music moved some joints at a frame of the recovery.

    Args:
        mask: what is hidden; the frame should be hidden too, for a known frame is copied and hears nothing.
        frame: of the clip.
        joints: indices, or names of joints and groups (``left_arm``, ``legs``); None for all.
        method: ``integrated_gradients`` (sums to the whole movement), ``gradients`` (fast, noisy) or ``occlusion``.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError: the clip has no music; an unknown method, frame or joint; or the frame is not hidden in these joints.
    """
    if method not in METHODS:
        raise SpecError(
            f"method {method!r}", "no such method", ", ".join(METHODS), "choose one of them"
        )
    chosen = chosen_joints(clip, joints)
    probe = FrameExplainer(model, clip, mask, frame)
    if not hidden_array(clip, mask)[frame, chosen].any():
        raise SpecError(
            f"frame {frame}",
            "these joints are known there: what is known is copied, and hears no music",
            "a hidden frame",
            "choose a frame inside a gap",
        )
    return Attribution(
        _whole(len(clip), probe.window, attribution_of(probe, chosen, method)),
        tuple(GROUPS),
        method,
        frame,
        tuple(chosen),
        probe.window,
    )


def attribution_of(
    probe: FrameExplainer,
    joints: Sequence[int],
    method: str,
    steps: int = STEPS,
    stretch: int = OCCLUDED_FRAMES,
) -> Float[Array, "T G"]:
    """The same for a window that was prepared already.

    Args:
        steps: of integrated gradients.
        stretch: frames that occlusion takes away at a time.
    """
    columns = probe.columns(joints)
    with torch.no_grad():
        own, plain = (probe.poses(music)[:, columns] for music in (probe.music, probe.mean))
    if method == "occlusion":
        return _occluded(probe, columns, own, stretch)
    change = own - plain
    direction = change / change.norm().clamp(min=1e-9)

    def moved(music: Tensor) -> Tensor:
        """(B,): how far the joints are turned as the whole music turns them."""
        return ((probe.poses(music)[:, columns] - plain) * direction).sum(-1)

    found = _gradients(moved, probe, method, steps)
    return np.stack([found[:, part].sum(-1) for part in GROUPS.values()], axis=-1)


def _gradients(
    moved: Callable[[Tensor], Tensor], probe: FrameExplainer, method: str, steps: int
) -> Float[Array, "T 35"]:
    import captum.attr  # brings matplotlib: only where it is used

    music = probe.music.clone().requires_grad_()
    if method == "gradients":
        found = captum.attr.Saliency(moved).attribute(music, abs=True)
        # Columns differ in spread: a derivative counts by how far its feature moves.
        found = found * (probe.music - probe.mean).abs()
    else:
        found = captum.attr.IntegratedGradients(moved, multiply_by_inputs=True).attribute(
            music,
            baselines=probe.mean.clone(),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=_AT_ONCE,
        )
    return found[0].detach().cpu().numpy().astype(np.float32)


def _occluded(
    probe: FrameExplainer, columns: list[int], own: Tensor, stretch: int
) -> Float[Array, "T G"]:
    """How far the pose moves when a stretch of one group of features is replaced by its mean."""
    import captum.attr

    found = np.zeros((probe.music.shape[1], len(GROUPS)), dtype=np.float32)
    size = min(stretch, probe.music.shape[1])
    for column, part in enumerate(GROUPS.values()):

        def near(group: Tensor, part: slice = part) -> Tensor:
            music = probe.music.expand(len(group), -1, -1).clone()
            music[..., part] = group
            return -(probe.poses(music)[:, columns] - own).norm(dim=-1)

        own_group, width = probe.music[..., part].clone(), part.stop - part.start
        with torch.no_grad():
            values: Any = captum.attr.Occlusion(near).attribute(
                own_group,
                sliding_window_shapes=(size, width),
                strides=(size, width),
                baselines=probe.mean[..., part].clone(),
                perturbations_per_eval=_AT_ONCE,
            )
        found[:, column] = values[0].amax(-1).cpu().numpy()
    return found


def _whole(
    frames: int, window: tuple[int, int], values: Float[Array, "t G"]
) -> Float[Array, "T G"]:
    found = np.zeros((frames, values.shape[1]), dtype=np.float32)
    found[slice(*window)] = values
    return found
