"""Which block of which map."""

import numpy as np
import pytest
import torch
from transformers import ConvBertModel

from mmm import masks
from mmm.attention import AttentionTrace
from mmm.checkpoints import load_model
from mmm.errors import ModelError, SpecError
from mmm.generation.generate import generate
from mmm.motion.clip import Clip
from mmm.recovery.recover import recover
from tests.mmm.making import smooth_motion
from tests.mmm.networks import NETWORKS, save_roles_network, tiny_clip, tiny_model

CROSS = np.arange(2 * 3 * 6 * 6, dtype=np.float16).reshape(2, 3, 6, 6)
TRACE = AttentionTrace({"cross": CROSS}, {"motion": slice(0, 3), "music": slice(3, 6)}, (0, 3))


@pytest.mark.parametrize(
    ("query", "key", "rows", "columns"),
    [
        ("motion", "motion", slice(0, 3), slice(0, 3)),
        ("motion", "music", slice(0, 3), slice(3, 6)),
        ("music", "motion", slice(3, 6), slice(0, 3)),
        ("music", "music", slice(3, 6), slice(3, 6)),
    ],
)
def test_blocks(query, key, rows, columns):
    """The query is the row: which music a motion frame looks at is block("motion", "music"), not its transpose."""
    assert np.array_equal(TRACE.block(query, key), CROSS[:, :, rows, columns])


def test_no_such_segment():
    with pytest.raises(ModelError, match="no segment 'dance'"):
        TRACE.block("motion", "dance")


@pytest.mark.parametrize("network", ["3bert", "common"])
def test_networks_without_blocks_say_so(network):
    clip = tiny_clip(20)
    trace = recover(tiny_model(network), clip, masks.every_nth(clip, 4), attention=True).attention
    assert trace.segments is None
    with pytest.raises(ModelError, match="no cross-modal blocks: its maps go from frame to frame"):
        trace.block("motion", "music")


