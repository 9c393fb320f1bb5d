"""The command line, as it is typed."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm import Audio, Clip, edits, load_clip, masks, save_clip
from mmm.cli.options import spread_lists
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import write_audio
from mmm.recovery.recover import recover
from tests.mmm.making import smooth_motion
from tests.mmm.networks import save_roles_network, tiny_clip, tiny_model

ROOT = Path(__file__).parents[3]
REAL = {
    "hold": (7.273, 9.713, 5.248),
    "slerp": (2.992, 3.589, 1.781),
    "inertial": (2.614, 2.736, 1.563),
    "spline": (2.615, 2.763, 1.560),
}
"""Rotation, position and root errors of gBR_sBM_cAll_d04_mBR0_ch01, frames 0:300, each 15th known: computed
independently with SciPy from the original file."""


def table(text):
    """The rows of a printed table by method: the numbers of each, up to the time."""
    rows = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[-1] == "s":
            rows[words[0]] = [float(word) for word in words[1:4]]
    return rows


def test_recover_says_the_model_beside_its_baselines(
    run, tiny_checkpoint, tiny_clip_file, tmp_path
):
    status, out, err = run(
        f"recover {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide every:15 "
        f"--metrics {tmp_path}/m.json --out {tmp_path}/r.npz"
    )
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == (
        "tiny0: 60 frames at 30 fps; every:15 hides 336 entries in 56 frames; means over these:"
    )
    rows = table(out)
    assert list(rows) == ["tiny-ecm", "hold", "slerp", "inertial", "spline"]
    report = json.loads((tmp_path / "m.json").read_text())
    assert [report[key] for key in ("clip", "hide", "seed", "frames", "hidden")] == [
        "tiny0",
        "every:15",
        0,
        60,
        336,
    ]
    for method, numbers in rows.items():
        entry = report["methods"][method]
        assert numbers == pytest.approx(
            [entry["rotation_deg"], entry["position_cm"], entry["root_cm"]], abs=6e-4
        )
        assert (entry["hidden"], entry["frames"], entry["seed"]) == (336, 60, 0)
    clip, saved = load_clip(tiny_clip_file), load_clip(tmp_path / "r.npz")
    hidden = masks.every_nth(clip, 15).hidden
    assert np.array_equal(saved.motion.rotations[~hidden], clip.motion.rotations[~hidden])
    expected = recover(
        tiny_model("ecm", fill="slerp", output="residual"), clip, hidden
    ).recovered.motion
    assert (
        np.abs(saved.motion.rotations - expected.rotations).max() < 1e-2
    )  # stored weights are float16
    assert list(tmp_path.iterdir()) != []


@pytest.mark.parametrize("method", ["hold", "slerp", "inertial", "spline"])
def test_interpolations_need_no_checkpoint(run, tiny_clip_file, method):
    status, out, err = run(
        "recover", tiny_clip_file, "--checkpoint", method, "--hide", "span:20-30"
    )
    assert (status, err) == (0, "")
    assert sorted(table(out)) == ["hold", "inertial", "slerp", "spline"]
    assert next(iter(table(out))) == method


def test_others_stand_beside_in_table_and_page(
    run, tiny_clip_file, tiny_checkpoint, tmp_path, monkeypatch
):
    page, shown = tmp_path / "r.html", []
    monkeypatch.setattr(
        "mmm.viewer.save.write_html",
        lambda scene, path: shown.extend(p.name for p in scene.performers),
    )
    status, out, err = run(
        f"recover {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide span:20-30 "
        f"--beside spline --beside hold --beside spline --out {page}"
    )
    assert (status, err) == (0, "")
    assert list(table(out))[1:] == ["spline", "hold", "slerp", "inertial"]
    assert shown == ["Truth", next(iter(table(out))), "spline", "hold"]


@pytest.mark.parametrize("suffix", [".bvh", ".npz", ".pkl"])
def test_results_in_every_format(run, smpl_clip_file, tmp_path, suffix):
    out_file = tmp_path / f"r{suffix}"
    assert (
        run(f"recover {smpl_clip_file} --checkpoint slerp --hide every:4 --out {out_file}")[0] == 0
    )
    again, clip = load_clip(out_file), load_clip(smpl_clip_file)
    assert np.abs(again.motion.positions()[::4] - clip.motion.positions()[::4]).max() < 1e-4


@pytest.mark.shared_data
def test_a_real_recording(run, aist_motion, tiny_smpl_checkpoint, tmp_path):
    """The figures that README and every comparison rest on."""
    status, out, err = run(
        f"recover {aist_motion} --frames 0:300 --checkpoint {tiny_smpl_checkpoint} "
        f"--hide every:15 --metrics {tmp_path}/m.json --out {tmp_path}/r.bvh"
    )
    assert status == 0
    (note,) = err.splitlines()
    assert "given silence" in note
    rows = table(out)
    for method, numbers in REAL.items():
        assert rows[method] == pytest.approx(numbers, abs=0.01)
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["notes"] == [note.removeprefix("note: ")]
    assert (report["frames"], report["hidden"]) == (300, 280 * 24)
    saved, clip = load_clip(tmp_path / "r.bvh"), load_clip(aist_motion, frames=(0, 300))
    assert np.abs(saved.motion.positions()[::15] - clip.motion.positions()[::15]).max() < 1e-4


@pytest.fixture(scope="module")
def tiny_smpl_checkpoint(tmp_path_factory):
    from mmm.checkpoints import save_model
    from mmm.models import make_config, make_model

    folder = tmp_path_factory.mktemp("checkpoints") / "random-ecm"
    sizes = {"intermediate_size": 64, "encoder_layers": 1, "cross_layers": 1}
    save_model(make_model(make_config("ecm-small", **sizes)), folder, {})
    return folder


EDITED = "every:15+pin:20-22+pose:8=50+retime:40-49=20"


def test_edits_on_the_command_line(run, tiny_clip_file, tiny_checkpoint, tmp_path):
    clip = load_clip(tiny_clip_file)
    expected = edits.apply(EDITED, clip)
    hidden, measured = expected.mask.hidden, expected.mask.hidden[expected.truth_frames].sum()
    status, out, err = run(
        f"recover {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide {EDITED} "
        f"--metrics {tmp_path}/m.json --out {tmp_path}/r.npz"
    )
    assert status == 0
    assert "Inserted poses (frame 8) are keyframes" in err
    assert "20 frames lie in gaps whose length was changed" in err
    assert f"hides {hidden.sum()} entries" in out
    assert f"means over the {measured} of these that were recorded:" in out
    report = json.loads((tmp_path / "m.json").read_text())
    assert (report["hide"], report["hidden"], report["measured"]) == (
        EDITED,
        hidden.sum(),
        measured,
    )
    assert report["methods"]["slerp"]["hidden"] == measured
    saved = load_clip(tmp_path / "r.npz").motion
    np.testing.assert_array_equal(saved.rotations[~hidden], expected.clip.motion.rotations[~hidden])


def test_where_nothing_was_recorded_no_number_is_printed(run, tiny_clip_file):
    status, out, _ = run(
        "recover", tiny_clip_file, "--checkpoint", "slerp", "--hide", "retime:20-29=5"
    )
    assert status == 0
    assert "for none was recorded: there is no truth to compare with" in out
    assert {line.split()[1] for line in out.splitlines()[2:]} == {"-"}


def test_wrong_edits_are_one_line(run, tiny_clip_file):
    status, out, err = run(
        "recover", tiny_clip_file, "--checkpoint", "slerp", "--hide", "first+pose:999=3"
    )
    assert (status, out) == (2, "")
    assert err.startswith("error: pose:999=3: frame 999 is not among")
    assert err.count("\n") == 1


def test_attention_of_an_edited_clip(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    spec = "every:5+retime:20-29=5"
    status, _, _ = run(
        f"attention {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide {spec} "
        f"--out {tmp_path}/maps.npz"
    )
    assert status == 0
    with np.load(tmp_path / "maps.npz") as maps:
        hidden = edits.apply(spec, load_clip(tiny_clip_file)).mask.hidden
        np.testing.assert_array_equal(maps["hidden"], hidden[slice(*maps["frames"])])


def test_random_masks_follow_the_seed(run, tiny_clip_file):
    outputs = [
        run(f"recover {tiny_clip_file} --checkpoint hold --hide random:0.3 --seed {seed}")[1]
        for seed in (1, 1, 2)
    ]
    assert [table(t) for t in outputs[:1]] == [table(t) for t in outputs[1:2]]
    assert table(outputs[0]) != table(outputs[2])


def test_attention_maps_as_documented(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    status, out, err = run(
        f"attention {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide every:5 "
        f"--out {tmp_path}/maps.npz --frame 50 --rollout"
    )
    assert (status, err) == (0, "")
    assert "cross (1, 4, 80, 80)" in out
    with np.load(tmp_path / "maps.npz") as maps:
        stages = ("motion", "music", "cross")
        beside = {
            f"{kind}_{stage}"
            for kind in ("kernels", "convolution_share", "rollout")
            for stage in stages
        }
        assert set(maps.files) == {
            *stages,
            *beside,
            "segment_motion",
            "segment_music",
            "frames",
            "hidden",
            "model",
        }
        assert {maps[stage].dtype for stage in ("motion", "music", "cross")} == {
            np.dtype(np.float16)
        }
        assert maps["frames"].tolist() == [20, 60]
        assert (maps["segment_motion"].tolist(), maps["segment_music"].tolist()) == (
            [0, 40],
            [40, 80],
        )
        assert np.array_equal(
            maps["hidden"], masks.every_nth(load_clip(tiny_clip_file), 5).hidden[20:60]
        )
        assert str(maps["model"]) == "tiny-ecm"
        assert np.abs(maps["cross"].astype(np.float32).sum(-1) - 1).max() < 5e-3


@pytest.fixture(scope="module")
def roles_checkpoint(tmp_path_factory):
    """A small random network on joint roles."""
    folder = tmp_path_factory.mktemp("checkpoints") / "inbetween"
    save_roles_network(folder)
    return folder


@pytest.fixture(scope="module")
def nameless_file(tmp_path_factory):
    """SMPL's body at 50 fps; the names of its left leg tell nothing."""
    names = tuple(
        f"Bone{j}" if name in ("left_hip", "left_knee") else name
        for j, name in enumerate(SMPL24.names)
    )
    path = tmp_path_factory.mktemp("clips") / "nameless.bvh"
    save_clip(Clip("nameless", smooth_motion(3, 60, replace(SMPL24, names=names), 50.0)), path)
    return path


