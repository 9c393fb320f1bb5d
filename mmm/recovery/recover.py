"""Recovery of the hidden entries of a clip, by networks and by interpolation."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmm.checkpoints.fit import check_fit
from mmm.errors import SpecError
from mmm.interpolation import baselines
from mmm.masks import Mask
from mmm.models import MaskedMotionModel
from mmm.motion import foot_locking
from mmm.motion.clip import Clip, Motion
from mmm.recovery.humanoid import JointRoles
from mmm.recovery.own_joints import OwnJoints
from mmm.recovery.representation import JointNames, Prediction, View
from mmm.recovery.result import RecoveryResult
from mmm.recovery.windows import predict_in_windows

Array = np.ndarray
Progress = Callable[[float], None]

VIEWS: Mapping[str, type[OwnJoints] | type[JointRoles]] = {"joints": OwnJoints, "roles": JointRoles}
"""Views by the ``representation`` of a network's configuration."""


def recover(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Mask | Bool[Array, "T J"],
    *,
    attention: bool = False,
    attention_frame: int = 0,
    joint_names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    noise: Float[Array, "Z"] | None = None,
    lock_feet: bool | None = None,
) -> RecoveryResult:
    """Fill the hidden entries of a clip with a network.

    Clips longer than the network's window are recovered in overlapping windows whose predictions
    are cross-faded. Known entries come back bit for bit, and values in hidden entries are never
    read.

    Args:
        model: see :func:`mmm.load_model`.
        clip: any clip that fits the network: see :func:`mmm.checkpoints.check_fit`.
        hidden: a mask, or a boolean array (frames, joints) in which True means hidden. The position
            of the root is hidden where joint 0 is.
        attention: capture the attention maps of the window that holds ``attention_frame``.
        attention_frame: a frame of the clip.
        joint_names: for networks on joint roles, joint names by role
            (``mmm.motion.humanoid.ROLES``) that the skeleton's own names do not tell.
        progress: called after each window with the fraction done, 0 to 1; an exception from it ends
            the run.
        noise: for networks with ``noise_dim``, that many standard normal numbers; None: zeros,
            which give the mean prediction.
        lock_feet: remove foot skate by bending hidden legs; None: as the configuration says, with
            which the checkpoint was evaluated.

    Returns:
        The recovered clip on its own skeleton and at its own rate, with its errors.

    Raises:
        ModelError: the clip's skeleton, frame rate or music features are not the network's.
        SpecError: the mask does not fit the clip or leaves a joint without a known frame, or
            ``attention_frame`` is not in the clip.
    """
    started = time.perf_counter()
    # The pattern stands for the mask from here on, so that nothing depends on how it was made.
    pattern = hidden_array(clip, hidden)
    if attention:
        _check_frame(clip, attention_frame)
    # Check before any work, so that a wrong clip fails at once.
    notes = check_fit(model.config, clip, joint_names)
    view = view_of(model, clip, pattern, joint_names)
    prediction = predict(
        model,
        view,
        noises=None if noise is None else noise[None],
        attention_frame=attention_frame if attention else None,
        progress=progress,
    )[0]
    # Foot locking needs the motion as it will be returned, known entries included.
    motion = keep_known(prediction.motion, clip.motion, pattern)
    locks_feet = model.config.lock_feet if lock_feet is None else lock_feet
    # Foot locking assumes human legs, which ``by_curve`` rules out.
    if locks_feet and not prediction.by_curve:
        motion = foot_locking.lock_feet(motion, clip.motion, pattern, joint_names, view.twist_m)
    return RecoveryResult(
        clip,
        pattern,
        replace(clip, motion=motion),
        prediction.residual,
        _name_of(model),
        time.perf_counter() - started,
        prediction.attention,
        (*notes, *prediction.notes),
        prediction.expected_cm,
    )


@torch.inference_mode()
def view_of(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Bool[Array, "T J"],
    joint_names: JointNames = None,
) -> View:
    """A clip as a network reads it, with its gaps filled.

    Raises:
        ModelError: the clip's music has other features than the network's, or its skeleton has no
            joints for the roles.
    """
    return VIEWS[model.config.representation].of(model, clip, hidden, joint_names)


