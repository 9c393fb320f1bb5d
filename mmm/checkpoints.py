"""Which checkpoints are at hand and what they ask of a clip; read without torch, so a page lists them at once."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mmm.errors import ModelError
from mmm.motion.clip import Clip
from mmm.motion.humanoid import ROLES, match_roles


@runtime_checkable
class Requirements(Protocol):
    """What a network asks of a clip: its configuration, or the summary of its checkpoint."""

    @property
    def joint_names(self) -> list[str] | None:
        """The skeleton's joints, in order."""

    @property
    def joint_parents(self) -> list[int] | None:
        """Their parents."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    @property
    def uses_music(self) -> bool:
        """Whether it listens."""

    @property
    def representation(self) -> str:
        """``joints``: one skeleton, one frame rate; ``roles``: any humanoid, any rate."""


@dataclass(frozen=True)
class CheckpointSummary:
    """What can be said of a checkpoint from its JSON files alone."""

    name: str
    path: Path
    network: str
    """``3bert``, ``ecm``, ``common``, ..."""
    joint_names: list[str] | None
    joint_parents: list[int] | None
    fps: float
    uses_music: bool
    max_frames: int
    trained_masks: tuple[str, ...]
    metrics: dict[str, Any]
    card: str
    """Its README.md."""
    representation: str = "joints"
    """``joints`` of one skeleton, or ``roles`` of any."""
    noise_dim: int = 0
    """Numbers of chance that it takes: 0 means that it gives one future for one seed and song."""

    @property
    def can_generate(self) -> bool:
        """Whether it was trained to go on from a seed, not only to fill gaps."""
        return any("the last" in spec for spec in self.trained_masks)


def checkpoint_root() -> Path:
    """The folder that holds checkpoints: ``$MMM_CHECKPOINTS``, else ``checkpoints/`` beside the package."""
    return Path(os.environ.get("MMM_CHECKPOINTS") or Path(__file__).parent.parent / "checkpoints")


def find_checkpoint(path: str | Path) -> Path:
    """The folder of a checkpoint, given as a path or as a name under the checkpoint root.

    Raises:
        ModelError: there is none.
    """
    options = [Path(path), checkpoint_root() / str(path)]
    if Path(path).parent == Path("checkpoints"):  # as the README writes it, wherever they lie
        options.append(checkpoint_root() / Path(path).name)
    for option in options:
        if (option / "config.json").is_file():
            return option
    there = (
        ", ".join(found.parent.name for found in sorted(checkpoint_root().glob("*/config.json")))
        or "none"
    )
    raise ModelError(
        str(path),
        "no checkpoint (a folder with config.json)",
        f"one of those at hand: {there}",
        "name one of them, or train one with python -m training.pretrain",
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint's folder.

    Raises:
        ModelError: it is not there, not JSON or not an object.
    """
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(
            str(path), f"not readable as JSON ({error})", "", "restore or retrain it"
        ) from None
    if not isinstance(value, dict):
        raise ModelError(
            str(path), f"a {type(value).__name__}", "a JSON object", "restore the checkpoint"
        )
    return value


def summarise(folder: Path) -> CheckpointSummary:
    """Read a checkpoint's JSON files and card.

    Raises:
        ModelError: a file is broken, or config.json lacks what every checkpoint of this project has.
    """
    raw = read_json(folder / "config.json")
    metrics = read_json(folder / "metrics.json") if (folder / "metrics.json").is_file() else {}
    card = folder / "README.md"
    try:
        return CheckpointSummary(
            folder.name,
            folder,
            str(raw["model_type"]).removeprefix("mmm-"),
            raw["joint_names"],
            raw["joint_parents"],
            float(raw["fps"]),
            bool(raw["uses_music"]),
            int(raw["max_frames"]),
            tuple(raw.get("trained_masks") or ()),
            metrics,
            card.read_text() if card.is_file() else "",
            str(raw.get("representation", "joints")),
            int(raw.get("noise_dim", raw.get("noise_size")) or 0),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            str(folder / "config.json"),
            f"field {error} missing or of the wrong kind",
            "a checkpoint of this project",
            "restore or retrain it",
        ) from None


def list_checkpoints(root: Path | None = None) -> list[CheckpointSummary]:
    """Every readable checkpoint below the root, by name; unreadable ones are passed over (loading them says why)."""
    found = []
    for config in sorted((root or checkpoint_root()).glob("*/config.json")):
        try:
            found.append(summarise(config.parent))
        except ModelError:
            continue
    return found


def check_fit(
    needs: Requirements, clip: Clip, joint_names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Whether a network can work on a clip at all.

    Args:
        joint_names: by role, named by hand; for networks on joint roles.

    Returns:
        Remarks for the user, e.g. that silence stands in for missing music.

    Raises:
        ModelError: another skeleton or another frame rate; with roles, no humanoid.
    """
    if needs.representation == "roles":
        return _roles_fit(clip, joint_names)
    names, theirs = needs.joint_names or [], clip.motion.skeleton
    if tuple(names) != theirs.names or tuple(needs.joint_parents or ()) != theirs.parents:
        missing = [name for name in names if name not in theirs.names]
        listed = ", ".join(missing[:4]) + (", ..." if len(missing) > 4 else "")
        difference = f"without {listed}" if missing else "in another tree"
        raise ModelError(
            clip.name,
            f"a skeleton of {len(theirs)} joints {difference}",
            f"the {len(names)} joints that the network was trained on",
            "choose a checkpoint made for this skeleton, or an interpolation",
        )
    if clip.motion.fps != needs.fps:
        raise ModelError(
            clip.name,
            f"{clip.motion.fps:g} frames a second",
            f"the network's {needs.fps:g}",
            f"resample the clip to {needs.fps:g} fps first (--fps {needs.fps:g})",
        )
    if needs.uses_music and clip.music is None:
        return ("This model listens to music and the clip has none: it was given silence.",)
    return ()


def _roles_fit(clip: Clip, joint_names: Mapping[str, str] | None) -> tuple[str, ...]:
    roles = match_roles(clip.motion.skeleton, joint_names)
    others = len(clip.motion.skeleton) - int(roles.present.sum())
    if not others:
        return ()
    return (
        f"{int(roles.present.sum())} of {len(ROLES)} joint roles were found; the other {others} joints "
        "are interpolated.",
    )
