"""Masked motion modelling: recover hidden frames of human motion, with or without music.

>>> import mmm
>>> clip = mmm.load_clip("dance.npz", frames=(0, 300))
>>> model = mmm.load_model("dance-ecm-small")
>>> result = mmm.recover(model, clip, mmm.masks.every_nth(clip, 15))
>>> result.errors.summary()

Clips
    ``load_clip``, ``save_clip``: motion files, with their music. ``Clip``, ``Motion``,
    ``Skeleton``, ``Music``, ``Audio``: what they hold. ``edits``, ``masks``: what is changed or
    hidden. ``retarget``: transfer a motion to another character.
Recovering
    ``load_model``, ``save_model``: networks. ``recover``: fill hidden entries with a network.
    ``interpolate``: fill them without one.
Generating
    ``generate``, ``generate_clip``: continue a motion, to music if the network takes it.
Looking
    ``show``: in a notebook. ``save``: as a film, a page, a picture or a motion file.
    ``evaluate``: mean errors over clips and masks.
Serving
    ``connect``: the same calls on a server of ``mmm serve``.

Names are imported when they are first used, so ``import mmm`` is fast and reading a clip does not
import torch.
"""

from typing import TYPE_CHECKING, Any

import lazy_loader

if TYPE_CHECKING:
    from mmm import attention, checkpoints, edits, errors, masks
    from mmm.checkpoints import CheckpointInfo, describe, list_checkpoints, load_model, save_model
    from mmm.errors import MMMError
    from mmm.evaluation.evaluate import evaluate
    from mmm.generation.generate import generate, generate_clip
    from mmm.generation.result import Generation
    from mmm.io import load_clip, save_clip
    from mmm.motion.clip import Audio, Clip, Motion, Music
    from mmm.motion.retargeting.retarget import retarget
    from mmm.motion.skeleton import SMPL24, Skeleton
    from mmm.recovery.recover import interpolate, recover
    from mmm.recovery.result import RecoveryResult
    from mmm.serving.client import connect
    from mmm.viewer.save import save
    from mmm.viewer.show import show

__version__ = "0.1.0"

__all__ = [
    "SMPL24",
    "Audio",
    "CheckpointInfo",
    "Clip",
    "Generation",
    "MMMError",
    "Motion",
    "Music",
    "RecoveryResult",
    "Skeleton",
    "attention",
    "checkpoints",
    "connect",
    "describe",
    "edits",
    "errors",
    "evaluate",
    "generate",
    "generate_clip",
    "interpolate",
    "list_checkpoints",
    "load_clip",
    "load_model",
    "masks",
    "recover",
    "retarget",
    "save",
    "save_clip",
    "save_model",
    "show",
]

_lazy_getattr, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=[
        "attention",
        "checkpoints",
        "edits",
        "errors",
        "evaluation",
        "explain",
        "generation",
        "interpolation",
        "io",
        "masks",
        "metrics",
        "models",
        "motion",
        "music",
        "recovery",
        "serving",
        "viewer",
    ],
    submod_attrs={
        "checkpoints": [
            "CheckpointInfo",
            "describe",
            "list_checkpoints",
            "load_model",
            "save_model",
        ],
        "errors": ["MMMError"],
        "evaluation.evaluate": ["evaluate"],
        "generation.generate": ["generate", "generate_clip"],
        "generation.result": ["Generation"],
        "io": ["load_clip", "save_clip"],
        "motion.clip": ["Audio", "Clip", "Motion", "Music"],
        "motion.retargeting.retarget": ["retarget"],
        "motion.skeleton": ["SMPL24", "Skeleton"],
        "recovery.recover": ["interpolate", "recover"],
        "recovery.result": ["RecoveryResult"],
        "serving.client": ["connect"],
        "viewer.save": ["save"],
        "viewer.show": ["show"],
    },
)


def __getattr__(name: str) -> Any:
    value = _lazy_getattr(name)
    if name in ("Clip", "load_clip"):
        # Importing the viewer registers show() on clips, which mmm.motion does not know of.
        _lazy_getattr("viewer")
    # The next access then finds the name without this function.
    globals()[name] = value
    return value
