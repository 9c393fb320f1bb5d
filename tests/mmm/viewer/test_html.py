"""The stage as one file, opened from disk in a real browser that has no network."""

import re
from dataclasses import replace

import numpy as np
import pytest

import mmm
from mmm import MMMError, edits, masks
from mmm.motion.clip import Clip
from mmm.recovery.recover import interpolate
from mmm.viewer.html import page, write_html
from mmm.viewer.payload import unpack
from mmm.viewer.raster.film import Film
from mmm.viewer.scene import scene_of
from mmm.viewer.show import Shown
from tests.mmm.making import smooth_motion
from tests.mmm.viewer.test_video import clicks


def made(name="made", frames=60):
    return Clip(name, smooth_motion(1, frames, fps=30.0), clicks(frames))


def recovered():
    clip = made()
    return interpolate("slerp", clip, masks.parse("span:20-39", clip))


def test_nothing_in_the_page_points_outside_it():
    text = page(recovered().scene())
    assert re.findall(r"""(?:src|href)=["'](?!data:)[^"']+["']""", text) == []
    assert (
        "import " not in re.sub(r"//.*", "", text.split('<script type="module">')[1]).split("\n")[0]
    )
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "default-src 'none'" in text
    assert "export default" not in text


def test_a_name_is_text_and_nothing_else(tmp_path):
    text = page(scene_of(made('</title><script>alert(1)</script>"../x')))
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    frame = Shown(scene_of(made('"><script>alert(1)</script>')))._repr_html_()
    assert "<script" not in frame
    assert frame.count("<iframe") == 1


def test_clips_and_results_show_themselves():
    clip, result = made(), recovered()
    for shown, names in ((clip.show(), ["made"]), (result.show(height=400), ["Truth", "slerp"])):
        assert [p.name for p in shown.scene.performers] == names
        assert shown._repr_html_().startswith("<iframe srcdoc=")
        assert "notebook draws it" in repr(shown)
    both = interpolate("hold", result.clip, result.hidden)
    assert [p.name for p in result.show(both).scene.performers] == ["Truth", "slerp", "hold"]


