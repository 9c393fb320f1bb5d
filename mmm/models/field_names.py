"""Former names of the fields of config.json; this module imports no torch."""

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
"""Current names of the fields of ``config.json`` in older checkpoints.

``stirs`` is a field of the table ``gap_calibration``, the others are fields of the file itself.
"""


def with_current_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Rename fields of older checkpoints; a field under its current name takes precedence."""
    # Checkpoints stay readable without being rewritten, so published ones need no new upload.
    renamed = {
        OLD_FIELD_NAMES[name]: value for name, value in fields.items() if name in OLD_FIELD_NAMES
    }
    current = {name: value for name, value in fields.items() if name not in OLD_FIELD_NAMES}
    return renamed | current
