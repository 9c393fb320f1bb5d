"""What networks on joint roles minimise: errors in the world, weighed so that short gaps count like long ones."""

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
"""The length that all gaps count as where they are to count alike."""
_STILL_M = 0.0005
"""Added to what interpolation errs for each frame of a gap, so that stillness does not count for everything."""
_FEET = ("left_ankle", "left_toe", "right_ankle", "right_toe")


@dataclass(frozen=True)
class RolesLoss(Loss):
    """World rotations, joint positions, their change, standing feet, and the error that the network expects.

    The error of interpolation grows with the gap about as its length does: a frame counts by 1 / (length + 2), and so
    relative errors count alike in gaps of all lengths.
    """

    parents: tuple[int, ...]
    feet: tuple[int, ...]
    rotation: float = 1.0
    """Of the mean world rotation error, radians."""
    local: float = 0.0
    """Of the mean local rotation error, radians."""
    position: float = 4.0
    """Of the mean joint distance, metres."""
    frame: float = 0.0
    """Of the root mean square joint distance in each frame, metres: what is worst in a pose counts most, as in L2P."""
    velocity: float = 4.0
    """Of the mean error of joint velocities, metres a frame."""
    contact: float = 2.0
    """Of how far feet slide that stand in truth, metres a frame."""
    square: float = 0.3
    """Of the squared joint distance, in units of ``usual_m`` for each frame of the gap: distances alone give large
    errors no more pull than small ones."""
    expected: float = 0.02
    """Of the difference between the expected error and the real one, in powers of e; no gradient reaches the poses."""
    height: float = 2.0
    """A metre up or down counts like so many over the ground in positions and squares: heights vary less, and an error
    in them is seen at once, as floating and sinking. ``L2P``, which standardises every coordinate, does so too."""
    usual_m: float = 0.005
    """Metres that interpolation errs for each frame that a gap is long, about."""
    standing_m: float = 0.006
    """A foot stands where it moves less than this in a frame."""
    kinematics: bool = True
    """Whether positions and velocities are those of all joints; False, to measure that: of the pelvis alone."""
    by_gap: bool = True
    """Whether frames of long gaps count less; False, to measure that: all alike."""
    evenly: float = 0.0
    """How far slow windows count like fast ones: what a window adds is divided by what its interpolation errs for
    each frame that a gap is long, in units of ``usual_m``, to this power."""

    names = ("rotation", "local", "position", "frame", "velocity", "contact", "square", "expected")

    @staticmethod
    def of(config: MaskedMotionConfig) -> "RolesLoss":
        """The loss of a network."""
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
        """(terms,) over the windows of a batch, or of a part of it."""
        assert (
            output.prediction is not None
            and output.expected_m is not None
            and batch.body is not None
        )
        tree = Tree(self.parents)
        world, places = _kinematics(tree, output.prediction, batch.body)
        true_world, true_places = _kinematics(tree, batch.motion, batch.body)
        weight, pair = self._where(batch.hidden)
        turned = _norm((world - true_world).flatten(-2)).mean(-1) / 2**0.5
        bent = (
            _norm((output.prediction - batch.motion)[..., :-3].unflatten(-1, (-1, 9))).mean(-1)
            / 2**0.5
        )
        apart = _norm(places - true_places).mean(-1)
        distance = _norm((places - true_places) * places.new_tensor([1.0, self.height, 1.0]))
        speed, true_speed = places.diff(dim=1), true_places.diff(dim=1)
        judged = slice(None) if self.kinematics else slice(1)
        placed, perturbed = (
            distance[:, :, judged].mean(-1),
            _norm(speed - true_speed)[:, :, judged].mean(-1),
        )
        whole = (distance[:, :, judged].square().mean(-1) + 1e-10).sqrt()
        scale = (
            _by_gap(batch.hidden) if self.by_gap else batch.hidden.any(-1).float() / (_EVEN_GAP + 2)
        )
        square = (distance[:, :, judged] * scale[..., None] / self.usual_m).square().mean(-1)
        feet, true_feet = speed[:, :, list(self.feet)], true_speed[:, :, list(self.feet)]
        standing = (true_feet.norm(dim=-1) < self.standing_m).to(feet.dtype)
        slid = (_norm(feet) * standing).mean(-1)
        if self.evenly:
            even = self._evened(batch, true_places)[:, None]
            turned, bent, placed, whole, perturbed, slid = (
                term * even for term in (turned, bent, placed, whole, perturbed, slid)
            )
            square = square * even**2
        missed = (
            output.expected_m.float().clamp(min=1e-5).log() - (apart.detach() + 1e-3).log()
        ).abs()
        return torch.stack(
            [
                (turned * weight).sum(),
                (bent * weight).sum(),
                (placed * weight).sum(),
                (whole * weight).sum(),
                (perturbed * pair).sum(),
                (slid * pair).sum(),
                square.sum(),
                (missed * weight).sum(),
            ]
        )

    @torch.no_grad()
    def _evened(self, batch: Batch, true_places: Tensor) -> Tensor:
        """(B,): what each window counts."""
        assert batch.body is not None
        rotations, root = slerp_fill(
            batch.motion[..., :-3].unflatten(-1, (-1, 3, 3)), batch.motion[..., -3:], batch.hidden
        )
        _, places = Tree(self.parents).forward(rotations, root, batch.body)
        away = (places - true_places).norm(dim=-1).mean(-1) * _by_gap(batch.hidden)
        erred = away.sum(1) / batch.hidden.any(-1).sum(1).clamp(min=1)
        return (self.usual_m / (erred + _STILL_M)) ** self.evenly

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Not told apart by window here."""
        raise NotImplementedError

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        weight, pair = (values.sum(1) for values in self._where(hidden))
        return torch.stack(
            [weight, weight, weight, weight, pair, pair, hidden.any(-1).sum(1).float(), weight],
            dim=-1,
        )

    def counts(self, hidden: Tensor) -> Tensor:
        """(terms,) over a whole batch."""
        return self.window_counts(hidden).sum(0).clamp(min=1e-6)

    def _where(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """How much each frame (B,T) counts, and each step to the next (B,T-1)."""
        weight = _by_gap(hidden) if self.by_gap else hidden.any(-1).float()
        return weight, torch.maximum(weight[:, 1:], weight[:, :-1])


def _by_gap(hidden: Tensor) -> Tensor:
    """(B,T): 1 / (length of the gap + 2), zero in known frames."""
    length = gap_lengths(hidden).amax(-1)
    return torch.where(length > 0, 1 / (length + 2), 0)


def _kinematics(tree: Tree, features: Tensor, body: Tensor) -> tuple[Tensor, Tensor]:
    return tree.forward(features[..., :-3].unflatten(-1, (-1, 3, 3)), features[..., -3:], body)


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1) + 1e-10).sqrt()  # a finite gradient at zero
