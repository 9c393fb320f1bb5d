"""Recording the attention maps of a network, and the convolutions of ConvBERT beside them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import ConvBertModel


class Maps(dict[str, tuple[Tensor, ...]]):
    """Attention maps (B,H,Q,K) of each layer, by encoder: ``motion``, ``music`` or ``cross``."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions: dict[str, list[tuple[Tensor, Tensor]]] = {}
        """By encoder, for each layer: the share of the convolution in the energy of the context
        output (B,), and its kernels (B,T,H,9).
        """


@contextmanager
def convolutions(encoder: ConvBertModel) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Record the span-based dynamic convolutions (Jiang et al. 2020) of a ConvBERT encoder.

    Yields:
        A list that receives one entry per layer, as ``Maps.convolutions`` holds them, whenever the
        encoder runs inside the block.
    """
    records: list[tuple[Tensor, Tensor]] = []
    kernels: list[Tensor] = []

    def kernel_hook(_: nn.Module, __: object, logits: Tensor) -> None:
        kernels.append(logits)

    def layer_hook(layer: nn.Module, _: object, output: tuple[Tensor, Tensor]) -> None:
        # (B, T, width): the heads of self-attention come first, those of the convolution second.
        context = output[0].detach()
        half = context.shape[-1] // 2
        total = context.float().square().sum((1, 2))
        share = context[..., half:].float().square().sum((1, 2)) / total.clamp(min=1e-12)
        heads, size = layer.num_attention_heads, layer.conv_kernel_size
        # The layer applies this softmax inside its forward pass, where no hook reaches.
        logits = kernels.pop().detach().unflatten(-1, (heads, size))
        records.append((share, torch.softmax(logits, dim=-1)))

    handles = []
    for layer in encoder.encoder.layer:
        attention = layer.attention.self
        handles += [
            attention.conv_kernel_layer.register_forward_hook(kernel_hook),
            attention.register_forward_hook(layer_hook),
        ]
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()
