"""Fit a gap gate: the weights of network and curves, and the error to expect of their mix.

The cost is the error over that of the best curve, pooled over gaps of one length, plus the same for
each gap by itself, plus a penalty where the mix is worse than a curve. The first term rewards
accuracy where much moves, the others keep gaps with little movement from losing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmm.models import MaskedMotionModel
from mmm.models.calibration import GapCalibration
from mmm.models.gap_gate import BODY_EVIDENCE, USUAL, ErrorModel, GapGate, SmallNetwork
from mmm.motion.clip import Clip
from mmm.motion.roles import ROLE_PARENTS
from mmm.motion.rotations_torch import matrix_to_quat, quat_exp, quat_log, quat_to_matrix
from training.fitting.gate_cases import GAPS_S, GateCase, gate_cases

UNITS = 8
"""Hidden units of each network of a gate."""
GAPS_A_LENGTH = 64
"""Gaps that a gate is fitted to, of each length of ``GAPS_S``."""
STEPS = 150
RATE = 0.02
DECAY = 1e-3
WORSE = 1.02
"""A mix counts as worse than a curve above this ratio."""
WORSE_COST = 6.0
"""Price of being worse than the inertial curve; half of it for slerp."""
MOST = 0.5
"""The penalty stops growing this far above ``WORSE``, so that no single gap rules the fit."""
FLOORS = (0.3, 0.3)
"""Degrees and centimetres that are added to errors before they are compared: below them nobody
sees a difference."""
LEAST_SPREAD = 0.05
RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of all gaps as tensors (N frames, R roles)."""

    gap: Tensor
    """(N,) index of each frame's gap."""
    lengths_s: Tensor
    """(G,)."""
    hidden: Tensor
    ramp: Tensor
    rotation_evidence: Tensor
    root_evidence: Tensor
    rotations: Tensor
    """(4,N,R,3,3): network, inertial, slerp, recorded."""
    root_m: Tensor
    """(4,N,3)."""
    turns: Tensor
    """(2,N,R,3): rotation vectors from the network's pose to each curve's."""
    offsets_m: Tensor
    """(N,R,3)."""

    @staticmethod
    def of(cases: Sequence[GateCase]) -> "Frames":
        """The frames of cases."""
        counts = [len(case.hidden) for case in cases]

        def joined(values: Sequence[np.ndarray], axis: int = 0) -> Tensor:
            return torch.from_numpy(np.concatenate(values, axis=axis)).float()

        rotations = joined([case.rotations for case in cases], 1)
        turns = quat_log(matrix_to_quat(rotations[0].transpose(-1, -2) @ rotations[1:3]))
        return Frames(
            torch.repeat_interleave(torch.arange(len(cases)), torch.tensor(counts)),
            torch.tensor([case.gap_s for case in cases]),
            joined([case.hidden for case in cases]),
            joined([case.ramp for case in cases]),
            joined([case.evidence.rotation for case in cases]),
            joined([case.evidence.root for case in cases]),
            rotations,
            joined([case.root_m for case in cases], 1),
            turns,
            joined(
                [np.repeat(c.offsets_m[None], n, 0) for c, n in zip(cases, counts, strict=True)]
            ),
        )

    def errors(self, rotations: Tensor, root_m: Tensor) -> tuple[Tensor, Tensor]:
        """Mean rotation (degrees) and position (centimetres) errors of each gap."""
        apart = (rotations - self.rotations[3]).square().sum((-1, -2)).clamp(min=1e-12).sqrt()
        # The chord between two rotation matrices is sqrt(8) times the sine of half the angle.
        angle = torch.rad2deg(2 * torch.asin((apart / 8**0.5).clamp(max=0.99999)))
        angle = (angle * self.hidden).sum(-1) / self.hidden.sum(-1)
        places = self._positions(rotations, root_m) - self._positions(
            self.rotations[3], self.root_m[3]
        )
        distance = 100 * places.square().sum(-1).clamp(min=1e-12).sqrt().mean(-1)
        return self._means(angle), self._means(distance)

    def mixed(self, rotation_weights: Tensor, root_weights: Tensor) -> tuple[Tensor, Tensor]:
        """The mix by weights of the two curves, (N,R,2) and (N,2), as recovery makes it."""
        # Slerp ramps in, as in mmm.recovery.gap_mix.ramped.
        ramp = torch.stack([torch.ones_like(self.ramp), self.ramp], -1)
        rotation_weights, root_weights = rotation_weights * ramp, root_weights * ramp[:, 0]
        # Means of rotation vectors from the network's pose, as mmm.recovery.gap_mix makes them.
        turn = sum(rotation_weights[..., k, None] * self.turns[k] for k in (0, 1))
        shift = sum(
            root_weights[:, k, None] * (self.root_m[k + 1] - self.root_m[0]) for k in (0, 1)
        )
        turned = self.rotations[0] @ quat_to_matrix(quat_exp(torch.as_tensor(turn)))
        kept = self.hidden[..., None, None] > 0
        return torch.where(kept, turned, self.rotations[0]), self.root_m[0] + torch.where(
            self.hidden[:, :1] > 0, torch.as_tensor(shift), 0.0
        )

    def _means(self, values: Tensor) -> Tensor:
        count = len(self.lengths_s)
        sums = torch.zeros(count).index_add(0, self.gap, values)
        return sums / torch.zeros(count).index_add(0, self.gap, torch.ones_like(values))

    def _positions(self, rotations: Tensor, root_m: Tensor) -> Tensor:
        places, world = [root_m], [rotations[:, 0]]
        for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
            places.append(places[parent] + (world[parent] @ self.offsets_m[:, r, :, None])[..., 0])
            world.append(world[parent] @ rotations[:, r])
        return torch.stack(places, 1)


