"""What the attention view is fed."""

import numpy as np
import pytest

from dashboard.components.attention.attention import Tiles, pack_attention
from mmm.viewer.payload import unpack

GIVEN = {
    "view": "cross/motion-music/0/0",
    "label": "Layer 1",
    "sides": ("motion", "music"),
    "window": (10, 50),
    "frames": 80,
    "fps": 60.0,
}


def tiles() -> list[Tiles]:
    return [
        Tiles(
            "cross",
            "Cross",
            ["a", "b"],
            ["A", "B"],
            2,
            np.zeros((2, 5, 5), np.uint8),
            [True, False],
            {"across": [0.123456, None]},
        )
    ]


def test_the_map_comes_back_within_half_a_step_of_its_square_root():
    values = np.random.default_rng(0).random((40, 40)).astype(np.float32) ** 6 / 20
    header, arrays = unpack(
        pack_attention(
            values,
            tiles(),
            beats=np.array([12, 40]),
            bars=np.array([12]),
            hidden_frames=np.arange(80) > 60,
            **GIVEN,
        )
    )
    assert header["top"] == pytest.approx(values.max())
    assert header["shown"] <= header["top"]
    back = (arrays["map"] / 255.0) ** 2 * header["top"]
    np.testing.assert_allclose(np.sqrt(back), np.sqrt(values), atol=np.sqrt(values.max()) / 500)
    assert (header["rows"], header["columns"], header["window"]) == (40, 40, [10, 50])
    assert header["tiles"][0]["scores"] == {"across": [0.12346, None]}
    assert arrays["tiles0"].shape == (2, 5, 5)
    assert arrays["hidden"].sum() == 19
    assert (arrays["beats"].tolist(), arrays["bars"].tolist()) == ([12, 40], [12])


def test_one_bright_cell_does_not_darken_the_linear_scale():
    values = np.full((40, 40), 1e-3, np.float32)
    values[3, 3] = 1.0
    header, _ = unpack(pack_attention(values, [], **GIVEN))
    assert header["shown"] < 0.01
    assert header["top"] == 1.0


def test_an_empty_map_and_wrong_ones():
    header, arrays = unpack(pack_attention(np.zeros((4, 4), np.float32), [], **GIVEN))
    assert header["top"] == header["shown"] == 1.0
    assert not arrays["map"].any()
    with pytest.raises(ValueError, match="goes down to -1"):
        pack_attention(np.full((4, 4), -1.0, np.float32), [], **GIVEN)
    with pytest.raises(ValueError, match="NaN"):
        pack_attention(np.full((4, 4), np.nan, np.float32), [], **GIVEN)
    with pytest.raises(ValueError, match=r"window \(60, 90\) of 80 frames"):
        pack_attention(np.zeros((4, 4), np.float32), [], **(GIVEN | {"window": (60, 90)}))
