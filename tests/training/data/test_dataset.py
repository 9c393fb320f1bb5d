"""Windows and clips cut from a prepared set."""

import json

import numpy as np
import pytest
import torch

from mmm.errors import FileError
from mmm.models import make_config
from mmm.motion.features import Stats
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY, smooth_motion
from tests.training.conftest import write_split
from training.data.batch import draw
from training.data.dataset import MotionSet
from training.plans.plan import TrainingPlan


@pytest.fixture
def data(split):
    data = MotionSet(split)
    data.stats = Stats.identity()
    return data


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_what_a_split_holds(split):
    data = MotionSet(split)
    assert (len(data.clips), data.fps, data.joint_names) == (3, 30.0, list(TINY.names))
    assert data.starts.tolist() == [0, 30, 80]
    assert data.lengths.tolist() == [30, 50, 12]


def test_windows_are_stretches_of_one_clip_each(data):
    """Each window equals the frames of one clip from some frame on: none runs over into the next clip."""
    motion, music = data.windows(200, 12, generator())
    assert motion.shape == (200, 12, 57)
    assert music.shape == (200, 12, 35)
    clips = [smooth_motion(i, n, TINY, 30.0) for i, n in enumerate((30, 50, 12))]
    rows = [np.concatenate([m.rotations.reshape(len(m), -1), m.root_m], axis=1) for m in clips]
    found = set()
    for window in motion.numpy():
        hits = [
            (c, s)
            for c, r in enumerate(rows)
            for s in range(len(r) - 11)
            if np.abs(r[s : s + 12] - window).max() < 3e-3
        ]
        assert len(hits) == 1
        found.add(hits[0])
    assert len(found) > 30
    assert {clip for clip, _ in found} == {0, 1, 2}


def test_windows_are_dense(data):
    """Windows a whole window apart throw data away; ours start anywhere, all starts equally likely."""
    motion, _ = data.windows(6000, 12, generator())
    roots, counts = np.unique(motion[:, 0, -3:].numpy().round(5), axis=0, return_counts=True)
    assert len(roots) == 19 + 39 + 1
    assert counts.min() > 60  # 102 expected
    assert counts.max() < 150


def test_music_belongs_to_its_frames(data, split):
    motion, music = data.windows(20, 5, generator())
    root_m, features = np.load(split / "root_m.npy"), np.load(split / "music.npy")
    for window, heard in zip(motion.numpy(), music.numpy(), strict=True):
        start = int(np.abs(root_m - window[0, -3:]).sum(1).argmin())
        assert np.array_equal(heard, np.clip(features[start : start + 5], -1, 2))


def test_windows_are_scaled_as_recovery_scales(split):
    data = MotionSet(split)
    stats = data.fit_stats(12)
    data_plain = MotionSet(split)
    data_plain.stats = Stats.identity()
    scaled, plain = (d.windows(9, 12, generator(3)) for d in (data, data_plain))
    assert (
        np.abs(scaled[0][..., -3:].numpy() - stats.scale_root(plain[0][..., -3:].numpy())).max()
        < 1e-5
    )
    raw = np.load(split / "music.npy")
    assert np.abs(scaled[1].numpy()).max() <= 1 + 1e-5
    assert stats.scale_music(raw).min() == pytest.approx(0, abs=1e-6)


