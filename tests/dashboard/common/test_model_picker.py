"""Which networks are offered, in which order, and which one a page begins with."""

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.common.model_picker import in_order, sorted_out
from mmm.checkpoints import CheckpointInfo
from mmm.motion.clip import Clip, Music
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY, smooth_motion
from tests.mmm.networks import tiny_clip


def card(name: str, representation: str = "joints") -> CheckpointInfo:
    joints = list(SMPL24.names), list(SMPL24.parents)
    return CheckpointInfo(
        name, Path(name), "ecm", *joints, 60.0, True, 300, (), {}, "", representation
    )


DANCE, SMALL, OURS, OTHER = (
    card("dance"),
    card("common-small", "roles"),
    card("inbetween", "roles"),
    card("a", "roles"),
)
SILENT = Clip("silent", smooth_motion(0, 20))
HEARD = replace(SILENT, music=tiny_clip(20, fps=60.0).music)


@pytest.mark.parametrize(
    ("clip", "cards", "order", "default"),
    [
        (HEARD, [OTHER, SMALL, DANCE, OURS], ["dance", "inbetween", "common-small", "a"], "dance"),
        (HEARD, [SMALL, OURS], ["inbetween", "common-small"], "inbetween"),
        (
            SILENT,
            [OTHER, SMALL, DANCE, OURS],
            ["inbetween", "common-small", "a", "dance"],
            "inbetween",
        ),
        (SILENT, [SMALL, DANCE], ["common-small", "dance"], "common-small"),
        (SILENT, [DANCE], ["dance"], "spline"),
        (SILENT, [], [], "spline"),
        (HEARD, [], [], "spline"),
    ],
)
def test_music_decides_which_networks_come_first(clip, cards, order, default):
    assert isinstance(HEARD.music, Music)
    ordered, first = in_order(clip, cards)
    assert ([c.name for c in ordered], first) == (order, default)


def test_networks_on_roles_give_one_reason_together():
    fitting, unfit = sorted_out(Clip("tiny", smooth_motion(0, 20, TINY)), [OTHER, DANCE, OURS], {})
    assert fitting == []
    assert unfit[0].startswith("a, inbetween: no joint found for left_elbow, left_hip")
    assert unfit[0].endswith("Name them under “Name the joints”.")
    assert unfit[1] == (
        "dance expects a skeleton of 24 joints (pelvis, left_hip, right_hip, ...); "
        f"this clip has {len(TINY)} ({', '.join(TINY.names[:3])}, ...)."
    )
    assert len(unfit) == 2
