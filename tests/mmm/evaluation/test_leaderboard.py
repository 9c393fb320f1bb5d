"""The leaderboard: what is measured, kept, shown, and when it is stale."""

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import mmm
from mmm import save_clip
from mmm.checkpoints import describe
from mmm.cli.app import main
from mmm.errors import SpecError
from mmm.evaluation import leaderboard as board
from mmm.evaluation import standings as standings_module
from mmm.evaluation.measurements import Measurement, ResultsFile, code_version
from mmm.evaluation.standings import Cell, Section, as_csv, markdown, rows, standings
from mmm.interpolation.baselines import BASELINES
from mmm.metrics.errors import KINDS
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import smooth_motion
from tests.mmm.networks import save_roles_network

PATTERNS = ("every:5", "gap:10")


LINE = {
    "method": "hold",
    "version": "",
    "clip": "a",
    "digest": "0" * 24,
    "pattern": "every:5",
    "seed": 0,
    "frames": 30,
    "hidden": 48,
    "sums": dict.fromkeys(KINDS, 1.5),
    "counts": dict.fromkeys(KINDS, 48),
    "elapsed_s": 0.01,
}


@pytest.fixture
def files(tmp_path):
    """Two SMPL clips, one too short for the gap, and one of a body that no network fits."""
    strange = Skeleton(tuple(f"bone{i}" for i in range(3)), (-1, 0, 1), SMPL24.offsets_m[:3])
    for name, frames, skeleton in (
        ("a", 40, SMPL24),
        ("b", 60, SMPL24),
        ("short", 8, SMPL24),
        ("odd", 40, strange),
    ):
        save_clip(
            Clip(name, smooth_motion(len(name) + frames, frames, skeleton, 30.0)),
            tmp_path / f"{name}.npz",
        )
    return tmp_path


@pytest.fixture
def card(tmp_path):
    save_roles_network(tmp_path / "net")
    return describe(tmp_path / "net")


def benchmark(files, card, *names):
    return board.Benchmark(tuple(files / f"{name}.npz" for name in names), PATTERNS, (card,))


def run(contest, results, **options):
    return board.measure(
        contest, results, lambda name: mmm.load_model(contest.checkpoints[0].path), **options
    )


@pytest.mark.slow
def test_what_an_earlier_version_of_the_code_measured_is_marked_and_measured_again(
    files, card, tmp_path, monkeypatch
):
    results, plain = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a")
    plain = replace(plain, checkpoints=(), patterns=("every:5",))
    board.measure(plain, results)
    assert not any(cell.outdated for cell in standings(plain, results)[0].cells.values())
    before = len(results.file.read_bytes().splitlines())
    board.measure(plain, results)
    assert len(results.file.read_bytes().splitlines()) == before
    for module in (board, standings_module):
        monkeypatch.setattr(module, "code_version", lambda: "later")
    assert all(cell.outdated for cell in standings(plain, results)[0].cells.values())
    board.measure(plain, results)
    assert not any(cell.outdated for cell in standings(plain, results)[0].cells.values())
    assert len(results.file.read_bytes().splitlines()) == 2 * before


def test_a_line_without_a_version_of_the_code_is_read_as_outdated():
    assert Measurement.from_line(json.dumps(LINE).encode()).code == ""
    assert code_version() != ""


def test_a_tie_is_an_interval_that_reaches_the_best_mean():
    def cell(method, mean, low, high):
        return Cell(method, "every:5", 3, 9, {"position_cm": mean}, {"position_cm": (low, high)})

    cells = [
        cell("hold", 3.0, 2.5, 3.5),
        cell("slerp", 1.0, 0.8, 1.2),
        cell("spline", 1.1, 1.0, 1.3),
    ]
    section = Section(("a",), (), {(each.method, "every:5"): each for each in cells})
    ties = [section.ties(each.method, "every:5", "position_cm") for each in cells]
    assert ties == [False, True, True]


