"""Checking whether a network can work on a clip."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from mmm.errors import ModelError
from mmm.motion.clip import Clip
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES


@runtime_checkable
class Requirements(Protocol):
    """What a network requires of a clip: its configuration, or the description of its
    checkpoint."""

    @property
    def joint_names(self) -> list[str] | None:
        """Names of the skeleton's joints, in order."""

    @property
    def joint_parents(self) -> list[int] | None:
        """The index of each joint's parent, -1 for the root."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    @property
    def uses_music(self) -> bool:
        """Whether the network takes music features."""

    @property
    def representation(self) -> str:
        """``joints``: one skeleton at one frame rate; ``roles``: any humanoid at any rate."""


def check_fit(
    needs: Requirements, clip: Clip, joint_names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Check that a network can work on a clip.

    Args:
        needs: what the network requires.
        clip: the clip to recover or to continue.
        joint_names: joint names by role, for roles that cannot be told from the skeleton's names;
            for networks on joint roles.

    Returns:
        Remarks for the user, e.g. that silence stands in for missing music.

    Raises:
        ModelError: the network needs another skeleton or frame rate, or the skeleton has no joints
            for the roles.
    """
    # Networks on roles take any skeleton at any rate.
    if needs.representation == "roles":
        return _check_roles(clip, joint_names)
    names, skeleton = needs.joint_names or [], clip.motion.skeleton
    if tuple(names) != skeleton.names or tuple(needs.joint_parents or ()) != skeleton.parents:
        missing = [name for name in names if name not in skeleton.names]
        # A long list would bury the advice at the end of the message.
        listed = ", ".join(missing[:4]) + (", ..." if len(missing) > 4 else "")
        difference = f"without {listed}" if missing else "in another tree"
        raise ModelError(
            clip.name,
            f"a skeleton of {len(skeleton)} joints {difference}",
            f"the {len(names)} joints that the network was trained on",
            "choose a checkpoint made for this skeleton, or an interpolation",
        )
    # Networks learn displacements per frame, which scale with the frame rate.
    if clip.motion.fps != needs.fps:
        raise ModelError(
            clip.name,
            f"{clip.motion.fps:g} frames a second",
            f"the network's {needs.fps:g}",
            f"resample the clip to {needs.fps:g} fps first (--fps {needs.fps:g})",
        )
    # Silence is a valid input, so a missing song is a remark and no error.
    if needs.uses_music and clip.music is None:
        return ("This network takes music and the clip has none, so it was given silence.",)
    return ()


def check_uses_music(needs: Requirements, name: str) -> None:
    """Check that a network takes music.

    Args:
        needs: of the network.
        name: its name in errors.

    Raises:
        ModelError: it takes none.
    """
    if not needs.uses_music:
        raise ModelError(
            name or "network",
            "it takes no music",
            "a network with music",
            "choose dance-3bert-small or dance-ecm-small",
        )


def _check_roles(clip: Clip, joint_names: Mapping[str, str] | None) -> tuple[str, ...]:
    # match_roles raises the error if roles that every humanoid has are missing.
    count = int(match_roles(clip.motion.skeleton, joint_names).present.sum())
    others = len(clip.motion.skeleton) - count
    if not others:
        return ()
    return (
        f"{count} of {len(ROLES)} joint roles were found among {count + others} joints; the other "
        f"{others} joints are interpolated.",
    )
