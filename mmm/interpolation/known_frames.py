"""Finding the known frames around hidden entries, in torch, for any pattern."""

import torch
from torch import Tensor

MAX_KEYFRAME_GAP_S = 0.08
"""Two known frames at most this far apart, in seconds, give the velocity at them; frames further
apart count as isolated."""


def hidden_features(hidden: Tensor) -> Tensor:
    """Spread a pattern over the feature columns.

    Args:
        hidden: (B,T,J) bool; the position of the root is hidden where joint 0 is.

    Returns:
        (B,T,9J+3) bool.
    """
    return torch.cat(
        [hidden.repeat_interleave(9, dim=-1), hidden[..., :1].expand(*hidden.shape[:-1], 3)], dim=-1
    )


def neighbours(hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest known frames before and after each frame of each joint.

    Args:
        hidden: (B,T,J) bool.

    Returns:
        ``before`` and ``after``, (B,T,J) long, and ``any_known``, (B,1,J) bool. A known frame is
        its own neighbour on both sides. Where one side has no known frame, both are the neighbour
        on the other side.
    """
    frames = hidden.shape[1]
    index = torch.arange(frames, device=hidden.device)[None, :, None].expand(hidden.shape)
    before = torch.where(hidden, -1, index).cummax(dim=1).values
    after = torch.where(hidden, frames, index).flip(1).cummin(dim=1).values.flip(1)
    any_known = (~hidden).any(dim=1, keepdim=True)
    # The clamps matter only for joints that are never known.
    held_before = torch.where(before < 0, after, before).clamp(0, frames - 1)
    held_after = torch.where(after >= frames, before, after).clamp(0, frames - 1)
    return held_before, held_after, any_known


def ramp_in(
    hidden: Tensor, fps: float, ramp_s: float, isolated_ramp_s: float | None = None
) -> Tensor:
    """Weight of a residual near the known frames, so that velocities do not jump there.

    Args:
        hidden: (B,T,J) bool, True = hidden.
        fps: frames a second.
        ramp_s: seconds; at a distance of d the weight is ``d^2 / (d^2 + ramp_s^2)``.
        isolated_ramp_s: seconds; beside isolated known frames the weight is
            ``d / (d + isolated_ramp_s)``. None: as beside all others.

    Returns:
        (B,T,J) from 0 to 1, the smaller of the weights for both sides; zero in known frames.
    """
    before, after, _ = neighbours(hidden)
    frame = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None].expand(hidden.shape)
    previous = before.gather(1, (frame - 1).clamp(min=0))
    following = after.gather(1, (frame + 1).clamp(max=hidden.shape[1] - 1))
    weight = torch.ones(hidden.shape, device=hidden.device)
    sides = ((before, previous, frame - before), (after, following, after - frame))
    for known, beyond, frames_away in sides:
        away_s = frames_away.abs() / fps
        # The small number only avoids 0 / 0 in known frames where ramp_s is 0.
        side_weight = away_s.square() / (away_s.square() + ramp_s**2).clamp(min=1e-9)
        if isolated_ramp_s is not None:
            spacing = (known - beyond.gather(1, known)).abs()
            isolated = (spacing == 0) | (spacing > MAX_KEYFRAME_GAP_S * fps)
            linear = away_s / (away_s + isolated_ramp_s).clamp(min=1e-9)
            side_weight = torch.where(isolated, linear, side_weight)
        # In gaps that are open at one end, neighbours() repeats the known side with a negative
        # distance; that side counts once.
        weight = torch.where(frames_away >= 0, torch.minimum(weight, side_weight), weight)
    return weight