@pytest.mark.slow
def test_means_are_those_of_a_plain_recovery_over_all_hidden_entries(files, card, tmp_path):
    results, both = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a", "b")
    assert run(both, results) == []
    (section,) = standings(both, results)
    assert section.methods == ("net", *BASELINES)
    for method in ("net", "spline"):
        errors = []
        for name in ("a", "b"):
            clip = mmm.load_clip(files / f"{name}.npz")
            hidden = mmm.masks.parse("every:5", clip)
            result = (
                mmm.recover(mmm.load_model(card.path), clip, hidden)
                if method == "net"
                else mmm.interpolate(method, clip, hidden)
            )
            errors.append(result.errors.position_cm[hidden.hidden])
        cell = section.cells[method, "every:5"]
        assert cell.means["position_cm"] == pytest.approx(np.concatenate(errors).mean(), rel=1e-4)
        assert (cell.clips, cell.hidden) == (2, sum(map(len, errors)))
        low, high = cell.intervals["position_cm"]
        assert low <= cell.means["position_cm"] <= high
    assert section.best("gap:10", "position_cm") == min(
        section.cells[m, "gap:10"].means["position_cm"] for m in section.methods
    )


@pytest.mark.slow
def test_networks_run_only_where_they_fit_and_stand_beside_baselines_of_the_same_clips(
    files, card, tmp_path
):
    results, all_ = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a", "short", "odd")
    remarks = run(all_, results)
    assert any("net was not run on odd" in r for r in remarks), remarks
    assert any("short is left out of gap:10" in r for r in remarks), remarks
    (section,) = standings(all_, results)
    assert section.clips == ("a", "short")
    assert {cell.clips for (_, pattern), cell in section.cells.items() if pattern == "every:5"} == {
        2
    }
    assert {cell.clips for (_, pattern), cell in section.cells.items() if pattern == "gap:10"} == {
        1
    }
    assert (
        len({cell.hidden for (_, pattern), cell in section.cells.items() if pattern == "every:5"})
        == 1
    )


def test_what_is_kept_is_not_measured_again_and_what_changed_is_not_shown(
    files, card, tmp_path, monkeypatch
):
    results, one = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a")
    run(one, results)
    lines = len(results.read())
    assert lines == 2 * (1 + len(BASELINES))
    monkeypatch.setattr(mmm, "recover", None)
    run(one, results)
    assert len(results.read()) == lines
    monkeypatch.undo()
    config = json.loads((card.path / "config.json").read_text())
    (card.path / "config.json").write_text(json.dumps(config | {"note": "retrained"}))
    (section,) = standings(one, results)
    assert section.methods == tuple(BASELINES)
    save_clip(Clip("a", smooth_motion(9, 40, SMPL24, 30.0)), files / "a.npz")
    assert standings(one, results) == []


@pytest.mark.slow
def test_a_run_cut_short_has_lost_nothing_and_is_not_mixed(files, card, tmp_path):
    class Stop(Exception):
        pass

    def stop(share, what):
        if what.startswith("b: gap"):
            raise Stop

    results, both = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a", "b")
    with pytest.raises(Stop):
        run(both, results, progress=stop)
    with results.file.open("a") as file:
        file.write('{"method": "sli')  # the disk was full
    (section,) = standings(both, results)
    assert section.cells["net", "every:5"].clips == 2
    assert {section.cells[m, "gap:10"].clips for m in section.methods} == {1}
    run(both, results)
    assert standings(both, results)[0].cells["net", "gap:10"].clips == 2


