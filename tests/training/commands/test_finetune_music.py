"""Music for a network on joint roles: only its hearing is trained, all else keeps every bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm import masks
from mmm.checkpoints import describe, load_model, save_model
from mmm.motion.clip import Clip, Music
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import recover
from tests.mmm.making import smooth_motion
from tests.training.conftest import write_split
from tests.training.roles_set import tiny_roles_model, write_roles
from tests.training.running import run_training
from training.plans.augmentation import Augment
from training.plans.bases import ROLES, Recipe
from training.plans.finetuning import FINETUNING

pytestmark = pytest.mark.slow  # a network is trained

LENGTHS = [50, 45]
PLAN = replace(
    ROLES,
    **{"steps": 3, "batch": 3, "loss": "roles-fair", "bfloat16": False},
    **{"augment": Augment(mirror=0, speed=1, recombine=0), "only": "cross_encoder."},
)
MUSIC = Recipe("inbetween", PLAN, {"uses_music": True, "cross_layers": 1, "cross_size": 32})


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A small network with 8-bit weights, and what fine-tuning with music made of it."""
    folder = tmp_path_factory.mktemp("music")
    for seed, split in enumerate(("train", "val", "test")):
        write_roles(folder / "dances" / split, LENGTHS, 10 * seed, music=True)
    deaf = tiny_roles_model(hidden_size=64, intermediate_size=128, symmetric=True)
    deaf.config.gap_calibration = None
    save_model(deaf, folder / "deaf", {}, bits=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FINETUNING, "music", MUSIC)
        told = run_training(
            "finetune",
            *("--preset", "music", "--from", folder / "deaf"),
            *("--data", folder / "dances", "--out", folder / "hearing"),
            *("--run-dir", folder / "run", "--max-frames", 40),
        )
    assert told.exit_code == 0, told.output
    return folder


def test_weights_of_the_parent_keep_every_bit(tuned):
    deaf, hearing = load_model(tuned / "deaf"), load_model(tuned / "hearing")
    state = hearing.state_dict()
    for name, weights in deaf.state_dict().items():
        assert torch.equal(state[name], weights), name
    assert hearing.cross_encoder.head.weight.abs().max() > 0
    assert hearing.config.symmetric
    assert hearing.config.uses_music
    assert describe(tuned / "hearing").metrics["training"]["plan"]["only"] == "cross_encoder."


def test_without_music_recoveries_are_the_parents(tuned):
    deaf, hearing = load_model(tuned / "deaf"), load_model(tuned / "hearing")
    clip = Clip("dance", smooth_motion(5, 90, SMPL24, 60.0))
    hidden = masks.parse("span:30-60", clip)
    expected = recover(deaf, clip, hidden).recovered.motion
    silent = recover(hearing, clip, hidden).recovered.motion
    assert np.array_equal(silent.rotations, expected.rotations)
    assert np.array_equal(silent.root_m, expected.root_m)
    features = np.random.default_rng(0).normal(size=(90, 35)).astype(np.float32)
    music = Music(features, 60.0, np.zeros(0, dtype=int), 120.0)
    heard = recover(hearing, replace(clip, music=music), hidden).recovered.motion
    # Three steps of a head that began at zero: little, but no rounding error.
    assert np.abs(heard.rotations - expected.rotations).max() > 1e-6


def test_music_is_standardised_by_the_training_split(tuned):
    config = load_model(tuned / "hearing").config
    heard = np.load(tuned / "dances" / "train" / "music.npy")
    np.testing.assert_allclose(config.stats["music_min"], heard.min(axis=0), rtol=1e-5)
    scaled = config.fitted_stats.scale_music(heard)
    np.testing.assert_allclose(config.standard["music_mean"], scaled.mean(axis=0), atol=0.1)
    assert set(config.standard) == {"music_mean", "music_std"}
    assert config.stats["root_min"] == [0.0, 0.0, 0.0]


def test_it_is_evaluated_on_the_bodies_and_at_the_rate_of_a_set(tuned, tmp_path):
    """A set of the SMPL body at 60 frames a second, which its joints alone describe."""
    write_split(tmp_path / "smpl" / "test", [100, 90], skeleton=SMPL24, fps=60.0)
    for command, more in (("evaluate", ("--hide", "every:5")), ("music-use", ())):
        told = run_training(
            command,
            *("--checkpoint", tuned / "hearing", "--data", tmp_path / "smpl"),
            *("--frames", 92, "--clips", 2, *more),
        )
        # One clip is shorter, and another song needs two.
        assert told.exit_code == (0 if command == "evaluate" else 2), told.output
    assert "1 with 1 songs" in told.stderr


def test_weights_that_no_plan_trains(tuned, tmp_path, monkeypatch):
    nothing = Recipe("inbetween", replace(PLAN, only="legs."), MUSIC.changes)
    monkeypatch.setitem(FINETUNING, "music", nothing)
    told = run_training(
        "finetune",
        *("--preset", "music", "--from", tuned / "deaf", "--data", tuned / "dances"),
        *("--out", tmp_path / "out", "--run-dir", tmp_path / "run", "--max-frames", 40),
    )
    assert told.exit_code == 2
    assert "no weights of mmm-inbetween begin with 'legs.'" in told.stderr


def test_windows_that_no_longer_fit_their_music_are_refused(tuned, tmp_path):
    told = run_training(
        "finetune",
        *("--preset", "inbetween", "--from", tuned / "hearing"),
        *("--data", tuned / "dances", "--out", tmp_path / "out", "--run-dir", tmp_path / "run"),
        *("--steps", 2, "--batch", 2, "--max-frames", 30),
    )
    assert told.exit_code == 2
    assert "music beside windows that are mirrored" in told.stderr