class GateNetwork(nn.Module):
    """A ``SmallNetwork`` while it is fitted."""

    mean: Tensor
    scale: Tensor

    def __init__(self, evidence: Tensor) -> None:
        super().__init__()
        rows = evidence.flatten(0, -2)
        self.register_buffer("mean", rows.mean(0))
        self.register_buffer("scale", rows.std(0).clamp(min=LEAST_SPREAD))
        self.hidden = nn.Linear(rows.shape[-1], UNITS)
        self.out = nn.Linear(UNITS, 2)
        # It begins close to the network alone.
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, -2.0)

    def forward(self, evidence: Tensor) -> Tensor:
        """The weights of the two curves."""
        standard = ((evidence - self.mean) / self.scale).clamp(-USUAL, USUAL)
        logits = self.out(torch.tanh(self.hidden(standard)))
        return nn.functional.pad(logits, (1, 0)).softmax(-1)[..., 1:]

    def small(self) -> SmallNetwork:
        """The numbers as a checkpoint stores them."""
        values = {
            "mean": self.mean,
            "scale": self.scale,
            "hidden": self.hidden.weight,
            "hidden_bias": self.hidden.bias,
            "out": self.out.weight,
            "out_bias": self.out.bias,
        }
        stored = {name: value.detach().double().numpy() for name, value in values.items()}
        return SmallNetwork.of(stored, len(self.mean))


Errors = tuple[Tensor, Tensor]


def cost(frames: Frames, errors: Errors, alone: Sequence[Errors]) -> Tensor:
    """What the fit lowers.

    Args:
        frames: of the gaps.
        errors: of the mix, as ``Frames.errors`` returns them.
        alone: of the network, of the inertial curve, and of slerp.
    """
    total = torch.zeros(())
    lengths, which = frames.lengths_s.unique(return_inverse=True)

    def pooled(error: Tensor) -> Tensor:
        return torch.zeros(len(lengths)).index_add(0, which, error)

    for k, floor in enumerate(FLOORS):
        error, (network, inertial, slerp) = errors[k], [each[k] for each in alone]
        # Over all gaps of a length the best curve counts, which differs from length to length.
        best = torch.minimum(pooled(inertial), pooled(slerp))
        total = total + (pooled(error) / best).mean()
        # Ratios of single gaps, so that people who hardly move count as much as dancers.
        least = torch.minimum(torch.minimum(network, inertial), slerp)
        total = total + (error / (least + floor)).mean() / 2
        for curve, price in ((inertial, WORSE_COST), (slerp, WORSE_COST / 2)):
            worse = torch.relu((error + floor) / (curve + floor) - WORSE).clamp(max=MOST)
            total = total + price * worse.mean()
    return total


def with_gate(
    model: MaskedMotionModel, clips: Sequence[Clip], table: GapCalibration, progress: bool = True
) -> GapCalibration:
    """A gap calibration with a gate, fitted on clips that the network was not trained on.

    Args:
        model: the network; its configuration stays as it is.
        clips: of the roles, at the network's rate.
        table: the shares by which the network's predictions are scaled. A gate that it has is
            replaced.
        progress: whether to show it.
    """
    table = replace(table, gate=None)
    total = GAPS_A_LENGTH * len(GAPS_S)
    with tqdm(total=total, desc="gaps for the gate", disable=not progress) as bar:
        cases = gate_cases(model, clips, table, GAPS_A_LENGTH, progress=bar.update)
    return replace(table, gate=fit_gate(cases))


def fit_gate(cases: Sequence[GateCase], steps: int = STEPS) -> GapGate:
    """Fit a gate to gaps; equal gaps give equal gates.

    Args:
        cases: at least one of every length.
        steps: of Adam, over all gaps at once.
    """
    frames = Frames.of(cases)
    alone = [frames.errors(frames.rotations[k], frames.root_m[k]) for k in range(3)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rotation, root = map(GateNetwork, (frames.rotation_evidence, frames.root_evidence))
    # Decay keeps weights small where few gaps say anything.
    optimiser = torch.optim.AdamW(
        [*rotation.parameters(), *root.parameters()], lr=RATE, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def errors() -> tuple[Tensor, Tensor]:
        weights = rotation(frames.rotation_evidence), root(frames.root_evidence)
        return frames.errors(*frames.mixed(*weights))

    # All gaps in every step: there are few enough, and the result needs no order.
    for _ in range(steps):
        optimiser.zero_grad()
        cost(frames, errors(), alone).backward()
        optimiser.step()
        schedule.step()
    # The mix makes other errors than the network alone, and its own are to be expected.
    with torch.no_grad():
        position_m = errors()[1].numpy() / 100
    return GapGate(rotation.small(), root.small(), fit_error(cases, position_m))


def fit_error(cases: Sequence[GateCase], position_m: np.ndarray) -> ErrorModel:
    """Ridge regression of the logarithm of real over expected errors.

    Args:
        cases: the gaps.
        position_m: the real error of each, metres.
    """
    body = np.stack([case.evidence.body.mean(axis=0) for case in cases])
    expected_m = np.array([case.expected_m for case in cases])
    # Logarithms, because half the real error is as wrong as twice of it.
    target = np.log(np.maximum(position_m, 1e-4) / np.maximum(expected_m, 1e-4))
    mean, scale = body.mean(axis=0), np.maximum(body.std(axis=0), LEAST_SPREAD)
    standard = np.clip((body - mean) / scale, -USUAL, USUAL)
    # Ridge, because much of the evidence says the same.
    bias = float(target.mean())
    square = standard.T @ standard + RIDGE * len(cases) * np.eye(BODY_EVIDENCE)
    weights = np.linalg.solve(square, standard.T @ (target - bias))
    return ErrorModel(tuple(mean), tuple(scale), tuple(weights), bias)