def test_the_same_generator_gives_the_same_windows(data):
    first, second, other = (data.windows(4, 10, generator(s))[0] for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_matrices_are_rotations(data):
    matrices = data.windows(50, 12, generator())[0][..., :-3].unflatten(-1, (6, 3, 3))
    assert (matrices @ matrices.mT - torch.eye(3)).abs().max() < 1e-5


def test_without_music(split):
    (split / "music.npy").unlink()
    data = MotionSet(split)
    data.fit_stats(12)
    assert data.windows(2, 10, generator())[1] is None
    assert data.cut_clips(1, 10, TINY, 30.0)[0].music is None


def test_a_clip_has_the_beats_that_its_features_mark(split):
    music = np.load(split / "music.npy")
    music[:, 34] = 0
    music[[30, 41, 52], 34] = 1
    np.save(split / "music.npy", music)
    clip = MotionSet(split).cut_clips(2, 25, TINY, 30.0)[1]
    assert clip.music.beats.tolist() == [0, 11, 22]


def test_clips_for_evaluation(data):
    clips = data.cut_clips(2, 25, TINY, 30.0)
    assert [(c.name, len(c), c.split, c.music.tempo_bpm) for c in clips] == [
        ("clip0", 25, "train", 120.0),
        ("clip1", 25, "train", 120.0),
    ]
    truth = smooth_motion(1, 50, TINY, 30.0)
    assert np.abs(clips[1].motion.rotations - truth.rotations[:25]).max() < 3e-3
    assert np.array_equal(clips[1].motion.root_m, truth.root_m[:25])


def test_nothing_long_enough(data):
    with pytest.raises(FileError, match="no clip of 60 frames"):
        data.windows(2, 60, generator())
    with pytest.raises(FileError, match="no clip of 60 frames"):
        data.cut_clips(2, 60, TINY, 30.0)


def test_no_such_split(tmp_path):
    with pytest.raises(FileError, match=r"no clips\.json"):
        MotionSet(tmp_path / "train")


# -- balanced draws with bodies -------------------------------------------------------------------------------------


@pytest.fixture
def grouped(tmp_path):
    """A group of two clips of 100 frames on two bodies, and one of a single clip of 21 frames."""
    write_split(tmp_path / "set" / "train", [100, 100, 21, 9])
    path = tmp_path / "set" / "train" / "clips.json"
    content = json.loads(path.read_text())
    bodies = [TINY.offsets_m * size for size in (1.0, 1.1, 0.9)]
    content |= {"bodies": [body.tolist() for body in bodies]}
    for clip, (body, group) in zip(
        content["clips"], ((1, "long"), (2, "long"), (0, "short"), (0, "hopeless")), strict=True
    ):
        clip |= {"body": body, "group": group}
    path.write_text(json.dumps(content))
    data = MotionSet(tmp_path / "set" / "train")
    data.stats = Stats.identity()
    return data


@pytest.mark.parametrize(
    ("balance", "short"), [(1.0, 12 / 194), (0.5, 12**0.5 / (12**0.5 + 182**0.5)), (0.0, 0.5)]
)
def test_groups_are_drawn_by_a_power_of_their_size(grouped, balance, short):
    drawn = grouped.draw_windows(20_000, 10, generator(), balance)
    shares = torch.bincount(drawn.clip, minlength=4) / 20_000
    assert shares[2] == pytest.approx(short, abs=0.015)
    assert shares[0] == pytest.approx((1 - short) / 2, abs=0.015)
    assert shares[3] == 0


def test_a_window_comes_with_its_own_body_and_frames(grouped):
    drawn = grouped.draw_windows(400, 10, generator(), 0.5)
    clips = [smooth_motion(i, n, TINY, 30.0) for i, n in enumerate((100, 100, 21))]
    starts = set()
    for window, body, clip in zip(
        drawn.motion.numpy(), drawn.body.numpy(), drawn.clip.tolist(), strict=True
    ):
        assert np.allclose(body, grouped.bodies[[1, 2, 0][clip]])
        away = np.abs(clips[clip].root_m - window[0, -3:]).sum(1)
        start = int(away.argmin())
        assert np.abs(clips[clip].root_m[start : start + 10] - window[:, -3:]).max() < 1e-5
        starts.add((clip, start))
    assert {start for clip, start in starts if clip == 2} >= {0, 11}  # the first and the last, too
    assert drawn.music.shape == (400, 10, 35)


def test_without_bodies_and_groups(data):
    drawn = data.draw_windows(4000, 12, generator(), 0.5)
    assert drawn.body is None
    assert torch.bincount(drawn.clip)[1] / 4000 == pytest.approx(
        39 / 59, abs=0.04
    )  # one group: as dense as windows()


def test_balanced_draws_repeat(grouped):
    first, second, other = (grouped.draw_windows(5, 10, generator(s), 0.5) for s in (1, 1, 2))
    assert torch.equal(first.motion, second.motion)
    assert not torch.equal(first.motion, other.motion)
    with pytest.raises(FileError, match="no clip of 101 frames"):
        grouped.draw_windows(5, 101, generator())


def test_a_stride_holds_for_roles_too(tmp_path):
    motion = match_roles(SMPL24).to_roles(smooth_motion(0, 60, SMPL24, 30.0))
    write_split(tmp_path / "train", [60], 0, motion.skeleton, 30.0, music=False)
    data = MotionSet(tmp_path / "train")
    data.stats = Stats.identity()
    plan = TrainingPlan(
        batch=60,
        min_frames=10,
        max_frames=10,
        window_stride=20,
        augment=None,
        shift_positions=False,
    )
    drawn = draw(data, plan, make_config("inbetween"), generator())
    starts = {int((data.root_m - root).abs().sum(1).argmin()) for root in drawn.motion[:, 0, -3:]}
    assert starts == {0, 20, 40}


def test_short_splits_give_several_stretches_of_their_long_clips(tmp_path):
    write_split(tmp_path / "own", [25, 62, 19], 0, TINY, 30.0, music=False)
    split = MotionSet(tmp_path / "own")
    assert [clip.name.partition(" from ")[2] for clip in split.cut_clips(9, 20, TINY, 30.0)] == [
        "",
        "",
        "20",
        "40",
    ]
    assert len(split.cut_clips(2, 20, TINY, 30.0)) == 2
    whole, parts = split.cut_clips(2, 60, TINY, 30.0)[0], split.cut_clips(9, 20, TINY, 30.0)[1:]
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(
            part.motion.root_m, whole.motion.root_m[20 * number : 20 * number + 20]
        )
