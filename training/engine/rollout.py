"""Training on the network's own output: some of the past is what it generated itself.

A window is drawn longer than it is, and the network generates its way to the last stretch, as
generation does. What it then sees as the past is its own, and it learns to go on from there: errors
that it never meets in training are the ones that grow. The truth's future is set down where the
generated past has come to, in place and facing.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from mmm.models import MaskedMotionConfig
from training.data.batch import Batch, forward
from training.plan import TrainingPlan

FASTEST_M_S = 12.0
"""Where a root has gone faster than anybody runs, the generated past has come apart. From there
nothing is to be learned, and a few such windows would outweigh all others: they keep their true
past."""


@torch.no_grad()
def roll_out(
    model: nn.Module, batch: Batch, plan: TrainingPlan, config: MaskedMotionConfig
) -> Batch:
    """The last stretch of longer windows, the past before it generated; windows without rounds come
    back as they are.

    Args:
        batch: ``past_noise`` (B,rounds,Z) says how often; motion and hidden are ``rounds *
            plan.rollout_frames`` longer than the stretch, and known there.
    """
    if not batch.rounds:
        return batch
    step, samples = plan.rollout_frames, plan.samples
    one = Batch(
        batch.motion[::samples],
        batch.hidden[::samples],
        _every(batch.music, samples),
        first_position=batch.first_position,
        body=_every(batch.body, samples),
        past_noise=_every(batch.past_noise, samples),
    )
    length = batch.hidden.shape[1] - batch.rounds * step
    hidden = one.hidden[:, -length:]
    first = hidden.any(-1).int().argmax(1)  # of each window the first hidden frame
    time = torch.arange(length, device=hidden.device)[None]
    new = hidden & ((time >= first[:, None]) & (time < first[:, None] + step))[..., None]
    new = torch.cat([new.repeat_interleave(9, -1), new[..., :1].expand(-1, -1, 3)], -1)
    shown = (batch.motion if batch.perturbed is None else batch.perturbed)[::samples].clone()
    for at in range(batch.rounds):
        part = slice(at * step, at * step + length)
        noise = one.past_noise[:, at] if one.past_noise is not None and config.noise_dim else None
        view = replace(
            one,
            motion=shown[:, part],
            hidden=hidden,
            noise=noise,
            past_noise=None,
            music=None if one.music is None else one.music[:, part],
        )
        found = forward(model, view, plan.bfloat16).prediction
        assert found is not None
        shown[:, part] = torch.where(new, _rotations_only(found.float()), shown[:, part])
    last = slice(batch.rounds * step, None)
    shown, true = shown[:, last], one.motion[:, last]
    if config.representation == "roles":
        past = (
            time[:, 1:] < first[:, None]
        )  # what comes after is the truth's, which may lie elsewhere
        fastest = (shown[..., -3:].diff(dim=1).norm(dim=-1).where(past, 0) * config.fps).amax(1)
        shown = torch.where((fastest < FASTEST_M_S)[:, None, None], shown, true)
    if config.representation == "roles":
        true = _set_down(true, shown, first - 1)

    def again(values: Tensor | None) -> Tensor | None:
        return None if values is None else values.repeat_interleave(samples, dim=0)

    music = None if batch.music is None else batch.music[:, last]
    return replace(
        batch,
        motion=true.repeat_interleave(samples, dim=0),
        hidden=batch.hidden[:, last],
        music=music,
        perturbed=again(shown),
        past_noise=None,
        rounds=0,
    )


def _every(values: Tensor | None, samples: int) -> Tensor | None:
    return None if values is None else values[::samples]


def _rotations_only(features: Tensor) -> Tensor:
    """Matrices brought back to rotations by Gram and Schmidt: cheap, and what generation does
    better is near enough."""
    first, second = (nn.functional.normalize(column, dim=-1) for column in _columns(features))
    second = nn.functional.normalize(
        second - (first * second).sum(-1, keepdim=True) * first, dim=-1
    )
    matrices = torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
    return torch.cat([matrices.flatten(-3), features[..., -3:]], dim=-1)


def _columns(features: Tensor) -> tuple[Tensor, Tensor]:
    matrices = features[..., :-3].unflatten(-1, (-1, 3, 3))
    return matrices[..., 0], matrices[..., 1]


def _set_down(true: Tensor, shown: Tensor, last: Tensor) -> Tensor:
    """The truth turned about the vertical and moved over the ground, so that its frame ``last``
    (B,) stands where the shown one's does; heights stay."""
    rows = torch.arange(len(true), device=true.device)
    here, there = shown[rows, last], true[rows, last]
    between = here[:, :9].unflatten(-1, (3, 3)) @ there[:, :9].unflatten(-1, (3, 3)).transpose(
        -1, -2
    )
    sine, cosine = between[:, 0, 2] - between[:, 2, 0], between[:, 0, 0] + between[:, 2, 2]
    norm = (sine.square() + cosine.square()).sqrt().clamp(min=1e-6)
    sine, cosine = sine / norm, cosine / norm
    zero, one = torch.zeros_like(sine), torch.ones_like(sine)
    turn = torch.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], -1).unflatten(
        -1, (3, 3)
    )
    level = torch.tensor([1.0, 0.0, 1.0], device=true.device)
    root = (true[..., -3:] - there[:, None, -3:] * level) @ turn.transpose(-1, -2) + here[
        :, None, -3:
    ] * level
    pelvis = turn[:, None] @ true[..., :9].unflatten(-1, (3, 3))
    return torch.cat([pelvis.flatten(-2), true[..., 9:-3], root], dim=-1)
