"""What every network guarantees: no leak of hidden values, output shapes, attention maps."""

import itertools

import pytest
import torch

from mmm.interpolation.known_frames import hidden_features
from mmm.interpolation.torch_fill import slerp_fill
from tests.mmm.making import TINY
from tests.mmm.networks import NETWORKS, WAYS, tiny_batch, tiny_config, tiny_model

EVERY_WAY = [(network, *way) for network, way in itertools.product(NETWORKS, WAYS)]
every_way = pytest.mark.parametrize(("network", "fill", "output"), EVERY_WAY)


@every_way
@torch.inference_mode()
def test_shapes(network, fill, output):
    motion, hidden, music = tiny_batch()
    prediction = tiny_model(network, fill=fill, output=output)(motion, hidden, music)
    assert prediction.prediction.shape == motion.shape
    assert prediction.attentions is None
    assert torch.isfinite(prediction.prediction).all()


@every_way
@torch.inference_mode()
def test_hidden_values_do_not_matter(network, fill, output):
    """The output has the same bits for any values in hidden entries, NaN included."""
    model = tiny_model(network, fill=fill, output=output)
    motion, hidden, music = tiny_batch()
    expected = model(motion, hidden, music).prediction
    for value in (torch.nan, torch.inf, -1e30, 0.5):
        poisoned = torch.where(hidden_features(hidden), value, motion)
        assert torch.equal(model(poisoned, hidden, music).prediction, expected)


@every_way
@torch.inference_mode()
def test_known_values_matter(network, fill, output):
    """The counterpart: a network that ignores all inputs would pass the test above."""
    model = tiny_model(network, fill=fill, output=output)
    motion, hidden, music = tiny_batch()
    expected = model(motion, hidden, music).prediction
    changed = torch.where(hidden_features(hidden), motion, motion + 0.1)
    assert (model(changed, hidden, music).prediction - expected).abs().max() > 1e-4
    if model.config.uses_music:
        assert (model(motion, hidden, music + 0.5).prediction - expected).abs().max() > 1e-6


@every_way
@torch.inference_mode()
def test_evaluation_is_deterministic(network, fill, output):
    """BERT's 80/10/10 corruption must not run in evaluation, where it would give random results."""
    model = tiny_model(network, fill=fill, output=output)
    motion, hidden, music = tiny_batch()
    torch.manual_seed(1)
    first = model(motion, hidden, music).prediction
    torch.manual_seed(2)
    assert torch.equal(model(motion, hidden, music).prediction, first)


@pytest.mark.parametrize("network", NETWORKS)
@torch.inference_mode()
def test_zero_fill_shows_zeros_at_all_hidden_entries(network):
    """BERT's corruption leaves a tenth of the hidden frames visible; in evaluation all are zero."""
    model = tiny_model(network, fill="zero", output="absolute")
    seen = []
    model.decode = lambda inputs, *rest: seen.append(inputs) or torch.zeros(*inputs.shape[:2], 57)
    motion, hidden, music = tiny_batch()
    model(motion, hidden, music)
    columns = hidden_features(hidden)
    assert (seen[0][..., :57][columns] == 0).all()
    assert torch.equal(seen[0][..., :54][~columns[..., :54]], motion[..., :54][~columns[..., :54]])
    assert (seen[0][..., 57:] == 0).all()  # zero-padded to the encoder's width


@torch.inference_mode()
def test_zeroed_frames_look_the_same_in_training_and_recovery():
    """Centring the window must not move the zeros, or recovery shows inputs unlike training's."""
    model = tiny_model("ecm", fill="zero", output="absolute")
    motion, hidden, music = tiny_batch()
    motion = motion + torch.nn.functional.pad(torch.tensor([5.0, 0, -3]), (54, 0))
    recovered = model(motion, hidden, music).prediction
    trained = model(motion, hidden, music, shown=torch.zeros_like(motion)).prediction
    assert torch.equal(recovered, trained)