@pytest.mark.parametrize("network", NETWORKS)
def test_maps_of_a_recovery(network):
    clip = tiny_clip(30)
    trace = recover(tiny_model(network), clip, masks.every_nth(clip, 4), attention=True).attention
    assert trace.frames == (0, 30)
    for maps in trace.encoders.values():
        assert maps.dtype == np.float16
        assert maps.shape[1] == 4
        assert np.abs(maps.astype(np.float32).sum(-1) - 1).max() < 1e-3
    assert set(trace.encoders) == (
        {"motion"} if network == "common" else {"motion", "music", "cross"}
    )


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_maps_of_a_network_on_joint_roles(tmp_path, fps):
    save_roles_network(tmp_path / "roles")
    clip = Clip("walk", smooth_motion(3, 60, fps=fps))
    trace = recover(
        load_model(str(tmp_path / "roles")), clip, masks.span(clip, 20, 40), attention=True
    ).attention
    assert list(trace.encoders) == ["motion"]
    maps = trace.encoders["motion"]
    assert maps.dtype == np.float16
    assert maps.shape[-2:] == (60 * 30 // fps,) * 2  # at the network's own rate
    assert np.abs(maps.astype(np.float32).sum(-1) - 1).max() < 1e-3


def test_the_blocks_of_ecm_cover_its_cross_map():
    clip = tiny_clip(30)
    trace = recover(tiny_model("ecm"), clip, masks.every_nth(clip, 4), attention=True).attention
    halves = [
        np.concatenate([trace.block(query, key) for key in ("motion", "music")], axis=-1)
        for query in ("motion", "music")
    ]
    assert halves[0].shape == (1, 4, 30, 60)
    assert np.array_equal(np.concatenate(halves, axis=-2), trace.encoders["cross"])


@pytest.mark.parametrize(
    ("frame", "window"), [(0, (0, 40)), (39, (0, 40)), (40, (27, 67)), (99, (60, 100))]
)
def test_the_window_that_holds_a_frame(frame, window):
    clip = tiny_clip(100)
    trace = recover(
        tiny_model("ecm"), clip, masks.every_nth(clip, 4), attention=True, attention_frame=frame
    ).attention
    assert trace.frames == window


def test_nothing_is_kept_unasked():
    clip = tiny_clip(20)
    assert recover(tiny_model("ecm"), clip, masks.every_nth(clip, 4)).attention is None


def traced(network, frames=30, **changes):
    model, clip = tiny_model(network, **changes), tiny_clip(frames)
    return model, clip, recover(model, clip, masks.every_nth(clip, 4), attention=True).attention


def plain_attention(layer, rows):
    """A ConvBERT layer's maps, head by head and query by query: softmax of scaled dot products."""
    attention = layer.attention.self
    query, key = attention.query(rows).numpy(), attention.key(rows).numpy()
    size = attention.attention_head_size
    maps = np.zeros((attention.num_attention_heads, len(rows), len(rows)))
    for head in range(attention.num_attention_heads):
        part = slice(head * size, (head + 1) * size)
        for q in range(len(rows)):
            scores = [
                float(np.dot(query[q, part], key[k, part])) / size**0.5 for k in range(len(rows))
            ]
            powers = np.exp(np.array(scores) - max(scores))
            maps[head, q] = powers / powers.sum()
    return maps


@pytest.mark.parametrize("network", NETWORKS)
def test_maps_are_the_network_s_own(network):
    """Against a plain loop over what goes into each layer: float16 keeps eleven bits."""
    model, clip = tiny_model(network, encoder_layers=2, cross_layers=2), tiny_clip(20)
    seen = {}
    hooks = [
        layer.attention.self.register_forward_pre_hook(
            lambda _, args, at=(name, k): seen.update({at: args[0][0]})
        )
        for name, encoder in model.named_children()
        if isinstance(encoder, ConvBertModel)
        for k, layer in enumerate(encoder.encoder.layer)
    ]
    trace = recover(model, clip, masks.every_nth(clip, 4), attention=True).attention
    for hook in hooks:
        hook.remove()
    layers = {(name, k): getattr(model, name).encoder.layer[k] for name, k in seen}
    assert len(layers) == (2 if network == "common" else 6)
    with torch.inference_mode():
        for (name, k), layer in layers.items():
            wanted = plain_attention(layer, seen[name, k])
            assert (
                np.abs(trace.encoders[name.removesuffix("_encoder")][k] - wanted).max()
                <= 2**-11 * wanted.max()
            )


def test_rollout_is_the_product_of_half_identity_maps():
    _, _, trace = traced("ecm", cross_layers=3)
    whole = np.eye(60)
    for layer in trace.encoders["cross"].astype(np.float64):
        whole = (0.5 * layer.mean(0) + 0.5 * np.eye(60)) @ whole
    assert np.allclose(trace.rollout("cross"), whole, atol=1e-5)
    assert np.abs(trace.rollout("cross").sum(-1) - 1).max() < 2e-3


def test_means():
    trace = AttentionTrace({"cross": CROSS / np.float16(64)}, None, (0, 6))
    assert np.allclose(trace.layer_mean("cross"), CROSS.astype(float).mean(0) / 64, atol=2e-3)
    assert np.allclose(trace.head_mean("cross"), CROSS.astype(float).mean(1) / 64, atol=2e-3)
    with pytest.raises(SpecError, match="encoder 'motion': this network has no such encoder"):
        trace.rollout("motion")


def looking(column):
    """Maps of six rows (three frames of motion, three of music) that all look at one place."""
    maps = np.zeros((1, 1, 6, 6), np.float16)
    maps[..., column] = 1
    return AttentionTrace({"cross": maps, "motion": maps}, TRACE.segments, (10, 13))


def test_scores_of_heads():
    assert (
        looking(4).head_scores("cross", "across")[0, 0] == 0.5
    )  # the motion half looks across, the music half not
    assert looking(4).head_scores("cross", "diagonal")[0, 0] == 1  # three frames are all near
    assert looking(0).head_scores("cross", "beats", [12])[0, 0] == 0
    assert looking(5).head_scores("cross", "beats", [12])[0, 0] == 1
    assert looking(2).head_scores("cross", "beats", np.array([12]))[0, 0] == 1
    far = AttentionTrace({"motion": np.eye(20, dtype=np.float16)[None, None, ::-1]}, None, (0, 20))
    assert far.head_scores("motion", "diagonal")[0, 0] == pytest.approx(
        6 / 20
    )  # 19 - 2 q within five frames


def test_scores_that_cannot_be_given_say_why():
    with pytest.raises(
        ModelError, match=r"head_scores\('motion', 'across'\): these maps go from frame to frame"
    ):
        TRACE.__class__({"motion": CROSS}, None, (0, 6)).head_scores("motion", "across")
    with pytest.raises(SpecError, match="no such score"):
        TRACE.head_scores("cross", "loud")
    with pytest.raises(SpecError, match="no beats given"):
        TRACE.head_scores("cross", "beats")


def test_the_convolution_beside_the_maps():
    """Share and kernels against the layer's own arithmetic, written out."""
    model, clip = tiny_model("ecm"), tiny_clip(20)
    seen = {}
    own = model.cross_encoder.encoder.layer[0].attention.self
    hook = own.register_forward_hook(
        lambda _, args, output: seen.update(rows=args[0][0], context=output[0][0])
    )
    trace = recover(model, clip, masks.every_nth(clip, 4), attention=True).attention
    hook.remove()
    with torch.inference_mode():
        rows, found = seen["rows"], trace.convolution["cross"]
        keys = own.key_conv_attn_layer(rows.T[None])[0].T
        logits = own.conv_kernel_layer(keys * own.query(rows)).reshape(40, 4, 9).numpy()
        values = np.pad(own.conv_out_layer(rows).numpy(), ((4, 4), (0, 0))).reshape(48, 4, 10)
    kernels = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert np.abs(found.kernels[0] - kernels).max() < 1e-3
    convolved = np.stack(
        [np.einsum("hk,khs->hs", kernels[t], values[t : t + 9]).ravel() for t in range(40)]
    )
    assert np.allclose(convolved, seen["context"][:, 40:], atol=1e-5)
    share = np.square(convolved).sum() / np.square(seen["context"].numpy()).sum()
    assert found.share == pytest.approx([share], rel=1e-4)
    assert 0 < share < 1


@pytest.mark.parametrize("network", NETWORKS)
def test_hooks_go_after_the_capture(network):
    model, _, trace = traced(network)
    assert set(trace.convolution) == set(trace.encoders)
    left = [hook for module in model.modules() for hook in module._forward_hooks.values()]
    assert not [
        hook for hook in left if hook.__module__.startswith("mmm")
    ]  # transformers keeps some of its own


def test_arrays_for_a_file():
    _, _, trace = traced("ecm")
    arrays = trace.to_arrays()
    assert set(arrays) == {
        f"{kind}{stage}"
        for kind in ("", "kernels_", "convolution_share_")
        for stage in ("motion", "music", "cross")
    } | {"segment_motion", "segment_music", "frames"}
    assert arrays["segment_music"].tolist() == [30, 60]
    assert arrays["kernels_cross"].shape == (1, 60, 4, 9)


def test_a_step_of_a_generation_is_shown():
    """The maps are of the window that made the frame, and the motion is the same as without them."""
    model = tiny_model("ecm", fill="slerp", output="residual", horizon_s=[0.6, 0.5, 0.4])
    clip = tiny_clip(100)
    plain, shown = (
        list(generate(model, clip, prefix_frames=20, frames=60, attention_frame=frame))
        for frame in (None, 50)
    )
    assert [chunk.attention is not None for chunk in shown] == [
        chunk.first == 44 for chunk in shown
    ]
    trace = next(chunk.attention for chunk in shown if chunk.attention is not None)
    assert trace.frames == (26, 59)  # 18 frames of the past, 15 ahead of which 12 are kept
    assert trace.block("motion", "music").shape == (1, 4, 33, 33)
    for one, other in zip(plain, shown, strict=True):
        assert one.attention is None
        assert np.array_equal(one.motion.rotations, other.motion.rotations)
    with pytest.raises(SpecError, match="attention_frame 80: not a generated frame"):
        generate(model, clip, prefix_frames=20, frames=60, attention_frame=80)
