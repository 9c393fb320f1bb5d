"""The project's own clip files: one compressed ``.npz``, each of whose keys is checked.

======================  ==========================  ============================================
key                     type                        meaning
======================  ==========================  ============================================
``format``              text                        ``mmm-clip-1``
``fps``                 float64                     frames per second
``names parents``       (J,) text, int              the tree; parents before children, -1 first
``offsets_m``           (J, 3) float32              rest offsets in the parent's frame, metres
``feet``                (n,) int                    joints that may touch the floor; optional
``tip_joints tips_m``   (E,) int, (E, 3) float64    end sites; optional
``rotations``           (T, J, 3, 3) float32        local rotation matrices, as written here, or
``rotvec``              (T, J, 3) float16, float32  axis times angle, radians, a quarter as large
``root_m``              (T, 3) float32              world path of the root joint, metres
``name source split``   text                        optional
``notes``               (n,) text                   optional
``meta``                text                        JSON object, optional
``music_features``      (T, M) float32              optional, with the three keys below
``music_beats``         (B,) int                    frames
``music_tempo_bpm``     float64
``music_fps``           float64                     equals ``fps``
``music_file``          (n,) uint8                  a whole encoded sound file, optional
``music_suffix``        text                        its suffix, for example ``.flac``
======================  ==========================  ============================================
"""

import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from mmm.errors import FileError
from mmm.io.aist import LARGEST_ANGLE_RAD
from mmm.io.checks import check_music, check_rotations
from mmm.io.encoding import looks_like
from mmm.io.files import LARGEST, check_size, read_bytes
from mmm.motion import rotations as rot
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import Skeleton

FORMAT = "mmm-clip-1"
"""The first key of every file; a later layout has another number."""
# Bytes unpacked. A zip of a few megabytes can unpack to fill the memory.
_LARGEST = 4 << 30
# A joint's rotation in a frame takes 36 bytes; the rest of a clip is small in comparison.
_BYTES = 40
_LONGEST_TEXT = 2_000  # characters; NumPy pads all texts of an array to the longest

# The kinds of NumPy type that a key may have, and its number of axes. Other keys are not loaded.
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
    """Bytes that a member takes in memory."""
    # Three float16 of a rotation vector become nine float32, which are six times as large.
    return member.file_size * (6 if member.filename.startswith("rotvec") else 1)


