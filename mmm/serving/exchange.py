"""The files in which a reader process returns clips and recordings: plain arrays and JSON.

A reader has handled a hostile file, so no pickle passes from it to the server. Numbers are returned
bit-identical.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import Skeleton

# JSON travels inside the archive as bytes, so that one file holds the whole clip.
_TEXT = "text"


def write_clip(clip: Clip, path: Path) -> None:
    """Write a clip that was just read (it has no recording of its own)."""
    motion, skeleton, music = clip.motion, clip.motion.skeleton, clip.music
    text: dict[str, Any] = {
        "name": clip.name,
        "source": clip.source,
        "split": clip.split,
        "notes": list(clip.notes),
        "meta": dict(clip.meta),
        "fps": motion.fps,
        "names": list(skeleton.names),
        "parents": list(skeleton.parents),
        "feet": list(skeleton.feet),
        "end_sites": [[joint, list(tip)] for joint, tip in skeleton.end_sites],
    }
    arrays = {
        "offsets_m": skeleton.offsets_m,
        "rotations": motion.rotations,
        "root_m": motion.root_m,
    }
    if music is not None:
        text["music"] = {"fps": music.fps, "tempo_bpm": music.tempo_bpm}
        arrays |= {"music.features": music.features, "music.beats": music.beats}
        sounds = {f"without.{part}": sound for part, sound in music.without.items()}
        if music.audio is not None:
            sounds["sound"] = music.audio
        # An array of samples does not know its rate.
        text["rates_hz"] = {name: sound.rate_hz for name, sound in sounds.items()}
        arrays |= {name: sound.samples for name, sound in sounds.items()}
    write_parts(path, text, arrays)


def read_clip(path: Path) -> Clip:
    """The clip that :func:`write_clip` wrote.

    Raises:
        ValueError: the file is not whole, or its parts do not fit.
    """
    text, arrays = read_parts(path)
    try:
        # Every value is cast: the process that wrote this file has handled a hostile one.
        end_sites = tuple((int(joint), _tip(tip)) for joint, tip in text["end_sites"])
        skeleton = Skeleton(
            tuple(map(str, text["names"])),
            tuple(map(int, text["parents"])),
            arrays["offsets_m"],
            tuple(map(int, text["feet"])),
            end_sites,
        )
        motion = Motion(skeleton, arrays["rotations"], arrays["root_m"], float(text["fps"]))
        return Clip(
            str(text["name"]),
            motion,
            _music(text, arrays),
            source=str(text["source"]),
            split=str(text["split"]),
            notes=tuple(map(str, text["notes"])),
            # Clips are shared between sessions, so nobody may change their metadata.
            meta=MappingProxyType(dict(text["meta"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a part is missing: {error}") from None


def _tip(values: list[float]) -> tuple[float, float, float]:
    x, y, z = map(float, values)
    return x, y, z


def _music(text: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Music | None:
    if "music" not in text:
        return None
    sounds = {name: Audio(arrays[name], int(rate_hz)) for name, rate_hz in text["rates_hz"].items()}
    without = {
        name.removeprefix("without."): sound
        for name, sound in sounds.items()
        if name.startswith("without.")
    }
    return Music(
        arrays["music.features"],
        float(text["music"]["fps"]),
        arrays["music.beats"],
        float(text["music"]["tempo_bpm"]),
        sounds.get("sound"),
        MappingProxyType(without),
    )


def write_audio(audio: Audio, path: Path) -> None:
    """Write a recording."""
    write_parts(path, {"rate_hz": audio.rate_hz}, {"samples": audio.samples})


def read_audio(path: Path) -> Audio:
    """The recording that :func:`write_audio` wrote.

    Raises:
        ValueError: the file is not whole.
    """
    text, arrays = read_parts(path)
    try:
        return Audio(arrays["samples"], int(text["rate_hz"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"a part is missing: {error}") from None


def write_parts(path: Path, text: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write values that JSON knows, and arrays, into one file."""
    encoded = np.frombuffer(json.dumps(text, default=_plain).encode(), dtype=np.uint8)
    # An open file: given a path, ``np.savez`` would append ``.npz`` to the name.
    with path.open("wb") as file:
        np.savez(file, **{_TEXT: encoded}, **arrays)  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Mappings and NumPy numbers in a clip's ``meta``, which JSON does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a clip's meta")


def read_parts(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What :func:`write_parts` wrote.

    Raises:
        ValueError: the file is not whole.
    """
    try:
        # ``allow_pickle=False``: unpickling an object array could run code of a hostile file.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(arrays.pop(_TEXT).tobytes())
    except Exception as error:  # zip, zlib, NumPy and JSON each have errors of their own
        raise ValueError(f"{type(error).__name__}: {error}") from None
    if not isinstance(text, dict):
        raise ValueError("no JSON object")
    return text, arrays
