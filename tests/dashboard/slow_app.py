"""The workbench with a network that takes half a minute: what a long clip on a slow machine is like."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mmm
from dashboard.router import page
from mmm.recovery.recover import recover


def slowly(model, clip, mask, joint_names, progress):
    """As ``mmm.recover``, after 300 steps of a tenth of a second each."""
    for step in range(300):
        time.sleep(0.1)
        progress(step / 300)
    return recover(model, clip, mask, joint_names=joint_names)


mmm.recover = slowly
page()
