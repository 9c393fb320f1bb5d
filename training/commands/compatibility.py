"""Whether a network and a prepared set fit each other, and a preset's configuration for a set."""

from pathlib import Path
from typing import Any

import typer

from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig, make_config
from mmm.motion.skeleton import SMPL24, Skeleton
from training.data.dataset import MotionSet


def config_for(network: str, changes: dict[str, Any], split: MotionSet) -> MaskedMotionConfig:
    """A preset with fields changed, for the set's frame rate and skeleton.

    The network is widened if the skeleton has too many joints for it.

    Raises:
        ModelError: there is no such preset, or a field is invalid.
    """
    fields = dict(changes)
    if split.fps:
        fields["fps"] = split.fps
    if split.skeleton is not None:
        body = split.skeleton
        fields |= {
            "joint_names": list(body.names),
            "joint_parents": list(body.parents),
            # Micrometres. More digits only make config.json longer.
            "joint_offsets_m": body.offsets_m.astype(float).round(6).tolist(),
        }
    try:
        return make_config(network, **fields)
    except ModelError as error:
        # Widening helps only if the network is too narrow. Joint roles always fit.
        if error.source != "config.json hidden_size" or split.are_roles:
            raise
    joints = len(split.joint_names or ())
    # The number of attention heads must divide the width.
    step = 80 if network == "3bert" else 64
    # Nine numbers and a mask for each joint, three for the root, and two distances.
    width = -(-(10 * joints + 5) // step) * step
    typer.echo(f"{joints} joints: {network} widened to {width}")
    return make_config(network, **fields, hidden_size=width)


def body_of(split: MotionSet, config: MaskedMotionConfig) -> tuple[Skeleton, float]:
    """The skeleton and the rate at which a network is evaluated on a split.

    Networks on roles take any body at any rate, so they are evaluated on the split's own.
    """
    if config.representation != "roles":
        return config.skeleton, config.fps
    # The dance set only names its joints, which are those of SMPL.
    smpl = SMPL24 if split.joint_names == list(SMPL24.names) else config.skeleton
    return split.skeleton or smpl, split.fps or config.fps


def check_body(data: Path, split: MotionSet, config: MaskedMotionConfig) -> None:
    """Check that a network can train on a set.

    Raises:
        ModelError: its joints, its rate or its music are not the network's.
    """
    if split.are_roles != (config.representation == "roles"):
        kinds = {True: "joint roles", False: "one skeleton's joints"}
        raise ModelError(
            str(data),
            f"a set on {kinds[split.are_roles]}",
            f"one on {kinds[not split.are_roles]}",
            "choose a network for it (common-small and inbetween work on roles), or prepare the "
            "set anew "
            + ("without --skeleton roles" if split.are_roles else "with --skeleton roles"),
        )
    # The order counts as well: a column of the pose belongs to a joint by its position.
    if split.joint_names and split.joint_names != config.joint_names:
        raise ModelError(
            str(data),
            f"a skeleton of {len(split.joint_names)} joints from {split.joint_names[0]}",
            f"the network's {config.joints}",
            "prepare the set for this skeleton",
        )
    if split.fps and split.fps != config.fps:
        raise ModelError(
            str(data),
            f"{split.fps:g} frames a second",
            f"the network's {config.fps:g}",
            "prepare the set at this rate",
        )
    if config.uses_music and split.music is None:
        raise ModelError(
            str(data),
            "no music",
            "music beside the motion, for this network",
            "choose common, or a set with music",
        )
