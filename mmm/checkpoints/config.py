"""Reading the full configuration of a checkpoint; this module imports torch."""

from pathlib import Path

from mmm.checkpoints.files import read_json, wrong_value
from mmm.models import MaskedMotionConfig, network_of


def read_config(folder: Path) -> MaskedMotionConfig:
    """Read and check the configuration in a checkpoint's folder.

    Raises:
        ModelError: config.json is damaged, or holds a value that no network of this project takes.
    """
    raw = read_json(folder / "config.json")
    network = network_of(raw.get("model_type"))
    try:
        config = network.config_class.from_dict(raw)
        config.check()
    # A damaged file can hold any JSON in any field, so errors of every such kind are expected.
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise wrong_value(folder / "config.json", error) from None
    return config
