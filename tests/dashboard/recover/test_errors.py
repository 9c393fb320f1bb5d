"""Figures, the colours of methods, and the table of means."""

import json
import re
import tomllib

import pytest

import mmm
from dashboard.recover.errors import MAX_GAPS, gaps_table, limb_bars, means_table
from mmm import masks
from mmm.interpolation.baselines import BASELINES
from mmm.viewer.assets import FOLDER
from mmm.viewer.palette import BASELINE_COLOURS, FURTHER, MODEL, method_colour
from tests.dashboard.conftest import ROOT


@pytest.fixture(scope="module")
def results(made_clip):
    mask = masks.parse("span:30-60@left_arm,right_leg", made_clip)
    return [mmm.interpolate(name, made_clip, mask) for name in ("slerp", "hold", "spline")]


def bars_of(text: str) -> list[tuple[str, float, str]]:
    """Hint, width in percent and colour of each bar."""
    found = re.findall(r'title="([^"]+)"><i style="width:([\d.]+)%;background:([^"]+)"', text)
    return [(hint, float(width), colour) for hint, width, colour in found]


def test_bars_are_the_means_of_the_limbs_that_were_hidden(results):
    text = limb_bars(results, "position_cm", "cm")
    assert re.findall(r"<span>([^<]+)</span>", text) == ["left arm", "right leg"]
    means = [
        (r.model_name, r.errors.per_group()[limb]["position_cm"])
        for limb in ("left_arm", "right_leg")
        for r in results
    ]
    longest = max(value for _, value in means)
    for (hint, width, _), (name, value) in zip(bars_of(text), means, strict=True):
        assert hint == f"{name}: {value:.2f} cm"
        assert width == pytest.approx(100 * value / longest, abs=0.06)


def test_bars_have_the_methods_colours_of_both_themes(results):
    shown = [colour for _, _, colour in bars_of(limb_bars(results, "rotation_deg", "°"))]
    light, dark = BASELINE_COLOURS["light"], BASELINE_COLOURS["dark"]
    names = ["slerp", "hold", "spline"] * 2
    assert shown == [f"light-dark({light[name]}, {dark[name]})" for name in names]


@pytest.mark.parametrize("dark", [False, True])
def test_a_network_has_the_models_colour(dark):
    assert method_colour("dance-ecm-small", dark) == MODEL["dark" if dark else "light"]


def test_gaps_say_what_was_expected_and_what_came_true():
    rows = [
        {"first": 40, "last": 69, "expected_cm": 3.21, "position_cm": 2.9},
        {"first": 80, "last": 80, "expected_cm": 0.5, "position_cm": 1.605},
    ]
    text = gaps_table(rows)
    assert re.findall(r"<span>([^<]+)</span><b>([^<]+)</b><em>([^<]+)</em>", text) == [
        ("frames 40–69", "expected 3.2 cm", "measured 2.9 cm"),
        ("frame 80", "expected 0.5 cm", "measured 1.6 cm"),
    ]
    assert [float(w) for w in re.findall(r"width:([\d.]+)%", text)] == [100.0, 90.3, 15.6, 50.0]
    assert f"light-dark({MODEL['light']}, {MODEL['dark']})" in text
    many = gaps_table([rows[0]] * (MAX_GAPS + 7))
    assert many.count("expected 3.2 cm") == MAX_GAPS
    assert "and 7 more gaps" in many
    assert "more gaps" not in gaps_table([rows[0]] * MAX_GAPS)


def test_errors_of_zero_make_no_bar_and_no_fault(results):
    from dataclasses import replace

    perfect = replace(results[0], recovered=results[0].clip)
    assert [width for _, width, _ in bars_of(limb_bars([perfect], "position_cm", "cm"))] == [
        0.0,
        0.0,
    ]


def test_python_and_javascript_have_the_same_colours():
    text = re.search(
        r"const METHOD_COLOURS = (\{.*?\n\});", (FOLDER / "common.js").read_text(), re.S
    )[1]
    table = json.loads(re.sub(r",(\s*\})", r"\1", re.sub(r"(\w+):", r'"\1":', text)))
    for theme, colours in table.items():
        colours.pop("other")
        assert (colours.pop("second"), colours.pop("third")) == FURTHER[theme]
        assert colours == BASELINE_COLOURS[theme]
        assert set(colours) == set(BASELINES)


def test_the_model_has_the_themes_primary_colour():
    config = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())
    assert {theme: config["theme"][theme]["primaryColor"] for theme in ("light", "dark")} == MODEL


def test_every_colour_can_be_read_on_its_ground():
    """At least 3 to 1, as WCAG asks of graphics."""
    grounds = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())[
        "theme"
    ]

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for theme in ("light", "dark"):
        ground = luminance(grounds[theme]["backgroundColor"])
        for name, colour in {**BASELINE_COLOURS[theme], "model": MODEL[theme]}.items():
            high, low = sorted((luminance(colour), ground), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 3, (theme, name)


def test_the_table_marks_the_best_and_escapes_names(results):
    from dataclasses import replace

    evil = replace(results[0], model_name="<b>net</b>")
    text = means_table([evil, *results[1:]])
    assert "&lt;b&gt;net&lt;/b&gt;" in text
    assert "<b>net" not in text
    best = min(r.errors.summary()["position_cm"] for r in results)
    assert f"<b>{best:.2f}</b>" in text
    assert text.count("<td>–</td>") == 3  # the root was never hidden
    assert method_colour("hold") in text and method_colour("hold", True) in text
