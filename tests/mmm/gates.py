"""Gap gates for tests, whose weights do not depend on the evidence."""

from typing import Any

from mmm.models.calibration import PARTS
from mmm.models.gap_gate import BODY_EVIDENCE, ROOT_SIZE, ROTATION_SIZE, SOURCES


def constant_gate(source: str, factor_log: float = 0.0) -> dict[str, Any]:
    """A gap calibration whose gate takes all from one source."""
    biases = [60.0 if name == source else 0.0 for name in SOURCES]
    log_weights = [bias - biases[0] for bias in biases[1:]]

    def network(size: int) -> dict[str, Any]:
        return {
            "mean": [0.0] * size,
            "scale": [1.0] * size,
            "hidden": [[0.0] * size],
            "hidden_bias": [0.0],
            "out": [[0.0], [0.0]],
            "out_bias": log_weights,
        }

    rows = {"mean": [0.0], "scale": [1.0], "weights": [0.0]}
    error = {name: row * BODY_EVIDENCE for name, row in rows.items()} | {"bias": factor_log}
    return {
        "gap_s": [1.0],
        "shares": {part: [1.0] for part in PARTS},
        "expected": [1.0],
        "gate": {
            "rotation": network(ROTATION_SIZE),
            "root": network(ROOT_SIZE),
            "error": error,
        },
    }
