"""Networks to generate with in tests: a small one with chance in it, and the shipped one where it is."""

import shutil
from pathlib import Path

import torch

from mmm.checkpoints import save_model
from mmm.models import make_config, make_model
from tests.dashboard.conftest import ROOT

CHANCE, DANCE = "chance-future", "dance-future"


def save_future_networks(folder: Path) -> Path:
    """``chance-future`` on joint roles, random, with four numbers of chance; ``dance-future`` if it is shipped."""
    torch.manual_seed(4)
    model = make_model(
        make_config(
            "inbetween",
            hidden_size=32,
            num_attention_heads=4,
            intermediate_size=64,
            encoder_layers=1,
            noise_dim=4,
            trained_masks=["the last 15..45"],
        )
    ).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.02)
    save_model(model, folder / CHANCE, {})
    if (ROOT / "checkpoints" / DANCE).is_dir():
        shutil.copytree(ROOT / "checkpoints" / DANCE, folder / DANCE)
    return folder