def test_clips_show_themselves_at_the_end_of_a_cell():
    silent = replace(made(), music=None)  # encoded sound has a serial number of its own each time
    assert silent._repr_html_() == mmm.show(silent)._repr_html_()


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".html", ".png"])
def test_motion_files_are_not_films(tmp_path, suffix):
    with pytest.raises(MMMError, match=r"use mmm\.save for films, pages and pictures"):
        mmm.save_clip(made(), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_one_function_saves_clips_and_results_in_every_format(tmp_path):
    mmm.save(made(), tmp_path / "clip.bvh")
    mmm.save(recovered(), tmp_path / "result.npz")
    np.testing.assert_array_equal(
        mmm.load_clip(tmp_path / "result.npz").motion.rotations,
        recovered().recovered.motion.rotations,
    )
    mmm.save(recovered(), tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(MMMError, match=r"a Clip has no map of errors"):
        mmm.save(made(), tmp_path / "clip.png")


def test_another_pattern_stands_beside_with_what_was_hidden_from_it():
    result = recovered()
    other = replace(
        interpolate("slerp", result.clip, masks.parse("span:5-9", result.clip)), model_name="net"
    )
    scene = result.scene(other, other)
    assert [p.name for p in scene.performers] == ["Truth", "slerp", "net", "net (2)"]
    assert [p.look for p in scene.performers] == ["", "", "", "second"]
    header, arrays = unpack(scene.payload())
    assert arrays["hidden"].reshape(60, -1).any(axis=1).nonzero()[0].tolist() == list(range(20, 40))
    assert arrays["hidden2"].reshape(60, -1).any(axis=1).nonzero()[0].tolist() == list(range(5, 10))
    assert "hidden1" not in arrays
    assert header["errors"] == ["slerp", "net", "net (2)"]
    film = Film(scene, (640, 360))
    assert film.tints[2][7].min() > 0.5
    assert film.tints[2][30].max() == 0
    assert [film.lettering._state(p, 7) for p in scene.performers] == [
        "",
        "frame known",
        "frame hidden",
        "frame hidden",
    ]


@pytest.fixture
def offline(chromium):
    """A page of a browser that is offline, and the errors of its console."""
    context = chromium.new_context(viewport={"width": 1400, "height": 800}, offline=True)
    problems, asked, tab = [], [], context.new_page()
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    tab.on("request", lambda request: asked.append(request.url))
    yield tab
    context.close()
    assert not problems
    assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in asked), asked


HEARD = """() => {
  window.heard = { starts: [], length: 0 };
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...given) {
    const samples = this.buffer.getChannelData(0);
    window.heard = { starts: [...window.heard.starts, given[1]], length: this.buffer.duration,
                     loudest: samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
    return start.apply(this, given);
  };
}"""


@pytest.mark.slow
@pytest.mark.browser
def test_the_file_plays_from_disk_without_a_network_sound_included(offline, tmp_path):
    recovered().save(tmp_path / "a & b.html")
    offline.add_init_script(f"({HEARD})()")
    offline.goto((tmp_path / "a & b.html").as_uri())
    truth = offline.locator('canvas[data-panel="Truth"]')
    truth.wait_for()
    assert offline.locator('canvas[data-panel="slerp"]').count() == 1
    before = truth.get_attribute("data-checksum")
    offline.wait_for_function(
        "(was) => document.querySelector('canvas[data-panel=Truth]').dataset.checksum !== was",
        arg=before,
    )
    offline.get_by_role("button", name="Sound on").click()
    offline.wait_for_function("() => window.heard.starts.length > 0")
    sound = offline.evaluate("() => window.heard")
    assert sound["length"] == pytest.approx(2.0, abs=0.01)
    assert sound["loudest"] > 0.3
    offline.wait_for_function("() => document.querySelector('.viewer').dataset.clock === 'sound'")
    offline.get_by_role("button", name="Pause").click()
    offline.get_by_role("button", name="Next frame").click()
    assert offline.get_by_role("slider", name="Timeline").count() == 1
    drawn = offline.evaluate("""() => { const c = document.querySelector('canvas[data-panel=slerp]');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }""")
    assert drawn > 3000  # a body, not an empty floor


@pytest.mark.slow
@pytest.mark.browser
def test_an_edited_clip_shows_no_truth_where_nothing_was_recorded_and_no_tools(offline, tmp_path):
    edited = edits.apply("none+retime:20-29=40", made())
    interpolate("slerp", edited.clip, edited.mask).save(tmp_path / "edited.html")
    offline.goto((tmp_path / "edited.html").as_uri())
    offline.locator('canvas[data-panel="Truth"][data-checksum]').wait_for()
    offline.keyboard.press("Escape")
    offline.get_by_role("button", name="Pause").click()
    timeline, chip = (
        offline.get_by_role("slider", name="Timeline"),
        offline.get_by_text("not recorded"),
    )
    box = timeline.bounding_box()
    for frame, seen in ((10, False), (40, True), (70, False)):
        timeline.click(position={"x": box["width"] * (frame + 0.5) / 90, "y": 40})
        offline.wait_for_function(
            "(at) => document.querySelector('.timeline').ariaValueNow === at", arg=str(frame)
        )
        chip.wait_for(state="visible" if seen else "hidden")
    for key in ("e", "h"):
        offline.keyboard.press(key)
    assert offline.locator(".edit").is_hidden()
    assert timeline.get_attribute("data-hidden") == "20-59"


@pytest.mark.slow
@pytest.mark.browser
def test_a_notebooks_frame_plays_too(offline, tmp_path):
    html = made().show()._repr_html_()
    (tmp_path / "cell.html").write_text(f"<!doctype html><body>{html}{html}</body>")
    offline.goto((tmp_path / "cell.html").as_uri())
    for number in (0, 1):
        canvas = offline.frame_locator("iframe").nth(number).locator("canvas[data-checksum]")
        canvas.first.wait_for()
        assert canvas.first.get_attribute("data-panel") == "made"


def test_the_file_is_written_whole_and_small(tmp_path):
    mmm.save(made(), tmp_path / "a.html")
    write_html(scene_of(Clip("silent", smooth_motion(2, 10))), tmp_path / "b.html", theme="dark")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]
    assert (tmp_path / "a.html").stat().st_size < 400_000
    assert "#14161a" in (tmp_path / "b.html").read_text()
    assert "prefers-color-scheme" not in (tmp_path / "b.html").read_text()
    assert np.isclose(made().motion.duration_s, 2)
