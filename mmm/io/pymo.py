"""Conversion to and from PyMO (github.com/omimo/PyMO), by the attributes of its ``MocapData``.

PyMO itself is never imported. A ``MocapData`` has these attributes:

- ``skeleton``: for each name a dict of ``parent``, ``channels``, ``offsets`` and ``children``. End
  sites are entries of their own, called ``NAME_Nub``, without channels.
- ``values``: a pandas DataFrame of angles in degrees and positions in the file's unit. Its columns
  are called ``NAME_Xrotation`` and the like.
- ``channel_names``: pairs of joint and channel.
- ``framerate``: seconds per frame, in spite of its name.
- ``root_name``.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmm.errors import FileError
from mmm.io.bvh import document_to_clip
from mmm.io.bvh_out import clip_to_document
from mmm.io.bvh_text import BvhDocument, BvhJoint
from mmm.motion.clip import Clip

_CURE = "pass what PyMO's BVHParser().parse() returns"


@dataclass
class PymoData:
    """Data that PyMO's transforms and writers accept as their own ``MocapData``."""

    skeleton: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Joints and end sites by name."""
    values: Any = None
    """pandas DataFrame, one row per frame, indexed by time."""
    channel_names: list[tuple[str, str]] = field(default_factory=list)
    """Joint and channel of every column."""
    framerate: float = 0.0
    """Seconds a frame, as PyMO has it."""
    root_name: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Empty; newer PyMO versions expect it."""

    def traverse(self, j: object = None) -> Iterator[str]:
        """Names from the root down, in PyMO's order."""
        # Depth first with the last child first, as in PyMO's own method.
        stack = [self.root_name]
        while stack:
            name = stack.pop()
            yield name
            stack.extend(self.skeleton[name]["children"])

    def clone(self) -> "PymoData":
        """A shallow copy."""
        return PymoData(
            copy(self.skeleton),
            copy(self.values),
            copy(self.channel_names),
            self.framerate,
            self.root_name,
            copy(self.metadata),
        )


def to_pymo(clip: Clip) -> PymoData:
    """A clip as PyMO data, equal to what PyMO reads from the ``.bvh`` that ``save_clip`` writes.

    Args:
        clip: any clip.

    Raises:
        ImportError: pandas is not installed.
    """
    # Only this function needs pandas, which is therefore not a requirement of the package.
    import pandas as pd

    document = clip_to_document(clip)
    joints, data = (
        document.joints,
        PymoData(root_name=document.joints[0].name, framerate=1 / document.fps),
    )
    for joint in joints:
        parent = joints[joint.parent].name if joint.parent >= 0 else None
        data.skeleton[joint.name] = {
            "parent": parent,
            "channels": list(joint.channels),
            "offsets": list(joint.offset),
            "children": [],
        }
        if parent is not None:
            data.skeleton[parent]["children"].append(joint.name)
        data.channel_names.extend((joint.name, channel) for channel in joint.channels)
    tips = dict(document.ends)
    for j, joint in enumerate(joints):
        # PyMO's parser gives end sites such names, and its writer recognises them by the name.
        if j in tips or not data.skeleton[joint.name]["children"]:
            nub = f"{joint.name}_Nub"
            data.skeleton[nub] = {
                "parent": joint.name,
                "channels": [],
                "offsets": list(tips.get(j, (0.0, 0.0, 0.0))),
                "children": [],
            }
            data.skeleton[joint.name]["children"].append(nub)
    # PyMO's parser indexes frames by time differences.
    times = pd.to_timedelta(np.arange(len(document.values)) / document.fps, unit="s")
    columns = [f"{name}_{channel}" for name, channel in data.channel_names]
    data.values = pd.DataFrame(document.values, index=times, columns=columns)
    return data


def from_pymo(data: Any, name: str = "pymo", unit_m: float | None = None) -> Clip:
    """A clip from PyMO data as parsed, with Euler angles in degrees.

    Args:
        data: anything with the attributes of PyMO's ``MocapData``.
        name: the clip's name.
        unit_m: metres per unit; guessed from the body's height if not given.

    Raises:
        FileError: an attribute, joint or column is missing, or a number is not finite.
    """
    source = f"PyMO data {name!r}"
    lacking = [
        key for key in ("skeleton", "values", "framerate", "root_name") if not hasattr(data, key)
    ]
    if lacking:
        raise FileError(
            source, f"a {type(data).__name__} without {', '.join(lacking)}", "a MocapData", _CURE
        )
    if (
        data.root_name not in data.skeleton
        or not data.framerate
        or not data.framerate > 0
        or not len(data.values)
    ):
        raise FileError(
            source,
            f"root {data.root_name!r}, {data.framerate} seconds per frame, {len(data.values)} frames",
            "a root of the skeleton, a time above zero, frames",
            _CURE,
        )
    document = BvhDocument(fps=_rate(float(data.framerate)))
    columns: list[str] = []
    _walk(data, data.root_name, -1, document, columns, source)
    # PyMO's MocapParameterizer replaces the Euler columns by positions or rotation vectors.
    missing = [column for column in columns if column not in data.values.columns]
    if missing:
        raise FileError(
            source,
            f"no column {missing[0]}",
            "Euler angles of every channel",
            "convert them back first, with the inverse of PyMO's MocapParameterizer",
        )
    document.values = np.asarray(data.values[columns], dtype=np.float64)
    if not np.isfinite(document.values).all():
        row = int(np.argmin(np.isfinite(document.values).all(axis=1)))
        raise FileError(source, f"a number that is not finite in frame {row}", cure="fill it first")
    return document_to_clip(document, name, source, unit_m)


def _rate(seconds: float) -> float:
    # BVH's Frame Time is rounded (0.033333), and PyMO passes it on.
    nearest = round(1 / seconds)
    return float(nearest) if nearest and abs(1 / seconds / nearest - 1) < 1e-4 else 1 / seconds


def _walk(
    data: Any, name: str, parent: int, document: BvhDocument, columns: list[str], source: str
) -> None:
    """Add a joint and those below it to a document, in BVH order.

    Entries without channels and children are end sites.
    """
    # The data comes from other code, so every part of an entry may be missing or of another type.
    try:
        entry = data.skeleton[name]
        x, y, z = (float(value) for value in entry["offsets"])
        channels, children = tuple(entry["channels"]), list(entry["children"])
    except (KeyError, TypeError, ValueError):
        raise FileError(
            source, f"joint {name!r} is incomplete", "parent, channels, offsets and children", _CURE
        ) from None
    if parent >= 0 and not channels and not children:
        document.ends.append((parent, (x, y, z)))
        return
    document.joints.append(BvhJoint(name, parent, (x, y, z), channels))
    columns.extend(f"{name}_{channel}" for channel in channels)
    index = len(document.joints) - 1
    for child in children:
        _walk(data, child, index, document, columns, source)
