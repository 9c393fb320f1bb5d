"""Checkpoints with 8-bit weights."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mmm import masks
from mmm.checkpoints import load_model, save_model
from mmm.errors import ModelError
from mmm.models import network_of
from mmm.models.quantisation import SCALE, packed, unpacked
from mmm.recovery.recover import recover
from tests.mmm.networks import tiny_clip, tiny_model


def test_no_weight_changes_by_more_than_half_a_step_of_its_row():
    torch.manual_seed(0)
    weights = torch.randn(64, 100) * torch.logspace(-6, 3, 64)[:, None]
    state = {
        "a": weights,
        "b": torch.randn(7),
        "c": torch.arange(5),
        "d": torch.randn(40, 20, 9),
        "e": torch.zeros(64, 64),
    }
    stored = packed(state)
    assert stored["a"].dtype == stored["d"].dtype == torch.int8
    assert stored["b"].dtype == torch.float16
    assert (stored["a"].abs().amax(dim=1) == 127).all()
    back = unpacked(stored)
    assert set(back) == set(state)
    assert (
        (back["a"] - weights).abs() <= weights.abs().amax(dim=1, keepdim=True) / 254 * 1.001
    ).all()
    rows = state["d"].reshape(40, -1).abs().amax(dim=1)[:, None, None]
    assert ((back["d"] - state["d"]).abs() <= rows / 254 * 1.001).all()
    assert torch.equal(back["c"], state["c"])
    assert torch.equal(back["e"], state["e"])


def test_packing_again_changes_nothing():
    torch.manual_seed(0)
    once = unpacked(packed({"a": torch.randn(2_000, 100)}))
    assert torch.equal(unpacked(packed(once))["a"], once["a"])


@pytest.fixture
def model():
    """A network large enough to have matrices that are packed."""
    torch.manual_seed(0)
    model = tiny_model("ecm")
    assert any(
        tensor.ndim >= 2 and tensor.numel() >= 4096 for tensor in model.state_dict().values()
    )
    return model


def test_a_checkpoint_in_8_bits_recovers_alike(model, tmp_path):
    for bits in (8, 32):
        save_model(model, tmp_path / str(bits), {"training": {}}, bits=bits)
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / bits).glob("*.safetensors"))
        for bits in ("8", "32")
    ]
    assert sizes[0] < 0.5 * sizes[1]  # a tiny network's small matrices stay as they are
    clip = tiny_clip(60)
    small, full, other = (
        recover(network, clip, masks.parse("every:6", clip)).recovered.motion.positions()
        for network in (load_model(tmp_path / "8"), load_model(tmp_path / "32"), tiny_model(seed=1))
    )
    assert 0 < np.abs(small - full).mean() < 0.05 * np.abs(other - full).mean()


def test_from_pretrained_reads_it(model, tmp_path):
    save_model(model, tmp_path / "net", {}, bits=8)
    network = network_of(model.config.model_type)
    by_library, ours = network.from_pretrained(tmp_path / "net"), load_model(tmp_path / "net")
    assert by_library.config.to_dict().keys() == ours.config.to_dict().keys()
    for name, tensor in by_library.state_dict().items():
        assert torch.equal(tensor, ours.state_dict()[name])
    assert ours.name_or_path == "net"


@pytest.mark.parametrize(
    "harm", ["a scale lacks", "a scale of another length", "a weight lacks", "cut short"]
)
def test_damaged_files_give_an_error_of_one_line(model, tmp_path, harm):
    folder = tmp_path / "net"
    save_model(model, folder, {}, bits=8)
    path = next(folder.glob("model*.safetensors"))
    stored = load_file(path)
    name = next(name for name in stored if name.endswith(SCALE))
    if harm == "a scale lacks":
        del stored[name]
    elif harm == "a scale of another length":
        stored[name] = torch.ones(3, 1)
    elif harm == "a weight lacks":
        del stored[name], stored[name.removesuffix(SCALE)]
    save_file(stored, path, metadata={"format": "pt"})
    if harm == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="weights"):
        load_model(folder)
