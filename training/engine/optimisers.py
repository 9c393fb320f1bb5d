"""The optimisers: AdamW, the original's Adam, and Muon for the matrices of the blocks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmm.errors import ModelError
from mmm.models import MaskedMotionModel
from training.plans.plan import TrainingPlan

KINDS = ("adamw", "adam", "muon")
BETAS = 0.9, 0.999


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for the matrices of the blocks, and AdamW for everything else.

    Muon orthogonalises the momentum of a weight matrix, so that all directions get steps of equal
    size. It is not meant for the matrices of inputs and head, biases, norms and convolutions. Its
    steps are scaled to the size of AdamW's (Liu et al. 2025), so that one learning rate serves
    both. Both are saved and restored as one optimiser.
    """

    def __init__(
        self, matrices: list[nn.Parameter], others: list[dict[str, Any]], rate: float, decay: float
    ) -> None:
        muon = torch.optim.Muon(
            [{"params": matrices, "share": 1.0}],
            lr=rate,
            weight_decay=decay,
            # Scales the orthogonal update by 0.2 sqrt(max(rows, columns)), which gives it the RMS
            # of AdamW's.
            adjust_lr_fn="match_rms_adamw",
        )
        adam = torch.optim.AdamW(others, lr=rate, betas=BETAS, weight_decay=decay)
        # The base class holds all groups, so that the loop can set their rates and a state can be
        # saved.
        super().__init__([*muon.param_groups, *adam.param_groups], {})
        self.muon, self.adam = muon, adam
        self._share()

    def _share(self) -> None:
        # Both inner optimisers must write into this one's dictionary, or a saved state would be
        # empty.
        self.muon.state = self.adam.state = self.state
        self.muon.param_groups, self.adam.param_groups = (
            self.param_groups[:1],
            self.param_groups[1:],
        )

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step of both optimisers."""
        assert closure is None
        self.muon.step()
        self.adam.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See the base class."""
        super().load_state_dict(state_dict)
        self._share()


def make_optimizer(model: MaskedMotionModel, plan: TrainingPlan) -> torch.optim.Optimizer:
    """The optimiser of a plan. The head of a residual network is a separate group with a smaller
    learning rate.

    Raises:
        ModelError: there is no such optimiser, or the network has no blocks for Muon.
    """
    # Weights that the plan freezes need no state.
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    head = {id(p) for name, p in trained if name.startswith(("head.", "cross_encoder.head."))}
    share = plan.head_rate if model.config.output == "residual" else 1.0
    matrices = [
        p
        for name, p in trained
        if plan.optimizer == "muon"
        and name.startswith(("blocks.", "cross_encoder.blocks."))
        and p.ndim == 2
    ]
    apart = {id(p) for p in matrices}
    groups = [
        {"params": [p for _, p in trained if id(p) not in head | apart], "share": 1.0},
        {"params": [p for _, p in trained if id(p) in head], "share": share},
    ]
    groups = [group for group in groups if group["params"]]
    if plan.optimizer == "muon":
        if not matrices:
            raise ModelError(
                "optimizer 'muon'",
                f"a {model.config.model_type} network",
                "one with blocks of its own",
                "choose adamw",
            )
        return MuonWithAdamW(matrices, groups, plan.learning_rate, plan.weight_decay)
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
    if plan.optimizer not in kinds:
        raise ModelError(
            f"optimizer {plan.optimizer!r}",
            "no such optimizer",
            ", ".join(KINDS),
            "choose one of them",
        )
    return kinds[plan.optimizer](
        groups, lr=plan.learning_rate, betas=BETAS, weight_decay=plan.weight_decay
    )