def test_a_network_on_roles_says_what_it_expects_in_each_gap(
    run, roles_checkpoint, smpl_clip_file, tmp_path
):
    status, out, err = run(
        f"recover {smpl_clip_file} --checkpoint {roles_checkpoint} --hide "
        f"span:5-9+span:20-30 --metrics {tmp_path}/m.json"
    )
    assert status == 0
    assert err.startswith("note: 22 of 22 joint roles")
    report = json.loads((tmp_path / "m.json").read_text())
    assert [(row["first"], row["last"]) for row in report["expected_cm"]] == [(5, 9), (20, 30)]
    mean = (
        sum(row["expected_cm"] * n for row, n in zip(report["expected_cm"], (5, 11), strict=True))
        / 16
    )
    assert f"inbetween expects an error of {mean:.3f} cm over all joints" in out
    weighted = (
        sum(row["position_cm"] * n for row, n in zip(report["expected_cm"], (5, 11), strict=True))
        / 16
    )
    assert report["methods"]["inbetween"]["position_cm"] == pytest.approx(weighted, rel=1e-3)


@pytest.mark.slow
def test_joints_named_by_hand(run, roles_checkpoint, nameless_file, tmp_path):
    left = [SMPL24.names.index(name) for name in ("left_hip", "left_knee")]
    roles = ["--role", f"left_hip=Bone{left[0]}", "--role", f"left_knee=Bone{left[1]}"]
    asked = [nameless_file, "--checkpoint", roles_checkpoint, "--hide", "span:20-30"]
    status, _, err = run("recover", *asked)
    assert status == 2
    assert "no joint found for left_hip, left_knee (found: left_collar = left_collar" in err
    assert run("recover", *asked, *roles[:2])[0] == 2  # one is not enough
    for command, more in (("recover", []), ("attention", ["--out", tmp_path / "maps.npz"])):
        status, out, err = run(command, *asked, *more, *roles)
        assert status == 0
        assert err.startswith("note: 22 of 22 joint roles")
    status, out, err = run("evaluate", "--clips", *asked, *roles)
    assert (status, [line.split()[1] for line in out.splitlines()[2:]]) == (
        0,
        ["inbetween", "hold", "slerp", "inertial", "spline"],
    )


