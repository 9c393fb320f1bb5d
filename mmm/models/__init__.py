"""The networks: one file each with its configuration; presets name sizes.

Names are imported when they are first used, so that ``mmm.models.field_names`` can be imported
without torch. Importing ``mmm.models.presets`` registers the networks with ``AutoConfig`` and
``AutoModel``.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from mmm.models.common import CommonConfig
    from mmm.models.configuration import MaskedMotionConfig
    from mmm.models.ecm import EcmConfig
    from mmm.models.inbetween import InbetweenConfig
    from mmm.models.modeling import MaskedMotionModel
    from mmm.models.output import MaskedMotionOutput
    from mmm.models.presets import NETWORKS, PRESETS, make_config, make_model, network_of
    from mmm.models.three_bert import ThreeBertConfig

__all__ = [
    "NETWORKS",
    "PRESETS",
    "CommonConfig",
    "EcmConfig",
    "InbetweenConfig",
    "MaskedMotionConfig",
    "MaskedMotionModel",
    "MaskedMotionOutput",
    "ThreeBertConfig",
    "make_config",
    "make_model",
    "network_of",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "common": ["CommonConfig"],
        "configuration": ["MaskedMotionConfig"],
        "ecm": ["EcmConfig"],
        "inbetween": ["InbetweenConfig"],
        "modeling": ["MaskedMotionModel"],
        "output": ["MaskedMotionOutput"],
        "presets": ["NETWORKS", "PRESETS", "make_config", "make_model", "network_of"],
        "three_bert": ["ThreeBertConfig"],
    },
)
