"""Figures beside the maps, in plain HTML: the half of a layer that no map shows, and how far to trust the maps."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.attention_maps import STAGE_NAMES

if TYPE_CHECKING:
    from mmm.attention import Convolution

METHOD_NAMES = {"random": "random order", "nearest": "the nearest frames", "attention": "attention maps",
                "rollout": "attention rollout", "gradients": "gradients",
                "integrated_gradients": "integrated gradients", "occlusion": "occlusion", "mute": "silencing the music"}


def convolution_figure(found: "Mapping[str, Convolution]") -> str:
    """A row a layer: which share is convolution, and the mean kernel of each head over nine frames."""
    rows = []
    for stage, layers in reversed(list(found.items())):
        for number, share in enumerate(layers.share):
            kernels = layers.kernels[number].astype(np.float32).mean(axis=0)  # (H, 9)
            pictures = "".join(_kernel(kernel, f"head {head + 1}") for head, kernel in enumerate(kernels))
            rows.append(f'<div class="conv" role="listitem"><span>{STAGE_NAMES.get(stage, stage)}, layer {number + 1}'
                        f'</span><b>{share:.0%}</b><div class="share"><i style="width:{100 * share:.1f}%"></i></div>'
                        f'<div class="kernels">{pictures}</div></div>')
    return f'<div class="wb-conv" role="list">{"".join(rows)}</div>'


def _kernel(weights: "Sequence[float] | np.ndarray", name: str) -> str:
    """Nine bars (the weights are none below zero); the middle one is the frame itself."""
    high = max(float(np.max(weights)), 1e-9)
    bars = "".join(f'<i style="height:{float(w) / high * 22:.0f}px"></i>' for w in weights)
    values = ", ".join(f"{float(w):.2f}" for w in weights)
    return f'<div class="kernel" role="img" aria-label="{name}: {values}" title="{name}: {values}">{bars}</div>'


def trust_chart(measured: Mapping[str, Any], rule: str) -> str:
    """Precision at k of each way of finding the music that decides a frame; a line marks what chance gives."""
    rows = [row for row in measured["rows"] if row["rule"] == rule]
    longest = max((row["precision"][2] for row in rows), default=0.0) or 1.0
    bars = []
    for row in sorted(rows, key=lambda row: -row["precision"][0]):
        mean, low, high = (100 * value / longest for value in row["precision"])
        chance = 100 * row["by_chance"] / longest
        name = html.escape(METHOD_NAMES.get(row["method"], row["method"]))
        hint = (f"{name}: {row['precision'][0]:.1%} ({row['precision'][1]:.1%} to {row['precision'][2]:.1%}), "
                f"area under the precision-recall curve {row['area']:.2f}")
        kind = "maps" if row["method"] in ("attention", "rollout") else "plain" if row["method"] in (
            "random", "nearest") else "measured"
        bars.append(f'<div class="row {kind}" role="listitem" title="{hint}"><span>{name}</span><div>'
                    f'<i style="width:{mean:.1f}%"></i><s style="left:{low:.1f}%;width:{high - low:.1f}%"></s>'
                    f'<u style="left:{chance:.1f}%"></u></div><em>{row["precision"][0]:.0%}</em></div>')
    return f'<div class="wb-trust" role="list">{"".join(bars)}</div>'