def test_convert_cut_and_resampled(run, smpl_clip_file, tmp_path):
    status, out, err = run(
        "convert", smpl_clip_file, tmp_path / "out.bvh", "--frames", "10:30", "--fps", 30
    )
    assert (status, out, err) == (
        0,
        f"wrote {tmp_path}/out.bvh: 10 frames at 30 fps, 24 joints\n",
        "",
    )
    clip, other = load_clip(smpl_clip_file), load_clip(tmp_path / "out.bvh")
    assert np.abs(other.motion.positions() - clip.motion.positions()[10:30:2]).max() < 1e-4


def test_unit_axis_and_the_songs_beginning_are_said(run, smpl_clip_file, tmp_path):
    assert run("convert", smpl_clip_file, tmp_path / "a.bvh")[0] == 0
    assert "read as  centimetres, Y up" in run("info", tmp_path / "a.bvh")[1]
    facts = run("info", tmp_path / "a.bvh", "--unit", "inch", "--up", "Z")[1]
    assert "read as  inches, Z up" in facts
    status, _, err = run("info", tmp_path / "a.bvh", "--unit", "furlong")
    assert (status, err.count("\n")) == (2, 1)
    assert "unit furlong: neither a unit nor a length above zero" in err
    samples = np.zeros((2 * 8000, 1), np.float32)
    samples[8000:] = 0.5
    write_audio(Audio(samples, 8000), tmp_path / "song.wav")
    for start, silent in (("0", True), ("1", False)):
        assert (
            run(
                f"convert {tmp_path}/a.bvh {tmp_path}/o.npz --music {tmp_path}/song.wav "
                f"--music-start {start} --unit m"
            )[0]
            == 0
        )
        assert load_clip(tmp_path / "o.npz").music.audio.samples.any() != silent
    status, _, err = run("convert", tmp_path / "a.bvh", tmp_path / "o.npz", "--music-start", 1)
    assert (status, "no recording is named" in err) == (2, True)


