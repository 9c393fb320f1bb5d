"""The loss of networks on joint roles: errors in world space, in which gaps of all lengths count
alike."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.interpolation.torch_fill import slerp_fill
from mmm.models import MaskedMotionConfig, MaskedMotionOutput
from mmm.models.body_frame import gap_lengths
from mmm.motion.kinematics_torch import Tree
from training.data.batch import Batch
from training.losses.base import Loss

_EVEN_GAP = 15
"""With ``by_gap=False`` all frames have the weight of a gap of this many frames."""
_STILL_M = 0.0005
"""Added to the error of interpolation (metres for each frame of the gap), which is near zero for
people who stand still, before dividing by it."""
_FEET = ("left_ankle", "left_toe", "right_ankle", "right_toe")


@dataclass(frozen=True)
class RolesLoss(Loss):
    """Errors of rotations, positions and velocities, foot skate, and the expected error.

    The error of interpolation grows roughly in proportion to the length of the gap. A frame is
    weighted by 1 / (length + 2), so that relative errors count alike in gaps of all lengths.
    """

    parents: tuple[int, ...]
    feet: tuple[int, ...]
    rotation: float = 1.0
    """Weight of the mean world rotation error, radians."""
    local: float = 0.0
    """Weight of the mean local rotation error, radians."""
    position: float = 4.0
    """Weight of the mean joint distance, metres."""
    frame: float = 0.0
    """Weight of the root mean square joint distance in each frame, metres: the worst joint of a
    pose counts most, as it does in L2P."""
    velocity: float = 4.0
    """Weight of the mean error of joint velocities, metres a frame."""
    contact: float = 2.0
    """Weight of the speed of feet that are in contact in the reference, metres a frame."""
    square: float = 0.3
    """Weight of the squared joint distance, in units of ``usual_m`` for each frame of the gap. The
    gradient of unsquared distances does not grow with the error."""
    expected: float = 0.02
    """Weight of the difference between the logarithms of the expected and the real error. Its
    gradient does not reach the poses."""
    height: float = 2.0
    """Factor on vertical distances in positions and squares. Heights vary less than positions on the
    ground, and an error in them shows as floating or sinking. L2P, which standardises every
    coordinate, weights them more, too."""
    usual_m: float = 0.005
    """Typical error of interpolation, metres for each frame of the gap."""
    standing_m: float = 0.006
    """A foot is in contact where it moves less than this in a frame, metres."""
    kinematics: bool = True
    """Positions and velocities of all joints count; False: of the pelvis alone (for the ablation).
    """
    by_gap: bool = True
    """Frames of long gaps have smaller weights; False: all alike (for the ablation)."""
    evenly: float = 0.0
    """Exponent, 0 to 1, that makes slow windows count like fast ones: a window's terms are divided
    by the error of its interpolation (in units of ``usual_m`` for each frame of the gap) to this
    power."""

    names = ("rotation", "local", "position", "frame", "velocity", "contact", "square", "expected")

    @staticmethod
    def of(config: MaskedMotionConfig) -> "RolesLoss":
        """The loss for a network's configuration."""
        assert config.joint_names is not None and config.joint_parents is not None
        return RolesLoss(
            tuple(config.joint_parents), tuple(config.joint_names.index(name) for name in _FEET)
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return (
            self.rotation,
            self.local,
            self.position,
            self.frame,
            self.velocity,
            self.contact,
            self.square,
            self.expected,
        )

    def sums(self, output: MaskedMotionOutput, batch: Batch) -> Tensor:
        """Sums over all windows of a batch, or of a part of it: (terms,)."""
        assert (
            output.prediction is not None
            and output.expected_m is not None
            and batch.body is not None
        )
        tree = Tree(self.parents)
        world, positions = _kinematics(tree, output.prediction, batch.body)
        true_world, true_positions = _kinematics(tree, batch.motion, batch.body)
        weight, pair = self._frame_weights(batch.hidden)
        # The Frobenius distance of two rotations is 2 sqrt(2) sin(angle / 2), about sqrt(2) times
        # the angle.
        world_error = _norm((world - true_world).flatten(-2)).mean(-1) / 2**0.5
        local_error = (output.prediction - batch.motion)[..., :-3].unflatten(-1, (-1, 9))
        local_error = _norm(local_error).mean(-1) / 2**0.5
        distance_m = _norm(positions - true_positions).mean(-1)
        # Heights count more here, but not in ``distance_m``, which the expected error predicts.
        distance = _norm(
            (positions - true_positions) * positions.new_tensor([1.0, self.height, 1.0])
        )
        velocity, true_velocity = positions.diff(dim=1), true_positions.diff(dim=1)
        counted = slice(None) if self.kinematics else slice(1)
        # In the order of ``names``, without the last two.
        errors = [
            world_error,
            local_error,
            distance[:, :, counted].mean(-1),
            (distance[:, :, counted].square().mean(-1) + 1e-10).sqrt(),
            _norm(velocity - true_velocity)[:, :, counted].mean(-1),
            self._foot_skate(velocity, true_velocity),
        ]
        square = self._squares(distance[:, :, counted], batch.hidden)
        if self.evenly:
            even = self._window_weights(batch, true_positions)[:, None]
            errors = [error * even for error in errors]
            square = square * even**2
        # A millimetre keeps the logarithm of a near-perfect prediction finite.
        expected_error = (
            output.expected_m.float().clamp(min=1e-5).log() - (distance_m.detach() + 1e-3).log()
        ).abs()
        weights = (weight, weight, weight, weight, pair, pair)
        sums = [(error * w).sum() for error, w in zip(errors, weights, strict=True)]
        return torch.stack([*sums, square.sum(), (expected_error * weight).sum()])

    def _squares(self, distance: Tensor, hidden: Tensor) -> Tensor:
        """Mean squared joint distances in units of the usual error of the gap: (B,T)."""
        scale = _by_gap(hidden) if self.by_gap else hidden.any(-1).float() / (_EVEN_GAP + 2)
        # Scaled by the gap before squaring, so that long gaps do not dominate.
        return (distance * scale[..., None] / self.usual_m).square().mean(-1)

    def _foot_skate(self, velocity: Tensor, true_velocity: Tensor) -> Tensor:
        """Mean speed of the feet that stand in the reference: (B,T-1)."""
        feet, true_feet = velocity[:, :, list(self.feet)], true_velocity[:, :, list(self.feet)]
        # Contacts of the reference: the network must not choose when its feet count.
        standing = (true_feet.norm(dim=-1) < self.standing_m).to(feet.dtype)
        return (_norm(feet) * standing).mean(-1)

    @torch.no_grad()
    def _window_weights(self, batch: Batch, true_positions: Tensor) -> Tensor:
        """The weight of each window: (B,)."""
        assert batch.body is not None
        rotations, root = slerp_fill(
            batch.motion[..., :-3].unflatten(-1, (-1, 3, 3)), batch.motion[..., -3:], batch.hidden
        )
        _, positions = Tree(self.parents).forward(rotations, root, batch.body)
        fill_error = (positions - true_positions).norm(dim=-1).mean(-1) * _by_gap(batch.hidden)
        mean_error = fill_error.sum(1) / batch.hidden.any(-1).sum(1).clamp(min=1)
        # 1 for a window of usual speed, more for slower ones.
        return (self.usual_m / (mean_error + _STILL_M)) ** self.evenly

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Not available: the terms are summed over windows at once."""
        raise NotImplementedError

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        weight, pair = (values.sum(1) for values in self._frame_weights(hidden))
        return torch.stack(
            [weight, weight, weight, weight, pair, pair, hidden.any(-1).sum(1).float(), weight],
            dim=-1,
        )

    def counts(self, hidden: Tensor) -> Tensor:
        """The counts of a whole batch: (terms,)."""
        return self.window_counts(hidden).sum(0).clamp(min=1e-6)

    def _frame_weights(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the frames (B,T), and of the steps from one frame to the next (B,T-1)."""
        weight = _by_gap(hidden) if self.by_gap else hidden.any(-1).float()
        return weight, torch.maximum(weight[:, 1:], weight[:, :-1])


def _by_gap(hidden: Tensor) -> Tensor:
    """Weights 1 / (length of the gap + 2), zero in known frames: (B,T)."""
    length = gap_lengths(hidden).amax(-1)
    return torch.where(length > 0, 1 / (length + 2), 0)


def _kinematics(tree: Tree, features: Tensor, body: Tensor) -> tuple[Tensor, Tensor]:
    return tree.forward(features[..., :-3].unflatten(-1, (-1, 3, 3)), features[..., -3:], body)


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1) + 1e-10).sqrt()  # the gradient stays finite at zero
