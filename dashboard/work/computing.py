"""The place of recoveries and generations: this process, or the server of MMM_SERVER.

Both have the same interface and give the same bits. Interpolations, explanations and attention maps
are always computed in this process, because a server sends no attention.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mmm
from dashboard.work.jobs import Models

if TYPE_CHECKING:  # imports torch, which the page does not wait for
    from mmm.generation.result import Generation
    from mmm.recovery.result import RecoveryResult


@dataclass(frozen=True)
class Computing:
    """The functions that compute, and the networks that they take."""

    model: Callable[[str], Any]
    """A network by the name of its checkpoint."""
    recover: "Callable[..., RecoveryResult]"
    """As :func:`mmm.recover`."""
    generate_clip: "Callable[..., Generation]"
    """As :func:`mmm.generate_clip`."""


def computing(models: Models) -> Computing:
    """The functions of this process or of the server; called by workers.

    Args:
        models: the networks of this process, for when there is no server.

    Raises:
        SpecError: MMM_SERVER is no http address.
    """
    address = os.environ.get("MMM_SERVER")
    if not address:
        # Imports torch, which the page's thread must not wait for.
        from mmm.generation.generate import generate_clip

        return Computing(models.get, mmm.recover, generate_clip)
    server = mmm.connect(address, api_key=os.environ.get("MMM_API_KEY"))
    return Computing(server.load_model, server.recover, server.generate_clip)
