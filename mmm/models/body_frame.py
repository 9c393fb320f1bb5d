"""Motion as networks on joint roles see it: in the body's own heading, against one pose of the
window, in its size.

Nothing here depends on a skeleton's rest pose, size, place or facing. World rotations enter as
turns against a reference pose, ``W(t) W(reference)^-1``, in which rest poses cancel; joints enter
as places relative to the pelvis, measured in leg lengths; and what the network returns are small
turns in the world, applied to whatever a joint's own axes are. ``body`` (B,J,3) are the bone
offsets of each window, metres.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mmm.interpolation.known_frames import neighbours
from mmm.motion.kinematics_torch import Tree
from mmm.motion.rotations_torch import matrix_to_quat, quat_exp, quat_log, quat_to_matrix

TURN_SCALE = 0.5
"""Turns enter the network divided by this: matrix entries of everyday turns then lie about 1."""


@dataclass(frozen=True)
class BodyFrame:
    """One batch of windows in their own headings and sizes."""

    tree: Tree
    local: Tensor
    """(B,T,J,3,3) local rotations, hidden ones filled."""
    root: Tensor
    """(B,T,3) metres, in the world."""
    world: Tensor
    """(B,T,J,3,3) in the world."""
    positions: Tensor
    """(B,T,J,3) metres, in the world."""
    hidden: Tensor
    """(B,T,J)."""
    reference: Tensor
    """(B,) the frame whose pose the others are compared with: the known one nearest to the window's
    middle."""
    heading: Tensor
    """(B,3,3): world to heading; in it the hips at the reference frame face +z."""
    size: Tensor
    """(B,1,1) leg length, metres."""

    @staticmethod
    def of(
        tree: Tree, hips: tuple[int, int], local: Tensor, root: Tensor, body: Tensor, hidden: Tensor
    ) -> "BodyFrame":
        """Look at filled windows.

        Args:
            tree: the roles.
            hips: the left and the right thigh.
            local: (B,T,J,3,3), hidden ones filled.
            root: (B,T,3) metres, hidden ones filled.
            body: (B,J,3) metres.
            hidden: (B,T,J).
        """
        world, positions = tree.forward(local, root, body)
        frames = torch.arange(local.shape[1], device=local.device)
        away = (frames - local.shape[1] / 2).abs() + hidden.any(-1).float() * 2 * local.shape[1]
        reference = away.argmin(dim=1)
        rows = torch.arange(len(reference), device=local.device)
        across = (
            positions[rows, reference, hips[0]] - positions[rows, reference, hips[1]]
        )  # to the body's left
        x, z = across[:, 0], across[:, 2]
        length = (x.square() + z.square()).sqrt()
        flat = length < 1e-4
        cosine = torch.where(flat, 1.0, x / length.clamp(min=1e-4))
        sine = torch.where(flat, 0.0, z / length.clamp(min=1e-4))
        zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
        heading = torch.stack(
            [cosine, zero, sine, zero, one, zero, -sine, zero, cosine], -1
        ).reshape(-1, 3, 3)
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
        """(B,1,3): where the pelvis stands at the reference frame, on the ground."""
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
        """(B,T,15J+3): turns against the reference pose, places, speeds and the pelvis's path.

        Args:
            relative: False: world rotations in the heading's axes in place of turns; they depend on
                the rest pose.
        """
        turn = self.heading[:, None, None]
        turns = turn @ self.world
        if relative:
            turns = turns @ self.reference_world.transpose(-1, -2) @ turn.transpose(-1, -2)
        eye = torch.eye(3, device=turns.device, dtype=turns.dtype)
        turns = (turns - eye)[..., :2].flatten(-2) / TURN_SCALE  # (B, T, J, 6)
        own = (
            (self.positions - self.origin[:, None]) @ self.heading.transpose(-1, -2)[:, None]
        ) / self.size[..., None]
        pelvis = own[:, :, :1]
        steps = own.diff(dim=1, prepend=own[:, :1])
        # A leg length a frame is 25 m/s: everyday speeds come to about 1.
        return torch.cat(
            [
                turns.flatten(2),
                (own - pelvis).flatten(2) * 2,
                steps.flatten(2) * 20,
                (own - pelvis).diff(dim=1, append=(own - pelvis)[:, -1:]).flatten(2) * 20,
                pelvis.flatten(2),
            ],
            dim=-1,
        )

    def on_top_of_fill(self, answer: Tensor) -> Tensor:
        """What an answer that says turns and a shift of the *reference* pose is on top of the fill.

        Args:
            answer: (B,T,3J+3) rotation vectors in the heading's axes, radians, and a shift in leg
                lengths.

        Returns:
            The same, to be applied to the filled pose of each frame.
        """
        turn, back = self.heading[:, None, None], self.heading.transpose(-1, -2)[:, None, None]
        wanted = (
            quat_to_matrix(quat_exp(answer[..., :-3].unflatten(-1, (-1, 3))))
            @ turn
            @ self.reference_world
        )
        on_top = quat_log(matrix_to_quat(wanted @ self.world.transpose(-1, -2) @ back))
        rows = torch.arange(len(self.reference), device=self.root.device)
        way = (
            (self.root[rows, self.reference][:, None] - self.root) @ self.heading.transpose(-1, -2)
        ) / self.size
        return torch.cat([on_top.flatten(2), answer[..., -3:] + way], dim=-1)

    def apply(self, turns: Tensor, shift: Tensor) -> "Moved":
        """The windows with hidden joints turned and the pelvis moved.

        Args:
            turns: (B,T,J,3) rotation vectors in the heading's axes, radians.
            shift: (B,T,3) in the heading's axes, leg lengths.
        """
        back = self.heading.transpose(-1, -2)
        turned = (
            quat_to_matrix(quat_exp((back[:, None, None] @ turns[..., None])[..., 0])) @ self.world
        )
        local, world = self.tree.local(turned, self.local, self.hidden)
        root = self.root + torch.where(
            self.hidden[..., :1], (shift @ self.heading) * self.size, 0.0
        )
        return Moved(local, root, world)

    def in_world(self, turns: Tensor) -> Tensor:
        """(B,T,3J+3) in the heading's axes and leg lengths, as the world's axes and metres."""
        vectors = turns.unflatten(-1, (-1, 3)) @ self.heading[:, None]
        return torch.cat([vectors[:, :, :-1].flatten(2), vectors[:, :, -1] * self.size], dim=-1)


@dataclass(frozen=True)
class Mirror:
    """What networks see and say of the same motion in a mirror: left and right change places, x
    changes its sign."""

    partner: tuple[int, ...]
    """Of each joint the one on the other side, or itself: ``Skeleton.mirror_index``."""

    def inputs(self, values: Tensor) -> Tensor:
        """(B,T,15J+3 and more) as :meth:`BodyFrame.inputs` shows them; what follows, first what is
        hidden of each joint (J), then what concerns whole frames."""
        joints = len(self.partner)
        x = torch.tensor([-1.0, 1.0, 1.0], device=values.device, dtype=values.dtype)
        columns = (
            x[:, None] * x[None, :2]
        ).flatten()  # two columns of a matrix, with x on both sides
        turns, vectors, way, hidden, rest = values.split(
            [6 * joints, 9 * joints, 3, joints, values.shape[-1] - 16 * joints - 3], dim=-1
        )
        partner = list(self.partner)
        return torch.cat(
            [
                (turns.unflatten(-1, (joints, 6))[..., partner, :] * columns).flatten(-2),
                (vectors.unflatten(-1, (3, joints, 3))[..., partner, :] * x).flatten(-3),
                way * x,
                hidden[..., partner],
                rest,
            ],
            dim=-1,
        )

    def answer(self, values: Tensor) -> Tensor:
        """(B,T,3J+3 and more): rotation vectors, a shift, and what concerns whole frames."""
        joints = len(self.partner)
        x = torch.tensor([-1.0, 1.0, 1.0], device=values.device, dtype=values.dtype)
        turns, shift, rest = values.split(
            [3 * joints, 3, values.shape[-1] - 3 * joints - 3], dim=-1
        )
        turned = (
            turns.unflatten(-1, (joints, 3))[..., list(self.partner), :] * -x
        )  # rotations keep their x
        return torch.cat([turned.flatten(-2), shift * x, rest], dim=-1)


@dataclass(frozen=True)
class Moved:
    """What :meth:`BodyFrame.apply` gives."""

    local: Tensor
    root: Tensor
    world: Tensor


def gap_lengths(hidden: Tensor) -> Tensor:
    """(B,T,J) bool to (B,T,J) float: frames from the known frame before each hidden one to the one
    after; known: 0.

    A gap that is open at one end counts twice as long as it is.
    """
    frames = hidden.shape[1]
    before, after, _ = neighbours(hidden)
    frame = torch.arange(frames, device=hidden.device)[None, :, None]
    length = after - before
    edge = torch.where(
        frame < before, 2 * before, torch.where(frame > after, 2 * (frames - 1 - after), 0)
    )
    return torch.where(hidden, torch.maximum(length, edge), 0).float()
