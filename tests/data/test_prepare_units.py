"""How units are named and dealt out."""

import re

import numpy as np
import pytest

from data.sources.convert import lead_frames
from data.sources.units import SplitRule, parse_shares, unit_by_pattern
from mmm.motion.clip import Motion
from tests.mmm.making import TINY, smooth_motion


def test_shares_are_met_by_many_units():
    rule = SplitRule((0.7, 0.2, 0.1))
    splits = [rule.split_of(f"subject{k}") for k in range(5000)]
    assert [round(splits.count(split) / 5000, 1) for split in ("train", "val", "test")] == [
        0.7,
        0.2,
        0.1,
    ]


def test_the_hash_is_the_same_on_every_machine():
    """Were it Python's own hash, it would be another in every run."""
    names = [f"{k:02}" for k in range(1, 9)]
    assert " ".join(SplitRule((0.4, 0.3, 0.3)).split_of(name) for name in names) == (
        "train test train val test val train val"
    )
    assert [SplitRule((0.5, 0.25, 0.25), seed=1).split_of(name) for name in names] != [
        SplitRule((0.5, 0.25, 0.25)).split_of(name) for name in names
    ]


@pytest.mark.parametrize(
    ("pattern", "label", "unit"),
    [
        (r"/(\d+)_", "cmu/02/02_01.amc", "02"),
        (r"(s_\d+)_|(?:hys|mmk)_(\w+)", "snu/multi/mmk_dance.amc", "dance"),
        (r"(s_\d+)_|(?:hys|mmk)_(\w+)", "snu/motion/s_003_1_1.bvh", "s_003"),
        (r"subject(\d)", "lafan/walk.bvh", ""),
    ],
)
def test_the_first_group_that_took_part(pattern, label, unit):
    assert unit_by_pattern(label, re.compile(pattern)) == unit


def test_shares():
    assert parse_shares("80/10/10") == pytest.approx((0.8, 0.1, 0.1))
    assert parse_shares("0/0/1") == (0, 0, 1)


def with_lead(poses):
    motion = smooth_motion(3, 80, TINY, 60.0)
    start = np.broadcast_to(np.eye(3, dtype=np.float32), (len(TINY), 3, 3)).copy()
    start[:] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    return Motion(
        TINY,
        np.concatenate([[start]] * poses + [motion.rotations]),
        np.concatenate([motion.root_m[:1]] * poses + [motion.root_m]),
        60.0,
    )


def test_a_lead_pose_is_told_from_the_movement():
    assert lead_frames(with_lead(1)) == 1
    assert lead_frames(with_lead(0)) == 0
    assert lead_frames(with_lead(1).crop(0, 9)) == 0
