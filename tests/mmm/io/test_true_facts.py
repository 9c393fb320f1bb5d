"""What is true about a file is said by the same names on the command line and in Python."""

import pytest

from mmm.cli.app import main
from mmm.io import load_clip
from tests.mmm.io.bodies import body


def test_the_true_frame_rate_and_the_unit(tmp_path, capsys):
    (tmp_path / "a.bvh").write_text(body(frame_time="1.0", frames=21))
    assert main(["info", str(tmp_path / "a.bvh"), "--true-fps", "30", "--unit", "inch"]) == 0
    told = capsys.readouterr().out
    assert "seconds  0.70" in told
    assert "4.50 m" in told
    clip = load_clip(tmp_path / "a.bvh", true_fps=30, unit="inch")
    assert clip.motion.duration_s == pytest.approx(0.7)


def test_one_of_two_bodies(tmp_path, capsys):
    bone = "{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 9 0\n}\n}\n"
    (tmp_path / "a.bvh").write_text(
        f"HIERARCHY\nROOT A\n{bone}ROOT B\n{bone}MOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0 5 0 0\n"
    )
    assert main(["convert", str(tmp_path / "a.bvh"), str(tmp_path / "b.npz"), "--body", "B"]) == 0
    assert load_clip(tmp_path / "b.npz").motion.skeleton.names == ("B",)
    assert load_clip(tmp_path / "a.bvh", body=2).motion.skeleton.names == ("B",)


@pytest.mark.parametrize("words", [["--asf", "x.asf"], ["--true-fps", "0"]])
def test_what_does_not_fit_the_file_is_refused_in_a_line(tmp_path, capsys, words):
    (tmp_path / "a.bvh").write_text(body())
    assert main(["info", str(tmp_path / "a.bvh"), *words]) != 0
    assert capsys.readouterr().err.strip().count("\n") == 0
