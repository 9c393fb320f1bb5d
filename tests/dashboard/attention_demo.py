"""A stage and the attention section with maps that are known: for browser tests and ``tests.benchmarks.map_speed``.

The query parameters: ``layers`` (10), ``frames`` (600), ``joined=1`` for maps with four blocks. Head ``h`` of layer
``l`` looks ``10 (l + 1) + h`` frames ahead, wrapping round; in joined maps always at the other modality.
"""

import sys
from pathlib import Path

import numpy as np
import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [path for path in (str(ROOT),) if path not in sys.path]

from dashboard.components.stage import stage  # noqa: E402
from dashboard.explain import attention as attention_view  # noqa: E402
from dashboard.work import questions  # noqa: E402
from dashboard.work.attention_maps import Atlas  # noqa: E402
from dashboard.work.recoveries import Request  # noqa: E402
from mmm import load_clip, masks  # noqa: E402
from mmm.attention import AttentionTrace  # noqa: E402
from mmm.viewer.panels import pack_viewer, panel_from_motion  # noqa: E402

SAMPLE = ROOT / "data" / "samples" / "dance_099bpm_test015_dancer04.npz"
HEADS = 4


def ahead(layer: int, head: int) -> int:
    return 10 * (layer + 1) + head


def known_maps(layers: int, frames: int, joined: bool) -> AttentionTrace:
    rows = 2 * frames if joined else frames
    maps = np.zeros((layers, HEADS, rows, rows), dtype=np.float16)
    at = np.arange(rows)
    for layer in range(layers):
        for head in range(HEADS):
            seen = (at + ahead(layer, head)) % frames
            if joined:
                seen += np.where(at < frames, frames, 0)
            maps[layer, head] = 0.2 / rows
            maps[layer, head, at, seen] += 0.8
    segments = {"motion": slice(0, frames), "music": slice(frames, rows)} if joined else None
    return AttentionTrace({"cross" if joined else "motion": maps}, segments, (0, frames))


@st.cache_resource
def scene(layers: int, frames: int, joined: bool) -> tuple:
    clip = load_clip(SAMPLE, frames=(0, frames))
    mask = masks.parse("span:60-89", clip)
    panels = [panel_from_motion("Truth", clip.motion, "truth")]
    sound = clip.music.audio.samples.mean(axis=1)
    payload = pack_viewer(
        panels,
        fps=60.0,
        hidden=mask.hidden,
        waveform=sound,
        beats=clip.music.beats,
        title=clip.name,
    )
    request = Request(
        f"{layers} {frames} {joined}", mask.label, 0, "dance-3bert-small"
    )  # its card stands beside
    atlas = Atlas(known_maps(layers, frames, joined), "known-maps", clip.music).prepare()
    return clip, mask, payload, request, atlas


asked = st.query_params.to_dict()
st.set_page_config(page_title="Attention", layout="wide")
clip, mask, payload, request, atlas = scene(
    int(asked.get("layers", 10)), int(asked.get("frames", 600)), asked.get("joined") == "1"
)
questions.answers().put(questions.Question(request, "attention", (0,)), atlas, atlas.nbytes)
st.session_state.runs = st.session_state.get("runs", 0) + 1
stage(payload, key="stage", height=420)
attention_view.attention_section(clip, mask, request)
