"""Parts that several networks share: ConvBERT encoders, position codes, smoothing over time."""

import math

import torch
from torch import Tensor, nn
from transformers import ConvBertConfig, ConvBertModel

from mmm.models.configuration import MaskedMotionConfig


def convbert(config: MaskedMotionConfig, width: int, layers: int, positions: int) -> ConvBertModel:
    """A ConvBERT encoder fed by embeddings; its word table (30,522 rows in the library) shrinks to
    one unused row."""
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
    inner._attn_implementation = (
        "eager"  # the only one ConvBERT has, and the one that can show its maps
    )
    return ConvBertModel(inner)


def sinusoids(count: int, width: int) -> Tensor:
    """(count, width) sine and cosine position codes (Vaswani et al. 2017), a little quieter than
    their inputs."""
    rates = torch.exp(-math.log(10_000.0) * torch.arange(0, width, 2) / width)
    phases = torch.arange(count)[:, None] * rates
    return 0.7 * torch.stack([phases.sin(), phases.cos()], dim=-1).reshape(count, -1)[:, :width]


def smoothed(values: Tensor, sigma: float) -> Tensor:
    """(B,T,F) convolved over time with a Gaussian of ``sigma`` frames; the ends are repeated."""
    reach = max(1, math.ceil(2.5 * sigma))
    at = torch.arange(-reach, reach + 1, device=values.device, dtype=values.dtype)
    kernel = torch.softmax(-at.square() / (2 * sigma**2), dim=0)
    padded = torch.cat(
        [values[:, :1].expand(-1, reach, -1), values, values[:, -1:].expand(-1, reach, -1)], dim=1
    )
    return torch.einsum("btfk,k->btf", padded.unfold(1, 2 * reach + 1, 1), kernel)


def pad_width(inputs: Tensor, width: int) -> Tensor:
    """Zero-pad the last axis up to a width, as the original does up to its encoders'."""
    return nn.functional.pad(inputs, (0, width - inputs.shape[-1]))
