"""The maps of a long generated dance fit into memory, network, page and all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.conftest import ROOT
from tests.dashboard.futures import DANCE

pytestmark = pytest.mark.slow

MOST_BYTES = 1.5 * 2**30
CODE = """
import json, re
from pathlib import Path
from dataclasses import replace
import numpy as np
import mmm
from dashboard.work.attention_maps import Atlas
from dashboard.explain.attention import Mapped, _payload

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz")
music = replace(clip.music, features=np.tile(clip.music.features, (3, 1)), audio=None, without={})
model, looked, frames = mmm.load_model("dance-future"), [], 0
for chunk in mmm.generate(model, clip, prefix_frames=120, frames=1200, music=music, attention_frame=1200):
    frames += len(chunk.motion)
    if chunk.attention is not None:
        atlas = Atlas(chunk.attention, "dance-future", music).prepare()
        hidden = np.zeros((1320, 24), dtype=bool)
        hidden[chunk.first:] = True
        sent = len(_payload.__wrapped__("long", atlas.trace.frames, "", _atlas=atlas,
                                        _of=Mapped("long", hidden, 60.0, music, "future")))
        looked.append([atlas.trace.frames, [chunk.first, chunk.first + len(chunk.motion)], sent])
# Of this program alone: what getrusage says includes the process that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
print(json.dumps({"frames": frames, "looked": looked, "kib": peak}))
"""


def test_the_maps_of_1200_generated_frames_fit_into_one_and_a_half_gigabytes():
    if not Path("/proc/self/status").is_file():
        pytest.skip("a process's peak memory is read from Linux's /proc")
    if not (ROOT / "checkpoints" / DANCE).is_dir():
        pytest.skip(f"{DANCE} is not shipped")
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["frames"] == 1200
    ((window, made, sent),) = told["looked"]
    assert made[0] <= 1200 < made[1]
    assert window[0] < made[0] < made[1] <= window[1] <= 1380
    assert sent < 4_000_000
    assert told["kib"] * 1024 < MOST_BYTES