@torch.inference_mode()
def test_interpolating_fills_add_the_pattern_and_the_distances():
    model = tiny_model("common", fill="slerp", output="residual")
    hidden = torch.zeros(1, 10, 6, dtype=torch.bool)
    hidden[:, 3:6] = True
    extra = model.fill(tiny_batch(1, 10)[0], hidden).extra
    assert extra.shape == (1, 10, 8)
    assert torch.equal(extra[..., :6], hidden.float())
    frames = (torch.expm1(extra[0, :, 6:] * torch.log(torch.tensor(31.0)))).round().int()
    assert frames[:, 0].tolist() == [0, 0, 0, 1, 2, 3, 0, 0, 0, 0]
    assert frames[:, 1].tolist() == [0, 0, 0, 3, 2, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("network", NETWORKS)
@torch.inference_mode()
def test_an_untrained_residual_network_is_slerp(network):
    model = type(tiny_model(network))(tiny_config(network, fill="slerp", output="residual")).eval()
    motion, hidden, music = tiny_batch()
    rotations, root = slerp_fill(
        motion[..., :-3].unflatten(-1, (6, 3, 3)), motion[..., -3:], hidden
    )
    prediction = model(motion, hidden, music).prediction
    assert torch.equal(prediction, torch.cat([rotations.flatten(2), root], dim=-1))


@every_way
@torch.inference_mode()
def test_moving_a_window_over_the_floor_moves_the_prediction_with_it(network, fill, output):
    model = tiny_model(network, fill=fill, output=output)
    motion, hidden, music = tiny_batch()
    shift = torch.nn.functional.pad(torch.tensor([4.0, 0.0, -7.0]), (54, 0))
    here = model(motion, hidden, music).prediction
    there = model(motion + shift, hidden, music).prediction
    assert (there - shift - here).abs().max() < 2e-4
    higher = torch.nn.functional.pad(torch.tensor([0.0, 1.0, 0.0]), (54, 0))
    lifted = model(motion + higher, hidden, music).prediction
    assert (lifted[..., :54] - here[..., :54]).abs().max() > 1e-4  # heights do matter


@pytest.mark.parametrize("network", NETWORKS)
@torch.inference_mode()
def test_attention_maps(network):
    """ConvBERT splits its heads: 8 give 4 maps per layer, the other half is a convolution."""
    model = tiny_model(network, encoder_layers=2)
    motion, hidden, music = tiny_batch(frames=20)
    maps = model(motion, hidden, music, output_attentions=True).attentions
    sizes = {"motion": (2, 20), "music": (2, 20), "cross": (1, 40 if network == "ecm" else 20)}
    if network == "common":
        sizes = {"motion": (2, 20)}
    assert {stage: (len(layers), layers[0].shape[-1]) for stage, layers in maps.items()} == sizes
    for layer in itertools.chain.from_iterable(maps.values()):
        assert layer.shape[:2] == (2, 4)
        assert layer.shape[2] == layer.shape[3]
        assert (layer >= 0).all()
        assert (layer.sum(-1) - 1).abs().max() < 1e-5


@torch.inference_mode()
def test_returning_maps_does_not_change_the_prediction():
    model, (motion, hidden, music) = tiny_model("ecm"), tiny_batch()
    plain, shown = (
        model(motion, hidden, music, output_attentions=maps).prediction for maps in (False, True)
    )
    assert torch.equal(plain, shown)


@torch.inference_mode()
def test_convbert_reads_padding():
    """The convolution reads padded frames in spite of an attention mask; batches hold no padding.

    The day the library masks its convolution this fails, and windows of several lengths may share a batch.
    """
    encoder = tiny_model("common").motion_encoder
    torch.manual_seed(0)
    inputs = torch.rand(1, 20, 80)
    other = torch.cat([inputs[:, :15], torch.rand(1, 5, 80)], dim=1)
    valid = torch.ones(1, 20).index_fill(1, torch.arange(15, 20), 0)
    first, second = (
        encoder(inputs_embeds=x, attention_mask=valid).last_hidden_state[:, :15]
        for x in (inputs, other)
    )
    changed = (first - second).abs().amax(-1)[0]
    assert changed[11:].min() > 1e-4  # half the kernel of 9 before the padding
    assert changed[:11].max() < 1e-5  # what attention alone reads is masked


@torch.inference_mode()
def test_a_window_does_not_depend_on_its_batch():
    """Without padding, a window alone gives the same as in a batch."""
    model, (motion, hidden, music) = tiny_model("ecm"), tiny_batch(batch=3)
    together = model(motion, hidden, music).prediction
    for b in range(3):
        alone = model(motion[b : b + 1], hidden[b : b + 1], music[b : b + 1]).prediction
        assert (alone - together[b : b + 1]).abs().max() < 1e-5


@pytest.mark.parametrize("frames", [1, 2, 17, 39, 40])
@torch.inference_mode()
def test_common_head_takes_shorter_windows(frames):
    """LayerNorm((300, F)) fixes the length; shorter windows are padded after the encoder."""
    model = tiny_model("common", fill="zero", output="absolute")
    motion, hidden, _ = tiny_batch(1, 40)
    hidden[:, 0] = False
    output = model(motion[:, :frames], hidden[:, :frames]).prediction
    assert output.shape == (1, frames, 57)
    assert torch.isfinite(output).all()


@torch.inference_mode()
def test_common_head_pads_only_after_the_encoder():
    """The encoder reads only real frames, never zeros after them."""
    model = tiny_model("common", fill="zero", output="absolute")
    lengths = []
    encode = model.run_encoder
    model.run_encoder = lambda encoder, inputs, *rest: (
        lengths.append(inputs.shape[1]) or encode(encoder, inputs, *rest)
    )
    motion, hidden, _ = tiny_batch(1, 17)
    model(motion, hidden)
    assert lengths == [17]


@torch.inference_mode()
def test_ecm_joins_in_time_and_3bert_in_features():
    rows = {}
    for network in ("ecm", "3bert"):
        model = tiny_model(network)
        model.cross_encoder.register_forward_hook(
            lambda module, args, kwargs, output, network=network: rows.update(
                {network: kwargs["inputs_embeds"]}
            ),
            with_kwargs=True,
        )
        model(*tiny_batch(frames=20))
    assert rows["ecm"].shape == (2, 40, 80)
    assert rows["3bert"].shape == (2, 20, 160)


@torch.inference_mode()
def test_ecm_position_ids_do_not_depend_on_the_length():
    """The music half takes position ids from max_frames on, and token type 1."""
    model = tiny_model("ecm")
    seen = {}
    model.cross_encoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.update(kwargs), with_kwargs=True
    )
    model(*tiny_batch(frames=10))
    assert seen["position_ids"].tolist() == [[*range(10), *range(40, 50)]]
    assert seen["token_type_ids"].tolist() == [[0] * 10 + [1] * 10] * 2


