"""Test whether a network uses the music, and find the music frames that matter.

Usage: python examples/explain.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

import mmm
from mmm.explain.attribution import attribute
from mmm.explain.interventions import intervene

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

clip = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz", frames=(0, 240))
model = mmm.load_model("dance-ecm-small")
mask = mmm.masks.span(clip, 100, 139)

# An intervention shows what the music causes.
muted, swapped = intervene(model, clip, mask, ["mute", "shift:200"])
for change in (muted, swapped):
    print(change.intervention.label, change.summary())
mmm.save(muted, folder / "muted.npz")

# A map shows where the network attends. It does not show what it takes from there.
trace = mmm.recover(model, clip, mask, attention=True).attention
print("motion to music:", trace.block("motion", "music").shape)  # layers, heads, frames, frames

# An attribution shows which music frames moved these joints in this frame.
attribution = attribute(model, clip, mask, 120, ["legs"], "gradients")
print("frames that mattered most:", np.argsort(-attribution.per_frame())[:5].tolist())
