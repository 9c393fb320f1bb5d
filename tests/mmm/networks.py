"""Small networks and clips for tests: the tiny skeleton, one layer a stage, milliseconds a run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmm.checkpoints import save_model
from mmm.models import MaskedMotionConfig, MaskedMotionModel, make_config, make_model
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.features import Stats
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, smooth_motion

torch.set_num_threads(1)  # sums in one order: the same bits again and again

NETWORKS = ("3bert", "ecm", "common")
WAYS = (("zero", "absolute"), ("slerp", "absolute"), ("slerp", "residual"))
"""Fill and output: every combination that a configuration allows."""
FPS = 30.0


def body(skeleton: Skeleton) -> dict[str, Any]:
    """A skeleton as the fields of a configuration."""
    return {
        "joint_names": list(skeleton.names),
        "joint_parents": list(skeleton.parents),
        "joint_offsets_m": skeleton.offsets_m.tolist(),
    }


def tiny_config(network: str = "ecm", **changes: Any) -> MaskedMotionConfig:
    """One layer a stage, 80 wide, windows of 40 frames; everything else as in the faithful preset."""
    stats = Stats(
        np.array([-1, 0, -2], np.float32),
        np.array([1, 2, 2], np.float32),
        np.full(35, -1, np.float32),
        np.full(35, 3, np.float32),
    ).to_dict()
    sizes: dict[str, Any] = {
        "hidden_size": 80,
        "num_attention_heads": 8,
        "intermediate_size": 32,
        "encoder_layers": 1,
        "cross_layers": 1,
        "max_frames": 40,
        "fps": FPS,
        "stats": stats,
        **body(TINY),
    }
    return make_config(network, **(sizes | changes))


def tiny_model(network: str = "ecm", seed: int = 0, **changes: Any) -> MaskedMotionModel:
    """A random network in evaluation mode, its head too: a residual network would otherwise start as its fill."""
    torch.manual_seed(seed)
    model = make_model(tiny_config(network, **changes)).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.1)
    return model


def save_roles_network(folder: Path, seed: int = 0) -> None:
    """A small ``inbetween`` network, its head random, as a checkpoint."""
    torch.manual_seed(seed)
    model = make_model(
        make_config(
            "inbetween",
            hidden_size=32,
            num_attention_heads=4,
            intermediate_size=64,
            encoder_layers=1,
        )
    ).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.01)
    save_model(model, folder, {})


def tiny_clip(frames: int = 36, seed: int = 0, music: bool = True, fps: float = FPS) -> Clip:
    """A smooth motion of the tiny skeleton, with music features of noise."""
    motion = smooth_motion(seed, frames, TINY, fps)
    features = np.random.default_rng(seed).normal(size=(frames, 35)).astype(np.float32)
    heard = Music(features, fps, np.arange(0, frames, 15), 120.0) if music else None
    return Clip(f"tiny{seed}", motion, heard)


def poisoned(clip: Clip, hidden: np.ndarray, seed: int = 9) -> Clip:
    """The clip with other values in every hidden entry."""
    other = smooth_motion(seed, len(clip), clip.motion.skeleton, clip.motion.fps)
    rotations = np.where(hidden[..., None, None], other.rotations, clip.motion.rotations)
    root_m = np.where(hidden[:, :1], other.root_m * 50 + 7, clip.motion.root_m)
    return Clip(
        clip.name, Motion(clip.motion.skeleton, rotations, root_m, clip.motion.fps), clip.music
    )


def tiny_batch(
    batch: int = 2, frames: int = 30, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Motion (B,T,57), joint-wise hidden (B,T,6) with a known frame in every joint, music (B,T,35)."""
    generator = torch.Generator().manual_seed(seed)
    clips = [smooth_motion(seed + b, frames, TINY, FPS) for b in range(batch)]
    motion = torch.stack(
        [
            torch.cat(
                [torch.from_numpy(m.rotations).flatten(1), torch.from_numpy(m.root_m)], dim=-1
            )
            for m in clips
        ]
    )
    hidden = torch.rand(batch, frames, len(TINY), generator=generator) < 0.5
    hidden[:, 4] = False
    music = torch.rand(batch, frames, 35, generator=generator)
    return motion, hidden, music


def roles_network(awake: bool = True, **changes: Any) -> MaskedMotionModel:
    """A small ``inbetween`` network; its head is random, or zero as before training."""
    torch.manual_seed(0)
    model = make_model(
        make_config(
            "inbetween",
            **({"hidden_size": 32, "intermediate_size": 64, "encoder_layers": 2} | changes),
        )
    ).eval()
    if awake:
        with torch.no_grad():
            model.head.weight.normal_(std=0.05)
    return model


def clip_at(fps: float, seconds: float = 3.0, skeleton: Skeleton = SMPL24) -> Clip:
    """A smooth motion of the SMPL body at some frame rate."""
    return Clip("swing", smooth_motion(2, round(seconds * fps) + 1, skeleton, fps))
