"""Exchange with PyMO (omimo/PyMO), by the shape of its ``MocapData`` alone: PyMO itself is never imported.

A ``MocapData`` has ``skeleton`` (name -> dict of ``parent``, ``channels``, ``offsets``, ``children``; end sites are
entries of their own, called ``NAME_Nub``, without channels), ``values`` (a pandas DataFrame of angles in degrees and
positions in the file's unit, columns ``NAME_Xrotation``), ``channel_names`` (pairs), ``framerate`` (in truth seconds a
frame) and ``root_name``.
"""

import importlib
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
    """What PyMO's transforms and writers take for their own ``MocapData``."""

    skeleton: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Joints and end sites by name."""
    values: Any = None
    """pandas DataFrame, one row a frame, indexed by time."""
    channel_names: list[tuple[str, str]] = field(default_factory=list)
    """Joint and channel of every column."""
    framerate: float = 0.0
    """Seconds a frame, as PyMO has it."""
    root_name: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Empty; newer PyMO versions expect it."""

    def traverse(self, j: object = None) -> Iterator[str]:
        """Names from the root down, in the order in which PyMO walks."""
        stack = [self.root_name]
        while stack:
            name = stack.pop()
            yield name
            stack.extend(self.skeleton[name]["children"])

    def clone(self) -> "PymoData":
        """A copy that shares the numbers until they are replaced."""
        return PymoData(
            copy(self.skeleton),
            copy(self.values),
            copy(self.channel_names),
            self.framerate,
            self.root_name,
            copy(self.metadata),
        )


def to_pymo(clip: Clip) -> PymoData:
    """A clip as PyMO data: what PyMO would read from the ``.bvh`` that ``save_clip`` writes. Needs pandas."""
    pd = importlib.import_module("pandas")  # only for this exchange
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
        if j in tips or not data.skeleton[joint.name]["children"]:
            nub = f"{joint.name}_Nub"
            data.skeleton[nub] = {
                "parent": joint.name,
                "channels": [],
                "offsets": list(tips.get(j, (0.0, 0.0, 0.0))),
                "children": [],
            }
            data.skeleton[joint.name]["children"].append(nub)
    times = pd.to_timedelta(np.arange(len(document.values)) / document.fps, unit="s")
    columns = [f"{name}_{channel}" for name, channel in data.channel_names]
    data.values = pd.DataFrame(document.values, index=times, columns=columns)
    return data


def from_pymo(data: Any, name: str = "pymo", unit_m: float | None = None) -> Clip:
    """A clip from PyMO data whose angles are Euler degrees (as parsed, before PyMO's own conversions).

    Args:
        data: anything with the attributes of PyMO's ``MocapData``.
        name: the clip's name.
        unit_m: metres a unit; guessed from the body's height where not given.

    Raises:
        FileError: an attribute, joint or column is missing, or a number is not finite.
    """
    where = f"PyMO data {name!r}"
    lacking = [
        key for key in ("skeleton", "values", "framerate", "root_name") if not hasattr(data, key)
    ]
    if lacking:
        raise FileError(
            where, f"a {type(data).__name__} without {', '.join(lacking)}", "a MocapData", _CURE
        )
    if (
        data.root_name not in data.skeleton
        or not data.framerate
        or not data.framerate > 0
        or not len(data.values)
    ):
        raise FileError(
            where,
            f"root {data.root_name!r}, {data.framerate} seconds a frame, {len(data.values)} frames",
            "a root of the skeleton, a time above zero, frames",
            _CURE,
        )
    document = BvhDocument(fps=_rate(float(data.framerate)))
    wanted: list[str] = []
    _walk(data, data.root_name, -1, document, wanted, where)
    missing = [column for column in wanted if column not in data.values.columns]
    if missing:
        raise FileError(
            where,
            f"no column {missing[0]}",
            "Euler angles of every channel",
            "convert them back first, with the inverse of PyMO's MocapParameterizer",
        )
    document.values = np.asarray(data.values[wanted], dtype=np.float64)
    if not np.isfinite(document.values).all():
        row = int(np.argmin(np.isfinite(document.values).all(axis=1)))
        raise FileError(where, f"a number that is not finite in frame {row}", cure="fill it first")
    return document_to_clip(document, name, where, unit_m)


def _rate(seconds: float) -> float:
    nearest = round(1 / seconds)
    return float(nearest) if nearest and abs(1 / seconds / nearest - 1) < 1e-4 else 1 / seconds


def _walk(
    data: Any, name: str, parent: int, document: BvhDocument, wanted: list[str], where: str
) -> None:
    """Joints in BVH order; entries without channels and children are end sites."""
    try:
        entry = data.skeleton[name]
        x, y, z = (float(value) for value in entry["offsets"])
        channels, children = tuple(entry["channels"]), list(entry["children"])
    except (KeyError, TypeError, ValueError):
        raise FileError(
            where, f"joint {name!r} is incomplete", "parent, channels, offsets and children", _CURE
        ) from None
    if parent >= 0 and not channels and not children:
        document.ends.append((parent, (x, y, z)))
        return
    document.joints.append(BvhJoint(name, parent, (x, y, z), channels))
    wanted.extend(f"{name}_{channel}" for channel in channels)
    here = len(document.joints) - 1
    for child in children:
        _walk(data, child, here, document, wanted, where)
