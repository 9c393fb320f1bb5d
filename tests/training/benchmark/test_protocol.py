"""The in-betweening benchmark against an independent telling of the published evaluation, and its commands."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm import load_clip, recover, save_clip
from mmm.checkpoints import load_model, save_model
from mmm.errors import FileError
from mmm.interpolation import baselines
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, smooth_motion, wild_motion
from tests.mmm.networks import tiny_model
from tests.training.benchmark import oracle
from tests.training.conftest import write_split
from tests.training.running import run_training
from training.benchmark import clips as sources
from training.benchmark import methods as fillers
from training.benchmark import report, spline
from training.benchmark.protocol import GAPS, benchmark, outcome, score, statistics
from training.benchmark.windows import FPS, cut, facing, is_lafan1

LAFAN1 = Path(__file__).parents[4] / "shared" / "data" / "lafan1"
PUBLISHED = {name: fillers.BASELINES[name] for name in ("zero-velocity", "interpolation")}


def clip_of(frames: int, seed: int = 0, skeleton: Skeleton = TINY, name: str = "made") -> Clip:
    return Clip(name, smooth_motion(seed, frames, skeleton, 30.0))


def as_take(motion: Motion) -> oracle.Take:
    quats = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3).astype(float)).as_quat(
        scalar_first=True
    )
    return oracle.Take(
        oracle.followed(quats.reshape(len(motion), -1, 4)),
        motion.root_m.astype(float),
        motion.skeleton.offsets_m.astype(float),
        list(motion.skeleton.parents),
    )


def agree(rows, expected, unit_cm):
    assert len(rows) == len(expected)
    for row in rows:
        told = expected[row["method"], row["gap"]]
        for metric in ("l2q", "l2p", "npss"):
            assert row[metric] == pytest.approx(told[metric], abs=2e-6), (
                row,
                metric,
            )  # 4 decimals are asked for
        assert row["position_cm"] == pytest.approx(told["position"] * unit_cm, rel=1e-5)


class TestAgainstThePublishedDefinitions:
    def test_on_motion_made_up(self):
        clips = [clip_of(150, seed) for seed in range(3)]
        windows = cut(clips, 65, 40)
        thighs = TINY.names.index("LeftFoot"), TINY.names.index("RightFoot")
        told = oracle.windows_of([as_take(clip.motion) for clip in clips], oracle.across(*thighs))
        assert len(windows) == len(told) == 9
        agree(
            benchmark(windows, PUBLISHED, statistics(windows, ""), {}),
            oracle.evaluate(told, GAPS),
            100,
        )

    @pytest.mark.slow
    @pytest.mark.shared_data
    @pytest.mark.skipif(not LAFAN1.is_dir(), reason=f"no LAFAN1 takes in {LAFAN1}")
    def test_on_lafan1_takes(self):
        paths = sorted(LAFAN1.glob("*.bvh"))
        windows = cut([load_clip(path) for path in paths], 65, 40)
        told = oracle.windows_of([oracle.read_take(path) for path in paths], oracle.hips_y)
        assert len(windows) == len(told)
        some = np.arange(0, len(windows), 12)
        windows, told = windows.take(some), [told[i] for i in some]
        agree(
            benchmark(windows, PUBLISHED, statistics(windows, ""), {}),
            oracle.evaluate(told, GAPS),
            1,
        )

    @pytest.mark.shared_data
    @pytest.mark.skipif(not LAFAN1.is_dir(), reason=f"no LAFAN1 takes in {LAFAN1}")
    def test_lafan1s_hips_face_x_in_frame_9(self):
        clip = load_clip(min(LAFAN1.glob("*.bvh")))
        windows = cut([clip], 65, 40)
        assert is_lafan1(windows.skeleton)
        y_axis = windows.rotations[:, 9, 0, :, 1]
        assert np.abs(y_axis[:, 2]).max() < 1e-5
        assert y_axis[:, 0].min() > 0.5
        renamed = Skeleton(
            ("Pelvis", *windows.skeleton.names[1:]),
            windows.skeleton.parents,
            windows.skeleton.offsets_m,
        )
        assert not is_lafan1(renamed)
        by_thighs = facing(replace(windows, skeleton=renamed))
        angle = np.degrees(np.arctan2(by_thighs[:, 2], by_thighs[:, 0]))
        assert np.abs(angle).max() < 3


class TestWindows:
    @pytest.mark.parametrize(("frames", "count"), [(66, 1), (105, 1), (106, 2), (146, 3)])
    def test_a_window_that_ends_with_the_clip_is_left_out(self, frames, count):
        assert len(cut([clip_of(frames)], 65, 40)) == count

    def test_none(self):
        with pytest.raises(FileError, match="2 clips: none has more than 65 frames at 30 a second"):
            cut([clip_of(65), clip_of(20)], 65, 40)

    def test_of_many_clips_on_their_own_bones(self):
        tall = Skeleton(TINY.names, TINY.parents, TINY.offsets_m * 2)
        windows = cut(
            [clip_of(70, name="a"), clip_of(40), clip_of(110, skeleton=tall, name="b")], 65, 40
        )
        assert windows.labels == ("a", "b", "b")
        np.testing.assert_array_equal(windows.offsets_m[2], tall.offsets_m)
        positions, _ = windows.world()
        reach = np.linalg.norm(positions[:, :, 1] - positions[:, :, 0], axis=-1)
        np.testing.assert_allclose(reach, np.array([0.5, 1, 1])[:, None] * np.ones(65), rtol=1e-5)

    def test_are_centred_and_turned_as_a_whole(self):
        clip = clip_of(110, seed=4)
        windows = cut([clip], 65, 40)
        np.testing.assert_allclose(windows.root_m[..., [0, 2]].mean(axis=1), 0, atol=1e-6)
        positions, _ = windows.world()
        left, right = TINY.names.index("LeftFoot"), TINY.names.index("RightFoot")
        line = (positions[:, 9, left] - positions[:, 9, right]) * [1, 0, 1]
        line /= np.linalg.norm(line, axis=-1, keepdims=True)
        np.testing.assert_allclose(
            line, [[0, 0, -1]] * 2, atol=1e-5
        )  # the left is at Z- of who faces X+
        for window, start in enumerate((0, 40)):
            before = clip.motion.positions()[start : start + 65]
            np.testing.assert_allclose(positions[window, ..., 1], before[..., 1], atol=1e-5)
            apart = [
                np.linalg.norm(p[:, :, None] - p[:, None, ::7], axis=-1)
                for p in (positions[window, ::9], before[::9])
            ]
            np.testing.assert_allclose(apart[0], apart[1], atol=1e-5)

    def test_a_body_without_thighs_stays_as_it_is(self):
        arm = Skeleton(("Base", "Elbow", "Wrist"), (-1, 0, 1), np.eye(3))
        clip = clip_of(70, skeleton=arm)
        np.testing.assert_array_equal(cut([clip], 65, 40).rotations[0], clip.motion.rotations[:65])

    def test_statistics_are_numpys(self):
        windows = cut([clip_of(400)], 65, 5)
        positions = windows.world()[0].astype(float)
        found = statistics(windows, "here")
        np.testing.assert_allclose(found.mean_m, positions.mean(axis=(0, 1)), atol=1e-9)
        np.testing.assert_allclose(found.std_m, positions.std(axis=(0, 1)), atol=1e-7)

    @pytest.mark.parametrize("name", fillers.BASELINES)
    def test_no_method_sees_the_gap_or_what_follows_the_target(self, name):
        windows = cut([clip_of(110)], 65, 40)
        poisoned = replace(
            windows, rotations=windows.rotations.copy(), root_m=windows.root_m.copy()
        )
        for values in (poisoned.rotations, poisoned.root_m):
            values[:, 10:25], values[:, 26:] = np.nan, np.nan
        fill = fillers.BASELINES[name]
        for clean, dirty in zip(fill(windows.shown(15)), fill(poisoned.shown(15)), strict=True):
            assert clean.shape[:2] == (2, 15)
            np.testing.assert_array_equal(clean, dirty)

    def test_the_truth_has_no_error(self):
        windows = cut([clip_of(110)], 65, 40)
        truth = outcome(windows, (windows.rotations[:, 10:40], windows.root_m[:, 10:40]))
        assert score(truth, truth, statistics(windows, "")) == {
            "l2q": 0,
            "l2p": 0,
            "npss": 0,
            "position_cm": 0,
        }

    def test_groups_are_scored_by_themselves(self):
        windows = cut([clip_of(110, 1), clip_of(110, 2)], 65, 40)
        against = statistics(windows, "")
        told: list[int] = []
        rows = benchmark(
            windows, PUBLISHED, against, {"second": np.array([2, 3])}, (5,), told.append
        )
        alone = benchmark(windows.take(slice(2, 4)), PUBLISHED, against, {}, (5,))
        assert [row["group"] for row in rows] == ["all", "second"] * 2
        assert [{**row, "group": "all"} for row in rows if row["group"] == "second"] == alone
        assert sum(told) == 8


class TestFillers:
    @pytest.mark.parametrize("gap", GAPS)
    @pytest.mark.parametrize(
        ("name", "method", "close"),
        [
            ("spline", "spline", 2e-6),
            ("interpolation", "slerp", 2e-4),
            ("inertial", "inertial", 1e-6),
            ("zero-velocity", "hold", 0),
        ],
    )
    def test_are_the_library_s_baselines(self, gap, name, method, close):
        windows = cut([Clip("wild", wild_motion(3, 110)), clip_of(150)], 65, 40)
        shown = windows.shown(gap)
        hidden = np.zeros((11 + gap, len(TINY)), dtype=bool)
        hidden[10:-1] = True
        found = fillers.BASELINES[name](shown)
        for i in range(len(windows)):
            rotations, root_m = baselines.fill(
                shown.rotations[i], shown.root_m[i], hidden, method, FPS
            )
            np.testing.assert_allclose(found[0][i], rotations[10:-1], atol=close)
            np.testing.assert_allclose(found[1][i], root_m[10:-1], atol=1e-6)

    def test_spline_of_joints_that_stand_and_turn_slowly_or_far(self):
        times = np.append(np.arange(10), 40.0)
        for step in (0.0, 1e-7, 0.049, 0.051, 0.5, 3.0):
            axes = np.random.default_rng(0).normal(size=(4, 11, 3))
            keys = np.cumsum(step * axes / np.linalg.norm(axes, axis=-1, keepdims=True), axis=1)
            rotations = Rotation.from_rotvec(keys.reshape(-1, 3)).as_matrix().reshape(4, 11, 3, 3)
            found = spline.last_segment(times, rotations, np.arange(1, 31))
            assert np.isfinite(found).all()
            for n in range(4):
                hidden = np.ones((41, 1), dtype=bool)
                hidden[times.astype(int)] = False
                whole = np.tile(np.eye(3, dtype=np.float32), (41, 1, 1, 1))
                whole[times.astype(int), 0] = rotations[n]
                scipys = baselines.fill(whole, np.zeros((41, 3)), hidden, "spline", FPS)[0][
                    10:40, 0
                ]
                ours = rotations[n, 9] @ Rotation.from_rotvec(found[n, :30]).as_matrix()
                np.testing.assert_allclose(ours, scipys, atol=1e-5)

    @pytest.mark.parametrize("angle", [0.0, 1e-6, 0.03, 0.0499, 0.0501, 0.4, 3.1])
    def test_the_splines_derivatives(self, angle):
        rng = np.random.default_rng(1)
        axes, speed = rng.normal(size=(1, 6, 3)), rng.normal(size=(1, 6, 3))
        u = angle * axes / np.linalg.norm(axes, axis=-1, keepdims=True)
        jacobian, inverse = spline._jacobians(u)
        np.testing.assert_allclose(
            jacobian @ inverse, np.broadcast_to(np.eye(3), (1, 6, 3, 3)), atol=1e-8
        )
        step = 1e-5
        ahead, behind = (Rotation.from_rotvec((u + at * step * speed)[0]) for at in (1, -1))
        turn = (behind.inv() * ahead).as_rotvec() / (
            2 * step
        )  # angular velocity in the body's frame
        np.testing.assert_allclose((jacobian @ speed[..., None])[0, ..., 0], turn, atol=1e-8)
        change = (
            spline._jacobians(u + step * speed)[0] - spline._jacobians(u - step * speed)[0]
        ) / (2 * step)
        np.testing.assert_allclose(
            spline._bend(u, speed), (change @ speed[..., None])[..., 0], atol=3e-7
        )

    def test_a_network_gets_each_window_up_to_its_target(self, checkpoint):
        windows = cut([clip_of(110)], 65, 40)
        shown = windows.shown(5)
        with ExitStack() as stack:
            rotations, root_m = fillers.network(checkpoint, 1, stack)(shown)
        model = load_model(checkpoint)
        for i in range(2):
            motion = Motion(TINY, windows.rotations[i, :16], windows.root_m[i, :16], 30.0)
            hidden = np.zeros((16, len(TINY)), dtype=bool)
            hidden[10:15] = True
            alone = recover(model, Clip("alone", motion), hidden).recovered.motion
            np.testing.assert_allclose(rotations[i], alone.rotations[10:15], atol=1e-6)
            np.testing.assert_allclose(root_m[i], alone.root_m[10:15], atol=1e-6)
        assert np.abs(rotations - fillers.interpolation(shown)[0]).max() > 0.01  # it has a say

    def test_what_a_worker_does_is_the_same(self, checkpoint):
        shown = cut([clip_of(110)], 65, 40).shown(15)
        fillers._start(checkpoint)
        with ExitStack() as stack:
            for one, other in zip(
                fillers._fill(shown), fillers.network(checkpoint, 1, stack)(shown), strict=True
            ):
                np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A random network of the tiny body."""
    folder = tmp_path_factory.mktemp("checkpoints") / "toy-common"
    model = tiny_model("common", fill="slerp", output="residual", max_frames=60)
    save_model(model, folder, {})
    return folder


