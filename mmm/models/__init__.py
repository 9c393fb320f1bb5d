"""The networks: one file each, configurations and presets beside them.

Names are imported when they are first used, so that ``mmm.models.field_names`` can be read without
torch. The first use also registers the networks with ``AutoConfig`` and ``AutoModel``.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from mmm.models.configuration import (
        CommonConfig,
        EcmConfig,
        InbetweenConfig,
        MaskedMotionConfig,
        ThreeBertConfig,
    )
    from mmm.models.modeling import MaskedMotionModel
    from mmm.models.output import MaskedMotionOutput
    from mmm.models.presets import NETWORKS, PRESETS, make_config, make_model, network_of

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
        "configuration": [
            "CommonConfig",
            "EcmConfig",
            "InbetweenConfig",
            "MaskedMotionConfig",
            "ThreeBertConfig",
        ],
        "modeling": ["MaskedMotionModel"],
        "output": ["MaskedMotionOutput"],
        "presets": ["NETWORKS", "PRESETS", "make_config", "make_model", "network_of"],
    },
)
