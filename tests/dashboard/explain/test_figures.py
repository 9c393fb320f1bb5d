"""Figures beside the maps."""

import re

import numpy as np

from dashboard.explain.figures import convolution_figure, trust_chart
from mmm.attention import Convolution

ROWS = [
    {
        "rule": "drums",
        "clips": 9,
        "method": name,
        "by_chance": 0.05,
        "precision": [mean, mean - 0.02, mean + 0.02],
        "area": 0.2,
        "times_chance": mean / 0.05,
    }
    for name, mean in (("random", 0.05), ("attention", 0.08), ("occlusion", 0.38))
]


def test_each_layer_says_its_share_and_shows_a_kernel_a_head():
    kernels = np.zeros((2, 5, 3, 9), np.float16)
    kernels[..., 4] = 1
    kernels[1, :, 0, 2] = 0.5
    text = convolution_figure({"motion": Convolution(np.array([0.25, 0.5], np.float32), kernels)})
    assert re.findall(r"<b>(\d+%)</b>", text) == ["25%", "50%"]
    assert text.count('class="kernel"') == 6
    assert text.count('<i style="height:11px">') == 1
    assert "Motion encoder, layer 2" in text
    assert "head 1: 0.00, 0.00, 0.50, 0.00, 1.00" in text


def test_ways_are_ordered_by_what_they_find_with_chance_marked():
    text = trust_chart({"rows": [*ROWS, ROWS[0] | {"rule": "all", "method": "mute"}]}, "drums")
    assert re.findall(r"<span>([^<]+)</span>", text) == [
        "occlusion",
        "attention maps",
        "random order",
    ]
    assert re.findall(r"<em>(\d+%)</em>", text) == ["38%", "8%", "5%"]
    assert text.count('<u style="left:12.5%"></u>') == 3  # of the longest bar, 40 %
    assert "38.0% (36.0% to 40.0%)" in text
