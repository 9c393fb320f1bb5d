"""What a network shows of itself when asked: attention maps, and the convolution beside them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import ConvBertModel


class Maps(dict[str, tuple[Tensor, ...]]):
    """Stage name (``motion``, ``music``, ``cross``) to one (B,H,Q,K) map a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions: dict[str, list[tuple[Tensor, Tensor]]] = {}
        """Stage name to, for each layer, the convolution's share of the context output (B) and its
        kernels (B,T,H,9).
        """


@contextmanager
def convolutions(encoder: ConvBertModel) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """While open, what the convolution of each of a ConvBERT's layers does is added to a list;
    hooks go after."""
    found: list[tuple[Tensor, Tensor]] = []
    kernels: list[Tensor] = []

    def kernel_hook(_: nn.Module, __: object, logits: Tensor) -> None:
        kernels.append(logits)

    def layer_hook(layer: nn.Module, _: object, output: tuple[Tensor, Tensor]) -> None:
        context = output[
            0
        ].detach()  # (B, T, width): attention's heads first, the convolution's after them
        half = context.shape[-1] // 2
        whole = context.float().square().sum((1, 2))
        share = context[..., half:].float().square().sum((1, 2)) / whole.clamp(min=1e-12)
        heads, size = layer.num_attention_heads, layer.conv_kernel_size
        weights = torch.softmax(
            kernels.pop().detach().unflatten(-1, (heads, size)), dim=-1
        )  # (B, T, H, 9)
        found.append((share, weights))

    handles = []
    for layer in encoder.encoder.layer:
        attention = layer.attention.self
        handles += [
            attention.conv_kernel_layer.register_forward_hook(kernel_hook),
            attention.register_forward_hook(layer_hook),
        ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
