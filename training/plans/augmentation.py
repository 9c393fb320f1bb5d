"""How much a run augments its windows (``training.data.augment`` does it)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augment:
    """How often windows are changed, and by how much."""

    mirror: float = 0.5
    """Share of the windows that are mirrored left to right."""
    speed: float = 1.3
    """Windows are played faster or slower by up to this factor; 1: at their own speed."""
    proportions: float = 0.12
    """Legs, arms and trunk are made longer or shorter by up to this share, independently."""
    recombine: float = 0.1
    """Share of the windows that get the trunk and arms of another one."""
    slow: float = 1.0
    """Windows are slowed by up to this factor where it exceeds ``speed``: gestures are slower than
    the sports and walking in the training data."""
    rest: float = 0.0
    """Probability that an arm, the neck and head, or the pelvis and legs are kept nearly still. In
    gestures most of the body is static, which the training data hardly shows."""

    @property
    def breaks_music(self) -> bool:
        """Whether windows no longer fit the music that they were danced to."""
        return bool(self.mirror or self.speed > 1 or self.slow > 1 or self.recombine or self.rest)

    def frames(self, length: int) -> int:
        """How many frames to draw for windows of ``length``."""
        # Linear interpolation reads one frame beyond the last; another one allows for rounding.
        return length if self.speed <= 1 else int(length * self.speed) + 2
