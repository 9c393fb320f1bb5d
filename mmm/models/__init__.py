"""The networks: one file each, configurations and presets beside them."""

from mmm.models.configuration import CommonConfig, EcmConfig, MaskedMotionConfig, ThreeBertConfig
from mmm.models.modeling import MaskedMotionModel, MaskedMotionOutput
from mmm.models.presets import NETWORKS, PRESETS, make_config, make_model, network_of

__all__ = [
    "NETWORKS",
    "PRESETS",
    "CommonConfig",
    "EcmConfig",
    "MaskedMotionConfig",
    "MaskedMotionModel",
    "MaskedMotionOutput",
    "ThreeBertConfig",
    "make_config",
    "make_model",
    "network_of",
]
