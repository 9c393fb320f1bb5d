"""``python -m training quantise``: a checkpoint's weights in 8 bits, and nothing else changed."""

import json

import pytest
import torch

from mmm.checkpoints import load_model, save_model
from mmm.models.quantisation import is_packed
from tests.mmm.networks import tiny_model
from tests.training.running import run_training


@pytest.mark.slow
def test_weights_shrink_and_the_rest_stays(tmp_path):
    folder, metrics = tmp_path / "net", {"training": {}, "evaluation": {}}
    save_model(tiny_model("3bert"), folder, metrics)
    config, before = (
        json.loads((folder / "config.json").read_text()),
        load_model(folder).state_dict(),
    )
    done = run_training("quantise", "--checkpoint", folder)
    assert done.exit_code == 0, done.output
    assert "MB of weights, now" in done.output
    assert is_packed(folder.glob("model*.safetensors"))
    assert json.loads((folder / "config.json").read_text()) == config
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    assert "stored as 8-bit integers" in (folder / "README.md").read_text()
    for name, tensor in load_model(folder).state_dict().items():
        assert torch.allclose(
            tensor.float(), before[name].float(), atol=float(before[name].abs().max()) / 127 + 1e-6
        )


def test_what_is_no_checkpoint_is_refused(tmp_path):
    done = run_training("quantise", "--checkpoint", tmp_path)
    assert done.exit_code == 2
    assert "error:" in done.output