def predict(
    model: MaskedMotionModel,
    view: View,
    *,
    noises: Float[Array, "K Z"] | None = None,
    attention_frame: int | None = None,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Run a network over a clip: one prediction for each row of noise, or one without noise."""
    output = predict_in_windows(
        model,
        view.given,
        view.read,
        noises=noises,
        attention_frame=attention_frame,
        progress=progress,
    )
    return view.predictions(output)


def keep_known(predicted: Motion, known: Motion, hidden: Bool[Array, "T J"]) -> Motion:
    """The predicted motion at hidden entries, the known one elsewhere, bit for bit."""
    return Motion(
        known.skeleton,
        np.where(hidden[..., None, None], predicted.rotations, known.rotations),
        np.where(hidden[:, :1], predicted.root_m, known.root_m),
        known.fps,
    )


def draws(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Bool[Array, "T J"],
    noises: Float[Array, "K Z"],
    *,
    joint_names: JointNames = None,
) -> list[Motion]:
    """Recoveries from several rows of latent noise in one pass, without foot locking.

    Raises:
        ModelError: the clip does not fit the network.
    """
    # One view serves all rows of noise: the clip is filled and its features computed once.
    view = view_of(model, clip, hidden, joint_names)
    return [
        keep_known(prediction.motion, clip.motion, hidden)
        for prediction in predict(model, view, noises=noises)
    ]


def interpolate(method: str, clip: Clip, hidden: Mask | Bool[Array, "T J"]) -> RecoveryResult:
    """Fill the hidden entries of a clip without a network.

    Args:
        method: ``hold``, ``slerp``, ``inertial`` or ``spline``: see
            ``mmm.interpolation.baselines``.
        clip: any clip.
        hidden: as :func:`recover` takes it.

    Raises:
        SpecError: there is no such method, or the mask does not fit the clip or leaves a joint
            without a known frame.
    """
    started = time.perf_counter()
    pattern = hidden_array(clip, hidden)
    # Checked here too, because the error of the dictionary would name no methods.
    if method not in baselines.BASELINES:
        raise SpecError(
            f"baseline {method!r}",
            "no such method",
            ", ".join(baselines.BASELINES),
            "choose one of them",
        )
    motion = baselines.BASELINES[method](clip, pattern)
    return RecoveryResult(
        clip,
        pattern,
        replace(clip, motion=motion),
        np.zeros(pattern.shape, np.float32),
        method,
        time.perf_counter() - started,
    )


def hidden_array(clip: Clip, hidden: Mask | Bool[Array, "T J"]) -> Bool[Array, "T J"]:
    """The boolean array of a mask, checked against the clip.

    Raises:
        SpecError: the mask does not fit the clip or leaves a joint without a known frame.
    """
    pattern = hidden.hidden if isinstance(hidden, Mask) else hidden
    # Integers would index frames instead of selecting them.
    expected = (len(clip), len(clip.motion.skeleton))
    if pattern.shape != expected or pattern.dtype != bool:
        raise SpecError(
            "hidden",
            f"{pattern.dtype} of shape {pattern.shape}",
            f"bool of shape {expected} (frames, joints)",
            "build it from this clip",
        )
    # A joint without a known frame has nothing to be filled from.
    unknown = pattern.all(axis=0)
    if unknown.any():
        names = [clip.motion.skeleton.names[j] for j in np.flatnonzero(unknown)[:3]]
        raise SpecError(
            "hidden",
            f"{int(unknown.sum())} joints are never known ({', '.join(names)}, ...)",
            "at least one known frame of every joint",
            "hide less",
        )
    return pattern


def _check_frame(clip: Clip, frame: int) -> None:
    if not 0 <= frame < len(clip):
        raise SpecError(
            f"attention_frame {frame}",
            f"the clip has {len(clip)} frames",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )


def _name_of(model: MaskedMotionModel) -> str:
    name = model.name_or_path or model.config.model_type
    # Tables are keyed by name, so a network must not share the name of an interpolation.
    return f"{name} network" if name in baselines.BASELINES else name
