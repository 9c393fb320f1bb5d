"""The project's own clip files: one compressed ``.npz``, read with ``allow_pickle=False`` and checked key by key.

======================  =============================  ===========================================================
key                     type                           meaning
======================  =============================  ===========================================================
``format``              text                           ``mmm-clip-1``
``fps``                 float64                        frames per second
``names parents``       (J,) text, int                 the tree; parents before children, -1 first
``offsets_m``           (J, 3) float32                 rest offsets in the parent's frame, metres
``feet``                (n,) int                       joints that may touch the floor; optional
``tip_joints tips_m``   (E,) int, (E, 3) float64       end sites; optional
``rotations``           (T, J, 3, 3) float32           local rotation matrices (what we write: bit-exact) ...
``rotvec``              (T, J, 3) float16 or float32   ... or axis times angle, radians: a quarter of the size
``root_m``              (T, 3) float32                 world path of the root joint, metres
``name source split``   text                           optional
``notes``               (n,) text                      optional
``meta``                text                           JSON object, optional
``music_features``      (T, M) float32                 optional, and with it the three keys below
``music_beats``         (B,) int                       frames
``music_tempo_bpm``     float64
``music_fps``           float64                        equals ``fps``
``music_file``          (n,) uint8                     a whole encoded sound file, optional
``music_suffix``        text                           its suffix, for example ``.flac``
======================  =============================  ===========================================================
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mmm.errors import FileError
from mmm.io.aist import LARGEST_ANGLE_RAD
from mmm.io.files import LARGEST, check_size, looks_like, read_bytes, write_atomically
from mmm.motion import rotations as rot
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import Skeleton
from mmm.music.features import FEATURE_NAMES

FORMAT = "mmm-clip-1"
"""The first key of every file; a later layout will carry another number."""
_FLAC_CHANNELS = 8  # as many as the format can hold; more are mixed down
_LARGEST = 4 << 30  # bytes unpacked: a small zip can otherwise unpack to fill the memory

_BYTES = 40  # a joint's rotation in a frame, and a little for the rest
_LONGEST_TEXT = 2_000
_LARGEST_FEATURE = 1e6  # MFCC of silence, the largest usual ones, are -1,131
_FASTEST_BPM = 2_000.0

_KINDS = {
    "fps": ("fiu", 0),
    "names": ("U", 1),
    "parents": ("iu", 1),
    "offsets_m": ("f", 2),
    "feet": ("iu", 1),
    "tip_joints": ("iu", 1),
    "tips_m": ("f", 2),
    "rotations": ("f", 4),
    "rotvec": ("f", 3),
    "root_m": ("f", 2),
    "name": ("U", 0),
    "source": ("U", 0),
    "split": ("U", 0),
    "notes": ("U", 1),
    "meta": ("U", 0),
    "format": ("U", 0),
    "music_features": ("f", 2),
    "music_beats": ("iu", 1),
    "music_tempo_bpm": ("fiu", 0),
    "music_fps": ("fiu", 0),
    "music_file": ("u", 1),
    "music_suffix": ("U", 0),
}
_NEEDED = ("fps", "names", "parents", "offsets_m", "root_m")
_CURE = "write it again with save_clip"


def _unpacked(member: zipfile.ZipInfo) -> int:
    """Bytes that a member takes as it is used: half-precision rotation vectors become six times as much."""
    return member.file_size * (6 if member.filename.startswith("rotvec") else 1)


def _arrays(path: Path, largest: int) -> dict[str, np.ndarray]:
    data, where = read_bytes(path), str(path)
    if not data.startswith(b"PK"):
        raise FileError(
            where, looks_like(data) or "not an npz file", "an npz clip", "choose another file"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            limit = min(_LARGEST, _BYTES * largest)
            if sum(map(_unpacked, packed.infolist())) > limit:
                raise FileError(
                    where, f"unpacks to more than {_size(limit)}", cure="cut the clip into pieces"
                )
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            found = {key: np.asarray(loaded[key]) for key in loaded.files if key in _KINDS}
    except FileError:
        raise
    except (
        Exception
    ) as error:  # zip, zlib and numpy each have errors of their own for a damaged file
        raise FileError(
            where, f"a damaged npz file ({type(error).__name__}: {error})", cure="copy it again"
        ) from None
    missing = [key for key in _NEEDED if key not in found]
    if missing or not ("rotations" in found or "rotvec" in found):
        raise FileError(
            where,
            f"no key {' '.join(missing) or 'rotations or rotvec'}",
            "a clip written by save_clip",
            "choose a clip, not another npz file",
        )
    for key, value in found.items():
        kinds, axes = _KINDS[key]
        if value.dtype.kind not in kinds or value.ndim != axes:
            raise FileError(
                where,
                f"{key} is {value.dtype} of shape {value.shape}",
                f"{axes} axes of kind {kinds}",
                _CURE,
            )
        if value.dtype.kind == "U" and key != "meta" and value.itemsize > 4 * _LONGEST_TEXT:
            raise FileError(
                where, f"{key} holds a text of more than {_LONGEST_TEXT} characters", cure=_CURE
            )
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise FileError(where, f"{key} holds a number that is not finite", cure=_CURE)
    return found


def _size(limit: int) -> str:
    return f"{limit / (1 << 30):.2g} GiB" if limit >= 1 << 30 else f"{limit / (1 << 20):.3g} MiB"


def _text(found: dict[str, np.ndarray], key: str, default: str = "") -> str:
    return str(found[key]) if key in found else default


def _motion(found: dict[str, np.ndarray], where: str) -> Motion:
    if "rotations" in found:
        rotations = found["rotations"]
        if rotations.shape[2:] != (3, 3):
            raise FileError(where, f"rotations of shape {rotations.shape}", "(T, J, 3, 3)", _CURE)
        identity = rotations.astype(np.float64) @ rotations.swapaxes(-1, -2)
        turned_over = np.einsum(
            "tji,tji->tj",
            np.cross(rotations[..., 0, :], rotations[..., 1, :]),
            rotations[..., 2, :],
        )
        if rotations.size and (
            not np.abs(identity - np.eye(3)).max() < 1e-3 or turned_over.min() < 0
        ):
            raise FileError(
                where,
                "rotations holds matrices that are no rotations",
                "orthonormal ones of determinant 1",
                _CURE,
            )
    else:
        if found["rotvec"].shape[2] != 3:
            raise FileError(where, f"rotvec of shape {found['rotvec'].shape}", "(T, J, 3)", _CURE)
        largest = float(np.abs(found["rotvec"]).max(initial=0))
        if largest > LARGEST_ANGLE_RAD:
            raise FileError(
                where, f"rotvec goes up to {largest:.3g}", f"at most {LARGEST_ANGLE_RAD:g}", _CURE
            )
        rotations = rot.rotvec_to_matrix(found["rotvec"].astype(np.float64))
    offsets_m, joints = found["offsets_m"].astype(np.float32), len(found["names"])
    frames = len(found["root_m"])
    if rotations.shape[:2] != (frames, joints) or found["root_m"].shape[1] != 3 or not frames:
        raise FileError(
            where,
            f"rotations of shape {rotations.shape[:2]}, root_m of shape {found['root_m'].shape}",
            f"(T, {joints}) and (T, 3), T at least 1",
            _CURE,
        )
    feet = tuple(int(j) for j in found.get("feet", ()))
    tips = tuple(
        (int(j), (float(x), float(y), float(z)))
        for j, (x, y, z) in zip(found.get("tip_joints", ()), found.get("tips_m", ()), strict=True)
    )
    if any(not 0 <= j < joints for j in (*feet, *(j for j, _ in tips))) or offsets_m.shape != (
        joints,
        3,
    ):
        raise FileError(
            where, "feet, tips or offsets do not fit the joints", f"{joints} joints", _CURE
        )
    parents = tuple(int(p) for p in found["parents"])
    skeleton = Skeleton(tuple(str(name) for name in found["names"]), parents, offsets_m, feet, tips)
    return Motion(skeleton, rotations, found["root_m"], float(found["fps"]))


def _music(found: dict[str, np.ndarray], path: Path, fps: float) -> Music | None:
    if "music_features" not in found:
        return None
    missing = [key for key in ("music_beats", "music_tempo_bpm") if key not in found]
    if missing:
        raise FileError(str(path), f"music_features without {' '.join(missing)}", cure=_CURE)
    features = found["music_features"].astype(np.float32)
    tempo_bpm = float(found["music_tempo_bpm"])
    largest = float(np.abs(features).max(initial=0))
    if features.shape[1] != len(FEATURE_NAMES) or not largest < _LARGEST_FEATURE:
        raise FileError(
            str(path),
            f"music_features of shape {features.shape} up to {largest:.3g}",
            f"{len(FEATURE_NAMES)} numbers a frame, below {_LARGEST_FEATURE:g}",
            _CURE,
        )
    if not 0 <= tempo_bpm <= _FASTEST_BPM:
        raise FileError(
            str(path),
            f"music_tempo_bpm is {tempo_bpm:g}",
            f"0 to {_FASTEST_BPM:,.0f} beats a minute",
            _CURE,
        )
    audio = _read_packed_sound(found, path)
    beats = found["music_beats"].astype(np.int64)
    if len(beats) and not (
        beats[0] >= 0 and beats[-1] < len(features) and (np.diff(beats) >= 0).all()
    ):
        raise FileError(str(path), "music_beats are not ascending frames of the clip", cure=_CURE)
    return Music(features, float(found.get("music_fps", fps)), beats, tempo_bpm, audio)


def _read_packed_sound(found: dict[str, np.ndarray], path: Path) -> Audio | None:
    if "music_file" not in found:
        return None
    from mmm.music.audio import (
        read_audio,  # decoding libraries are needed only where there is sound
    )

    suffix = _text(found, "music_suffix", ".flac")
    if not suffix.startswith(".") or not suffix[1:].isalnum():
        raise FileError(str(path), f"music_suffix {suffix!r}", "a suffix such as .flac", _CURE)
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / f"sound{suffix}"
        packed.write_bytes(found["music_file"].astype(np.uint8).tobytes())
        return read_audio(packed)


def read_npz(path: Path, largest: int = LARGEST) -> Clip:
    """A clip from an ``.npz`` of the layout above.

    Args:
        path: the file.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: damaged, a key missing or of another kind or shape, a number not finite, or arrays that disagree.
    """
    found, where = _arrays(path, largest), str(path)
    check_size(where, len(found["names"]), len(found["root_m"]), largest)
    if _text(found, "format", FORMAT) != FORMAT:
        raise FileError(
            where, f"format {_text(found, 'format')!r}", FORMAT, "read it with a newer version"
        )
    try:
        motion = _motion(found, where)
        meta = json.loads(_text(found, "meta", "{}"))
        if not isinstance(meta, dict):
            raise ValueError("meta is no JSON object")
        return Clip(
            _text(found, "name") or path.stem,
            motion,
            _music(found, path, motion.fps),
            source=_text(found, "source") or where,
            split=_text(found, "split"),
            notes=tuple(str(note) for note in found.get("notes", ())),
            meta=MappingProxyType(meta),
        )
    except (ValueError, RecursionError) as error:  # JSON may be nested more deeply than can be read
        raise FileError(where, str(error), "arrays that agree", _CURE) from None


def _plain(value: Any) -> Any:
    """What JSON cannot write (mappings that are no dicts, NumPy numbers), as what it can."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a clip's meta")


def _flac(audio: Audio) -> bytes:
    import soundfile  # only where there is sound to write

    buffer = io.BytesIO()
    samples = audio.samples
    if samples.shape[1] > _FLAC_CHANNELS:
        samples = samples.mean(axis=1, keepdims=True)
    soundfile.write(buffer, samples, audio.rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def write_npz(clip: Clip, path: Path) -> None:
    """Every number of the clip as it is, bit by bit; its sound, where there is any, as 16-bit FLAC inside.

    Raises:
        FileError: the file cannot be written.
    """
    motion, skeleton, music = clip.motion, clip.motion.skeleton, clip.music
    content: dict[str, Any] = {
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
        "meta": json.dumps(dict(clip.meta), default=_plain),
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
    write_atomically(path, lambda file: np.savez_compressed(file, **content))
