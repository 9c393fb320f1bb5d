"""Which block of which map."""

import numpy as np
import pytest

from mmm import masks
from mmm.attention import AttentionTrace
from mmm.errors import ModelError
from mmm.recovery import recover
from tests.mmm.networks import NETWORKS, tiny_clip, tiny_model

CROSS = np.arange(2 * 3 * 6 * 6, dtype=np.float16).reshape(2, 3, 6, 6)
TRACE = AttentionTrace({"cross": CROSS}, {"motion": slice(0, 3), "music": slice(3, 6)}, (0, 3))


@pytest.mark.parametrize(("query", "key", "rows", "columns"), [
    ("motion", "motion", slice(0, 3), slice(0, 3)), ("motion", "music", slice(0, 3), slice(3, 6)),
    ("music", "motion", slice(3, 6), slice(0, 3)), ("music", "music", slice(3, 6), slice(3, 6)),
])
def test_blocks(query, key, rows, columns):
    """The query is the row: which music a motion frame looks at is block("motion", "music"), not its transpose."""
    assert np.array_equal(TRACE.block(query, key), CROSS[:, :, rows, columns])


def test_no_such_segment():
    with pytest.raises(ModelError, match="no segment 'dance'; expected motion, music"):
        TRACE.block("motion", "dance")


@pytest.mark.parametrize("network", ["3bert", "common"])
def test_networks_without_blocks_say_so(network):
    clip = tiny_clip(20)
    trace = recover(tiny_model(network), clip, masks.every_nth(clip, 4), attention=True).attention
    assert trace.segments is None
    with pytest.raises(ModelError, match="no cross-modal blocks: its maps go from frame to frame; expected an ecm"):
        trace.block("motion", "music")


@pytest.mark.parametrize("network", NETWORKS)
def test_maps_of_a_recovery(network):
    clip = tiny_clip(30)
    trace = recover(tiny_model(network), clip, masks.every_nth(clip, 4), attention=True).attention
    assert trace.frames == (0, 30)
    for maps in trace.stages.values():
        assert maps.dtype == np.float16
        assert maps.shape[1] == 4
        assert np.abs(maps.astype(np.float32).sum(-1) - 1).max() < 5e-3
    assert set(trace.stages) == ({"motion"} if network == "common" else {"motion", "music", "cross"})


def test_the_blocks_of_ecm_cover_its_cross_map():
    clip = tiny_clip(30)
    trace = recover(tiny_model("ecm"), clip, masks.every_nth(clip, 4), attention=True).attention
    halves = [np.concatenate([trace.block(query, key) for key in ("motion", "music")], axis=-1)
              for query in ("motion", "music")]
    assert halves[0].shape == (1, 4, 30, 60)
    assert np.array_equal(np.concatenate(halves, axis=-2), trace.stages["cross"])


@pytest.mark.parametrize(("frame", "window"), [(0, (0, 40)), (39, (0, 40)), (40, (27, 67)), (99, (60, 100))])
def test_the_window_that_holds_a_frame(frame, window):
    clip = tiny_clip(100)
    trace = recover(tiny_model("ecm"), clip, masks.every_nth(clip, 4), attention=True, attention_frame=frame).attention
    assert trace.frames == window


def test_nothing_is_kept_unasked():
    clip = tiny_clip(20)
    assert recover(tiny_model("ecm"), clip, masks.every_nth(clip, 4)).attention is None