@pytest.mark.parametrize(("frames", "count"), [(":", 40), ("5:", 35), (":7", 7), ("0:40", 40)])
def test_ranges(run, smpl_clip_file, tmp_path, frames, count):
    assert run("convert", smpl_clip_file, tmp_path / "o.npz", "--frames", frames)[0] == 0
    assert len(load_clip(tmp_path / "o.npz")) == count


def test_existing_outputs_are_overwritten(run, smpl_clip_file, tmp_path):
    target = tmp_path / "o.npz"
    target.write_bytes(b"old")
    assert run("convert", smpl_clip_file, target)[0] == 0
    assert len(load_clip(target)) == 40


def test_info_of_a_clip(run, tiny_clip_file):
    status, out, err = run("info", tiny_clip_file)
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (status, err) == (0, "")
    assert {
        name: facts[name] for name in ("clip", "frames", "fps", "seconds", "joints", "split")
    } == {
        "clip": "tiny0",
        "frames": "60",
        "fps": "30",
        "seconds": "2.00",
        "joints": "6",
        "split": "not listed",
    }
    assert facts["music"] == "features without the sound, 120 bpm, 4 beats"
    assert facts["height"].endswith("m along the bones, ankle to top")


def test_info_of_a_checkpoint(run, tiny_checkpoint, tmp_path):
    folder = tmp_path / "told"
    shutil.copytree(tiny_checkpoint, folder)
    status, out, err = run("info", folder)
    assert (status, err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    parameters = sum(
        p.numel() for p in tiny_model("ecm", fill="slerp", output="residual").parameters()
    )
    expected = {
        "checkpoint": "told",
        "network": "ecm",
        "parameters": f"{parameters:,}",
        "fps": "30",
        "joints": "6",
        "masks": "every:4..40",
        "metrics": "not evaluated yet",
    }
    assert {name: facts[name] for name in expected} == expected
    row = {
        "hide": "every:5",
        "method": "hold",
        "clips": 2,
        "rotation_deg": 1.25,
        "position_cm": None,
        "root_cm": 3.0,
    }
    (folder / "metrics.json").write_text(
        json.dumps(
            {
                "training": {"plan": {"steps": 9, "batch": 4}, "clips": 7, "data": "dance"},
                "evaluation": {"split": "test", "clips": 2, "rows": [row]},
            }
        )
    )
    out = run("info", folder)[1]
    assert "9 steps of 4 windows, 7 clips of dance" in out
    assert out.splitlines()[-1].split() == ["every:5", "hold", "1.250", "-", "3.000", "2"]


def test_evaluate_over_files(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    second = tmp_path / "second.npz"
    shutil.copy(tiny_clip_file, second)
    status, out, err = run(
        f"evaluate --checkpoint {tiny_checkpoint} --clips {tiny_clip_file} {second} "
        f"--hide every:5 span:55-58 --frames 0:57 --json {tmp_path}/e.json"
    )
    assert status == 2
    assert err.startswith("error: span:55-58: not inside the clip's 57 frames")
    assert not (tmp_path / "e.json").exists()
    status, out, err = run(
        f"evaluate --checkpoint {tiny_checkpoint} --clips {tiny_clip_file} {second} "
        f"--hide every:5 none --json {tmp_path}/e.json"
    )
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "means over hidden entries of 2 clips, 120 frames:"
    lines = [line.split() for line in out.splitlines()[2:]]
    assert [line[:2] for line in lines] == [
        [hide, method]
        for hide in ("every:5", "none")
        for method in ("tiny-ecm", "hold", "slerp", "inertial", "spline")
    ]
    assert lines[-1][2:] == ["-", "-", "-", "2"]
    report = json.loads((tmp_path / "e.json").read_text())
    assert (report["checkpoint"], report["seed"], len(report["clips"]), len(report["rows"])) == (
        "tiny-ecm",
        0,
        2,
        10,
    )
    assert float(lines[1][2]) == pytest.approx(report["rows"][1]["rotation_deg"], abs=6e-4)


def test_one_option_for_many_files():
    words = [
        "evaluate",
        "--clips",
        "a",
        "b",
        "--hide",
        "x",
        "--seed",
        "3",
        "--clips=c",
        "--hide",
        "y",
        "z",
    ]
    assert " ".join(spread_lists(words, ("--clips", "--hide"))) == (
        "evaluate --clips a --clips b --hide x --seed 3 --clips=c --hide y --hide z"
    )


BAD = {
    "no command": (["dance"], "No such command 'dance'"),
    "no option": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "first", "--bog"],
        "No such option: --bog",
    ),
    "nothing hidden": (["recover", "CLIP", "--checkpoint", "slerp"], "Missing option '--hide'"),
    "no number": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "first", "--seed", "x"],
        "'--seed'",
    ),
    "rate": (["convert", "CLIP", "OUT/o.npz", "--fps", "-3"], "'--fps'"),
    "no file": (
        ["info", "missing.bvh"],
        "missing.bvh: no such file; check the spelling and the folder",
    ),
    "no checkpoint": (["info", "missing"], "missing: no checkpoint (a folder with config.json)"),
    "foreign file": (["info", __file__], "test_commands.py: unknown suffix '.py'"),
    "spec": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "magic"],
        "SPEC 'magic': 'magic' is not a pattern",
    ),
    "span": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "span:50-70"],
        "span:50-70: not inside",
    ),
    "range": (
        ["convert", "CLIP", "OUT/o.npz", "--frames", "7"],
        "--frames 7: not a range; expected A:B",
    ),
    "range of words": (
        ["convert", "CLIP", "OUT/o.npz", "--frames", "a:b"],
        "--frames a:b: not a range",
    ),
    "beyond the end": (
        ["convert", "CLIP", "OUT/o.npz", "--frames", "0:99"],
        "the motion has 60 frames",
    ),
    "empty range": (["convert", "CLIP", "OUT/o.npz", "--frames", "5:5"], "0 <= start < stop <= 60"),
    "suffix": (
        ["convert", "CLIP", "OUT/o.txt"],
        "o.txt: unknown suffix '.txt'; expected .bvh or .npz or .npy or .pkl",
    ),
    "film frames of no film": (
        [
            "recover",
            "CLIP",
            "--checkpoint",
            "slerp",
            "--hide",
            "first",
            "--out",
            "OUT/o.bvh",
            "--film-frames",
            "0:5",
        ],
        "--film-frames: given without a film; expected --out with .mp4 or .gif or .webp",
    ),
    "film frames": (
        [
            "recover",
            "CLIP",
            "--checkpoint",
            "slerp",
            "--hide",
            "first",
            "--out",
            "OUT/o.gif",
            "--film-frames",
            "7",
        ],
        "--film-frames 7: not a range; expected A:B",
    ),
    "film frames beyond the end": (
        [
            "recover",
            "CLIP",
            "--checkpoint",
            "slerp",
            "--hide",
            "span:9-20",
            "--out",
            "OUT/o.gif",
            "--film-frames",
            "9:99",
        ],
        "frames 9:99 of 60; expected a part of 0:60",
    ),
    "folder": (["convert", "CLIP", "OUT/no/o.npz"], "no does not exist; make it first"),
    "body": (
        ["convert", "CLIP", "OUT/o.pkl"],
        "o.pkl: the clip has a skeleton of 6 joints that is not SMPL's",
    ),
    "metrics": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "first", "--metrics", "OUT/m.txt"],
        "m.txt: unknown suffix '.txt'; expected .json or .csv",
    ),
    "music": (
        ["convert", "CLIP", "OUT/o.npz", "--music", "missing.wav"],
        "missing.wav: no such recording",
    ),
    "misfit": (
        ["recover", "SMPL", "--checkpoint", "NET", "--hide", "first"],
        "made: a skeleton of 24 joints without",
    ),
    "frame": (
        [
            "attention",
            "CLIP",
            "--checkpoint",
            "NET",
            "--hide",
            "first",
            "--out",
            "OUT/o.npz",
            "--frame",
            "60",
        ],
        "--frame 60: the clip has 60 frames; expected 0 to 59",
    ),
    "rates": (
        ["recover", "CLIP", "--checkpoint", "NET", "--hide", "first", "--fps", "60"],
        "60 frames a second; expected the network's 30; resample the clip to 30 fps first (--fps 30)",
    ),
    "role": (
        ["recover", "CLIP", "--checkpoint", "slerp", "--hide", "first", "--role", "tail=x"],
        "no role 'tail'",
    ),
    "role of attention": (
        [
            "attention",
            "CLIP",
            "--checkpoint",
            "NET",
            "--hide",
            "first",
            "--out",
            "OUT/o.npz",
            "--role",
            "left_hip",
        ],
        "role 'left_hip': not a role and a joint; expected ROLE=JOINT",
    ),
    "role of evaluate": (
        ["evaluate", "--clips", "CLIP", "--checkpoint", "NET", "--hide", "first", "--role", "=x"],
        "no role ''",
    ),
    "all hidden": (
        ["recover", "CLIP", "--checkpoint", "NET", "--hide", "span:0-59"],
        "6 joints are never known",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_status_2(
    run, tiny_clip_file, smpl_clip_file, tiny_checkpoint, tmp_path, name
):
    arguments, message = BAD[name]
    places = {"CLIP": str(tiny_clip_file), "SMPL": str(smpl_clip_file), "NET": str(tiny_checkpoint)}
    status, out, err = run(*[places.get(a, a.replace("OUT/", f"{tmp_path}/")) for a in arguments])
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_a_full_disk_leaves_the_old_file(
    run, tiny_checkpoint, tiny_clip_file, tmp_path, monkeypatch
):
    target = tmp_path / "maps.npz"
    target.write_bytes(b"old")

    def full(file, **arrays):
        file.write(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    status, _, err = run(
        f"attention {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide first --out {target}"
    )
    assert (status, err) == (
        2,
        f"error: {target}: cannot be written (No space left on device); check the disk\n",
    )
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_interrupted_quietly(run, tiny_clip_file, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmm.viewer.save.save_clip", interrupted)
    status, out, err = run("convert", tiny_clip_file, tmp_path / "o.npz")
    assert (status, out, err.strip()) == (130, "", "")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "recover",
            [
                "--hide SPEC",
                "--checkpoint C",
                "--metrics",
                "every:15",
                "hold, slerp, inertial, spline",
            ],
        ),
        ("attention", ["float16 (layers, heads, queries, keys)", "segment_motion", "--frame"]),
        ("convert", ["IN", "OUT", "--fps", "Only .npz, .mp4 and .html keep the music"]),
        ("info", ["PATH"]),
        ("evaluate", ["--clips PATH...", "--json FILE"]),
    ],
)
def test_help(run, command, words):
    status, out, err = run(command, "--help")
    assert (status, err) == (0, "")
    for word in words:
        assert word in " ".join(out.split())


