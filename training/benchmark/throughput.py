"""The speed of training with our batches and with those of the original.

One network is trained with both in alternating steps, so that both meet the same disturbances.
Both use the original's masks (15 % of the frames, 80/10/10), loss (MSE) and optimiser; only the
batches differ.
"""

import random
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from mmm.cli.tables import table
from mmm.interpolation.known_frames import hidden_features
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from training.data.batch import Batch, draw
from training.data.dataset import MotionSet
from training.plans.masks import MaskMix
from training.plans.plan import TrainingPlan

# The share and the 80/10/10 split are those of BERT (Devlin et al. 2019).
HIDDEN_SHARE = 0.15
STORED_WINDOWS = 256
"""Windows that the original's batches are drawn from, cut once and kept on the host."""
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Peak dense bfloat16 operations a second (a multiply-add is two), from NVIDIA's data sheets
(SXM)."""
ORIGINAL, OURS = "original's batches", "ours"
COLUMNS = {
    "method": "",
    "samples_s": "samples/s",
    "frames_s": "frames/s",
    "step_ms": "step ms",
    "outside_ms": "outside network ms",
    "outside_share": "share of step",
}


class OriginalBatching:
    """Batches as the original makes them: on the host, sequence by sequence and frame by frame.

    All windows have the length of the longest sequence, and zeros pad the others. Frames are hidden
    in a Python loop; sequences are stacked, converted to tensors and copied to the device.
    """

    def __init__(self, data: MotionSet, lengths: tuple[int, int], seed: int = 0) -> None:
        self.lengths, self.device = lengths, data.starts.device
        generator = torch.Generator(device=self.device).manual_seed(seed)
        drawn = data.draw_windows(STORED_WINDOWS, lengths[1], generator)
        self.motion, self.music, self.body = (
            None if part is None else list(part.cpu().numpy())
            for part in (drawn.motion, drawn.music, drawn.body)
        )
        self.random = random.Random(seed)

    def batch(self, size: int) -> tuple[Batch, list[int]]:
        """A batch on the device, and the sequences' lengths; the padding is zero and not hidden."""
        sequences, lengths = [], []
        for _ in range(size):
            number = self.random.randrange(STORED_WINDOWS)
            length = self.random.randint(*self.lengths)
            sequences.append(self._sequence(number, length))
            lengths.append(length)
        parts = {
            key: torch.from_numpy(np.stack([sequence[key] for sequence in sequences])).to(
                self.device
            )
            for key in sequences[0]
        }
        motion = parts["motion"]
        # A pose has nine numbers a joint and three of the root.
        hidden = parts["hidden"][..., None].expand(-1, -1, (motion.shape[-1] - 3) // 9)
        return Batch(
            motion, hidden, parts.get("music"), parts["shown"], body=parts.get("body")
        ), lengths

    def _sequence(self, number: int, length: int) -> dict[str, np.ndarray]:
        assert self.motion is not None
        motion = self.motion[number][:length]
        rows, hidden = [], []
        for frame in range(length):
            row, draw = motion[frame], self.random.random()
            hidden.append(draw < HIDDEN_SHARE)
            # Of the hidden frames 80 % become zeros, 10 % another frame, and 10 % stay as they are.
            if draw < 0.8 * HIDDEN_SHARE:
                row = np.zeros_like(row)
            elif draw < 0.9 * HIDDEN_SHARE:
                row = motion[self.random.randrange(length)]
            rows.append(row)
        rest = self.lengths[1] - length
        sequence = {
            "motion": np.pad(motion, ((0, rest), (0, 0))),
            "shown": np.pad(np.stack(rows), ((0, rest), (0, 0))),
            # Padding counts as known, so that it adds nothing to the loss.
            "hidden": np.pad(np.array(hidden), (0, rest)),
        }
        if self.music is not None:
            sequence["music"] = np.pad(self.music[number][:length], ((0, rest), (0, 0)))
        if self.body is not None:
            sequence["body"] = self.body[number]
        return sequence


class OurBatching:
    """Batches as the trainer makes them (:func:`training.data.batch.draw`): one length a batch,
    whole on the device."""

    def __init__(
        self,
        data: MotionSet,
        config: MaskedMotionConfig,
        lengths: tuple[int, int],
        steps: int,
        seed: int = 0,
    ) -> None:
        self.data, self.config = data, config
        self.plan = TrainingPlan(
            loss="mse",
            corruption=True,
            shift_positions=False,
            masks=MaskMix(
                random=1, every=0, keep_hide=0, span=0, joint_share=0, random_share=HIDDEN_SHARE
            ),
        )
        self.generator = torch.Generator(device=data.starts.device).manual_seed(seed)
        # The trainer draws each length anew; here they are spread evenly, so that few steps stand
        # for many.
        low, high = lengths
        spread = low + (np.arange(steps) + 0.5) * (high - low) / steps
        self.each = [round(x) for x in np.random.default_rng(seed).permutation(spread)]
        self.made = 0

    def batch(self, size: int) -> tuple[Batch, list[int]]:
        """The next batch, and the windows' lengths."""
        frames = self.each[self.made % len(self.each)]
        self.made += 1
        plan = replace(self.plan, batch=size, min_frames=frames, max_frames=frames)
        return draw(self.data, plan, self.config, self.generator), [frames] * size


@dataclass
class Timing:
    """Sums over the measured steps of one method."""

    samples: int = 0
    frames: int = 0
    """Frames without padding."""
    steps: int = 0
    outside_s: float = 0.0
    network_s: float = 0.0
    """Time in forward, backward and optimiser, seconds."""

    @property
    def total_s(self) -> float:
        """Time of all measured steps, seconds."""
        return self.outside_s + self.network_s

    def row(self, name: str) -> dict[str, Any]:
        """The row of the table."""
        return {
            "method": name,
            "samples_s": f"{self.samples / self.total_s:.2f}",
            "frames_s": f"{self.frames / self.total_s:.0f}",
            "step_ms": f"{self.total_s / self.steps * 1e3:.1f}",
            "outside_ms": f"{self.outside_s / self.steps * 1e3:.2f}",
            "outside_share": f"{self.outside_s / self.total_s:.2%}",
        }


def measure(
    model: MaskedMotionModel,
    ways: dict[str, OriginalBatching | OurBatching],
    steps: int,
    batch: int,
    *,
    bfloat16: bool = True,
    compiled: bool = False,
) -> dict[str, Timing]:
    """Train with each method in turn, and time it.

    The first step of each (three if compiled) is a warm-up. On a GPU every timed part begins and
    ends with a synchronisation, so that parts do not overlap.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    if compiled:
        model.compile(dynamic=True)  # as the trainer does: window lengths vary
    cuda = model.device.type == "cuda"

    def now() -> float:
        # Kernels run asynchronously. Without a synchronisation the clock measures their launch
        # alone.
        if cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    timings = {name: Timing() for name in ways}
    # The first steps allocate memory, and compile where this is asked for.
    skipped = 3 if compiled else 1
    model.train()
    for step in tqdm(range(skipped + steps), desc="steps of each", disable=None):
        for name, way in ways.items():
            start = now()
            made, lengths = way.batch(batch)
            ready = now()
            optimizer.zero_grad(set_to_none=True)
            _loss(_predict(model, made, bfloat16), made).backward()
            optimizer.step()
            done = now()
            if step >= skipped:
                timing = timings[name]
                timing.samples += len(made)
                timing.frames += sum(lengths)
                timing.steps += 1
                timing.outside_s += ready - start
                timing.network_s += done - ready
    return timings


def _predict(model: MaskedMotionModel, batch: Batch, bfloat16: bool) -> Tensor:
    with torch.autocast(batch.motion.device.type, torch.bfloat16, enabled=bfloat16):
        output = model(batch.motion, batch.hidden, batch.music, batch.shown, body=batch.body)
    return torch.as_tensor(output.prediction).float()


def _loss(prediction: Tensor, batch: Batch) -> Tensor:
    weight = hidden_features(batch.hidden).to(prediction.dtype)
    # A batch of short windows may hide no frame. The bound then avoids 0 / 0.
    return ((prediction - batch.motion).square() * weight).sum() / weight.sum().clamp(min=1)


def flops(model: MaskedMotionModel, way: OurBatching, frames: list[int]) -> float:
    """Floating-point operations of forward and backward over windows of these lengths.

    A multiply-add counts as two. The number is a quadratic polynomial of the length: it is counted
    at three lengths and interpolated for the others.
    """
    # Attention grows with the square of the length, all else linearly. Three points fix that curve.
    points = sorted({min(frames), (min(frames) + max(frames)) // 2, max(frames)})
    counts = []
    for length in points:
        plan = replace(way.plan, batch=1, min_frames=length, max_frames=length)
        batch = draw(way.data, plan, way.config, way.generator)
        with FlopCounterMode(display=False) as counter:
            _loss(_predict(model, batch, False), batch).backward()
        counts.append(counter.get_total_flops())
        # Gradients of the count must not reach the first measured step.
        model.zero_grad(set_to_none=True)
    fit = np.polynomial.Polynomial.fit(points, counts, len(points) - 1)
    return float(sum(fit(length) for length in frames))


def peak_of(device_name: str) -> float | None:
    """Peak bfloat16 operations a second of a GPU; None where unknown (PCIe and NVL boards are
    slower)."""
    if any(board in device_name for board in ("PCIe", "NVL")) and "A100" not in device_name:
        return None
    return next((peak for name, peak in PEAKS.items() if name in device_name), None)


def report(timings: dict[str, Timing], operations: float, device_name: str) -> list[str]:
    """The lines to print: a table, the ratio, and the utilisation of the device.

    Args:
        timings: of both methods.
        operations: floating-point operations of all our measured steps.
        device_name: the driver's name of the device.
    """
    ours, theirs = timings[OURS], timings[ORIGINAL]
    lines = table([timing.row(name) for name, timing in timings.items()], COLUMNS)
    ratio = (ours.samples / ours.total_s) / (theirs.samples / theirs.total_s)
    # Samples a second hide that a part of the original's frames is padding.
    unpadded = (ours.frames / ours.total_s) / (theirs.frames / theirs.total_s)
    lines.append(
        f"ours / original's: {ratio:.2f} times the samples, {unpadded:.2f} times the frames a "
        f"second"
    )
    rate, inside = operations / ours.total_s, operations / ours.network_s
    peak = peak_of(device_name)
    used = (
        "" if peak is None else f", {rate / peak:.1%} of the {peak / 1e12:.0f} of its bfloat16 peak"
    )
    return [
        *lines,
        f"{device_name}: {rate / 1e12:.3g} TFLOP/s over our steps{used} "
        f"({inside / 1e12:.3g} in the network)",
    ]
