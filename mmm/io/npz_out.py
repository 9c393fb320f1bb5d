"""Writing the project's own clip files, whose layout is described in ``mmm.io.npz``."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmm.io.npz import FORMAT
from mmm.motion.clip import Audio, Clip
from mmm.storage import write_atomically

# FLAC holds at most 8 channels (RFC 9639, section 9.1.3). More are mixed down to one.
_FLAC_CHANNELS = 8


def plain_json(value: Any) -> Any:
    """Convert a value that JSON cannot write: mappings to dicts, NumPy's values to Python's."""
    # Clips hold read-only mappings, and readers put NumPy's numbers into the meta.
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a clip's meta")


def _flac(audio: Audio) -> bytes:
    # Loads a shared library, which only clips with sound need.
    import soundfile

    buffer = io.BytesIO()
    samples = audio.samples
    if samples.shape[1] > _FLAC_CHANNELS:
        samples = samples.mean(axis=1, keepdims=True)
    soundfile.write(buffer, samples, audio.rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def write_npz(clip: Clip, path: Path) -> None:
    """Write every number of a clip bit by bit, and its sound as 16-bit FLAC.

    Args:
        clip: any clip.
        path: the file.

    Raises:
        FileError: the file cannot be written.
    """
    motion, skeleton, music = clip.motion, clip.motion.skeleton, clip.music
    content: dict[str, Any] = {
        # Zero-dimensional arrays of text, so that no value needs pickling.
        "format": FORMAT,
        "fps": np.float64(motion.fps),
        "names": np.array(skeleton.names),
        "parents": np.array(skeleton.parents, dtype=np.int32),
        "offsets_m": skeleton.offsets_m,
        "feet": np.array(skeleton.feet, dtype=np.int32),
        "tip_joints": np.array([joint for joint, _ in skeleton.end_sites], dtype=np.int32),
        "tips_m": np.array([tip for _, tip in skeleton.end_sites], dtype=np.float64).reshape(-1, 3),
        "rotations": motion.rotations,
        "root_m": motion.root_m,
        "name": clip.name,
        "source": clip.source,
        "split": clip.split,
        "notes": np.array(clip.notes, dtype=np.str_),
        "meta": json.dumps(dict(clip.meta), default=plain_json),
    }
    if music is not None:
        content |= {
            "music_features": music.features,
            "music_beats": music.beats,
            "music_fps": np.float64(music.fps),
            "music_tempo_bpm": np.float64(music.tempo_bpm),
        }
        if music.audio is not None:
            content |= {
                "music_file": np.frombuffer(_flac(music.audio), dtype=np.uint8),
                "music_suffix": ".flac",
            }
    # `np.savez` takes a file as well as a name, and adds no suffix to the former.
    write_atomically(path, lambda file: np.savez_compressed(file, **content))
