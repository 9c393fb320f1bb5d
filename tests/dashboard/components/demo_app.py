"""All three components on one page, for looking at them and for the browser tests.

``streamlit run tests/dashboard/components/demo_app.py``; the query parameters choose what is shown: ``data=real``
(needs the recordings beside the project), ``panels=0..3``, ``spec`` (a masking SPEC), ``frames``, ``sound=0``,
``maps=0``, ``switch=1`` (other data under the same key), ``tabs=1``,
``broken=1`` and ``sound=broken`` (what goes wrong).
"""

import sys
from pathlib import Path

import numpy as np
import streamlit as st

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [path for path in (str(ROOT), str(Path(__file__).parent)) if path not in sys.path]

from dance import BEAT_S, clicks, dance, shaken  # noqa: E402

from dashboard.components.charts.curves import curves, pack_curves  # noqa: E402
from dashboard.components.charts.heatmap import heatmap, pack_joint_heatmap  # noqa: E402
from dashboard.components.stage import stage  # noqa: E402
from mmm import masks  # noqa: E402
from mmm.motion.clip import Clip, Motion  # noqa: E402
from mmm.viewer.panels import pack_viewer, panel_from_motion  # noqa: E402

RECORDED = ROOT.parent / "shared/data/aistpp/motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl"

SPEC = "span:90-149+span:200-229@left_arm,right_arm"

st.set_page_config(page_title="Components", layout="wide")


def position_error_cm(truth: Motion, guess: Motion) -> np.ndarray:
    return 100 * np.linalg.norm(truth.positions() - guess.positions(), axis=-1)


def load(frames: int) -> Clip:
    if st.query_params.get("data") == "real" and RECORDED.exists():
        from mmm.io import load_clip

        return load_clip(RECORDED, frames=(0, frames))
    return Clip("made-up dance", dance(frames))


@st.cache_resource
def scene(query: tuple[tuple[str, str], ...]) -> dict:
    asked = dict(query)
    frames = int(asked.get("frames", 300))
    clip = load(frames)
    truth = clip.motion
    mask = masks.parse(asked.get("spec", SPEC if frames >= 230 else "every:5"), clip)
    model, hold = shaken(truth, mask.hidden, 1, 0.16), shaken(truth, mask.hidden, 2, 0.4)
    panels = [
        panel_from_motion("Original", truth, "truth"),
        panel_from_motion("Recovered", model, "model"),
        panel_from_motion("Hold last", hold, "baseline"),
    ][: int(asked.get("panels", 2))]
    samples, wav = clicks(truth.duration_s)
    silent = asked.get("sound") == "0"
    sound = {"0": None, "broken": b"not a sound"}.get(asked.get("sound", ""), wav)
    error, baseline = position_error_cm(truth, model), position_error_cm(truth, hold)
    payload = pack_viewer(
        panels,
        fps=truth.fps,
        hidden=mask.hidden,
        waveform=None if silent else samples,
        audio=sound,
        beats=None if silent else np.arange(0, len(truth), BEAT_S * truth.fps).astype(int),
        floor_m=truth.floor_m(),
        title=clip.name,
        errors={"Model": error.mean(1), "Hold": baseline.mean(1)},
        reports=True,
    )
    error_map = pack_joint_heatmap(
        error,
        truth.skeleton,
        fps=truth.fps,
        hidden=mask.hidden,
        title="Position error",
        subtitle="recovered against original, every joint and frame",
    )
    lines = pack_curves(
        {"Model": error.mean(1), "Hold": baseline.mean(1)},
        fps=truth.fps,
        unit="cm",
        hidden_frames=mask.frames,
        title="Error over time",
        subtitle="mean over joints",
    )
    return {"stage": payload, "map": error_map, "curves": lines}


asked = st.query_params.to_dict()
st.title("Components")
if "switch" in asked:
    if st.checkbox("Another mask"):
        asked["spec"] = "span:10-20"
    if st.checkbox("Another clip"):
        asked["frames"] = "240"
shown = scene(tuple(sorted(asked.items())))
place = st.tabs(["Stage", "Elsewhere"])[0] if "tabs" in asked else st.container()
with place:
    payload = b"?" * 64 if "broken" in asked else shown["stage"]
    result = stage(payload, key="stage", height=int(st.query_params.get("height", 560)))
    st.caption(f"Stopped on frame {result.frame} · payload {len(shown['stage']) / 1000:.0f} kB")
    if st.query_params.get("maps") != "0":
        heatmap(shown["map"], key="map")
        curves(shown["curves"], key="curves")
