"""Former names of the fields of config.json, read without torch."""

from collections.abc import Mapping
from typing import Any

OLD_FIELD_NAMES = {
    "edge_s": "ramp_s",
    "edge_alone_s": "isolated_ramp_s",
    "plant_feet": "lock_feet",
    "noise_size": "noise_dim",
    "leaps_m": "max_jump_height_m",
    "liveliness": "speed_prior",
    "trust": "gap_calibration",
    "stirs": "static_thresholds",
}
"""Fields of ``config.json`` in older checkpoints, and what they are called now.

``stirs`` is a field of the table ``gap_calibration``, the others are fields of the file itself.
"""


def with_current_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields under their current names; a field that is there under both keeps the current
    one."""
    renamed = {
        OLD_FIELD_NAMES[name]: value for name, value in fields.items() if name in OLD_FIELD_NAMES
    }
    current = {name: value for name, value in fields.items() if name not in OLD_FIELD_NAMES}
    return renamed | current