class TestReport:
    ROWS = tuple(
        {
            "group": group,
            "windows": 30,
            "gap": gap,
            "method": method,
            "l2q": value,
            "l2p": value,
            "npss": value,
            "position_cm": value,
        }
        for group in ("all", "walk")
        for gap in (5, 15)
        for method, value in (
            ("zero-velocity", 4.0),
            ("interpolation", 2.0),
            ("spline", gap / 5),
            ("net", 0.5),
        )
    )

    def test_ratios(self):
        found = {(r["group"], r["gap"], r["method"]): r["l2p"] for r in report.ratios(self.ROWS)}
        assert found["all", 5, "net"] == 0.25
        assert found["walk", 15, "spline"] == 1.5
        assert ("all", 5, "interpolation") not in found

    def test_a_group_is_held_against_the_better_baseline(self):
        found = {(r["group"], r["gap"]): r["l2p"] for r in report.by_group(self.ROWS, "net")}
        assert found == {("walk", 5): 0.5, ("walk", 15): 0.25}
        assert [r["l2p"] for r in report.by_group(self.ROWS, "spline")] == [0.5, 1.5]

    def test_over_nothing(self):
        rows = [{**row, "npss": 0.0} for row in self.ROWS]
        assert report.ratios(rows)[0]["npss"] is None
        assert any(
            line.strip().startswith("net") and "-" in line for line in report.lines(rows, False)
        )

    def test_published_scores_stand_only_beside_the_published_set(self):
        other, same = ("\n".join(report.lines(self.ROWS, published)) for published in (False, True))
        assert "OTHER data" in other
        assert "published: RMIB" not in other
        assert "OTHER data" not in same
        line = next(
            line
            for line in same.splitlines()[5:]
            if "published: two-stage (2022)" in line and "0.105" in line
        )
        assert line.split()[-2:] == ["0.105", "0.394"]


