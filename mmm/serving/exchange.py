"""Clips and arrays as bytes: from a reader process to the server, and between it and our client.

A reader has handled a hostile file and a client may be one, so nothing is unpickled, unpacked or
allocated beyond the bytes that came. Numbers come back bit-identical.

The layout is ``MMMX``, the length of a JSON header (uint32, little-endian), the header, then the
arrays one after another, each starting at a multiple of 8 bytes. The header holds ``text`` (any
JSON) and ``arrays``: a name, a type and a shape for each.
"""

import json
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mmm.errors import FileError
from mmm.io.checks import check_music, check_rotations
from mmm.io.files import LARGEST_UPLOAD, check_size, check_usable
from mmm.io.npz_out import plain_json
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import Skeleton

SUFFIX = ".mmmx"
"""Of files in this layout, by which the server knows them."""
_MAGIC, _ALIGNED = b"MMMX", 8
# Little-endian numbers of fixed size. Anything else, above all Python objects, is refused.
_TYPES = frozenset(("<f2", "<f4", "<f8", "<i4", "<i8", "|u1", "|b1"))


def pack_clip(clip: Clip) -> bytes:
    """A clip with all it has, for :func:`unpack_clip`."""
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
    return pack(text, arrays)


def unpack_clip(content: bytes) -> Clip:
    """The clip of :func:`pack_clip`.

    Raises:
        ValueError: the content is not whole, or its parts do not fit.
    """
    text, arrays = unpack(content)
    try:
        # Every value is cast: whoever wrote this has handled a hostile file, or is hostile.
        end_sites = tuple((int(joint), _tip(tip)) for joint, tip in text["end_sites"])
        skeleton = Skeleton(
            tuple(map(str, text["names"])),
            tuple(map(int, text["parents"])),
            arrays["offsets_m"],
            tuple(map(int, text["feet"])),
            end_sites,
        )
        joints = range(len(skeleton))
        if skeleton.offsets_m.shape != (len(skeleton), 3):
            raise ValueError(f"offsets of shape {skeleton.offsets_m.shape}")
        if any(joint not in joints for joint in (*skeleton.feet, *(j for j, _ in end_sites))):
            raise ValueError("feet or end sites do not fit the joints")
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
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"a part is missing or of another kind: {error}") from None


def sent_clip(content: bytes, name: str) -> Clip:
    """A clip that a client sent, checked as a file of the same content is.

    Args:
        content: of :func:`pack_clip`.
        name: what its sender calls it.

    Raises:
        FileError: what is wrong with it.
    """
    try:
        clip = unpack_clip(content)
    except ValueError as error:
        raise FileError(name, str(error), cure="send it again with mmm.connect") from None
    check_size(name, len(clip.motion.skeleton), len(clip), LARGEST_UPLOAD)
    check_rotations(clip.motion.rotations, name)
    if clip.music is not None:
        check_music(clip.music, name)
    check_usable(clip, Path(name))
    return clip


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
    features, beats = arrays["music.features"], arrays["music.beats"]
    if features.ndim != 2 or beats.ndim != 1:
        raise ValueError(f"music features of shape {features.shape}, beats of {beats.shape}")
    return Music(
        features.astype(np.float32, copy=False),
        float(text["music"]["fps"]),
        beats.astype(np.int64, copy=False),
        float(text["music"]["tempo_bpm"]),
        sounds.get("sound"),
        MappingProxyType(without),
    )


def pack_audio(audio: Audio) -> bytes:
    """A recording, for :func:`unpack_audio`."""
    return pack({"rate_hz": audio.rate_hz}, {"samples": audio.samples})


def unpack_audio(content: bytes) -> Audio:
    """The recording of :func:`pack_audio`.

    Raises:
        ValueError: the content is not whole.
    """
    text, arrays = unpack(content)
    try:
        return Audio(arrays["samples"], int(text["rate_hz"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"a part is missing: {error}") from None


def pack(text: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Values that JSON knows, and arrays, as bytes."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    table = [[name, array.dtype.str, array.shape] for name, array in contiguous.items()]
    header = json.dumps({"text": text, "arrays": table}, default=plain_json).encode()
    parts = [_MAGIC, struct.pack("<I", len(header)), header]
    size = sum(map(len, parts))
    for array in contiguous.values():
        padding = -size % _ALIGNED
        parts += [bytes(padding), array.tobytes()]
        size += padding + array.nbytes
    return b"".join(parts)


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What :func:`pack` packed; the arrays are copies, which may be written to.

    Raises:
        ValueError: the content is not whole.
    """
    if content[:4] != _MAGIC or len(content) < 8:
        raise ValueError("not a packed clip")
    size = struct.unpack_from("<I", content, 4)[0]
    try:
        header = json.loads(content[8 : 8 + size])
        text, table = header["text"], header["arrays"]
        arrays = dict(_arrays(content, 8 + size, table))
    # JSON that nests more than about a thousand deep raises RecursionError.
    except (ValueError, RecursionError, OverflowError, KeyError, TypeError) as error:
        raise ValueError(f"damaged ({type(error).__name__}: {error})") from None
    if not isinstance(text, dict):
        raise ValueError("no JSON object")
    return text, arrays


def _arrays(content: bytes, start: int, table: Any) -> Iterator[tuple[str, np.ndarray]]:
    for name, kind, shape in table:
        if kind not in _TYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"{name} is {kind} of shape {shape}")
        # Python's integers, which do not overflow. Bytes that are missing raise ValueError.
        count = math.prod(shape)
        start += -start % _ALIGNED
        array = np.frombuffer(content, kind, count, start) if count else np.empty(0, kind)
        yield str(name), array.reshape(shape).copy()
        start += array.nbytes
