"""Batches on joint roles with music: whose music a window gets, and where it is silent."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm.models import make_config
from mmm.motion.features import Stats
from mmm.music.features import silence
from tests.training.roles_set import write_roles
from training.data.batch import draw
from training.data.dataset import MotionSet
from training.plans.augmentation import Augment
from training.plans.bases import ROLES

PROPORTIONS = Augment(mirror=0, speed=1, recombine=0)
PLAN = replace(ROLES, batch=40, min_frames=20, max_frames=20, augment=PROPORTIONS)


@pytest.fixture
def data(tmp_path):
    write_roles(tmp_path / "train", [60, 70], music=True)
    # Every row tells its own number, so that a window tells where it was cut.
    rows = np.repeat(np.arange(130.0, dtype=np.float32)[:, None], 35, axis=1)
    np.save(tmp_path / "train" / "music.npy", rows / 260 + 0.25)
    data = MotionSet(tmp_path / "train")
    data.stats = Stats.identity()
    return data


def drawn(data, **changes):
    config = make_config("inbetween", uses_music=True, cross_layers=1)
    return draw(data, replace(PLAN, **changes), config, torch.Generator().manual_seed(0))


def test_windows_have_the_music_of_their_own_frames(data):
    batch = drawn(data)
    assert batch.music.shape == (40, 20, 35)
    numbers = (batch.music[..., 0] - 0.25) * 260
    torch.testing.assert_close(numbers.diff(dim=1), torch.ones(40, 19), rtol=0, atol=1e-3)
    first = numbers[:, 0].round().long()
    # The root is neither scaled nor moved, so it tells the frame as well, but for the body's size.
    root = data.root_m[first]
    size = batch.motion[:, 0, -3:].norm(dim=-1) / root.norm(dim=-1)
    torch.testing.assert_close(batch.motion[:, 0, -3:], root * size[:, None], rtol=1e-3, atol=1e-3)


def test_a_network_without_music_gets_none(data):
    assert draw(data, PLAN, make_config("inbetween"), torch.Generator()).music is None


def test_a_share_of_the_windows_gets_another_ones_music(data):
    own, mixed = drawn(data).music, drawn(data, mismatched_music_rate=0.5).music
    # The random numbers of the masks come later, so the windows are the same.
    changed = (own != mixed).any(-1).any(-1)
    assert 8 < changed.sum() < 32
    assert torch.equal(mixed[changed], own.roll(1, 0)[changed])


def test_a_share_of_the_windows_is_silent_on_one_side(data):
    own, part = drawn(data).music, drawn(data, silent_music_rate=0.5).music
    quiet = torch.from_numpy(Stats.identity().scale_music(silence(1, 30.0).features))
    silent = (part == quiet).all(-1)
    assert torch.equal(part[~silent], own[~silent])
    some = silent.any(1)
    assert 8 < some.sum() < 32
    # One stretch that touches an end of the window.
    assert (silent.diff(dim=1).sum(1) <= 1).all()
    assert silent[some][:, 0].any()
    assert silent[some][:, -1].any()
