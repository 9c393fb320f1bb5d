"""What the stage shows, in numbers: bodies side by side or laid over each other, sound, a timeline.

``pack_stage`` makes the payload that the JavaScript beside this file plays: on the workbench's page, in a notebook and
in a file of its own. Pure numpy, cacheable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.motion.clip import Motion
from mmm.viewer.body import added_tips, body_of, facing_rad
from mmm.viewer.palette import Look
from mmm.viewer.payload import finite, pack

Array = np.ndarray
Role = Literal["truth", "model", "baseline"]

MAX_PANELS = 5
PEAKS = 2048  # bars of the waveform; more than any screen is wide


@dataclass(frozen=True, eq=False)
class StagePanel:
    """One body and how it is drawn."""

    name: str
    positions: Float[Array, "T J 3"]
    """World positions of the joints, metres, Y up."""
    tips: Float[Array, "T E 3"]
    """World positions of end sites (finger tips, toes, crown); E may be zero."""
    parents: tuple[int, ...]
    """J parents, -1 first."""
    tip_parents: tuple[int, ...]
    """For each tip the joint it hangs on."""
    role: Role
    """Truth is drawn neutral; where a frame and joint was hidden, model and baseline take their own colour."""
    radii: Float[Array, "J"] | None = None
    """Radius of the body at each joint, metres."""
    hulls: tuple[tuple[int, ...], ...] = ()
    """Joints drawn together as one rounded volume (chest, hips)."""
    head: int = -1
    """The head's joint, -1 for none."""
    crown: int = -1
    """Which tip is the top of the head, -1 for none."""
    facing_rad: float = 0.0
    """Which way the body looks on the whole, radians about Y, 0 = +Z; where the camera starts."""
    look: Look = ""
    """Another colour than the role's, for a second and third network."""
    hidden: Bool[Array, "T J"] | None = None
    """Its own, where another pattern was hidden from it than from the others."""


@dataclass(frozen=True)
class Future:
    """Panels that begin with a seed and go on after it, perhaps still being made; each may end at a frame of its own.

    Payloads of one run, alike but for ``ready`` and longer panels, are taken as more of the same: playhead, sound and
    camera go on as they were.
    """

    prefix_frames: int
    """The timeline's rule stands here."""
    total: int
    """Frames of the timeline."""
    ready: int
    """Frames that may be shown so far."""
    live: bool = False
    """Whether more will come."""
    run: str = ""
    """Changes with each new run: its first payload moves the playhead to ``start``."""
    start: int = 0
    """Where a run is seen from, a frame."""
    mark: str = ""
    """What is on the stage: while it stays, playhead and camera do."""
    sound: str = ""
    """Name of the recording: one that plays already need not be sent again."""

    def header(self) -> dict[str, Any]:
        """As the browser reads it."""
        return {
            "seed": self.prefix_frames,
            "ready": self.ready,
            "live": self.live,
            "run": self.run,
            "start": self.start,
            "mark": self.mark,
            "sound": self.sound,
        }


def panel_from_motion(name: str, motion: Motion, role: Role) -> StagePanel:
    """A panel of this motion with a body fitted to its skeleton."""
    body = body_of(motion.skeleton)
    tips, tip_parents = motion.tip_positions(), [joint for joint, _ in motion.skeleton.end_sites]
    joints, more, added_crown = added_tips(motion, body)
    crown = tips.shape[1] + added_crown if added_crown >= 0 else body.crown
    tips, tip_parents = np.concatenate([tips, more], axis=1), [*tip_parents, *joints]
    return StagePanel(
        name,
        motion.positions(),
        tips,
        motion.skeleton.parents,
        tuple(tip_parents),
        role,
        body.radii,
        body.hulls,
        body.head,
        crown,
        facing_rad(motion),
    )


