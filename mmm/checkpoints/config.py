"""Reading the full configuration of a checkpoint; imports torch."""

from pathlib import Path

from mmm.checkpoints.files import read_json
from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig, network_of


def read_config(folder: Path) -> MaskedMotionConfig:
    """The configuration in a checkpoint's folder, checked field by field.

    Raises:
        ModelError: config.json is damaged, or holds a value that no network of this project has.
    """
    raw = read_json(folder / "config.json")
    network = network_of(raw.get("model_type"))
    try:
        config = network.config_class.from_dict(raw)
        config.check()
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise ModelError(
            str(folder / "config.json"),
            f"a value of the wrong kind or size ({error})",
            "a configuration written by save_model",
            "restore or retrain it",
        ) from None
    return config
