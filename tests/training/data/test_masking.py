"""Masks for training, and BERT's corruption."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.masking import corrupt, draw_masks
from training.plans.masks import MaskMix

LIMBS = [[0, 1], [2], [3, 4, 5]]
ONLY = {"random": 0.0, "every": 0.0, "keep_hide": 0.0, "span": 0.0, "joint_share": 0.0}


def draw(mix, batch=400, frames=60, seed=0):
    return draw_masks(mix, batch, frames, LIMBS, 6, torch.Generator().manual_seed(seed))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), frames=st.integers(2, 40), joint_share=st.floats(0, 1))
def test_every_window_has_something_hidden_and_a_known_frame(seed, frames, joint_share):
    hidden = draw(MaskMix(joint_share=joint_share), 30, frames, seed)
    assert hidden.shape == (30, frames, 6)
    assert hidden.dtype == torch.bool
    assert hidden.flatten(1).any(1).all()
    assert (~hidden.any(-1)).any(1).all()


def test_the_generator_decides():
    assert torch.equal(draw(MaskMix(), seed=1), draw(MaskMix(), seed=1))
    assert not torch.equal(draw(MaskMix(), seed=1), draw(MaskMix(), seed=2))


def test_limbs_or_whole_frames():
    hidden = draw(MaskMix(joint_share=0.25), batch=4000)
    ever = hidden.any(1)  # joints hidden at some time
    whole = ever.all(-1)
    assert 0.22 < (~whole).float().mean() < 0.28
    limbs = {tuple(row.nonzero().ravel().tolist()) for row in ever[~whole]}
    assert limbs == {tuple(limb) for limb in LIMBS}
    assert all(
        torch.equal(h.any(-1, keepdim=True) & e, h) for h, e in zip(hidden, ever, strict=True)
    )


def test_random_hides_its_share():
    hidden = draw(MaskMix(**ONLY | {"random": 1.0}), batch=2000)[..., 0]
    assert 0.14 < hidden.float().mean() < 0.16


def test_every_keeps_single_frames_a_step_apart():
    hidden = draw(MaskMix(**ONLY | {"every": 1.0}, every_steps=(4, 9)), batch=300)[..., 0]
    seen = set()
    for row in hidden:
        steps = (~row).nonzero().ravel().diff().tolist()
        assert len(set(steps)) == 1
        seen.update(steps)
    assert seen == set(range(4, 10))


def test_keep_hide_keeps_five():
    hidden = draw(MaskMix(**ONLY | {"keep_hide": 1.0}, hide_frames=(7, 7)), batch=50)[..., 0]
    for row in hidden:
        known = (~row).int().tolist()
        text = "".join(map(str, known)).strip("0")
        inner = [len(run) for run in text.split("0") if run][1:-1]
        assert inner in ([5] * len(inner), [])
        assert all(len(gap) == 7 for gap in text.split("1") if gap)


def test_spans_are_gaps():
    hidden = draw(MaskMix(**ONLY | {"span": 1.0}, span_frames=(10, 12)), batch=500)[..., 0]
    gaps = [(row[1:] & ~row[:-1]).sum() + row[0] for row in hidden]
    assert {int(g) for g in gaps} <= {1, 2, 3}
    assert len({int(g) for g in gaps}) == 3


def test_kinds_come_in_their_shares():
    """Told apart by how much they hide: 15 % against 14 of 15."""
    hidden = draw(
        MaskMix(**ONLY | {"random": 1.0, "every": 3.0}, every_steps=(15, 15)), batch=2000
    )[..., 0]
    assert 0.72 < (hidden.float().mean(1) > 0.5).float().mean() < 0.78


def test_the_card_names_the_kinds():
    assert MaskMix(**ONLY | {"random": 1.0}).specs == ["random:0.15"]
    assert MaskMix().specs == ["random:0.15", "every:4..40", "keep:5,hide:5..30", "span of 10..100"]


@pytest.fixture(scope="module")
def corrupted():
    torch.manual_seed(0)
    motion = torch.rand(200, 60, 9) + 1
    hidden = torch.zeros(200, 60, 6, dtype=torch.bool)
    hidden[torch.rand(200, 60) < 0.5] = True
    shown, zeroed = corrupt(motion, hidden, torch.Generator().manual_seed(0))
    return motion, hidden, shown, zeroed


def test_corruption_is_80_10_10(corrupted):
    motion, hidden, shown, zeroed = corrupted
    frames = hidden.any(-1)
    blank = (shown == 0).all(-1)[frames]
    same = (shown == motion).all(-1)[frames]
    assert abs(blank.float().mean() - 0.8) < 0.02
    assert abs((~blank & ~same).float().mean() - 0.1) < 0.01
    assert abs(same.float().mean() - 0.1) < 0.01
    assert torch.equal(zeroed[frames], blank)
    assert not zeroed[~frames].any()


def test_swapped_frames_come_from_the_same_window(corrupted):
    motion, _, shown, _ = corrupted
    swapped = ~(shown == 0).all(-1) & ~(shown == motion).all(-1)
    for b, t in swapped.nonzero()[:200].tolist():
        assert (motion[b] == shown[b, t]).all(-1).any()
