"""Layers that several networks share: ConvBERT encoders, position codes, smoothing over time."""

import math

import torch
from torch import Tensor, nn
from transformers import ConvBertConfig, ConvBertModel

from mmm.models.configuration import MaskedMotionConfig


def convbert(config: MaskedMotionConfig, width: int, layers: int, positions: int) -> ConvBertModel:
    """A ConvBERT encoder (Jiang et al. 2020) that takes embeddings.

    Args:
        config: of the network.
        width: of the embeddings.
        layers: number of layers.
        positions: number of position embeddings.
    """
    # The library always builds a table of words; one row keeps it small.
    inner = ConvBertConfig(
        vocab_size=1,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
        embedding_size=width,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=positions,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        initializer_range=config.initializer_range,
    )
    # ConvBERT has no other implementation, and only this one returns attention maps.
    inner._attn_implementation = "eager"
    return ConvBertModel(inner)


def sinusoids(count: int, width: int) -> Tensor:
    """(count, width) sine and cosine position codes (Vaswani et al. 2017)."""
    rates = torch.exp(-math.log(10_000.0) * torch.arange(0, width, 2) / width)
    phases = torch.arange(count)[:, None] * rates
    # The factor keeps codes a little smaller than the standardised features they are added to.
    return 0.7 * torch.stack([phases.sin(), phases.cos()], dim=-1).reshape(count, -1)[:, :width]


def start_at_sinusoids(encoder: ConvBertModel, music_offset: int | None) -> None:
    """Initialise position embeddings to sinusoids, and attention to the frame's own moment.

    Args:
        encoder: its weights are changed; call it without gradients.
        music_offset: the first position id of music, if the encoder reads both modalities.
    """
    table = encoder.embeddings.position_embeddings.weight
    count = table.shape[0] if music_offset is None else min(table.shape[0], music_offset)
    table[:count] = sinusoids(count, table.shape[1])
    # Music and motion of one moment share a code.
    table[count:] = table[: table.shape[0] - count]
    # With equal queries and keys a frame first attends to its own moment in both modalities, and
    # training need not discover which codes belong together.
    for layer in encoder.encoder.layer:
        attention = layer.attention.self
        attention.key.load_state_dict(attention.query.state_dict())


def smoothed(values: Tensor, sigma: float) -> Tensor:
    """(B,T,F) convolved over time with a Gaussian of ``sigma`` frames; the ends are repeated."""
    # Beyond 2.5 sigma lies 1 % of a Gaussian.
    reach = max(1, math.ceil(2.5 * sigma))
    offset = torch.arange(-reach, reach + 1, device=values.device, dtype=values.dtype)
    kernel = torch.softmax(-offset.square() / (2 * sigma**2), dim=0)
    padded = torch.cat(
        [values[:, :1].expand(-1, reach, -1), values, values[:, -1:].expand(-1, reach, -1)], dim=1
    )
    return torch.einsum("btfk,k->btf", padded.unfold(1, 2 * reach + 1, 1), kernel)


def pad_width(inputs: Tensor, width: int) -> Tensor:
    """Zero-pad the last axis to a width, as the original does up to that of its encoders."""
    return nn.functional.pad(inputs, (0, width - inputs.shape[-1]))
