"""Motion as networks on joint roles read it: in the body's own heading and size.

These features do not depend on a skeleton's rest pose, size, place or facing:

- World rotations are relative to a reference pose of the window, ``W(t) W(reference)^-1``, in which
  rest poses cancel.
- Joint positions are relative to the pelvis and measured in leg lengths.
- The network returns small rotations in world axes, so the axes of a joint do not matter.

``body`` (B,J,3) are the bone offsets of each window, metres.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mmm.interpolation.known_frames import neighbours
from mmm.motion.kinematics_torch import Tree
from mmm.motion.rotations_torch import matrix_to_quat, quat_exp, quat_log, quat_to_matrix

ROTATION_SCALE = 0.5
"""Entries of rotation matrices, less the identity, are divided by this, so that those of everyday
movements are of the order of 1."""


@dataclass(frozen=True)
class BodyFrame:
    """A batch of windows in their own headings and sizes."""

    tree: Tree
    local: Tensor
    """(B,T,J,3,3) local rotations, hidden ones filled."""
    root: Tensor
    """(B,T,3) metres, in the world."""
    world: Tensor
    """(B,T,J,3,3) world rotations."""
    positions: Tensor
    """(B,T,J,3) metres, in the world."""
    hidden: Tensor
    """(B,T,J) bool."""
    reference: Tensor
    """(B,) the reference frame: the known one nearest to the middle of the window."""
    heading: Tensor
    """(B,3,3) rotation from world axes to heading axes, in which the hips face +z at the reference
    frame."""
    size: Tensor
    """(B,1,1) leg length, metres."""

    @staticmethod
    def of(
        tree: Tree, hips: tuple[int, int], local: Tensor, root: Tensor, body: Tensor, hidden: Tensor
    ) -> "BodyFrame":
        """Compute the frame of filled windows.

        Args:
            tree: parents of the roles.
            hips: indices of the left and the right hip.
            local: (B,T,J,3,3), hidden ones filled.
            root: (B,T,3) metres, hidden ones filled.
            body: (B,J,3) metres.
            hidden: (B,T,J) bool.
        """
        world, positions = tree.forward(local, root, body)
        frames = torch.arange(local.shape[1], device=local.device)
        # The penalty exceeds any distance, so a frame with hidden joints is the reference only if
        # no frame is known in full.
        distance = (frames - local.shape[1] / 2).abs()
        reference = (distance + hidden.any(-1).float() * 2 * local.shape[1]).argmin(dim=1)
        rows = torch.arange(len(reference), device=local.device)
        # Points to the body's left.
        across = positions[rows, reference, hips[0]] - positions[rows, reference, hips[1]]
        x, z = across[:, 0], across[:, 2]
        length = (x.square() + z.square()).sqrt()
        # Hips that are vertically above each other have no heading, so the world's axes are used.
        vertical = length < 1e-4
        cosine = torch.where(vertical, 1.0, x / length.clamp(min=1e-4))
        sine = torch.where(vertical, 0.0, z / length.clamp(min=1e-4))
        zeros, ones = torch.zeros_like(cosine), torch.ones_like(cosine)
        heading = torch.stack(
            [cosine, zeros, sine, zeros, ones, zeros, -sine, zeros, cosine], -1
        ).reshape(-1, 3, 3)
        # Leg length, because it bounds steps and the height of the pelvis.
        knees = [j for j, parent in enumerate(tree.parents) if parent in hips]
        ankles = [j for j, parent in enumerate(tree.parents) if parent in knees]
        legs = body[:, knees].norm(dim=-1).mean(-1) + body[:, ankles].norm(dim=-1).mean(-1)
        return BodyFrame(
            tree,
            local,
            root,
            world,
            positions,
            hidden,
            reference,
            heading,
            legs.clamp(min=1e-3)[:, None, None],
        )

    @cached_property
    def origin(self) -> Tensor:
        """(B,1,3): the pelvis at the reference frame, projected to the ground."""
        rows = torch.arange(len(self.reference), device=self.root.device)
        return (
            self.root[rows, self.reference] * torch.tensor([1.0, 0.0, 1.0], device=self.root.device)
        )[:, None]

    @cached_property
    def reference_world(self) -> Tensor:
        """(B,1,J,3,3): world rotations of the reference pose."""
        return self.world[
            torch.arange(len(self.reference), device=self.root.device), self.reference
        ][:, None]

    def inputs(self, relative: bool = True) -> Tensor:
        """Features of every frame.

        Args:
            relative: whether rotations are relative to the reference pose. False gives world
                rotations in heading axes, which depend on the rest pose.

        Returns:
            (B,T,15J+3): rotations as two matrix columns (6J), joint positions relative to the
            pelvis (3J), velocities (3J), velocities relative to the pelvis (3J), and the position
            of the pelvis (3).
        """
        to_heading = self.heading[:, None, None]
        rotations = to_heading @ self.world
        if relative:
            reference = self.reference_world.transpose(-1, -2)
            rotations = rotations @ reference @ to_heading.transpose(-1, -2)
        eye = torch.eye(3, device=rotations.device, dtype=rotations.dtype)
        # Two columns determine a rotation (Zhou et al. 2019).
        columns = (rotations - eye)[..., :2].flatten(-2) / ROTATION_SCALE  # (B, T, J, 6)
        positions = (
            (self.positions - self.origin[:, None]) @ self.heading.transpose(-1, -2)[:, None]
        ) / self.size[..., None]
        pelvis = positions[:, :, :1]
        steps = positions.diff(dim=1, prepend=positions[:, :1])
        pose = positions - pelvis
        # One leg length per frame is about 25 m/s, so this factor brings everyday velocities to
        # the order of 1.
        return torch.cat(
            [
                columns.flatten(2),
                pose.flatten(2) * 2,
                steps.flatten(2) * 20,
                pose.diff(dim=1, append=pose[:, -1:]).flatten(2) * 20,
                pelvis.flatten(2),
            ],
            dim=-1,
        )

    def on_top_of_fill(self, offsets: Tensor) -> Tensor:
        """Convert offsets from the *reference* pose into offsets from the fill.

        Args:
            offsets: (B,T,3J+3) rotation vectors in heading axes, radians, and a shift of the pelvis
                in leg lengths.

        Returns:
            The same, to be applied to the filled pose of each frame.
        """
        to_heading = self.heading[:, None, None]
        to_world = self.heading.transpose(-1, -2)[:, None, None]
        vectors = offsets[..., :-3].unflatten(-1, (-1, 3))
        target = quat_to_matrix(quat_exp(vectors)) @ to_heading @ self.reference_world
        rotations = quat_log(matrix_to_quat(target @ self.world.transpose(-1, -2) @ to_world))
        rows = torch.arange(len(self.reference), device=self.root.device)
        shift = (
            (self.root[rows, self.reference][:, None] - self.root) @ self.heading.transpose(-1, -2)
        ) / self.size
        return torch.cat([rotations.flatten(2), offsets[..., -3:] + shift], dim=-1)

    def apply(self, rotations: Tensor, shift: Tensor) -> "PosedWindows":
        """Rotate the hidden joints of the filled windows and shift the pelvis.

        Args:
            rotations: (B,T,J,3) rotation vectors in heading axes, radians.
            shift: (B,T,3) in heading axes, leg lengths.

        Returns:
            The windows; known joints keep their local rotations.
        """
        to_world = self.heading.transpose(-1, -2)[:, None, None]
        vectors = (to_world @ rotations[..., None])[..., 0]
        target = quat_to_matrix(quat_exp(vectors)) @ self.world
        local, world = self.tree.local(target, self.local, self.hidden)
        root = self.root + torch.where(
            self.hidden[..., :1], (shift @ self.heading) * self.size, 0.0
        )
        return PosedWindows(local, root, world)

    def in_world(self, offsets: Tensor) -> Tensor:
        """(B,T,3J+3) from heading axes and leg lengths to world axes and metres."""
        vectors = offsets.unflatten(-1, (-1, 3)) @ self.heading[:, None]
        return torch.cat([vectors[:, :, :-1].flatten(2), vectors[:, :, -1] * self.size], dim=-1)


@dataclass(frozen=True)
class Mirror:
    """Inputs and outputs of networks for the mirrored motion: left and right swap, x changes
    sign."""

    partner: tuple[int, ...]
    """For each joint the one on the other side, or itself: ``Skeleton.mirror_index``."""

    def inputs(self, values: Tensor) -> Tensor:
        """Mirror what a network reads.

        Args:
            values: (B,T,15J+3+J+N): :meth:`BodyFrame.inputs`, then what is hidden of each joint
                (J), then N values of the whole frame.
        """
        joints = len(self.partner)
        x = torch.tensor([-1.0, 1.0, 1.0], device=values.device, dtype=values.dtype)
        # A mirrored rotation is M R M; these are the signs of its first two columns.
        signs = (x[:, None] * x[None, :2]).flatten()
        columns, vectors, pelvis, hidden, rest = values.split(
            [6 * joints, 9 * joints, 3, joints, values.shape[-1] - 16 * joints - 3], dim=-1
        )
        partner = list(self.partner)
        return torch.cat(
            [
                (columns.unflatten(-1, (joints, 6))[..., partner, :] * signs).flatten(-2),
                (vectors.unflatten(-1, (3, joints, 3))[..., partner, :] * x).flatten(-3),
                pelvis * x,
                hidden[..., partner],
                rest,
            ],
            dim=-1,
        )

    def output(self, values: Tensor) -> Tensor:
        """Mirror what a network returns.

        Args:
            values: (B,T,3J+3+N): rotation vectors, a shift, and N values of the whole frame.
        """
        joints = len(self.partner)
        x = torch.tensor([-1.0, 1.0, 1.0], device=values.device, dtype=values.dtype)
        rotations, shift, rest = values.split(
            [3 * joints, 3, values.shape[-1] - 3 * joints - 3], dim=-1
        )
        # Rotation vectors are pseudovectors: x keeps its sign and the other axes change theirs.
        mirrored = rotations.unflatten(-1, (joints, 3))[..., list(self.partner), :] * -x
        return torch.cat([mirrored.flatten(-2), shift * x, rest], dim=-1)


@dataclass(frozen=True)
class PosedWindows:
    """A batch of windows after :meth:`BodyFrame.apply`."""

    local: Tensor
    """(B,T,J,3,3) local rotations."""
    root: Tensor
    """(B,T,3) metres, in the world."""
    world: Tensor
    """(B,T,J,3,3) world rotations."""


def gap_lengths(hidden: Tensor) -> Tensor:
    """The length of the gap that each entry lies in.

    Args:
        hidden: (B,T,J) bool.

    Returns:
        (B,T,J) float: frames from the known frame before the gap to the one after; 0 in known
        entries. A gap that is open at one end counts twice, because only one side supports it.
    """
    frames = hidden.shape[1]
    before, after, _ = neighbours(hidden)
    frame = torch.arange(frames, device=hidden.device)[None, :, None]
    length = after - before
    open_at_end = torch.where(frame > after, 2 * (frames - 1 - after), 0)
    open_length = torch.where(frame < before, 2 * before, open_at_end)
    return torch.where(hidden, torch.maximum(length, open_length), 0).float()