def waveform_peaks(waveform: Float[Array, "N"], count: int = PEAKS) -> Array:
    """Largest absolute value in each of at most ``count`` equal stretches, scaled to 0..255, uint8."""
    loud = np.abs(finite("waveform", waveform, (None,)))
    if len(loud) > count:
        edges = np.linspace(0, len(loud), count, endpoint=False).astype(int)
        loud = np.maximum.reduceat(loud, edges)
    top = float(loud.max(initial=0.0))
    return np.round(loud * (255 / top) if top > 0 else loud).astype(np.uint8)


def _panel_buffers(index: int, panel: StagePanel, frames: int) -> dict[str, Array]:
    joints, tips = len(panel.parents), len(panel.tip_parents)
    where = f"panel {panel.name!r}"
    positions = finite(f"{where}: positions", panel.positions, (frames, joints, 3))
    ends = finite(f"{where}: tips", panel.tips, (frames, tips, 3))
    radii = panel.radii if panel.radii is not None else np.full(joints, 0.045, dtype=np.float32)
    return {
        f"positions{index}": np.concatenate([positions, ends], axis=1),
        f"radii{index}": finite(f"{where}: radii", radii, (joints,)),
        f"parents{index}": np.array([*panel.parents, *panel.tip_parents], dtype=np.int32),
    }


def _recorded_buffer(recorded: Array | None, frames: int) -> dict[str, Array]:
    if recorded is None or recorded.all():
        return {}
    return {"recorded": finite("recorded", recorded, (frames,)).astype(np.uint8)}


def _error_buffers(errors: Mapping[str, Array], frames: int) -> dict[str, Array]:
    buffers: dict[str, Array] = {}
    for i, (name, curve) in enumerate(errors.items()):
        if np.shape(curve) != (frames,) or np.isinf(curve).any():
            raise ValueError(
                f"error curve {name!r} has shape {np.shape(curve)}; expected {frames} finite values"
            )
        buffers[f"error{i}"] = np.asarray(curve, dtype=np.float32)
    return buffers


def pack_stage(
    panels: Sequence[StagePanel],
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
    """Everything the stage shows, as one payload.

    Args:
        panels: none (an empty stage) to five, all with the same number of frames.
        fps: frames a second.
        hidden: True where the model could not look; shaped like the panels that are not the truth.
        waveform: mono samples or peaks that span exactly the clip, frame 0 to the last.
        audio: an encoded sound file (WAV, OGG, MP3) that starts with frame 0.
        beats: frames on which a beat falls.
        floor_m: height of the floor, metres.
        title: spoken name of the stage.
        errors: error per frame for the strip under the waveform, the model first; NaN leaves a gap.
        errors_unit: unit of these errors.
        reports: tell the server the frame after a scrub or a pause, which reruns the script.
        channel: components of one channel share a playhead.
        future: where motion is generated; panels may then differ in length.
        recorded: False where there is no truth, and so no body of it to show; None: there is one everywhere.

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
        buffers |= _panel_buffers(i, panel, len(panel.positions) if future else frames)
        own = panel.hidden if panel.hidden is not None else hidden
        if own is not None and panel.role != "truth" and own.shape != (frames, len(panel.parents)):
            raise ValueError(
                f"hidden has shape {own.shape}; expected {frames} x {len(panel.parents)}"
            )
        if panel.hidden is not None:
            buffers[f"hidden{i}"] = np.asarray(panel.hidden, dtype=np.uint8)
    if hidden is not None and panels:
        buffers["hidden"] = np.asarray(hidden, dtype=np.uint8)
    buffers |= _recorded_buffer(recorded, frames)
    if waveform is not None and len(waveform):
        buffers["waveform"] = waveform_peaks(waveform)
    if beats is not None:
        buffers["beats"] = np.asarray(beats, dtype=np.int32)
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
        "panels": [
            {
                "name": p.name,
                "role": p.role,
                "joints": len(p.parents),
                "hulls": [list(h) for h in p.hulls],
                "head": p.head,
                "crown": p.crown,
                "facing": float(p.facing_rad),
                **({"frames": len(p.positions)} if future else {}),
                **({"look": p.look} if p.look else {}),
            }
            for p in panels
        ],
    }
    return pack(header, buffers)