DAMAGE = [
    b'{"method":"hold"}',
    b"\xff\xfe",
    b"[" * 100_000,
    b"3",
    b"null",
    json.dumps({**LINE, "sums": {"rotation_deg": 1.0}}).encode(),
    json.dumps({**LINE, "sums": dict.fromkeys(KINDS, "far")}).encode(),
    json.dumps({**LINE, "counts": dict.fromkeys(KINDS, -1)}).encode(),
    json.dumps({**LINE, "elapsed_s": float("nan")}).encode(),
    json.dumps({**LINE, "elapsed_s": 10**400}).encode(),
    json.dumps({**LINE, "digest": ["x"]}).encode(),
    json.dumps({**LINE, "seed": True}).encode(),
    json.dumps({**LINE, "more": 1}).encode(),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_line_is_passed_over_and_counted(tmp_path, damage):
    results = ResultsFile(tmp_path)
    good = json.dumps(LINE).encode()
    results.file.write_bytes(good + b"\n" + damage + b"\n\n" + good.replace(b"hold", b"slerp"))
    assert {m.method for m in results.read().values()} == {"hold", "slerp"}
    assert results.damaged_lines == 1
    assert results.remark.startswith("measurements.jsonl: 1 line is damaged and passed over")
    results.file.write_bytes(good)
    results.read()
    assert results.remark == ""


def test_damage_is_said_once_in_a_run_and_where_results_are_only_shown(
    files, card, tmp_path, capsys
):
    results = ResultsFile(tmp_path / "kept")
    results.file.parent.mkdir()
    results.file.write_bytes(b'{"method":"hold"}\n\xff\n')
    remarks = run(benchmark(files, card, "a"), results)
    assert [r for r in remarks if "damaged" in r] == [
        "measurements.jsonl: 2 lines are damaged and passed over; measure again what is missing"
    ]
    where = ["--clips", str(files / "a.npz"), "--folder", str(tmp_path / "kept")]
    assert main(["leaderboard", *where, "--show", "--hide", "every:5"]) == 0
    streams = capsys.readouterr()
    assert (streams.out + streams.err).count("damaged") == 1


def test_gaps_lie_in_the_middle_and_nonsense_is_refused():
    assert board.spec_for("gap:10", 40) == "span:15-24"
    assert board.spec_for("every:5", 3) == "every:5"
    for wrong in ("gap:ten", "gap:0", "gap:39"):
        with pytest.raises(SpecError, match="gap"):
            board.spec_for(wrong, 40)
    board.check_pattern("keep:5,hide:5@legs")
    with pytest.raises(SpecError, match="not a pattern"):
        board.check_pattern("evry:5")


def test_tables(files, card, tmp_path):
    results, one = ResultsFile(tmp_path / "kept"), benchmark(files, card, "a")
    run(one, results)
    sections = standings(one, results)
    lines = list(csv.DictReader(as_csv(sections).splitlines()))
    assert len(lines) == len(list(rows(sections))) == 2 * (1 + len(BASELINES))
    assert {line["clips"] for line in lines} == {"1"}
    assert lines[0]["position_cm_low"] == ""  # of one clip nothing is known of others
    text = markdown(sections, PATTERNS, "rotation_deg")
    assert text.count("**") == 2 * len(PATTERNS)
    assert "| net |" in text
    assert "`every:5` (1 clips, " in text


def test_command(files, card, tmp_path, capsys):
    given = [
        "leaderboard",
        "--clips",
        str(files / "a.npz"),
        str(files / "b.npz"),
        "--checkpoint",
        str(card.path),
        "--hide",
        "every:5",
        "gap:10",
        "--folder",
        str(tmp_path / "kept"),
        "--out",
        str(tmp_path / "t.md"),
    ]
    assert main([*given, "--show"]) == 0
    assert "nothing is measured yet" in capsys.readouterr().out
    assert main(["leaderboard", "--clips", str(files / "a.npz"), "--metric", "beauty"]) == 2
    assert "no such metric" in capsys.readouterr().err


def test_measurements_lie_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ResultsFile().file.parent == tmp_path / "masked-motion-workbench" / "leaderboard"


def test_the_command_asks_for_clips(capsys):
    assert main(["leaderboard"]) == 2
    assert "--clips" in capsys.readouterr().err
