"""Results as bytes: exported files, exact arrays for ``mmm.connect``, and streamed frames."""

import base64
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import Skeleton
from mmm.serving import exchange, reader
from mmm.viewer.save import save

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Generation
    from mmm.recovery.result import RecoveryResult

MEDIA_TYPES = {
    "json": "application/json",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "html": "text/html; charset=utf-8",
    "glb": "model/gltf-binary",
}
"""By suffix; all others are ``application/octet-stream``."""


def exported(item: Any, kind: str, progress: Any) -> bytes:
    """A clip or a result in an export format, as :func:`mmm.save` writes it."""
    with tempfile.TemporaryDirectory(prefix=reader.PREFIX) as folder:
        path = Path(folder) / f"result.{kind}"
        save(item, path, progress=progress)
        return path.read_bytes()


def exact(result: "RecoveryResult") -> bytes:
    """A recovery for ``mmm.connect``, bit-identical, without the clip, which the client has."""
    arrays = {
        "rotations": result.recovered.motion.rotations,
        "root_m": result.recovered.motion.root_m,
        "so3_residual": result.so3_residual,
    }
    if result.expected_cm is not None:
        # Only some networks estimate their error.
        arrays["expected_cm"] = result.expected_cm
    text = {"model_name": result.model_name, "elapsed_s": result.elapsed_s}
    return exchange.pack({**text, "notes": list(result.notes)}, arrays)


def from_exact(content: bytes, clip: Clip, hidden: np.ndarray) -> "RecoveryResult":
    """The recovery that :func:`exact` packed, with the client's own clip.

    Raises:
        ValueError: the content is damaged.
    """
    from dataclasses import replace

    from mmm.recovery.result import RecoveryResult

    text, arrays = exchange.unpack(content)
    # Skeleton and frame rate are those of the clip, and are not sent.
    skeleton, fps = clip.motion.skeleton, clip.motion.fps
    motion = Motion(skeleton, arrays["rotations"], arrays["root_m"], fps)
    return RecoveryResult(
        clip,
        hidden,
        replace(clip, motion=motion),
        arrays["so3_residual"],
        text["model_name"],
        text["elapsed_s"],
        None,
        tuple(text["notes"]),
        arrays.get("expected_cm"),
    )


def line(values: Mapping[str, Any]) -> bytes:
    """One line of a stream."""
    return json.dumps(values).encode() + b"\n"


def chunk_line(chunk: "Chunk") -> bytes:
    """Generated frames as a line: float32 arrays in base64, little-endian."""
    motion = chunk.motion
    return line(
        {
            "first": chunk.first,
            "frames": len(motion),
            "joints": len(motion.skeleton),
            "rotations": _encoded(motion.rotations),
            "root_m": _encoded(motion.root_m),
        }
    )


def motion_of_line(values: Mapping[str, Any], skeleton: Skeleton, fps: float) -> Motion:
    """The frames that :func:`chunk_line` packed."""
    frames, joints = int(values["frames"]), len(skeleton)
    return Motion(
        skeleton,
        _decoded(values["rotations"], frames, joints, 3, 3),
        _decoded(values["root_m"], frames, 3),
        fps,
    )


def end_line(generation: "Generation") -> bytes:
    """The last line of a complete stream."""
    return line(
        {
            "done": True,
            "checkpoint": generation.model_name,
            "elapsed_s": generation.elapsed_s,
            "notes": list(generation.notes),
        }
    )


def _encoded(values: np.ndarray) -> str:
    # Decimal numbers would be three times as long, and slower on both sides.
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def _decoded(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape).astype(np.float32)
