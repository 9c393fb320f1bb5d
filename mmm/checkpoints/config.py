"""Reading the full configuration of a checkpoint; this module imports torch."""

from pathlib import Path

from mmm.checkpoints.files import read_json
from mmm.errors import ModelError
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
        raise ModelError(
            str(folder / "config.json"),
            f"a value of the wrong kind or size ({error})",
            "a configuration written by save_model",
            "restore the file, or train the network again",
        ) from None
    return config
