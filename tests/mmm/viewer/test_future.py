"""What the stage is fed where motion is generated."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.viewer.panels import Future, pack_viewer, panel_from_motion
from mmm.viewer.payload import unpack
from tests.mmm.making import smooth_motion


def test_panels_of_a_future_may_end_at_frames_of_their_own():
    truth = panel_from_motion("Truth", smooth_motion(1, 40), "truth")
    made = replace(panel_from_motion("net", smooth_motion(2, 70), "model"), look="second")
    future = Future(30, 100, 70, live=True, run="7", start=12, mark="m", sound="s")
    header, arrays = unpack(pack_viewer([truth, made], fps=60.0, future=future))
    assert header["frames"] == 100
    assert [panel["frames"] for panel in header["panels"]] == [40, 70]
    assert [panel.get("look") for panel in header["panels"]] == [None, "second"]
    assert header["future"] == {
        "seed": 30,
        "ready": 70,
        "live": True,
        "run": "7",
        "start": 12,
        "mark": "m",
        "sound": "s",
    }
    np.testing.assert_array_equal(arrays["positions1"][:, :24], smooth_motion(2, 70).positions())
    with pytest.raises(ValueError, match="panel 'net'"):
        pack_viewer([truth, made], fps=60.0)
    assert "future" not in unpack(pack_viewer([truth], fps=60.0))[0]
