"""Sizes of the original networks, and configurations that are refused."""

import pytest
import torch

from mmm.errors import ModelError
from mmm.models import NETWORKS, PRESETS, make_config, make_model, network_of
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY
from tests.mmm.networks import body, tiny_config

TWENTY_TWO = type(SMPL24)(SMPL24.names[:22], SMPL24.parents[:22], SMPL24.offsets_m[:22])


def millions(preset, **changes):
    with torch.device("meta"):
        return sum(p.numel() for p in make_model(make_config(preset, **changes)).parameters()) / 1e6


@pytest.mark.parametrize(
    ("preset", "low", "high"), [("3bert", 166, 168), ("ecm", 81, 83), ("common", 41, 42)]
)
def test_original_presets_have_the_original_size(preset, low, high):
    assert low < millions(preset) < high


def test_common_for_the_joints_of_lafan1():
    config = make_config("common", **body(TWENTY_TWO))
    assert (config.motion_size, config.fps) == (201, 30)
    assert 41 < millions("common", **body(TWENTY_TWO)) < 42


@pytest.mark.parametrize("preset", [name for name in PRESETS if name.endswith("-small")])
def test_small_presets_are_small_and_residual(preset):
    assert millions(preset) < 8
    config = make_config(preset)
    assert (config.fill, config.output) == ("inertial", "residual")


def test_word_table_is_left_out():
    with torch.device("meta"):
        model = make_model(make_config("ecm"))
    tables = [p.shape[0] for name, p in model.named_parameters() if "word_embeddings" in name]
    assert tables == [1, 1, 1]


def test_original_sizes_are_those_of_the_notebooks():
    three, ecm, common = (make_config(name) for name in ("3bert", "ecm", "common"))
    assert (
        three.hidden_size,
        three.num_attention_heads,
        three.encoder_layers,
        three.cross_layers,
    ) == (800, 10, 5, 5)
    assert (ecm.hidden_size, ecm.num_attention_heads, ecm.encoder_layers, ecm.cross_layers) == (
        512,
        8,
        5,
        10,
    )
    assert (common.hidden_size, common.num_attention_heads, common.encoder_layers) == (512, 8, 10)
    assert {c.intermediate_size for c in (three, ecm, common)} == {3072}
    assert {c.max_frames for c in (three, ecm, common)} == {300}
    assert [c.uses_music for c in (three, ecm, common)] == [True, True, False]
    with torch.device("meta"):
        assert make_model(three).cross_encoder.config.hidden_size == 1600
        assert make_model(ecm).cross_encoder.config.max_position_embeddings == 600
        assert make_model(common).norm.normalized_shape == (300, 219)


def test_every_network_has_its_own_model_type():
    for network in NETWORKS.values():
        assert network_of(network.config_class.model_type) is network
    assert len({n.config_class.model_type for n in NETWORKS.values()}) == len(NETWORKS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"fill": "magic"},
            "config.json fill: 'magic'; expected zero or hold or slerp or inertial; choose one of these",
        ),
        ({"output": "relative"}, "expected absolute or residual"),
        ({"positions": "none"}, "expected learned or sinusoidal"),
        (
            {"fill": "zero", "output": "residual"},
            "a residual to zeros; expected fill: hold, slerp or inertial",
        ),
        (
            {"hidden_size": 48},
            "config.json hidden_size: 48; expected at least the 57 inputs; choose a wider network",
        ),
    ],
)
def test_impossible_configurations_are_refused(changes, message):
    with pytest.raises(ModelError) as caught:
        tiny_config("ecm", **changes)
    assert message in str(caught.value)


def test_unknown_names_are_refused():
    with pytest.raises(ModelError, match="preset 'gpt': no such preset"):
        make_config("gpt")
    with pytest.raises(ModelError, match="'bert'"):
        network_of("bert")


def test_config_keeps_the_skeleton():
    config = tiny_config()
    assert config.skeleton.same_joints(TINY)
    assert abs(config.skeleton.offsets_m - TINY.offsets_m).max() < 1e-6
    assert (config.joints, config.motion_size, config.input_size) == (6, 57, 57)
    assert tiny_config(fill="slerp").input_size == 57 + 6 + 2