def test_help_of_all(run):
    status, out, _ = run()
    assert status == 0
    assert all(
        f"  {command} " in out
        for command in ("recover", "attention", "convert", "info", "evaluate")
    )


@pytest.mark.slow
def test_the_module_runs_and_clips_need_no_torch(smpl_clip_file, tmp_path):
    """A real process: torch takes seconds to import, and neither info nor convert of a clip may wait for it."""
    code = (
        "import sys; from mmm.cli.app import main; "
        "status = [main(['info', sys.argv[1]]), main(['convert', sys.argv[1], sys.argv[2]])]; "
        "heavy = [m for m in ('torch', 'transformers', 'librosa', 'streamlit') if m in sys.modules]; "
        "print(status, heavy)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, smpl_clip_file, tmp_path / "o.bvh"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.stdout.splitlines()[-1] == "[0, 0] []"
    module = subprocess.run(
        [sys.executable, "-m", "mmm", "info", "missing.bvh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (module.returncode, module.stdout) == (2, "")
    assert module.stderr == "error: missing.bvh: no such file; check the spelling and the folder\n"


def test_notes_of_a_clip_are_one_line(run, tmp_path):
    path = tmp_path / "c.npz"
    save_clip(replace(tiny_clip(20), notes=("First.", "Second.")), path)
    assert run("convert", path, tmp_path / "o.npz")[2] == "note: First. Second.\n"


def test_intervene_says_what_each_change_does(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    status, out, err = run(
        f"intervene {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide every:15 "
        f"--with mute --with shift:200 --metrics {tmp_path}/m.json"
    )
    assert status == 0
    assert "music features were changed instead" in err
    report = json.loads((tmp_path / "m.json").read_text())
    assert [row["change"] for row in report["rows"]] == ["mute", "shift:200"]
    for row, line in zip(report["rows"], out.splitlines()[2:], strict=True):
        name, *numbers = line.split()
        assert name == row.pop("change")
        assert [float(number) for number in numbers] == pytest.approx(list(row.values()), abs=6e-4)
        assert row["change_deg"] > 0


def test_intervene_saves_the_changed_recovery(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    asked = (
        "intervene",
        tiny_clip_file,
        "--checkpoint",
        tiny_checkpoint,
        "--hide",
        "every:15",
        "--with",
        "mute",
    )
    assert run(*asked, "--out", tmp_path / "quiet.npz")[0] == 0
    truth, quiet = load_clip(tiny_clip_file), load_clip(tmp_path / "quiet.npz")
    assert np.array_equal(quiet.motion.rotations[::15], truth.motion.rotations[::15])
    assert not len(quiet.music.beats)
    status, _, err = run(*asked, "--with", "shift:9", "--out", tmp_path / "two.npz")
    assert status == 2
    assert err.startswith("error: --out: 2 changes of the music")


def test_intervene_on_what_is_generated(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    asked = (
        "intervene",
        tiny_clip_file,
        "--checkpoint",
        tiny_checkpoint,
        "--future",
        30,
        "--seed-frames",
        20,
    )
    status, out, _ = run(
        *asked, "--with", "mute", "--metrics", tmp_path / "m.json", "--out", tmp_path / "quiet.npz"
    )
    assert status == 0
    report = json.loads((tmp_path / "m.json").read_text())
    assert (report["seed_frames"], report["frames"]) == (20, 30)
    assert report["rows"][0]["change_deg"] > 0
    assert "30 generated after 20 of seed" in out
    truth, quiet = load_clip(tiny_clip_file), load_clip(tmp_path / "quiet.npz")
    assert len(quiet) == 50
    assert np.array_equal(quiet.motion.rotations[:20], truth.motion.rotations[:20])
    assert not len(quiet.music.beats)
    for more, problem in (((), "neither"), (("--future", 30, "--hide", "every:5"), "both")):
        status, _, err = run(
            "intervene", tiny_clip_file, "--checkpoint", tiny_checkpoint, "--with", "mute", *more
        )
        assert (status, err.count("\n")) == (2, 1)
        assert f"{problem} --hide" in err


@pytest.mark.slow
def test_attribute_names_the_music(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    status, out, err = run(
        f"attribute {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide "
        "span:10-30 --frame 20 --joints LeftArm --method gradients --out "
        f"{tmp_path}/a.npz"
    )
    assert (status, err) == (0, "")
    with np.load(tmp_path / "a.npz") as kept:
        assert kept["values"].shape == (60, 5)
        assert kept["joints"].tolist() == [2]
        first = int(np.abs(kept["values"]).sum(axis=1).argmax())
    assert out.splitlines()[1].startswith(f"music frames that count most: {first} (")
    status, out, _ = run(
        f"attribute {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide "
        f"span:10-30 --frame 20 --method gradients --deletion --out {tmp_path}/d.npz"
    )
    assert status == 0
    assert out.splitlines()[-1].split() == ["100%", "1.000", "1.000", "1.000", "1.000"]
    with np.load(tmp_path / "d.npz") as kept:
        assert (
            kept["deletion_gradients"].shape
            == kept["deletion_random"].shape
            == kept["deletion_shares"].shape
        )
    status, _, err = run(
        f"attribute {tiny_clip_file} --checkpoint {tiny_checkpoint} --hide span:10-30 --frame 5"
    )
    assert (status, err.count("\n")) == (2, 1)
    assert "frame 5: these joints are known there" in err
