"""Descriptions of checkpoints from their JSON files and cards, without torch."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.checkpoints.files import read_json, read_text, wrong_value
from mmm.checkpoints.hub import download, is_hub_name
from mmm.checkpoints.transaction import finish_interrupted
from mmm.errors import ModelError
from mmm.models.field_names import with_current_names
from mmm.paths import checkpoint_root

if TYPE_CHECKING:
    from mmm.models import MaskedMotionConfig

SECTIONS = (
    "training",
    "calibration",
    "evaluation",
    "parts",
    "unseen",
    "protocol",
    "generation",
    "strangers",
    "hearing",
    "attention",
)
"""Sections of metrics.json; each is an object."""


REPLACED = {"common-future": "future"}
"""The successor of each withdrawn checkpoint, by its former name."""


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint as its config.json, metrics.json and card describe it."""

    name: str
    """The name of its folder, or ``owner/name`` on the Hugging Face Hub."""
    path: Path
    network: str
    """``3bert``, ``ecm``, ``common`` or ``inbetween``."""
    joint_names: list[str] | None
    """Joints of the network's skeleton, in order; with roles, the 22 roles."""
    joint_parents: list[int] | None
    fps: float
    """Frames per second of the network."""
    uses_music: bool
    max_frames: int
    """Frames of the window; longer clips are recovered in several windows."""
    trained_masks: tuple[str, ...]
    """The SPECs, or kinds of SPEC, that it was trained on."""
    metrics: dict[str, Any]
    """The contents of metrics.json, by section."""
    card: str
    """The text of README.md; empty if there is none."""
    representation: str = "joints"
    """``joints`` of one skeleton, or ``roles`` of any humanoid."""
    noise_dim: int = 0
    """Size of the latent noise; 0: the network is deterministic."""
    library: str | None = None
    """The file in its folder with recorded motion, from which continuations are retrieved."""

    @property
    def is_stochastic(self) -> bool:
        """Whether random seed and temperature change the motion that it generates."""
        return self.noise_dim > 0 or self.uses_music or self.library is not None

    @property
    def follows_music(self) -> bool:
        """Whether music changes the motion that it generates: as input of the network, or by its
        beats in the retrieval."""
        return self.uses_music or self.library is not None

    @property
    def can_generate(self) -> bool:
        """Whether it was trained to continue a motion, and not only to fill gaps."""
        # Training on futures records SPECs such as "the last 90 frames".
        return any("the last" in spec for spec in self.trained_masks)

    @cached_property
    def config(self) -> "MaskedMotionConfig":
        """The full configuration; reading it imports torch.

        Raises:
            ModelError: config.json holds a value that no network of this project can have.
        """
        from mmm.checkpoints.config import read_config

        return read_config(self.path)


def find_checkpoint(path: str | Path) -> Path:
    """The folder of a checkpoint.

    Args:
        path: a folder, or the name of one under :func:`checkpoint_root`.

    Raises:
        ModelError: there is no such folder.
    """
    options = [Path(path), checkpoint_root() / str(path)]
    if (successor := REPLACED.get(Path(path).name)) is not None and not Path(path).exists():
        options.append(checkpoint_root() / successor)
    if Path(path).parent == Path("checkpoints"):
        # Documentation writes checkpoints/NAME for any location of the checkpoint folder.
        options.append(checkpoint_root() / Path(path).name)
    for option in options:
        # A save that was killed may have left files to move.
        finish_interrupted(option)
        if (option / "config.json").is_file():
            if option.name == REPLACED.get(Path(path).name):
                warnings.warn(f"{Path(path).name} has become {option.name}", stacklevel=2)
            return option
    names = [config.parent.name for config in sorted(checkpoint_root().glob("*/config.json"))]
    raise ModelError(
        str(path),
        "no checkpoint (a folder with config.json)",
        f"one of {', '.join(names) or '(none)'}",
        "name one of them, or train one with python -m training pretrain",
    )


def describe(path: str | Path) -> CheckpointInfo:
    """Describe a checkpoint from its JSON files and card.

    Args:
        path: a folder, the name of one under :func:`checkpoint_root`, or ``owner/name`` of a model
            on the Hugging Face Hub, which is downloaded if it is not in the cache.

    Raises:
        ModelError: there is no such checkpoint, or one of its files is damaged.
    """
    # Local folders come first, so that no name can be redirected to the Hub.
    try:
        folder, name = find_checkpoint(path), None
    except ModelError:
        if not is_hub_name(path):
            raise
        folder, name = download(str(path)), str(path)
    return _read(folder, name or folder.name)


def list_checkpoints(
    root: Path | None = None, report: Callable[[ModelError], None] | None = None
) -> list[CheckpointInfo]:
    """Describe all checkpoints in a folder, sorted by name.

    Args:
        root: the folder; None: :func:`checkpoint_root`.
        report: called with the error of each damaged checkpoint, which is then left out.
    """
    # One damaged checkpoint must not hide the others.
    checkpoints = []
    for config in sorted((root or checkpoint_root()).glob("*/config.json")):
        try:
            checkpoints.append(_read(config.parent, config.parent.name))
        except ModelError as error:
            if report is not None:
                report(error)
    return checkpoints


def _read(folder: Path, name: str) -> CheckpointInfo:
    # Only the fields that pages show are read here; ``config`` checks the others.
    raw = with_current_names(read_json(folder / "config.json"))
    metrics_file, card_file = folder / "metrics.json", folder / "README.md"
    metrics = _checked_metrics(metrics_file) if metrics_file.is_file() else {}
    try:
        card = read_text(card_file) if card_file.is_file() else ""
    except (OSError, ValueError) as error:
        raise ModelError(
            str(card_file),
            f"not readable as text ({error})",
            "a text file in UTF-8",
            "restore or remove the file",
        ) from None
    try:
        return CheckpointInfo(
            name,
            folder,
            str(raw["model_type"]).removeprefix("mmm-"),
            _list_of(str, raw["joint_names"]),
            _list_of(int, raw["joint_parents"]),
            # JSON can hold NaN and infinity, which would pass a comparison with zero.
            _positive(raw["fps"]),
            bool(raw["uses_music"]),
            int(_positive(raw["max_frames"])),
            tuple(_list_of(str, raw.get("trained_masks")) or ()),
            metrics,
            card,
            str(raw.get("representation", "joints")),
            int(raw.get("noise_dim") or 0),
            None if raw.get("library") is None else str(raw["library"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise wrong_value(folder / "config.json", error) from None


def _checked_metrics(path: Path) -> dict[str, Any]:
    # Pages read these sections without checks of their own.
    metrics = read_json(path)
    for section in SECTIONS:
        if not isinstance(metrics.get(section) or {}, Mapping):
            raise ModelError(
                str(path),
                f"{section} of the wrong kind",
                "an object",
                "restore the file, or evaluate the network again",
            )
    rows = (metrics.get("evaluation") or {}).get("rows") or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ModelError(
            str(path),
            "evaluation rows of the wrong kind",
            "objects",
            "restore the file, or evaluate the network again",
        )
    return metrics


def _list_of(kind: type, values: Any) -> list[Any] | None:
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise TypeError(f"no list of {kind.__name__}: {str(values)[:40]}")
    return values


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{number:g} instead of a positive number")
    return number
