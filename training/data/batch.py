"""The batch of one step, drawn on the training device: windows, masks, corruption, positions.

Every process draws the whole batch from the same generator, which is cheap, and uses its own rows
of it. Therefore losses depend neither on the number of processes nor on the number of
micro-batches.
"""

from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mmm.models import MaskedMotionConfig, MaskedMotionOutput
from mmm.music.features import silence
from training.data.augment import Roles, augment
from training.data.dataset import MotionSet
from training.data.hiding import draw_hidden
from training.data.history import perturb_history
from training.data.masking import corrupt
from training.plans.plan import TrainingPlan


@dataclass(frozen=True)
class Batch:
    """Windows of one length, and what is hidden in them."""

    motion: Tensor
    """(B,T,F) recorded features."""
    hidden: Tensor
    """(B,T,J) bool, True = hidden."""
    music: Tensor | None = None
    """(B,T,M) scaled features."""
    shown: Tensor | None = None
    """(B,T,F) what hidden entries show under BERT's corruption."""
    first_position: int = 0
    """Position id of the first frame."""
    body: Tensor | None = None
    """(B,J,3): joint offsets of each window's body, metres, where the set has them."""
    noise: Tensor | None = None
    """(B,Z): latent noise."""
    perturbed: Tensor | None = None
    """(B,T,F): features with noise on known entries, which the network sees in place of
    ``motion``."""
    rounds: int = 0
    """How many times ``rollout.roll_out`` generates a stretch of the past."""
    past_noise: Tensor | None = None
    """(B,rounds,Z): latent noise for these rounds."""

    def __len__(self) -> int:
        return len(self.motion)

    def part(self, rows: slice) -> "Batch":
        """A slice of the windows."""

        def cut(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[rows]

        return Batch(
            self.motion[rows],
            self.hidden[rows],
            cut(self.music),
            cut(self.shown),
            self.first_position,
            cut(self.body),
            cut(self.noise),
            cut(self.perturbed),
            self.rounds,
            cut(self.past_noise),
        )

    def repeated(self, times: int) -> "Batch":
        """Every window ``times`` times, copies side by side."""

        def again(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.repeat_interleave(times, dim=0)

        return Batch(
            self.motion.repeat_interleave(times, dim=0),
            self.hidden.repeat_interleave(times, dim=0),
            again(self.music),
            again(self.shown),
            self.first_position,
            again(self.body),
            again(self.noise),
            again(self.perturbed),
            self.rounds,
            again(self.past_noise),
        )

    def share(self, number: int, parts: int) -> "Batch":
        """Share ``number`` of ``parts`` shares, as equal as whole windows allow."""
        return self.part(slice(len(self) * number // parts, len(self) * (number + 1) // parts))


def draw(
    data: MotionSet,
    plan: TrainingPlan,
    config: MaskedMotionConfig,
    generator: torch.Generator,
    step: int = 0,
) -> Batch:
    """The whole batch of a step, over all processes and micro-batches.

    Args:
        generator: the only source of randomness, on the training device.
        step: selects the plan's stage and the state of its curriculum.
    """
    # Zero rounds are drawn, too, so that the recorded past stays familiar.
    rounds = _draw_int(0, plan.rollouts + 1, generator) if plan.rollouts else 0
    batch = _draw_windows(
        data,
        # ``plan.batch`` counts the samples, so fewer windows are drawn.
        replace(plan, batch=plan.batch // plan.samples),
        config,
        generator,
        step,
        rounds * plan.rollout_frames,
    )
    batch = replace(batch, rounds=rounds)
    if plan.history_noise:
        batch = replace(
            batch, perturbed=perturb_history(batch.motion, plan.history_noise, config, generator)
        )
    if batch.rounds and config.noise_dim:
        size = len(batch), batch.rounds, config.noise_dim
        batch = replace(
            batch, past_noise=torch.randn(size, generator=generator, device=generator.device)
        )
    if plan.samples > 1:
        # Repeated before the noise is drawn, because the samples of a window differ in their noise.
        batch = batch.repeated(plan.samples)
    if config.noise_dim:
        batch = replace(
            batch,
            noise=torch.randn(
                len(batch), config.noise_dim, generator=generator, device=generator.device
            ),
        )
    return batch


def _draw_windows(
    data: MotionSet,
    plan: TrainingPlan,
    config: MaskedMotionConfig,
    generator: torch.Generator,
    step: int,
    before: int,
) -> Batch:
    """Windows with ``before`` additional known frames at their beginning."""
    frames = _draw_int(plan.min_frames, plan.max_frames + 1, generator) + before
    if config.representation == "roles":
        return _draw_roles(data, plan, config, frames, generator, step, before)
    source = data if plan.window_stride == 1 else _strided(data, plan.window_stride, frames)
    body = None
    # Kept beside `draw_windows`, so that unfinished runs continue with the same random numbers.
    if plan.balance == 1.0 and not data.bodies:
        motion, music = source.windows(plan.batch, frames, generator)
    else:
        windows = source.draw_windows(plan.batch, frames, generator, plan.balance)
        motion, music, body = windows.motion, windows.music, windows.body
    if music is not None:
        music = _mismatched(music, plan, generator)
    hidden = draw_hidden(plan, step, len(motion), frames, config.skeleton, generator, before)
    shown = corrupt(motion, hidden, generator)[0] if plan.corruption else None
    first = (
        # The extra past is cut off before the network sees the window, so it takes no positions.
        _draw_int(0, config.max_frames - (frames - before) + 1, generator)
        if plan.shift_positions
        else 0
    )
    return Batch(motion, hidden, music, shown, first, body)


def _draw_roles(
    data: MotionSet,
    plan: TrainingPlan,
    config: MaskedMotionConfig,
    frames: int,
    generator: torch.Generator,
    step: int,
    before: int,
) -> Batch:
    """Windows on joint roles, balanced over groups and augmented."""
    change = plan.augment
    length = change.frames(frames) if change else frames
    source = data if plan.window_stride == 1 else _strided(data, plan.window_stride, length)
    windows = source.draw_windows(plan.batch, length, generator, plan.balance)
    motion, body = windows.motion, windows.body
    if body is None:
        # A set without bodies has one for all, which augmentation still scales for each window.
        body = torch.from_numpy(config.skeleton.offsets_m).to(motion).expand(plan.batch, -1, -1)
    if change:
        roles = Roles(motion[..., :-3].unflatten(-1, (-1, 3, 3)), motion[..., -3:], body)
        roles = augment(
            roles, change, frames, config.skeleton.names, config.skeleton.parents, generator
        )
        motion, body = torch.cat([roles.local.flatten(-3), roles.root], dim=-1), roles.body
    music = windows.music if config.uses_music else None
    if music is not None:
        quiet = config.fitted_stats.scale_music(silence(1, config.fps).features)
        music = _partly_silent(
            _mismatched(music, plan, generator), torch.from_numpy(quiet), plan, generator
        )
    hidden = draw_hidden(plan, step, plan.batch, frames, config.skeleton, generator, before)
    first = (
        _draw_int(0, config.max_frames - (frames - before) + 1, generator)
        if plan.shift_positions
        else 0
    )
    return Batch(motion, hidden, music, first_position=first, body=body)


def _mismatched(music: Tensor, plan: TrainingPlan, generator: torch.Generator) -> Tensor:
    """The music (B,T,M), in a share of the windows that of another one."""
    if not plan.mismatched_music_rate:
        return music
    wrong = torch.rand(len(music), generator=generator, device=music.device)
    # The neighbour's music: windows are drawn independently, so any other window is a random one.
    return torch.where((wrong < plan.mismatched_music_rate)[:, None, None], music.roll(1, 0), music)


def _partly_silent(
    music: Tensor, quiet: Tensor, plan: TrainingPlan, generator: torch.Generator
) -> Tensor:
    """The music (B,T,M), in a share of the windows with silence before or after a random frame."""
    if not plan.silent_music_rate:
        return music
    batch, frames, _ = music.shape
    chosen, edge, side = torch.rand(3, batch, 1, generator=generator, device=music.device)
    frame = torch.arange(frames, device=music.device)
    silent = torch.where(side < 0.5, frame < edge * frames, frame >= edge * frames)
    silent = silent & (chosen < plan.silent_music_rate)
    return torch.where(silent[..., None], quiet.to(music), music)


def forward(model: nn.Module, batch: Batch, bfloat16: bool) -> MaskedMotionOutput:
    """The network's output for a batch. ``model`` may be wrapped for several processes."""
    given = {"body": batch.body, "noise": batch.noise}
    # Absent values are left out, because not every network accepts these arguments.
    more = {name: value for name, value in given.items() if value is not None}
    motion = batch.motion if batch.perturbed is None else batch.perturbed
    with torch.autocast(motion.device.type, torch.bfloat16, enabled=bfloat16):
        return model(
            motion,
            batch.hidden,
            batch.music,
            batch.shown,
            first_position=batch.first_position,
            **more,
        )


def predict(model: nn.Module, batch: Batch, bfloat16: bool) -> Tensor:
    """(B,T,F): the network's prediction for a batch, float32."""
    output = forward(model, batch, bfloat16)
    assert output.prediction is not None
    # Losses and projections to rotations lose digits in bfloat16.
    return output.prediction.float()


def _draw_int(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high, (1,), generator=generator, device=generator.device))


def _strided(data: MotionSet, stride: int, frames: int) -> MotionSet:
    """The set with each clip cut into windows at multiples of ``stride``, as in the original."""
    # Windows in each clip.
    counts = torch.where(data.lengths >= frames, (data.lengths - frames) // stride + 1, 0)

    clip = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    number = torch.arange(len(clip), device=counts.device) - (counts.cumsum(0) - counts)[clip]
    # A shallow copy: the arrays of all frames are shared.
    cut = copy(data)
    cut.starts = data.starts[clip] + number * stride
    cut.lengths = torch.full_like(cut.starts, frames)
    cut.groups, cut._body = data.groups[clip], data._body[clip]
    return cut