def run(*arguments):
    return run_training("benchmark", *arguments)


class TestCommands:
    def test_lafan1_on_some_takes(self, tmp_path, checkpoint):
        for name in ("walk1_subject5", "walk1_subject1"):
            save_clip(clip_of(110), tmp_path / f"{name}.bvh")
        told = run(
            "lafan1", "--bvh", tmp_path, "--checkpoint", checkpoint, "--json", tmp_path / "r.json"
        )
        assert told.exit_code == 0, told.output
        assert "2 takes of LAFAN1, not the published test set (2 of 77" in told.output
        assert "of these windows, for the published training takes are not at hand" in told.output
        content = json.loads((tmp_path / "r.json").read_text())
        assert content["windows"] == 4
        assert not content["published_split"]
        assert [row["method"] for row in content["rows"][:5]] == [*fillers.BASELINES, "toy-common"]
        assert len(content["ratios_to_interpolation"]) == 16

    @pytest.mark.slow
    def test_lafan1_on_all_takes(self, tmp_path):
        rest = Clip("still", wild_motion(0, 67))
        save_clip(rest, tmp_path / "first.bvh")
        for number in range(77):
            shutil.copy(
                tmp_path / "first.bvh", tmp_path / f"walk{number}_subject{1 + number % 5}.bvh"
            )
        (tmp_path / "first.bvh").unlink()
        material = sources.lafan1(tmp_path)
        assert material.published
        assert {clip.name[-8:] for clip in material.clips} == {"subject5"}
        assert len(material.clips) == 15
        assert material.against is not None
        assert material.against.source == "62 windows of subjects 1 to 4, as published"
        trained = statistics(cut([rest], 50, 20), "")
        np.testing.assert_allclose(material.against.std_m, trained.std_m, rtol=1e-4, atol=1e-6)
        told = run("lafan1", "--bvh", tmp_path)
        assert "15 windows of 65 frames (published: 2,232)" in told.output
        assert "published: RMIB (2020)" in told.output

    def test_motion_in_an_archive_by_group(self, tmp_path):
        inside = tmp_path / "inside" / "deep"
        inside.mkdir(parents=True)
        for at, name in enumerate(("walk_old", "walk_shy", "bow_old")):
            save_clip(clip_of(110, at), inside / f"{name}.bvh")
        save_clip(clip_of(80, skeleton=SMPL24), inside / "other.bvh")
        (inside / "broken.bvh").write_text("HIERARCHY")
        shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "inside")
        shutil.make_archive(str(tmp_path / "set"), "gztar", tmp_path / "inside")
        for archive in ("set.zip", "set.tar.gz"):
            told = run(
                "motion",
                "--bvh",
                tmp_path / archive,
                "--group-by",
                "(walk|bow)_",
                "--json",
                tmp_path / "r.json",
            )
            assert told.exit_code == 0, told.output
            assert "files that cannot be read: 1, the first" in told.output
            assert (
                "clips of another body (24 joints) left out: 1, the first set/deep/other.bvh"
                in told.output
            )
            content = json.loads((tmp_path / "r.json").read_text())
            assert {row["group"]: row["windows"] for row in content["rows"]} == {
                "all": 6,
                "bow": 2,
                "walk": 4,
            }
            assert "spline over interpolation, by group; * fewer than 20 windows" in told.output

    @pytest.mark.slow
    def test_recorded_ratios_stand_in_the_card(self, tmp_path, checkpoint):
        own = shutil.copytree(checkpoint, tmp_path / "own")
        files = tmp_path / "files"
        files.mkdir()
        for at, name in enumerate(("walk_old", "bow_old")):
            save_clip(clip_of(900, at), files / f"{name}.bvh")
        told = run(
            "motion",
            "--bvh",
            files,
            "--checkpoint",
            own,
            "--group-by",
            "(walk|bow)_",
            "--windows",
            40,
            "--record",
            "my files",
            "--json",
            tmp_path / "r.json",
        )
        assert told.exit_code == 0, told.output
        kept = json.loads((own / "metrics.json").read_text())["protocol"]["my files"]
        content = json.loads((tmp_path / "r.json").read_text())
        ratios = [
            row["l2p"]
            for row in content["ratios_to_interpolation"]
            if (row["group"], row["method"]) == ("all", "own")
        ]
        np.testing.assert_allclose(kept["over_interpolation"]["l2p"], ratios, atol=1e-4)
        assert kept["command"] == (
            "python -m training benchmark motion --bvh files --checkpoint checkpoints/own "
            "--windows 40 --group-by '(walk|bow)_'"
        )
        card = (own / "README.md").read_text()
        cells = " ".join(f"{value:.2f}" for value in ratios)
        assert f"| my files | 40 | {cells} |" in card
        rivals = {
            (row["group"], row["gap"]): row["l2p"]
            for row in content["ratios_to_the_better_baseline"]
        }
        bow = " | ".join(
            f"{rivals['bow', gap]:.2f}" for gap in (5, 15, 30, 45)
        )  # a random network is worse everywhere
        assert (
            "of the 2 contents with 20 windows or more: above 1 at some gap in 2 of them." in card
        )
        assert f"| bow | my files | 20 | {bow} |" in card
        assert str(tmp_path) not in card

    def test_an_archive_counts_as_a_folder_of_its_name(self, tmp_path):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "01.amc").write_text("")
        (tmp_path / "sets").mkdir()
        archive = shutil.make_archive(
            str(tmp_path / "sets" / "walks_60fps"), "xztar", tmp_path / "in"
        )
        for number, source in enumerate((Path(archive), tmp_path / "sets")):
            [(path, label)] = sources._files(source, tmp_path / str(number))
            assert label == "walks_60fps/01.amc"
            assert "walks_60fps" in str(
                path
            )  # AMC files do not say their frame rate, but their folder may

    def test_motion_at_other_rates(self, tmp_path):
        clip = Clip("fast", smooth_motion(0, 221, TINY, 60.0))
        save_clip(clip, tmp_path / "fast.bvh")
        found = sources.motion_files([tmp_path / "fast.bvh"]).clips[0].motion
        assert (len(found), found.fps) == (111, 30.0)
        np.testing.assert_allclose(found.root_m, clip.motion.root_m[::2], atol=1e-5)
        later = sources.motion_files([tmp_path / "fast.bvh"], drop_first=3).clips[0].motion
        np.testing.assert_allclose(later.root_m, found.root_m[3:], atol=1e-6)
        assert len(sources.motion_files([tmp_path], fps=30.0).clips[0]) == 221

    def test_a_prepared_split_on_its_clips_bones(self, tmp_path):
        write_split(tmp_path / "set" / "test", [150, 90], skeleton=TINY)
        path = tmp_path / "set" / "test" / "clips.json"
        stored = json.loads(path.read_text())
        stored["joint_parents"], stored["joint_offsets_m"] = TINY.parents, TINY.offsets_m.tolist()
        stored["bodies"] = [TINY.offsets_m.tolist(), (TINY.offsets_m * 1.5).tolist()]
        for body, clip in enumerate(stored["clips"]):
            clip |= {"body": body, "source": f"cmu/{body}.amc"}
        path.write_text(json.dumps(stored))
        clips = sources.prepared(path.parent).clips
        assert [(clip.name, len(clip)) for clip in clips] == [("cmu/0.amc", 150), ("cmu/1.amc", 90)]
        np.testing.assert_allclose(clips[1].motion.skeleton.offsets_m, TINY.offsets_m * 1.5)
        told = run("set", "--data", path.parent, "--windows", "2")
        assert told.exit_code == 0, told.output
        assert "2 windows of 65 frames; 10 past frames, one target" in told.output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["lafan1", "--bvh", "nowhere"], "error: nowhere: no .bvh file"),
            (["motion", "--bvh", "nowhere"], "error: nowhere: no such file or folder"),
            (["motion", "--bvh", "{at}/a.zip"], "cannot be unpacked"),
            (["motion", "--bvh", "{at}/empty"], "no motion file that can be read"),
            (["set", "--data", "{at}/empty"], "no clips.json"),
            (["motion", "--bvh", "{at}/a.bvh", "--group-by", "("], "--group-by: '(': missing"),
            (["motion", "--bvh", "{at}/a.bvh", "--checkpoint", "nowhere"], "error: nowhere"),
            (
                ["motion", "--bvh", "{at}/a.bvh", "--record", "a"],
                "error: --record a: no --checkpoint",
            ),
        ],
    )
    def test_bad_input_is_one_line(self, tmp_path, arguments, message):
        (tmp_path / "a.zip").write_text("no zip")
        (tmp_path / "empty").mkdir()
        save_clip(clip_of(70), tmp_path / "a.bvh")
        told = run(*[a.format(at=tmp_path) for a in arguments])
        assert told.exit_code == 2
        assert message in told.output
        assert "Traceback" not in told.output
