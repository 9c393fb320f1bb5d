"""Forward kinematics in torch, for networks and losses.

:func:`mmm.motion.skeleton.forward_kinematics` is the same in numpy.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tree:
    """A tree of joints. Kinematics take one step for each level of the tree instead of one per
    joint."""

    parents: tuple[int, ...]
    """J parent indices; -1 for the root, which comes first."""

    @cached_property
    def levels(self) -> list[tuple[list[int], list[int]]]:
        """For each depth below the root, its joints and their parents."""
        depth = [0] * len(self.parents)
        for j, parent in enumerate(self.parents[1:], start=1):
            depth[j] = depth[parent] + 1
        return [
            (
                [j for j, d in enumerate(depth) if d == level],
                [self.parents[j] for j, d in enumerate(depth) if d == level],
            )
            for level in range(1, max(depth) + 1)
        ]

    def forward(self, local: Tensor, root: Tensor, body: Tensor) -> tuple[Tensor, Tensor]:
        """Forward kinematics.

        Args:
            local: (B,T,J,3,3) local matrices, which need not be exact rotations.
            root: (B,T,3) world position of the root joint, metres.
            body: (B,J,3) offset of each joint in its parent's frame, metres; (1,J,3) for one body.

        Returns:
            World rotations (B,T,J,3,3) and positions (B,T,J,3), metres.
        """
        # Lists of joints, stacked at the end: writing into one tensor would break the gradient.
        world: list[Tensor] = [local[:, :, 0]] * len(self.parents)
        position: list[Tensor] = [root] * len(self.parents)
        for joints, parents in self.levels:
            above = torch.stack([world[p] for p in parents], dim=2)
            rotations = above @ local[:, :, joints]
            positions = (
                torch.stack([position[p] for p in parents], dim=2)
                + (above @ body[:, None, joints, :, None])[..., 0]
            )
            for k, j in enumerate(joints):
                world[j], position[j] = rotations[:, :, k], positions[:, :, k]
        return torch.stack(world, dim=2), torch.stack(position, dim=2)

    def local(self, target: Tensor, local: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Local rotations that give hidden joints their target rotation in the world.

        Args:
            target: (B,T,J,3,3) world rotations; only those of hidden joints are read.
            local: (B,T,J,3,3) local rotations, which known joints keep.
            hidden: (B,T,J) bool.

        Returns:
            Local and world rotations, (B,T,J,3,3) each.
        """
        choose = hidden[..., None, None]
        world: list[Tensor] = [torch.where(choose[:, :, 0], target[:, :, 0], local[:, :, 0])] * len(
            self.parents
        )
        result: list[Tensor] = [world[0]] * len(self.parents)
        for joints, parents in self.levels:
            above = torch.stack([world[p] for p in parents], dim=2)
            # A known joint below a hidden one rotates with it, so the parent's new rotation is used.
            chosen = torch.where(
                choose[:, :, joints],
                above.transpose(-1, -2) @ target[:, :, joints],
                local[:, :, joints],
            )
            # Hidden joints take the target itself: a product with its inverse would add rounding.
            reached = torch.where(choose[:, :, joints], target[:, :, joints], above @ chosen)
            for k, j in enumerate(joints):
                result[j], world[j] = chosen[:, :, k], reached[:, :, k]
        return torch.stack(result, dim=2), torch.stack(world, dim=2)
