"""Named configurations: the sizes of the original work, and small ones for one machine."""

from typing import Any

from transformers import AutoConfig, AutoModel

from mmm.errors import ModelError
from mmm.models.common import CommonModel
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.ecm import EcmModel
from mmm.models.inbetween import InbetweenModel
from mmm.models.modeling import MaskedMotionModel
from mmm.models.three_bert import ThreeBertModel

NETWORKS: dict[str, type[MaskedMotionModel]] = {
    "3bert": ThreeBertModel,
    "ecm": EcmModel,
    "common": CommonModel,
    "inbetween": InbetweenModel,
}

# The small presets keep the topology of each network. They predict a residual on top of an
# interpolated fill, which improves recovery.
_SMALL: dict[str, Any] = {
    "hidden_size": 256,
    "num_attention_heads": 8,
    "intermediate_size": 512,
    "fill": "inertial",
    "output": "residual",
    "ramp_s": 1 / 30,
    "smooth_s": 0.02,
    "inertia": [0.8, 1.6, 1.0],
    "positions": "sinusoidal",
    "dropout": 0.0,
    "initializer_range": 0.06,
}

PRESETS: dict[str, dict[str, Any]] = {
    "3bert": {},
    "ecm": {},
    "common": {},
    "3bert-small": _SMALL | {"encoder_layers": 1, "cross_layers": 1},
    "ecm-small": _SMALL | {"encoder_layers": 1, "cross_layers": 3},
    "common-small": _SMALL
    | {
        "encoder_layers": 4,
        "hidden_size": 384,
        "intermediate_size": 768,
        "representation": "roles",
        # Two frames at the 30 fps of roles, as 1 / 30 is at the 60 fps of dances.
        "ramp_s": 1 / 15,
    },
    "inbetween": {},
    "inbetween-large": {"hidden_size": 384, "intermediate_size": 1_152, "encoder_layers": 12},
}


def make_config(preset: str, **changes: Any) -> MaskedMotionConfig:
    """The configuration of a named preset, with fields changed.

    Raises:
        ModelError: there is no such preset.
    """
    if preset not in PRESETS:
        raise ModelError(
            f"preset {preset!r}", "no such preset", ", ".join(PRESETS), "choose one of them"
        )
    network = NETWORKS[preset.removesuffix("-small").removesuffix("-large")]
    return network.config_class(**(PRESETS[preset] | changes))


def make_model(config: MaskedMotionConfig) -> MaskedMotionModel:
    """A freshly initialised network for a configuration."""
    return network_of(config.model_type)(config)


def network_of(model_type: object) -> type[MaskedMotionModel]:
    """The network class that a config.json names.

    Raises:
        ModelError: no network here has this model type.
    """
    for network in NETWORKS.values():
        if network.config_class.model_type == model_type:
            return network
    raise ModelError(
        "config.json model_type",
        repr(model_type),
        ", ".join(n.config_class.model_type for n in NETWORKS.values()),
        "use a checkpoint that this project wrote",
    )


for _network in NETWORKS.values():
    # AutoModel.from_pretrained then reads these checkpoints wherever this package is imported.
    AutoConfig.register(_network.config_class.model_type, _network.config_class, exist_ok=True)
    AutoModel.register(_network.config_class, _network, exist_ok=True)
