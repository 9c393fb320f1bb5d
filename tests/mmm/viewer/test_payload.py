"""The bytes that the components are fed: what goes in comes out, aligned, finite and small."""

import json
import struct

import numpy as np
import pytest

from dashboard.components.charts.curves import pack_curves
from dashboard.components.charts.heatmap import pack_heatmap, pack_joint_heatmap
from mmm.motion.skeleton import SMPL24
from mmm.viewer.panels import ViewerPanel, pack_viewer, panel_from_motion, waveform_peaks
from mmm.viewer.payload import pack, unpack, with_header, with_height
from mmm.viewer.raster.error_map import nice_top
from tests.dashboard.components.dance import dance


@pytest.fixture(scope="module")
def motion():
    return dance(40)


@pytest.fixture
def panels(motion):
    return [
        panel_from_motion("Original", motion, "truth"),
        panel_from_motion("Recovered", motion, "model"),
    ]


@pytest.mark.parametrize(
    "title", ["", "a", "ab", "naïve – 舞踊"]
)  # header lengths of every remainder
def test_buffers_are_aligned_and_come_back_bit_for_bit(title):
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.linspace(0, 1, 7, dtype=np.float32).reshape(7, 1),
        "c": np.array([-1, 2], dtype=np.int32),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }
    payload = pack({"title": title}, arrays)
    length = struct.unpack_from("<I", payload, 4)[0]
    table = json.loads(payload[16 : 16 + length])["buffers"]
    start = -(-(16 + length) // 8) * 8
    assert all((start + entry["offset"]) % 8 == 0 for entry in table.values())
    header, back = unpack(payload)
    assert header == {"title": title, "height": 0}
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_types_and_headers_the_browser_cannot_read_are_refused():
    with pytest.raises(ValueError, match="'x' is float64"):
        pack({}, {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"fps": float("nan")}, {})
    with pytest.raises(ValueError, match="begins with"):
        unpack(b"nothing like a payload")


def test_height_can_be_set_later_without_touching_the_rest():
    payload = pack({"a": 1}, {"x": np.arange(9, dtype=np.int32)})
    header, arrays = unpack(with_height(payload, 640))
    assert header == {"a": 1, "height": 640}
    np.testing.assert_array_equal(arrays["x"], np.arange(9))


def test_the_header_can_be_added_to_later_without_touching_the_rest():
    payload = with_height(
        pack({"a": 1}, {"x": np.arange(9, dtype=np.int32), "y": np.ones(3, np.float32)}), 640
    )
    for length in range(9):  # every padding
        header, arrays = unpack(with_header(payload, edit={"spec": "x" * length}, a=2))
        assert header == {"a": 2, "edit": {"spec": "x" * length}, "height": 640}
        np.testing.assert_array_equal(arrays["x"], np.arange(9))
        np.testing.assert_array_equal(arrays["y"], np.ones(3))


def test_the_stage_knows_where_nothing_was_recorded(motion, panels):
    recorded = np.ones(len(motion), dtype=bool)
    assert "recorded" not in unpack(pack_viewer(panels, fps=60.0, recorded=recorded))[1]
    recorded[3:5] = False
    np.testing.assert_array_equal(
        unpack(pack_viewer(panels, fps=60.0, recorded=recorded))[1]["recorded"], recorded
    )


def test_stage_payload_holds_positions_tips_and_masks(motion, panels):
    hidden = np.zeros((40, 24), dtype=bool)
    hidden[10:20, 3] = True
    payload = pack_viewer(
        panels,
        fps=60.0,
        hidden=hidden,
        beats=np.array([0, 30]),
        floor_m=0.02,
        audio=b"RIFFxxxx",
        waveform=np.sin(np.arange(9000, dtype=np.float32)),
        errors={"Model": np.full(40, np.nan)},
    )
    header, arrays = unpack(payload)
    assert (header["frames"], header["fps"], header["floor_m"]) == (40, 60.0, 0.02)
    assert [panel["role"] for panel in header["panels"]] == ["truth", "model"]
    points = arrays["positions1"]
    np.testing.assert_array_equal(points[:, :24], motion.positions())
    assert points.shape[1] == len(arrays["parents1"]) == 24 + 5  # crown, two feet, two hands
    np.testing.assert_array_equal(arrays["parents1"][:24], SMPL24.parents)
    np.testing.assert_array_equal(arrays["hidden"], hidden)
    assert bytes(arrays["audio"]) == b"RIFFxxxx"
    assert len(arrays["waveform"]) == 2048
    assert arrays["waveform"].max() == 255
    assert np.isnan(arrays["error0"]).all()


def test_two_bodies_of_300_frames_stay_under_a_quarter_of_a_megabyte():
    motion = dance(300)
    panels = [panel_from_motion("a", motion, "truth"), panel_from_motion("b", motion, "model")]
    assert len(pack_viewer(panels, fps=60.0, hidden=np.zeros((300, 24), dtype=bool))) < 230_000


def test_stage_refuses_what_cannot_be_drawn(motion, panels):
    broken = motion.positions().copy()
    broken[3, 4, 1] = np.nan
    lame = ViewerPanel("Lame", broken, motion.tip_positions(), SMPL24.parents, (), "model")
    with pytest.raises(ValueError, match=r"panel 'Lame': positions holds 1 values that are NaN"):
        pack_viewer([lame], fps=60.0)
    short = panel_from_motion("Short", motion.crop(0, 39), "model")
    with pytest.raises(ValueError, match=r"panel 'Short': positions has shape \(39, 24, 3\)"):
        pack_viewer([panels[0], short], fps=60.0)
    with pytest.raises(ValueError, match=r"hidden has shape \(40, 23\)"):
        pack_viewer(panels, fps=60.0, hidden=np.zeros((40, 23), dtype=bool))
    with pytest.raises(ValueError, match="6 panels"):
        pack_viewer(panels * 3, fps=60.0)
    with pytest.raises(ValueError, match="fps is 0"):
        pack_viewer(panels, fps=0.0)
    with pytest.raises(ValueError, match="error curve 'Model' has shape"):
        pack_viewer(panels, fps=60.0, errors={"Model": np.zeros(39)})


def test_an_empty_stage_is_a_payload_too():
    header, arrays = unpack(pack_viewer([], fps=60.0, hidden=np.zeros((0, 24), dtype=bool)))
    assert (header["panels"], header["frames"], arrays) == ([], 0, {})


def test_peaks_keep_the_loudest_sample_and_silence_stays_silent():
    sound = np.full(100_000, 0.01, dtype=np.float32)
    sound[77_777] = -0.5
    peaks = waveform_peaks(sound)
    assert len(peaks) == 2048
    assert np.flatnonzero(peaks == 255).tolist() == [int(77_777 / 100_000 * 2048)]
    assert not waveform_peaks(np.zeros(50)).any()


def test_heatmap_groups_limbs_and_keeps_values_within_half_a_step(motion):
    values = np.abs(np.random.default_rng(0).normal(size=(40, 24))).astype(np.float32)
    hidden = values > 1
    header, arrays = unpack(pack_joint_heatmap(values, SMPL24, fps=60.0, hidden=hidden, top=5.0))
    groups = [row["group"] for row in header["rows"]]
    assert groups == sorted(
        groups, key=["torso", "head", "left_arm", "right_arm", "left_leg", "right_leg"].index
    )
    for row, name in enumerate(row["name"].replace(" ", "_") for row in header["rows"]):
        j = SMPL24.names.index(name)
        np.testing.assert_allclose(
            arrays["values"][row] / 255 * 5.0, values[:, j], atol=5.0 / 510 + 1e-6
        )
        np.testing.assert_array_equal(arrays["hidden"][row], hidden[:, j])
    assert not header["over"]


def test_heatmap_says_when_values_leave_its_scale_and_refuses_negative_ones():
    header, arrays = unpack(
        pack_heatmap(np.array([[1.0, 9.0]]), names="ab", groups="xy", fps=30.0, top=3.0)
    )
    assert header["over"]
    assert arrays["values"].tolist() == [[85], [255]]
    with pytest.raises(ValueError, match="go down to -1"):
        pack_heatmap(np.array([[-1.0]]), names="a", groups="x", fps=30.0)
    with pytest.raises(ValueError, match="hidden"):
        pack_heatmap(
            np.ones((2, 2)), names="ab", groups="xy", fps=30.0, hidden=np.zeros((2, 3), dtype=bool)
        )


@pytest.mark.parametrize(
    ("high", "top"),
    [
        (0.0, 1.0),
        (0.9, 1.0),
        (1.9, 2.0),
        (2.4, 2.5),
        (2.6, 3.0),
        (30.0, 30.0),
        (31.0, 40.0),
        (730.0, 800.0),
    ],
)
def test_the_colour_scale_ends_on_a_round_number(high, top):
    assert nice_top(np.array([0.0, high])) == pytest.approx(top)


def test_curves_know_their_roles_and_may_have_gaps():
    lines = {"Hold": np.ones(4), "Model": np.array([np.nan, 1, 2, np.nan]), "Truth": np.zeros(4)}
    header, arrays = unpack(
        pack_curves(
            lines,
            fps=30.0,
            unit="cm",
            model="Model",
            truth="Truth",
            hidden_frames=np.array([0, 1, 1, 0], dtype=bool),
        )
    )
    assert [(line["name"], line["role"]) for line in header["series"]] == [
        ("Hold", "baseline"),
        ("Model", "model"),
        ("Truth", "truth"),
    ]
    np.testing.assert_array_equal(arrays["series1"], lines["Model"].astype(np.float32))
    assert unpack(pack_curves(lines, fps=30.0, unit="cm"))[0]["series"][0]["role"] == "model"
    foretold = unpack(
        pack_curves({"expected": np.ones(4), **lines}, fps=30.0, unit="cm", expected="expected")
    )[0]
    assert [line["role"] for line in foretold["series"]] == [
        "expected",
        "model",
        "baseline",
        "baseline",
    ]
    with pytest.raises(ValueError, match="expected equal"):
        pack_curves({"a": np.ones(3), "b": np.ones(4)}, fps=30.0, unit="cm")
    with pytest.raises(ValueError, match="infinite"):
        pack_curves({"a": np.array([np.inf])}, fps=30.0, unit="cm")
    with pytest.raises(ValueError, match="no curve 'c'"):
        pack_curves({"a": np.ones(3)}, fps=30.0, unit="cm", model="c")
