"""What leaves the workbench: every format from Python and from the command line."""

import csv
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mmm import Clip, load_clip, masks
from mmm.cli.app import main
from mmm.evaluation.evaluate import report, report_csv, with_baselines
from mmm.io.files import safe_name
from mmm.recovery.recover import interpolate
from mmm.viewer.raster.error_map import draw_error_map, nice_top, row_order
from tests.mmm.io.gltf_reader import Glb
from tests.mmm.making import smooth_motion

MAGIC = {
    ".mp4": (4, b"ftyp"),
    ".gif": (0, b"GIF89a"),
    ".webp": (8, b"WEBP"),
    ".html": (0, b"<!doctype html>"),
    ".png": (0, b"\x89PNG"),
    ".glb": (0, b"glTF"),
    ".bvh": (0, b"HIERARCHY"),
    ".npz": (0, b"PK"),
    ".pkl": (0, b"\x80"),
}


@pytest.fixture(scope="module")
def result():
    clip = Clip("made", smooth_motion(3, 24, fps=60.0))
    return interpolate("slerp", clip, masks.parse("span:8-15", clip))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", MAGIC)
def test_a_result_saves_as_what_its_suffix_says(result, tmp_path, suffix):
    result.save(tmp_path / f"r{suffix}")
    at, magic = MAGIC[suffix]
    assert (tmp_path / f"r{suffix}").read_bytes()[at : at + len(magic)] == magic
    assert len(list(tmp_path.iterdir())) == 1


def test_the_glb_of_a_result_is_the_recovery(result, tmp_path):
    result.save(tmp_path / "r.glb")
    world, _ = Glb((tmp_path / "r.glb").read_bytes()).world(12 / 60)
    ours = np.array([world[name][:3, 3] for name in result.clip.motion.skeleton.names])
    np.testing.assert_allclose(ours, result.recovered.motion.positions()[12], atol=1e-4)
    assert np.abs(ours - result.clip.motion.positions()[12]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".glb", ".mp4", ".gif", ".webp", ".html"])
def test_convert_and_recover_write_it(tmp_path, smpl_clip_file, suffix, capsys):
    assert (
        main(["convert", str(smpl_clip_file), str(tmp_path / f"c{suffix}"), "--frames", "0:12"])
        == 0
    )
    assert (
        main(
            [
                "recover",
                str(smpl_clip_file),
                "--frames",
                "0:12",
                "--checkpoint",
                "slerp",
                "--hide",
                "span:4-7",
                "--out",
                str(tmp_path / f"r{suffix}"),
                "--metrics",
                str(tmp_path / "m.csv"),
            ]
        )
        == 0
    )
    at, magic = MAGIC[suffix]
    for name in ("c", "r"):
        assert (tmp_path / f"{name}{suffix}").read_bytes()[at : at + len(magic)] == magic
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text().splitlines()))
    assert [row["method"] for row in rows] == ["slerp", "hold", "inertial", "spline"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "{clip}", "{out}/x.avi"],
        ["convert", "{clip}", "{out}/no/x.mp4"],
        ["convert", "{clip}", "{out}/x.png"],
    ],
)
def test_a_bad_output_is_refused_in_one_line(tmp_path, smpl_clip_file, arguments, capsys):
    status = main([word.format(clip=smpl_clip_file, out=tmp_path) for word in arguments])
    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_csv_and_json_say_the_same(result):
    figures = report(
        with_baselines(interpolate("hold", result.clip, result.hidden)), "span:8-15", 3
    )
    rows = list(csv.DictReader(report_csv(figures).splitlines()))
    assert {row["method"] for row in rows} == set(figures["methods"])
    for row in rows:
        entry = figures["methods"][row["method"]]
        assert float(row["position_cm"]) == entry["position_cm"]
        assert (row["clip"], row["hide"], row["seed"]) == ("made", "span:8-15", "3")
        assert int(row["hidden"]) == entry["hidden"]
    empty = json.loads(json.dumps(figures))
    empty["methods"]["hold"]["root_cm"] = None
    assert next(csv.DictReader(report_csv(empty).splitlines()))["root_cm"] == ""


def test_the_error_map_shows_each_error_in_its_place(result):
    skeleton = result.clip.motion.skeleton
    values = np.zeros((24, 24), dtype=np.float32)
    values[10, 20] = 5.0
    hidden = values > 0
    picture = np.asarray(
        draw_error_map(
            values, skeleton, fps=60.0, hidden=hidden, title="t", subtitle="s", width=1600
        )
    )
    dark = np.argwhere(
        (np.abs(picture.astype(int) - [62, 18, 84]).sum(axis=2) < 6)[80:-40, 190 : 1600 - 28]
    )
    rows, columns = np.unique(dark[:, 0]), dark[:, 1]
    assert 10 / 24 <= columns.min() / 1382 <= columns.max() / 1382 <= 11 / 24
    place = row_order(skeleton.limbs).index(20)
    groups = [skeleton.limbs[j] for j in row_order(skeleton.limbs)]
    gaps = sum(a != b for a, b in pairwise(groups[: place + 1]))
    assert rows.min() == pytest.approx(4 + place * 22 + gaps * 8, abs=1)


def test_scales_end_at_round_numbers():
    assert nice_top(np.array([0.0, 3.7])) == 4
    assert nice_top(np.zeros(3)) == 1


def test_long_clips_and_dark_maps(result, tmp_path):
    many = np.random.default_rng(0).random((5000, 24)).astype(np.float32)
    picture = draw_error_map(
        many, result.clip.motion.skeleton, fps=60.0, hidden=many > 0.9, theme="dark", width=900
    )
    assert picture.size[0] == 900
    assert np.asarray(picture)[0, 0].tolist() == [20, 22, 26]


@pytest.mark.slow
def test_names_never_lead_out_of_the_folder(result, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    odd = replace(
        result,
        clip=replace(result.clip, name="../../evil"),
        recovered=replace(result.recovered, name="../../evil"),
    )
    for suffix in (".glb", ".html", ".png", ".bvh", ".npz", ".pkl", ".webp"):
        odd.save(inside / f"r{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert len(list(inside.iterdir())) == 7
    assert load_clip(inside / "r.npz").name == "../../evil"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..", "motion"),
        ("", "motion"),
        ("a\\b\\..\\c.bvh", "c.bvh"),
        ("x\n<y>", "x_y"),
        ("Tanz Übung_1-slerp", "Tanz Übung_1-slerp"),
        (".hidden", "hidden"),
        ("n" * 300, "n" * 100),
        ("a\0b", "a_b"),
    ],
)
def test_a_file_name_holds_no_folder(text, name):
    assert safe_name(text) == name
