"""The masks of one step, by the stage of the plan: fixed patterns, random ones or both."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from mmm import masks
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import Skeleton
from training.data.masking import draw_masks
from training.plans.plan import Stage, TrainingPlan


def draw_hidden(
    plan: TrainingPlan,
    step: int,
    batch: int,
    frames: int,
    skeleton: Skeleton,
    generator: torch.Generator,
    before: int,
) -> Tensor:
    """Masks (B,T,J) of the stage: fixed patterns, random ones or both; the first ``before`` frames
    are known."""
    if before:
        # The past of a rollout is known; the network generates it.
        later = draw_hidden(plan, step, batch, frames - before, skeleton, generator, 0)
        return nn.functional.pad(later, (0, 0, before, 0))
    stage = plan.stage_at(step)[0]
    if stage.patterns and stage.fixed >= 1:
        return _draw_fixed(stage, batch, frames, skeleton, generator)
    # Limbs are all groups except those of all joints and of the root.
    limbs = [g for name, g in skeleton.groups.items() if name not in ("all", "root")]
    hidden = draw_masks(plan.masks_at(step), batch, frames, limbs, len(skeleton), generator)
    if not stage.patterns:
        return hidden
    fixed = torch.rand(batch, generator=generator, device=generator.device) < stage.fixed
    return torch.where(
        fixed[:, None, None], _draw_fixed(stage, batch, frames, skeleton, generator), hidden
    )


def _draw_fixed(
    stage: Stage, batch: int, frames: int, skeleton: Skeleton, generator: torch.Generator
) -> Tensor:
    table = torch.stack(
        [_fixed(spec, frames, skeleton.names, skeleton.parents) for spec in stage.patterns]
    )
    which = torch.randint(0, len(table), (batch,), generator=generator, device=generator.device)
    return table.to(generator.device)[which]


# A parse of a SPEC in Python takes longer than all else in a draw; lengths repeat.
@lru_cache(maxsize=4096)
def _fixed(spec: str, frames: int, names: tuple[str, ...], parents: tuple[int, ...]) -> Tensor:
    """The mask of a SPEC, read as evaluation reads it: (T,J)."""
    # A mask depends on names and the number of frames only, so the body and the motion are dummies.
    body = Skeleton(names, parents, np.zeros((len(names), 3), np.float32))
    still = Motion(
        body,
        np.broadcast_to(np.eye(3, dtype=np.float32), (frames, len(names), 3, 3)),
        np.zeros((frames, 3), np.float32),
        30.0,
    )
    return torch.from_numpy(masks.parse(spec, Clip("pattern", still)).hidden.copy())
