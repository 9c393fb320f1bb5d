"""Random masks for training, drawn for a whole batch at once on the training device.

Evaluation uses the fixed patterns of ``mmm.masks`` instead.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.plans.masks import MaskMix


def _between(
    bounds: tuple[int, int], count: int, generator: torch.Generator, device: torch.device
) -> Tensor:
    return torch.randint(bounds[0], bounds[1] + 1, (count, 1), generator=generator, device=device)


def draw_masks(
    mix: MaskMix,
    batch: int,
    frames: int,
    limbs: Sequence[Sequence[int]],
    joints: int,
    generator: torch.Generator,
) -> Tensor:
    """A batch of masks.

    Args:
        limbs: joint indices of each limb, for masks of single limbs.

    Returns:
        (batch, frames, joints) bool on the generator's device, True = hidden; every window has a
        known and a hidden frame.
    """
    device = generator.device
    time = torch.arange(frames, device=device)[None]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    random = uniform(batch, frames) < mix.random_share
    step = _between(mix.every_steps, batch, generator, device)
    # A random phase, so that no frame of a window is known more often than another.
    every = (time + (uniform(batch, 1) * step).long()) % step != 0
    hide = _between(mix.hide_frames, batch, generator, device)
    keep_hide = (time + (uniform(batch, 1) * (hide + 5)).long()) % (hide + 5) >= 5
    span = _spans(mix, batch, time, generator)
    # Drawn only where asked for, so that older recipes still draw the same random numbers.
    between = _in_between(batch, time, generator) if mix.between else torch.zeros_like(span)
    future = torch.zeros_like(span)
    if mix.future:
        future = time >= frames - _between(mix.future_frames, batch, generator, device).clamp(
            # Velocity needs two known frames.
            max=frames - 2
        )

    # All kinds are computed for all windows, and one is picked for each: no loop over windows.
    weights = torch.tensor(
        [mix.random, mix.every, mix.keep_hide, mix.span, mix.between, mix.future],
        dtype=torch.float32,
        device=device,
    )
    kind = torch.multinomial(weights, batch, replacement=True, generator=generator)
    chosen = torch.stack([random, every, keep_hide, span, between, future])[
        kind, torch.arange(batch, device=device)
    ]
    chosen = _never_all_or_nothing(chosen, generator)
    return chosen[:, :, None] & _limbs(mix, batch, limbs, joints, generator)[:, None, :]


def _spans(mix: MaskMix, batch: int, time: Tensor, generator: torch.Generator) -> Tensor:
    """One to three gaps in each window: (B,T)."""
    frames, device = time.shape[1], time.device
    span = torch.zeros(batch, frames, dtype=torch.bool, device=device)
    gaps = torch.randint(1, 4, (batch, 1), generator=generator, device=device)
    for gap in range(3):
        length = _between(mix.span_frames, batch, generator, device)
        # A gap may reach beyond either end of the window, so that open ends are learned, too.
        shift = torch.rand(batch, 1, generator=generator, device=device)
        start = (shift * (frames + length)).long() - length
        span |= (time >= start) & (time < start + length) & (gaps > gap)
    return span


def _in_between(batch: int, time: Tensor, generator: torch.Generator) -> Tensor:
    """All but a short past and a shorter future of each window: (B,T)."""
    frames, device = time.shape[1], time.device
    # Three to sixteen frames of past, and mostly one of future: LAFAN1's protocol has ten and one.
    first = _between((3, 16), batch, generator, device).clamp(max=max(frames // 3, 1))
    one_frame = torch.rand(batch, 1, generator=generator, device=device) < 0.6
    several = (torch.rand(batch, 1, generator=generator, device=device) * 10).long() + 1
    last = torch.where(one_frame, 1, several)
    return (time >= first) & (time < frames - last.clamp(max=max(frames // 3, 1)))


def _limbs(
    mix: MaskMix,
    batch: int,
    limbs: Sequence[Sequence[int]],
    joints: int,
    generator: torch.Generator,
) -> Tensor:
    """The joints that each window's mask is about, one limb or the whole body: (B,J)."""
    device = generator.device
    # A row for each limb, and a last one for the whole body.
    table = torch.zeros(len(limbs) + 1, joints, dtype=torch.bool, device=device)
    for row, limb in enumerate(limbs):
        table[row, list(limb)] = True
    table[-1] = True
    which = torch.randint(0, len(limbs), (batch,), generator=generator, device=device)
    whole_body = torch.rand(batch, generator=generator, device=device) >= mix.joint_share
    return table[torch.where(whole_body, len(limbs), which)]


def _never_all_or_nothing(chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Make one frame known where none is, and hide one where none is hidden."""
    frame = torch.randint(
        0, chosen.shape[1], (chosen.shape[0], 1), generator=generator, device=chosen.device
    )
    chosen = chosen.scatter(1, frame, chosen.gather(1, frame) & ~chosen.all(1, keepdim=True))
    # Another frame than the one that was just made known.
    other = (frame + 1) % chosen.shape[1]
    return chosen.scatter(1, other, chosen.gather(1, other) | ~chosen.any(1, keepdim=True))


def corrupt(motion: Tensor, hidden: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """BERT's corruption (Devlin et al. 2019): 80 % of the hidden frames are zeroed, 10 % show
    another frame, 10 % are left as they are.

    Args:
        motion: (B,T,F) features.
        hidden: (B,T,J) masks of whole frames.

    Returns:
        What hidden frames show, (B,T,F), and which frames are zeroed, (B,T) bool.
    """
    batch, frames = motion.shape[:2]
    draw = torch.rand(batch, frames, generator=generator, device=motion.device)
    other = torch.randint(0, frames, (batch, frames), generator=generator, device=motion.device)
    swapped = motion.gather(1, other[..., None].expand_as(motion))
    zeroed = draw < 0.8
    # Known frames are changed here as well; the network replaces only hidden ones.
    shown = torch.where((draw < 0.9)[..., None], swapped, motion)
    return torch.where(zeroed[..., None], torch.zeros_like(motion), shown), zeroed & hidden.any(-1)
