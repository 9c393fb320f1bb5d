"""The workbench with a network that waits for the test before each part: what a slower machine is like.

Part ``n`` comes once there is a file ``n`` (or ``all``) in the folder ``TEST_GATE``.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mmm.generation.generate
from dashboard.router import page

GATE = Path(os.environ["TEST_GATE"])
real = mmm.generation.generate.generate


def slowly(*args, **settings):
    """As ``mmm.generate``, waiting before each part."""
    for number, chunk in enumerate(real(*args, **settings)):
        while not (GATE / str(number)).exists() and not (GATE / "all").exists():
            time.sleep(0.02)
        yield chunk


if real.__name__ == "generate":
    mmm.generation.generate.generate = slowly
page()