def _arrays(path: Path, largest: int) -> dict[str, np.ndarray]:
    data, source = read_bytes(path), str(path)
    if not data.startswith(b"PK"):
        raise FileError(
            source, looks_like(data) or "not an npz file", "an npz clip", "choose another file"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            limit = min(_LARGEST, _BYTES * largest)
            if sum(map(_unpacked, packed.infolist())) > limit:
                raise FileError(
                    source, f"unpacks to more than {_size(limit)}", cure="cut the clip into pieces"
                )
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            arrays = {key: np.asarray(loaded[key]) for key in loaded.files if key in _KINDS}
    except FileError:
        raise
    except Exception as error:  # zip, zlib and NumPy each have their own errors for damaged files
        raise FileError(
            source, f"a damaged npz file ({type(error).__name__}: {error})", cure="copy it again"
        ) from None
    missing = [key for key in _NEEDED if key not in arrays]
    if missing or not ("rotations" in arrays or "rotvec" in arrays):
        raise FileError(
            source,
            f"no key {' '.join(missing) or 'rotations or rotvec'}",
            "a clip written by save_clip",
            "choose a clip, not another npz file",
        )
    for key, value in arrays.items():
        kinds, axes = _KINDS[key]
        if value.dtype.kind not in kinds or value.ndim != axes:
            raise FileError(
                source,
                f"{key} is {value.dtype} of shape {value.shape}",
                f"{axes} axes of kind {kinds}",
                _CURE,
            )
        if value.dtype.kind == "U" and key != "meta" and value.itemsize > 4 * _LONGEST_TEXT:
            raise FileError(
                source, f"{key} holds a text of more than {_LONGEST_TEXT} characters", cure=_CURE
            )
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise FileError(source, f"{key} holds a number that is not finite", cure=_CURE)
    return arrays


def _size(limit: int) -> str:
    return f"{limit / (1 << 30):.2g} GiB" if limit >= 1 << 30 else f"{limit / (1 << 20):.3g} MiB"


def _text(arrays: dict[str, np.ndarray], key: str, default: str = "") -> str:
    return str(arrays[key]) if key in arrays else default


def _rotations(arrays: dict[str, np.ndarray], source: str) -> np.ndarray:
    """The rotations of a file, (T,J,3,3), from matrices or from rotation vectors."""
    if "rotations" not in arrays:
        rotvec = arrays["rotvec"]
        if rotvec.shape[2] != 3:
            raise FileError(source, f"rotvec of shape {rotvec.shape}", "(T, J, 3)", _CURE)
        largest = float(np.abs(rotvec).max(initial=0))
        if largest > LARGEST_ANGLE_RAD:
            raise FileError(
                source, f"rotvec goes up to {largest:.3g}", f"at most {LARGEST_ANGLE_RAD:g}", _CURE
            )
        return rot.rotvec_to_matrix(rotvec.astype(np.float64))
    rotations = arrays["rotations"]
    if rotations.shape[2:] != (3, 3):
        raise FileError(source, f"rotations of shape {rotations.shape}", "(T, J, 3, 3)", _CURE)
    check_rotations(rotations, source)
    return rotations


def _motion(arrays: dict[str, np.ndarray], source: str) -> Motion:
    rotations = _rotations(arrays, source)
    offsets_m, joints = arrays["offsets_m"].astype(np.float32), len(arrays["names"])
    frames = len(arrays["root_m"])
    if rotations.shape[:2] != (frames, joints) or arrays["root_m"].shape[1] != 3 or not frames:
        raise FileError(
            source,
            f"rotations of shape {rotations.shape[:2]}, root_m of shape {arrays['root_m'].shape}",
            f"(T, {joints}) and (T, 3), T at least 1",
            _CURE,
        )
    feet = tuple(int(j) for j in arrays.get("feet", ()))
    tips = tuple(
        (int(j), (float(x), float(y), float(z)))
        for j, (x, y, z) in zip(arrays.get("tip_joints", ()), arrays.get("tips_m", ()), strict=True)
    )
    if any(not 0 <= j < joints for j in (*feet, *(j for j, _ in tips))) or offsets_m.shape != (
        joints,
        3,
    ):
        raise FileError(
            source, "feet, tips or offsets do not fit the joints", f"{joints} joints", _CURE
        )
    parents = tuple(int(p) for p in arrays["parents"])
    skeleton = Skeleton(
        tuple(str(name) for name in arrays["names"]), parents, offsets_m, feet, tips
    )
    return Motion(skeleton, rotations, arrays["root_m"], float(arrays["fps"]))


def _music(arrays: dict[str, np.ndarray], path: Path, fps: float) -> Music | None:
    if "music_features" not in arrays:
        return None
    missing = [key for key in ("music_beats", "music_tempo_bpm") if key not in arrays]
    if missing:
        raise FileError(str(path), f"music_features without {' '.join(missing)}", cure=_CURE)
    music = Music(
        arrays["music_features"].astype(np.float32),
        float(arrays.get("music_fps", fps)),
        arrays["music_beats"].astype(np.int64),
        float(arrays["music_tempo_bpm"]),
    )
    # Checked before the sound, which takes longest to read.
    check_music(music, str(path))
    return replace(music, audio=_read_packed_sound(arrays, path))


def _read_packed_sound(arrays: dict[str, np.ndarray], path: Path) -> Audio | None:
    if "music_file" not in arrays:
        return None
    # Only clips with sound need the decoding libraries.
    from mmm.music.audio import read_audio

    # The suffix becomes part of a file name, so it must not hold a slash.
    suffix = _text(arrays, "music_suffix", ".flac")
    if not suffix.startswith(".") or not suffix[1:].isalnum():
        raise FileError(str(path), f"music_suffix {suffix!r}", "a suffix such as .flac", _CURE)
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / f"sound{suffix}"
        packed.write_bytes(arrays["music_file"].astype(np.uint8).tobytes())
        return read_audio(packed)


def read_npz(path: Path, largest: int = LARGEST) -> Clip:
    """A clip from an ``.npz`` of the layout above.

    Args:
        path: the file.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: the file is damaged, a key is missing or of another kind or shape, a number is
            not finite, or arrays disagree.
    """
    arrays, source = _arrays(path, largest), str(path)
    check_size(source, len(arrays["names"]), len(arrays["root_m"]), largest)
    if _text(arrays, "format", FORMAT) != FORMAT:
        raise FileError(
            source, f"format {_text(arrays, 'format')!r}", FORMAT, "read it with a newer version"
        )
    try:
        motion = _motion(arrays, source)
        meta = json.loads(_text(arrays, "meta", "{}"))
        if not isinstance(meta, dict):
            raise ValueError("meta is no JSON object")
        return Clip(
            _text(arrays, "name") or path.stem,
            motion,
            _music(arrays, path, motion.fps),
            source=_text(arrays, "source") or source,
            split=_text(arrays, "split"),
            notes=tuple(str(note) for note in arrays.get("notes", ())),
            meta=MappingProxyType(meta),
        )
    # JSON that nests more than about a thousand deep raises RecursionError.
    except (ValueError, RecursionError) as error:
        raise FileError(source, str(error), "arrays that agree", _CURE) from None
