"""Masked motion modelling: recover hidden frames of human motion, with or without music.

>>> import mmm
>>> clip = mmm.load_clip("dance.npz", frames=(0, 300))
>>> model = mmm.load_model("dance-ecm-small")
>>> result = mmm.recover(model, clip, mmm.masks.every_nth(clip, 15))
>>> result.errors.summary()

Networks are imported when first used: reading a clip does not wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

import mmm.viewer  # noqa: F401  gives clips their show() for notebooks
from mmm import edits, masks
from mmm.errors import MMMError
from mmm.io import load_clip, save_clip
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import SMPL24, Skeleton

if TYPE_CHECKING:
    from mmm.checkpoints import load_model
    from mmm.generation.generate import generate, generate_clip
    from mmm.generation.result import Generation
    from mmm.recovery.recover import RecoveryResult, interpolate, recover
    from mmm.viewer.save import save
    from mmm.viewer.show import show

__version__ = "0.1.0"

__all__ = [
    "SMPL24",
    "Audio",
    "Clip",
    "Generation",
    "MMMError",
    "Motion",
    "Music",
    "RecoveryResult",
    "Skeleton",
    "edits",
    "generate",
    "generate_clip",
    "interpolate",
    "load_clip",
    "load_model",
    "masks",
    "recover",
    "save",
    "save_clip",
    "show",
]

_LAZY = {
    "load_model": "mmm.checkpoints",
    "recover": "mmm.recovery.recover",
    "interpolate": "mmm.recovery.recover",
    "RecoveryResult": "mmm.recovery.recover",
    "generate": "mmm.generation.generate",
    "generate_clip": "mmm.generation.generate",
    "Generation": "mmm.generation.result",
    "save": "mmm.viewer.save",
    "show": "mmm.viewer.show",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'mmm' has no attribute {name!r}")