@torch.inference_mode()
def test_ecm_predicts_from_the_motion_half():
    """The cross-modal output is cut to its first T rows, those of the motion, not of the music."""
    model, (motion, hidden, music) = tiny_model("ecm"), tiny_batch(frames=10)
    seen = {}
    model.cross_encoder.register_forward_hook(
        lambda module, args, output: seen.update(rows=output.last_hidden_state)
    )
    model.head.register_forward_hook(lambda module, args, output: seen.update(given=args[0]))
    model(motion, hidden, music)
    assert torch.equal(seen["given"], seen["rows"][:, :10])


@pytest.mark.parametrize("network", NETWORKS)
@torch.inference_mode()
def test_windows_may_start_at_any_position_id(network):
    model, batch = tiny_model(network, fill="slerp", output="residual"), tiny_batch(frames=10)
    seen = []
    for encoder in (m for name, m in model.named_children() if name.endswith("_encoder")):
        encoder.register_forward_pre_hook(
            lambda _, args, kwargs: seen.append(kwargs["position_ids"]), with_kwargs=True
        )
    here, there = (model(*batch, first_position=first).prediction for first in (0, 30))
    assert not torch.equal(here, there)
    assert all(ids[0, :10].tolist() == list(range(30, 40)) for ids in seen[len(seen) // 2 :])


def test_sinusoidal_positions_start_both_halves_alike():
    model = tiny_model("ecm", positions="sinusoidal")
    table = model.cross_encoder.embeddings.position_embeddings.weight
    assert table.shape == (80, 80)
    assert torch.equal(table[:40], table[40:])
    assert len(torch.unique(table[:40], dim=0)) == 40
    learned = tiny_model("ecm").cross_encoder.embeddings.position_embeddings.weight
    assert not torch.equal(learned[:40], learned[40:])


def test_absolute_heads_end_in_tanh():
    motion, hidden, music = tiny_batch()
    for network in ("ecm", "3bert"):
        model = tiny_model(network)
        with torch.no_grad():
            model.head.weight.fill_(9.0)
        rotations = model(motion, hidden, music).prediction[..., :-3]
        assert rotations.abs().max() <= 1


def test_gradients_reach_every_weight_that_is_used():
    model = tiny_model("ecm", fill="slerp", output="residual").train()
    motion, hidden, music = tiny_batch()
    model(motion, hidden, music).prediction.square().sum().backward()
    idle = {
        name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()
    }
    assert all("word_embeddings" in name or name.endswith("key.bias") for name in idle), idle


def test_the_skeleton_of_these_tests_is_not_smpl():
    assert len(TINY) != 24  # networks take any skeleton: nothing above may hang on 24 joints
