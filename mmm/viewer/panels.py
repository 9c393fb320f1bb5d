"""The contents of the viewer as arrays: bodies, masks, sound, a timeline.

``pack_viewer`` makes the payload that the JavaScript in ``web/`` plays, on the workbench's page, in
notebooks and in standalone pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.motion.clip import Motion
from mmm.viewer.body import added_tips, body_of, facing_rad, hip_joints
from mmm.viewer.bones import tip_starts
from mmm.viewer.palette import Look
from mmm.viewer.payload import finite, pack

Array = np.ndarray
Role = Literal["truth", "model", "baseline"]

MAX_PANELS = 5
PEAKS = 2048  # bars of the waveform; more than a screen can show


@dataclass(frozen=True, eq=False)
class ViewerPanel:
    """One body and its appearance."""

    name: str
    positions: Float[Array, "T J 3"]
    """World positions of the joints, metres, Y up."""
    tips: Float[Array, "T E 3"]
    """World positions of end sites (finger tips, toes, crown); E may be zero."""
    parents: tuple[int, ...]
    """J parents, -1 first."""
    tip_parents: tuple[int, ...]
    """The parent joint of each tip."""
    role: Role
    """The truth is drawn in a neutral colour, hidden entries of the others in their own."""
    radii: Float[Array, "J"] | None = None
    """Radius of the body at each joint, metres."""
    hulls: tuple[tuple[int, ...], ...] = ()
    """Joints drawn together as one rounded volume (chest, hips)."""
    head: int = -1
    """The head's joint, -1 for none."""
    crown: int = -1
    """Index of the tip that is the top of the head, -1 for none."""
    starts: tuple[int, ...] = ()
    """For each joint, then each tip, the joint where its bone begins (see ``mmm.viewer.bones``);
    its parent if empty."""
    facing_rad: float = 0.0
    """Mean direction of the body, radians about Y, 0 for +Z. The camera starts from it."""
    hips: tuple[int, int] | None = None
    """The left and the right hip, from which the heading of the body is known; None without."""
    look: Look = ""
    """The colour of a second or third network, instead of the role's."""
    hidden: Bool[Array, "T J"] | None = None
    """The mask of this body, if it differs from that of the others."""


@dataclass(frozen=True)
class Future:
    """The state of a generation, finished or running. Panels may differ in length.

    A payload of the same run with longer panels continues the one before: playhead, sound and
    camera stay as they are.
    """

    prefix_frames: int
    """Length of the seed, whose end the timeline marks."""
    total: int
    """Length of the timeline in frames."""
    ready: int
    """Frames that are generated so far."""
    live: bool = False
    """Whether more frames will follow."""
    run: str = ""
    """Identifies a run. The first payload of a new run moves the playhead to ``start``."""
    start: int = 0
    """The frame from which a new run plays."""
    mark: str = ""
    """Identifies the contents. While it stays the same, playhead and camera are kept."""
    sound: str = ""
    """Name of the recording. A recording that is playing is not sent again."""

    def header(self) -> dict[str, Any]:
        """The JSON that the browser reads."""
        return {
            "seed": self.prefix_frames,
            "ready": self.ready,
            "live": self.live,
            "run": self.run,
            "start": self.start,
            "mark": self.mark,
            "sound": self.sound,
        }


def panel_from_motion(name: str, motion: Motion, role: Role) -> ViewerPanel:
    """A panel that shows a motion, with a body fitted to its skeleton."""
    body = body_of(motion.skeleton)
    tips, tip_parents = motion.tip_positions(), [joint for joint, _ in motion.skeleton.end_sites]
    joints, more, added_crown = added_tips(motion, body)
    # Added tips follow the file's own, so their indices are shifted.
    crown = tips.shape[1] + added_crown if added_crown >= 0 else body.crown
    tips, tip_parents = np.concatenate([tips, more], axis=1), [*tip_parents, *joints]
    positions = motion.positions()
    # Tips move rigidly with their joint, so that one frame tells their length.
    lengths_m = np.linalg.norm(tips[0] - positions[0, tip_parents], axis=1)
    starts = (*body.starts, *tip_starts(tip_parents, lengths_m, body.starts, body.leg_m))
    return ViewerPanel(
        name,
        positions,
        tips,
        motion.skeleton.parents,
        tuple(tip_parents),
        role,
        body.radii,
        body.hulls,
        body.head,
        crown,
        starts,
        facing_rad(motion),
        hips=hip_joints(motion.skeleton),
    )


def waveform_peaks(waveform: Float[Array, "N"], count: int = PEAKS) -> Array:
    """The largest absolute value in each of at most ``count`` parts, scaled to 0..255, uint8."""
    loud = np.abs(finite("waveform", waveform, (None,)))
    # The maximum of each part, because a mean would hide short sounds such as drums.
    if len(loud) > count:
        edges = np.linspace(0, len(loud), count, endpoint=False).astype(int)
        loud = np.maximum.reduceat(loud, edges)
    top = float(loud.max(initial=0.0))
    return np.round(loud * (255 / top) if top > 0 else loud).astype(np.uint8)


def _panel_buffers(index: int, panel: ViewerPanel, frames: int) -> dict[str, Array]:
    joints, tips = len(panel.parents), len(panel.tip_parents)
    label = f"panel {panel.name!r}"
    positions = finite(f"{label}: positions", panel.positions, (frames, joints, 3))
    ends = finite(f"{label}: tips", panel.tips, (frames, tips, 3))
    radii = panel.radii if panel.radii is not None else np.full(joints, 0.045, dtype=np.float32)
    # Tips are joined to the joints: the browser interpolates and projects both in one loop.
    return {
        f"positions{index}": np.concatenate([positions, ends], axis=1),
        f"radii{index}": finite(f"{label}: radii", radii, (joints,)),
        f"parents{index}": np.array([*panel.parents, *panel.tip_parents], dtype=np.int32),
    }


