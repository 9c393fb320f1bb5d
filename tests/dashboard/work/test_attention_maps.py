"""What the page makes of a trace."""

import numpy as np
import pytest

from dashboard.work.attention_maps import Atlas, View, as_codes, pooled
from mmm.attention import AttentionTrace
from mmm.motion.clip import Music

T = 90
SEGMENTS = {"motion": slice(0, T), "music": slice(T, 2 * T)}


def random_maps(layers: int, heads: int, rows: int, seed: int = 0) -> np.ndarray:
    maps = np.random.default_rng(seed).random((layers, heads, rows, rows)).astype(np.float32) ** 4
    return (maps / maps.sum(-1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    stages = {
        "motion": random_maps(1, 4, T),
        "music": random_maps(1, 4, T, 1),
        "cross": random_maps(3, 4, 2 * T, 2),
    }
    music = Music(np.zeros((400, 35), np.float32), 60.0, np.array([10, 130, 170, 300]), 90.0)
    return Atlas(AttentionTrace(stages, SEGMENTS, (100, 100 + T)), "ecm", music).prepare()


def test_it_opens_on_the_music_that_motion_looks_at(atlas):
    assert str(atlas.parse(None)) == str(atlas.parse("nonsense")) == "cross/motion-music/mean/mean"
    assert str(atlas.parse("music//0/3")) == "music//0/3"
    for wrong in (
        "music/motion-music/0/3",
        "cross//0/0",
        "cross/motion-music/3/0",
        "motion//mean/0",
        "x//0/0",
    ):
        assert str(atlas.parse(wrong)) == "cross/motion-music/mean/mean"


def test_views_are_the_blocks_means_and_rollout_of_the_trace(atlas):
    cross = atlas.trace.encoders["cross"].astype(np.float32)
    one = atlas.map(View("cross", "motion-music", "2", "1"))
    np.testing.assert_array_equal(one, cross[2, 1, :T, T:])
    np.testing.assert_allclose(
        atlas.map(View("cross", "music-motion", "mean", "3")),
        cross[:, 3, T:, :T].mean(0),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        atlas.map(View("cross", "music-music", "1", "mean")), cross[1, :, T:, T:].mean(0), atol=1e-6
    )
    np.testing.assert_allclose(
        atlas.map(View("motion", "", "0", "mean")),
        atlas.trace.encoders["motion"][0].astype(np.float32).mean(0),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        atlas.map(View("cross", "motion-motion", "rollout", "rollout")),
        atlas.trace.rollout("cross")[:T, :T],
        atol=1e-6,
    )


def test_four_blocks_of_a_view_make_the_whole_map(atlas):
    halves = [
        np.concatenate(
            [atlas.map(View("cross", f"{q}-{k}", "0", "2")) for k in ("motion", "music")], axis=1
        )
        for q in ("motion", "music")
    ]
    np.testing.assert_array_equal(
        np.concatenate(halves), atlas.trace.encoders["cross"][0, 2].astype(np.float32)
    )


def test_there_is_a_thumbnail_for_every_view(atlas):
    for stage in atlas.trace.encoders:
        for block in atlas.blocks(stage):
            views = list(atlas.views(stage, block))
            assert atlas.thumbnails[stage, block].shape == (len(views), 60, 60)
    assert len(list(atlas.views("cross", "motion-music"))) == 3 * 5 + 5 + 1
    assert len(list(atlas.views("motion", ""))) == 5 + 1  # of one layer no mean of layers


def test_pooling_keeps_the_mean_and_the_place():
    values = np.zeros((150, 90), np.float32)
    values[100, 45] = 9
    small = pooled(values)
    assert small.shape == (60, 60)
    assert np.argwhere(small).tolist() == [[40, 30]]
    assert pooled(values[:50, :50]).shape == (50, 50)
    np.testing.assert_allclose(pooled(np.full((130, 77), 0.3, np.float32)), 0.3, rtol=1e-5)


def test_codes_keep_small_values_apart():
    values = np.array([[0, 1e-4, 1e-2, 0.5, 1.0]], np.float32)
    back = (as_codes(values, 1.0) / 255.0) ** 2
    np.testing.assert_allclose(back[0, 1:], values[0, 1:], rtol=0.4)
    np.testing.assert_allclose(back[0, 2:], values[0, 2:], rtol=0.05)
    assert back[0, 0] == 0


def test_beats_of_the_window_are_found_in_its_rows(atlas):
    assert atlas.beats.tolist() == [130, 170]
    assert atlas.in_rows(atlas.beats).tolist() == [30, 70]
    slow = Atlas(
        AttentionTrace({"motion": random_maps(1, 2, T // 2)}, None, (100, 100 + T)),
        "m",
        atlas.music,
    )
    assert slow.in_rows(slow.beats).tolist() == [15, 35]  # a network at half the clip's rate


def test_heads_are_scored_by_what_their_maps_can_tell(atlas):
    assert set(atlas.scores["cross"]) == {"across", "beats", "diagonal"}
    assert set(atlas.scores["motion"]) == {"beats", "diagonal"}
    across = atlas.trace.encoders["cross"].astype(np.float32)[1, 2]
    wanted = (across[:T, T:].sum() + across[T:, :T].sum()) / (2 * T)
    assert atlas.scores["cross"]["across"][1, 2] == pytest.approx(wanted, abs=1e-3)
    silent = Atlas(AttentionTrace({"motion": random_maps(1, 2, T)}, None, (0, T)), "m")
    assert set(silent.scores["motion"]) == {"diagonal"}
