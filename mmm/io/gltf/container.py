"""The containers of glTF: ``.glb`` with its chunks, ``.gltf`` with its buffers, and arrays in both.

All lengths and offsets of a file are checked. Buffers beside a ``.gltf`` are read from its own
folder only.
"""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from mmm.errors import FileError
from mmm.io.files import read_bytes

Array = np.ndarray

# Component types and their NumPy names (section 3.6.2.2), little-endian.
_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
DAMAGE = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
    *(struct.error, np.exceptions.AxisError),
)
"""Exceptions that Python raises for documents that violate the specification."""


class Document:
    """A glTF document with its buffers.

    Raises:
        FileError: not glTF 2.0, truncated, or a buffer is missing.
    """

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        data = read_bytes(path)
        self._binary: bytes | None = None
        text = self._chunks(data) if data[:4] == b"glTF" else data
        try:
            content = json.loads(text)
            if content["asset"]["version"].split(".")[0] != "2":
                raise FileError(
                    self.source,
                    f"glTF of version {content['asset']['version'][:20]}",
                    "version 2.0",
                    "export it again",
                )
        except DAMAGE:
            raise self.fault("not a glTF document") from None
        self.content: dict[str, Any] = content
        self._folder = path.parent
        self._buffers: dict[int, bytes] = {}

    def fault(self, problem: str) -> FileError:
        """The error of a damaged file."""
        return FileError(self.source, problem, "a glTF 2.0 file", "export it again")

    def list(self, name: str) -> list[dict[str, Any]]:
        """A top-level list; empty if there is none."""
        items = self.content.get(name, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.fault(f"{name} is no list of objects")
        return items

    def array(self, index: int) -> Array:
        """An accessor's values as (count, width), float64; normalised integers are scaled."""
        accessor = self.list("accessors")[_index(index)]
        count, width = _index(accessor["count"]), _WIDTHS[accessor["type"]]
        dtype = np.dtype(_COMPONENTS[accessor["componentType"]])
        if "bufferView" in accessor:
            view = self.list("bufferViews")[_index(accessor["bufferView"])]
            values = self._strided(view, _index(accessor.get("byteOffset", 0)), count, width, dtype)
        elif "sparse" in accessor and count < 1 << 24:
            values = np.zeros((count, width), dtype)
        else:
            raise self.fault("an accessor without data; compressed files are not read")
        if "sparse" in accessor:
            values = self._with_sparse(values.copy(), accessor["sparse"])
        scaled = values.astype(np.float64)
        if accessor.get("normalized") and dtype.kind in "iu":
            # Section 3.6.2.2: signed integers have one value too many, which is clamped.
            scaled = np.maximum(scaled / np.iinfo(dtype).max, -1.0)
        return scaled

    def _with_sparse(self, values: Array, sparse: dict[str, Any]) -> Array:
        """Values after the substitutions of a sparse accessor (section 3.6.2.3)."""
        count, views = _index(sparse["count"]), self.list("bufferViews")
        indices, substitutes = sparse["indices"], sparse["values"]
        rows = self._strided(
            views[_index(indices["bufferView"])],
            _index(indices.get("byteOffset", 0)),
            count,
            1,
            np.dtype(_COMPONENTS[indices["componentType"]]),
        )
        values[rows[:, 0]] = self._strided(
            views[_index(substitutes["bufferView"])],
            _index(substitutes.get("byteOffset", 0)),
            count,
            values.shape[1],
            values.dtype,
        )
        return values

    def _strided(
        self, view: dict[str, Any], offset: int, count: int, width: int, dtype: np.dtype[Any]
    ) -> Array:
        """Rows of a buffer view."""
        buffer = self._buffer(_index(view["buffer"]))
        start = _index(view.get("byteOffset", 0))
        piece = memoryview(buffer)[start : start + _index(view["byteLength"])]
        row = width * dtype.itemsize
        stride = _index(view.get("byteStride", 0)) or row
        # Checked here, so that no row reaches beyond the buffer.
        if not count or stride < row or offset + stride * (count - 1) + row > len(piece):
            raise self.fault("an accessor that reaches beyond its buffer")
        return np.ndarray((count, width), dtype, piece, offset, (stride, dtype.itemsize))

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            self._buffers[index] = self._load(self.list("buffers")[index], index)
        return self._buffers[index]

    def _load(self, buffer: dict[str, Any], index: int) -> bytes:
        uri = buffer.get("uri")
        if uri is None:
            if index or self._binary is None:
                raise self.fault("a buffer without data")
            return self._binary
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2], validate=True)
        # A path out of the folder could read any file of a server.
        if uri in (".", "..") or any(sign in uri for sign in "/\\:%") or not uri:
            raise FileError(
                self.source, f"a buffer elsewhere ({uri[:80]})", "it beside the file", "save a .glb"
            )
        return read_bytes(self._folder / uri)

    def _chunks(self, data: bytes) -> bytes:
        """The JSON chunk of a binary file; the binary chunk is stored."""
        text, offset = b"", 12
        while offset + 8 <= len(data):
            length, kind = struct.unpack_from("<II", data, offset)
            chunk = data[offset + 8 : offset + 8 + length]
            if len(chunk) < length:
                raise self.fault("the file breaks off")
            if kind == _JSON and not text:
                text = chunk
            elif kind == _BINARY and self._binary is None:
                self._binary = chunk
            offset += 8 + length
        return text


def _index(value: Any) -> int:
    """A count or an index of the document.

    Raises:
        ValueError: not an integer of 0 or more; negative ones would count from the end.
    """
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no index"[:100])
    return value