def _panel_header(panel: ViewerPanel, *, generated: bool) -> dict[str, Any]:
    """The JSON of one panel. ``generated`` panels include their own length."""
    return {
        "name": panel.name,
        "role": panel.role,
        "joints": len(panel.parents),
        "hulls": [list(hull) for hull in panel.hulls],
        "head": panel.head,
        "crown": panel.crown,
        "facing": float(panel.facing_rad),
        **({"starts": list(panel.starts)} if panel.starts else {}),
        **({"hips": list(panel.hips)} if panel.hips else {}),
        **({"frames": len(panel.positions)} if generated else {}),
        **({"look": panel.look} if panel.look else {}),
    }


def _check_mask(panel: ViewerPanel, hidden: Array | None, frames: int) -> None:
    mask = panel.hidden if panel.hidden is not None else hidden
    # The truth is never coloured by a mask, so a mask need not fit its skeleton.
    if mask is None or panel.role == "truth":
        return
    if mask.shape != (frames, len(panel.parents)):
        raise ValueError(f"hidden has shape {mask.shape}; expected {frames} x {len(panel.parents)}")


def _recorded_buffer(recorded: Array | None, frames: int) -> dict[str, Array]:
    if recorded is None or recorded.all():
        return {}
    return {"recorded": finite("recorded", recorded, (frames,)).astype(np.uint8)}


def _error_buffers(errors: Mapping[str, Array], frames: int) -> dict[str, Array]:
    buffers: dict[str, Array] = {}
    for i, (name, curve) in enumerate(errors.items()):
        # NaN is allowed: it leaves a gap where nothing was hidden or recorded.
        if np.shape(curve) != (frames,) or np.isinf(curve).any():
            raise ValueError(
                f"error curve {name!r} has shape {np.shape(curve)}; expected {frames} finite values"
            )
        buffers[f"error{i}"] = np.asarray(curve, dtype=np.float32)
    return buffers


def pack_viewer(
    panels: Sequence[ViewerPanel],
    *,
    fps: float,
    hidden: Bool[Array, "T J"] | None = None,
    waveform: Float[Array, "N"] | None = None,
    audio: bytes | None = None,
    beats: Int[Array, "B"] | None = None,
    floor_m: float = 0.0,
    title: str = "",
    errors: Mapping[str, Float[Array, "T"]] | None = None,
    errors_unit: str = "cm",
    reports: bool = False,
    channel: str = "main",
    future: Future | None = None,
    recorded: Bool[Array, "T"] | None = None,
) -> bytes:
    """Everything that the viewer shows, as one payload.

    Args:
        panels: up to five, all with the same number of frames; none gives an empty viewer.
        fps: frames a second.
        hidden: True where entries were hidden from the model; shaped like the panels other than
            the truth.
        waveform: mono samples or peaks that span the clip exactly.
        audio: an encoded sound file (WAV, OGG, MP3) that starts with frame 0.
        beats: frames on which a beat falls.
        floor_m: height of the floor, metres.
        title: name of the viewer for screen readers.
        errors: error curves of the timeline, the model's first; NaN leaves a gap.
        errors_unit: unit of these errors.
        reports: whether the viewer sends its frame to the server after a scrub or a pause, which
            reruns the script.
        channel: components of one channel share a playhead.
        future: the state of a generation; panels may then differ in length.
        recorded: False in frames without a recording, where no truth is shown.

    Raises:
        ValueError: shapes disagree, or a position is not finite.
    """
    if len(panels) > MAX_PANELS:
        raise ValueError(f"{len(panels)} panels; expected at most {MAX_PANELS}")
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"fps is {fps}; expected a positive number")
    frames = future.total if future else len(panels[0].positions) if panels else 0
    buffers: dict[str, Array] = {}
    for i, panel in enumerate(panels):
        # While a motion is generated, panels are shorter than the timeline.
        buffers |= _panel_buffers(i, panel, len(panel.positions) if future else frames)
        _check_mask(panel, hidden, frames)
        if panel.hidden is not None:
            buffers[f"hidden{i}"] = np.asarray(panel.hidden, dtype=np.uint8)
    if hidden is not None and panels:
        buffers["hidden"] = np.asarray(hidden, dtype=np.uint8)
    buffers |= _recorded_buffer(recorded, frames)
    if waveform is not None and len(waveform):
        buffers["waveform"] = waveform_peaks(waveform)
    if beats is not None:
        buffers["beats"] = np.asarray(beats, dtype=np.int32)
    # The sound is part of the payload, so that a saved page needs no server for it.
    if audio:
        buffers["audio"] = np.frombuffer(audio, dtype=np.uint8)
    buffers |= _error_buffers(errors if errors and panels else {}, frames)
    header = {
        "fps": float(fps),
        "frames": frames,
        "floor_m": float(floor_m),
        "title": title,
        "channel": channel,
        "errors": list(errors or {}) if panels else [],
        "errors_unit": errors_unit,
        "reports": reports,
        **({"future": future.header()} if future else {}),
        "panels": [_panel_header(panel, generated=future is not None) for panel in panels],
    }
    return pack(header, buffers)
