"""Which random masks a run draws (``training.data.masking`` draws them)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MaskMix:
    """How often each kind of pattern is drawn, and how large.

    Shares are relative weights. The original's pre-training is ``MaskMix(random=1, every=0,
    keep_hide=0, span=0)``.
    """

    random: float = 0.5
    """Each frame is hidden with probability ``random_share``."""
    every: float = 1.0
    """Every n-th frame is known, from a random first one; n is drawn from ``every_steps``."""
    keep_hide: float = 0.5
    """5 known frames alternate with ``hide_frames`` hidden ones."""
    span: float = 4.0
    """One to three gaps of ``span_frames`` each."""
    between: float = 0.0
    """All but a few frames at the start and the end are hidden, as in the LAFAN1 protocol."""
    future: float = 0.0
    """The last ``future_frames`` are hidden: prediction of the future."""
    random_share: float = 0.15
    every_steps: tuple[int, int] = (4, 40)
    hide_frames: tuple[int, int] = (5, 30)
    span_frames: tuple[int, int] = (10, 100)
    future_frames: tuple[int, int] = (20, 90)
    joint_share: float = 0.1
    """Share of the windows in which only one limb is hidden, not whole frames."""

    @property
    def specs(self) -> list[str]:
        """The kinds of SPEC this mix covers, for the checkpoint's card."""
        low, high = self.every_steps
        kinds = [
            (self.random, f"random:{self.random_share:g}"),
            (self.every, f"every:{low}..{high}"),
            (self.keep_hide, f"keep:5,hide:{self.hide_frames[0]}..{self.hide_frames[1]}"),
            (self.span, f"span of {self.span_frames[0]}..{self.span_frames[1]}"),
            (self.between, "one gap in short windows"),
            (self.future, f"the last {self.future_frames[0]}..{self.future_frames[1]}"),
        ]
        return [name for weight, name in kinds if weight > 0]
