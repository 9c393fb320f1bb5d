"""The optimisers: which weights are whose, and that Muon beside AdamW is saved and goes on as one."""

import copy

import pytest
import torch

from mmm.errors import ModelError
from mmm.models import make_config, make_model
from training.engine import state as disk
from training.engine.optimisers import MuonWithAdamW, make_optimizer
from training.plans.plan import TrainingPlan

MUON = TrainingPlan(optimizer="muon", learning_rate=1e-2, head_rate=0.1, weight_decay=0.0)


def network():
    torch.manual_seed(0)
    return make_model(
        make_config(
            "inbetween",
            hidden_size=32,
            intermediate_size=64,
            encoder_layers=2,
            num_attention_heads=2,
        )
    )


def give_gradients(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.grad = torch.randn(p.shape, generator=generator)


def test_muon_has_the_matrices_of_the_blocks_and_adamw_the_rest():
    model = network()
    optimizer = make_optimizer(model, MUON)
    names = {id(p): name for name, p in model.named_parameters()}
    first, *others = ([names[id(p)] for p in group["params"]] for group in optimizer.param_groups)
    assert sorted(first) == sorted(
        f"blocks.{block}.{part}.weight"
        for block in (0, 1)
        for part in ("mixed", "attended", "wide", "narrow")
    )
    assert others[1] == ["head.weight", "head.bias"]
    assert len(first) + len(others[0]) + len(others[1]) == len(names)
    assert [group["share"] for group in optimizer.param_groups] == [1.0, 1.0, 0.1]


def test_muon_moves_all_directions_of_a_matrix_alike():
    """However lopsided the gradient is: Newton and Schulz's five rounds bring singular values to about 1."""
    model = network()
    optimizer = make_optimizer(model, MUON)
    weight = model.blocks[0].wide.weight
    before = weight.detach().clone()
    give_gradients(model, 0)
    u, _, v = torch.linalg.svd(weight.grad, full_matrices=False)
    weight.grad = u @ torch.diag(torch.logspace(0, -1.5, len(v))) @ v
    optimizer.step()
    moved = torch.linalg.svdvals(weight.detach() - before)
    assert moved.max() / moved.min() < 2.5
    assert moved.median() == pytest.approx(
        1e-2 * 0.2 * 64**0.5, rel=0.3
    )  # as long as a step of AdamW's


def test_every_weight_moves_and_the_head_more_slowly():
    model = network()
    optimizer = make_optimizer(model, MUON)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for group in optimizer.param_groups:  # as the loop does in every step
        group["lr"] = 1e-2 * group["share"]
    give_gradients(model, 1)
    optimizer.step()
    moved = {
        name: (p.detach() - before[name]).abs().max().item() for name, p in model.named_parameters()
    }
    assert min(moved.values()) > 0
    assert moved["head.weight"] == pytest.approx(1e-3, rel=0.05)
    assert moved["embed.weight"] == pytest.approx(1e-2, rel=0.05)


def test_a_restored_optimiser_goes_on_to_the_same_weights():
    model = network()
    optimizer = make_optimizer(model, MUON)
    for seed in (0, 1):
        give_gradients(model, seed)
        optimizer.step()
    saved = copy.deepcopy(disk.gathered(optimizer.state_dict()))
    other = network()
    other.load_state_dict(model.state_dict())
    resumed = make_optimizer(other, MUON)
    disk.restore_optimizer(resumed, saved)
    for one, its in ((model, optimizer), (other, resumed)):
        for seed in (2, 3):
            give_gradients(one, seed)
            its.step()
    for (name, p), q in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q), name
    assert isinstance(resumed, MuonWithAdamW)


def test_networks_without_blocks_of_their_own_are_told():
    model = make_model(
        make_config("ecm-small", hidden_size=256, intermediate_size=32, encoder_layers=1)
    )
    with pytest.raises(ModelError, match=r"optimizer 'muon': .*choose adamw"):
        make_optimizer(model, MUON)
