"""The workbench with a network that takes 0.4 s for each second it makes: what a slower machine is like."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mmm.generation
from dashboard.workbench import page

real = mmm.generation.generate


def slowly(*args, **settings):
    """As ``mmm.generate``, waiting before each part."""
    for chunk in real(*args, **settings):
        time.sleep(0.4)
        yield chunk


if real.__name__ == "generate":
    mmm.generation.generate = slowly
page()
