"""Clips as bytes: bit by bit there and back, and what a hostile sender writes is one line."""

import json
import struct

import numpy as np
import pytest

from mmm.errors import FileError
from mmm.serving import exchange
from tests.mmm.networks import tiny_clip


def test_arrays_come_back_bit_by_bit():
    numbers = np.random.default_rng(0)
    arrays = {
        "odd": numbers.integers(0, 255, 7).astype(np.uint8),
        "turned": numbers.normal(size=(4, 3)).astype(np.float32).T,
        "none": np.zeros((0, 3), np.float64),
        "bits": numbers.random((2, 3)) < 0.5,
    }
    text, back = exchange.unpack(exchange.pack({"a": [1, None]}, arrays))
    assert text == {"a": [1, None]}
    for name, array in arrays.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes()
        assert back[name].flags.writeable


def test_a_sent_clip_is_the_clip():
    clip = tiny_clip(30)
    back = exchange.clip_from_client(exchange.pack_clip(clip), "a")
    assert back.digest() == clip.digest()
    assert back.music.features.tobytes() == clip.music.features.tobytes()


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"nonsense", b"MMMX\xff\xff\xff\xff{}"])
def test_what_is_not_whole_is_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        exchange.unpack_clip(content)


def header(values) -> bytes:
    text = values if isinstance(values, bytes) else json.dumps(values).encode()
    return b"MMMX" + struct.pack("<I", len(text)) + text


@pytest.mark.parametrize(
    "array",
    [
        ["a", "<f4", [1 << 70]],
        ["a", "<f4", [1 << 40]],
        ["a", "<f4", [0, 1 << 70]],
        ["a", "<f4", [-1]],
        ["a", "<f4", [1.5]],
        ["a", "|O", [1]],
        ["a", ["<f4"], [1]],
        ["a", "<f4", None],
        ["a"],
        7,
    ],
)
def test_an_array_that_is_not_there_takes_no_memory(array):
    with pytest.raises(ValueError, match="damaged"):
        exchange.unpack(header({"text": {}, "arrays": [array]}))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[]", b"{}", b'{"text": [], "arrays": []}'])
def test_a_header_of_another_kind_is_refused(text):
    with pytest.raises(ValueError, match=r"damaged|JSON"):
        exchange.unpack(header(text))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"rotations": np.zeros((30, 6, 3, 3), np.float32)}, "no rotations"),
        ({"rotations": np.zeros((30, 6, 3), np.float32)}, "rotations"),
        ({"root_m": np.full((30, 3), 1e9, np.float32)}, "away"),
        ({"offsets_m": np.zeros((6, 2), np.float32)}, "offsets"),
        ({"music.features": np.zeros((30, 3), np.float32)}, "music_features"),
        ({"music.features": np.zeros(30, np.float32)}, "music features"),
        ({"music.beats": np.array([99])}, "music_beats"),
        ({"fps": -1}, "frame rate"),
        ({"fps": "many"}, "many"),
        ({"feet": [77]}, "feet"),
        ({"end_sites": [[77, [0.0, 0.0, 0.0]]]}, "end sites"),
        ({"end_sites": [3]}, "kind"),
        ({"parents": [0] * 6}, "parents"),
        ({"meta": [1]}, "kind"),
        ({"names": None}, "kind"),
    ],
)
def test_a_sent_clip_is_checked_as_a_file_is(changes, part):
    text, arrays = exchange.unpack(exchange.pack_clip(tiny_clip(30)))
    for key, value in changes.items():
        (arrays if isinstance(value, np.ndarray) else text)[key] = value
    with pytest.raises(FileError, match=part) as caught:
        exchange.clip_from_client(exchange.pack(text, arrays), "a")
    assert "\n" not in str(caught.value)
