"""Clips and arrays as bytes, between reader process, server and client.

The bytes may be hostile: a reader has handled a user's file, and anybody may be a client. So
nothing is unpickled or decompressed, and no more memory is allocated than the bytes take. Numbers
come back bit-identical.

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
"""Suffix by which the server recognises files in this layout."""
_MAGIC, _ALIGNED = b"MMMX", 8
# Little-endian numbers of fixed size. Anything else is refused, Python objects above all.
_TYPES = frozenset(("<f2", "<f4", "<f8", "<i4", "<i8", "|u1", "|b1"))


def pack_clip(clip: Clip) -> bytes:
    """A clip with its music and metadata, for :func:`unpack_clip`."""
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
        # Sample rates are kept apart from the arrays of samples.
        text["rates_hz"] = {name: sound.rate_hz for name, sound in sounds.items()}
        arrays |= {name: sound.samples for name, sound in sounds.items()}
    return pack(text, arrays)


def unpack_clip(content: bytes) -> Clip:
    """The clip that :func:`pack_clip` packed.

    Raises:
        ValueError: the content is damaged, or its parts do not fit together.
    """
    text, arrays = unpack(content)
    try:
        # Every value is cast, because the bytes may be hostile.
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
            # Read-only, because sessions share clips.
            meta=MappingProxyType(dict(text["meta"])),
        )
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"a part is missing or of another kind: {error}") from None


def clip_from_client(content: bytes, name: str) -> Clip:
    """A clip that a client sent, with the checks that readers make of a file.

    Args:
        content: as :func:`pack_clip` returns it.
        name: its name in errors.

    Raises:
        FileError: it is damaged, too large, or holds values out of bounds.
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
    """The recording that :func:`pack_audio` packed.

    Raises:
        ValueError: the content is damaged.
    """
    text, arrays = unpack(content)
    try:
        return Audio(arrays["samples"], int(text["rate_hz"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"a part is missing: {error}") from None


def pack(text: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """JSON values and arrays as bytes."""
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
    """The values and arrays that :func:`pack` packed; the arrays are writable copies.

    Raises:
        ValueError: the content is damaged.
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
        # ``math.prod`` does not overflow as NumPy's integers do. Missing bytes raise ValueError.
        count = math.prod(shape)
        start += -start % _ALIGNED
        array = np.frombuffer(content, kind, count, start) if count else np.empty(0, kind)
        yield str(name), array.reshape(shape).copy()
        start += array.nbytes
