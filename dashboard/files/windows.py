"""Strips that show a song or a long file, with a window on the part that is in use."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.components.controls.window_strip import window_strip
from dashboard.files import uploads
from dashboard.files.uploads import Recording
from mmm import Clip
from mmm.motion.skeleton import forward_kinematics

Array = np.ndarray


def pick_start(song: Recording, length_s: float) -> float:
    """Draw a song's waveform and a slider for its start.

    Args:
        song: the recording.
        length_s: seconds of the song that are used.

    Returns:
        The position in the song at the sequence's first frame, in seconds.
    """
    state, key = st.session_state, f"song_start-{song.name}"
    # Rounded down to the slider's step, so that its end can be reached.
    last = max(int(10 * (song.duration_s - uploads.SHORTEST_SONG_S)) / 10, 0.0)
    # Kept here, because Streamlit forgets a slider that a run has not drawn.
    kept = state.setdefault("song_starts", {})
    # A link, or a former song of this name, may hold a position past the end.
    state[key] = start_s = min(max(float(state.get(key, kept.get(song.name, 0.0))), 0.0), last)
    window_strip(
        song.peaks,
        start_s,
        length_s,
        song.duration_s,
        last,
        in_frames=False,
        key=f"strip-{key}",
        label=f"Part of {song.name} in use",
        on_move=lambda: _moved(key, float),
    )
    if last > 0:
        st.slider(
            "Song starts at",
            0.0,
            last,
            key=key,
            step=0.1,
            format="%.1f s",
            help=f"The position in the song at the file's first frame. The song lasts "
            f"{uploads.minutes(song.duration_s)}.",
        )
    kept[song.name] = state[key]
    return float(state[key])


def overview(clip: Clip, key: str) -> None:
    """Draw the amount of motion over a long file, with a movable window on the shown part.

    Args:
        clip: the whole file.
        key: first and last frame of the window in the session.
    """
    # A few frames identify the file; a digest of an hour of motion would delay every run.
    few = clip.motion.root_m[:: max(1, len(clip) // 64)].tobytes()
    low, length = st.session_state[key][0], st.session_state[key][1] - st.session_state[key][0]
    window_strip(
        _motion_profile(clip.source, len(clip), few, _clip=clip),
        low,
        length,
        len(clip),
        len(clip) - length,
        in_frames=True,
        key=f"strip-{key}",
        label="Shown part of the file, over the amount of motion",
        on_move=lambda: _moved(key, lambda first: (int(first), int(first) + length)),
    )


def _moved(key: str, value: Callable[[float], object]) -> None:
    """Copy the position of a moved window to the slider below it."""
    first = (st.session_state.get(f"strip-{key}") or {}).get("moved")
    if first is not None:
        st.session_state[key] = value(first)


@st.cache_data(max_entries=12, show_spinner=False)
def _motion_profile(source: str, frames: int, path: bytes, *, _clip: Clip) -> Float[Array, "n"]:
    """Mean joint displacement over equal parts of the file, relative to the largest."""
    motion = _clip.motion
    indices = np.unique(np.linspace(0, len(motion) - 1, 4 * uploads.PEAKS + 1).astype(int))
    positions, _ = forward_kinematics(
        motion.skeleton, motion.rotations[indices], motion.root_m[indices]
    )
    moved = np.linalg.norm(np.diff(positions, axis=0), axis=2).mean(axis=1)
    heights = np.array(
        [part.mean() for part in np.array_split(moved, min(uploads.PEAKS, len(moved)))]
    )
    # The floor keeps a motionless file from dividing by zero.
    return (heights / max(float(heights.max()), 1e-9)).astype(np.float32)
