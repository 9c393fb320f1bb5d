"""What recovering a clip gives: the motion, its errors, and ways to look at it and to keep it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from mmm.attention import AttentionTrace
from mmm.interpolation import baselines
from mmm.io.clips import PathLike
from mmm.metrics.errors import Errors, errors
from mmm.motion.clip import Clip
from mmm.viewer.palette import looks_of
from mmm.viewer.raster.error_map import draw_error_map
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.show import Shown, show
from mmm.viewer.video import Progress

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RecoveryResult:
    """A clip, what was hidden of it, and what came back."""

    clip: Clip
    """What was given, its ``truth`` included."""
    hidden: Bool[Array, "T J"]
    """True = was hidden."""
    recovered: Clip
    """Known entries bit-identical to the truth's, hidden ones filled in."""
    so3_residual: Float[Array, "T J"]
    """How far the network's matrices were from rotations (Frobenius norm); zero for known entries
    and baselines."""
    model_name: str
    elapsed_s: float
    attention: AttentionTrace | None = None
    notes: tuple[str, ...] = field(default=())
    """What the user should know about this run, in sentences."""
    expected_cm: Float[Array, "T"] | None = None
    """The mean joint distance from the truth that the network expects of itself, per frame; None
    where it cannot tell.
    """

    def __repr__(self) -> str:
        return f"RecoveryResult({self.clip.name!r} by {self.model_name!r}, {int(self.hidden.sum())} entries hidden)"

    @property
    def measured(self) -> Bool[Array, "T J"]:
        """Hidden entries of which there is a recording to compare with; all, but for gaps that were
        made longer or shorter."""
        return self.hidden & self.clip.recorded[:, None]

    @cached_property
    def errors(self) -> Errors:
        """Distance to the truth per frame and joint; summaries are over hidden entries only, where
        there is a truth."""
        return errors(self.clip.truth, self.recovered.motion, self.measured)

    def scene(self, *others: "RecoveryResult") -> Scene:
        """Truth, this recovery and others of the same clip, of the same pattern or another, as one
        scene."""
        shown = dict(
            zip(_told_apart([r.model_name for r in (self, *others)]), (self, *others), strict=True)
        )
        looks = looks_of([*shown])
        bodies = [
            Performer(
                name,
                r.recovered.motion,
                "baseline" if r.model_name in baselines.BASELINES else "model",
                looks.get(name, ""),
                None if np.array_equal(r.hidden, self.hidden) else r.hidden,
            )
            for name, r in shown.items()
        ]
        return Scene(
            self.clip.name,
            (Performer("Truth", self.clip.truth, "truth"), *bodies),
            self.hidden,
            self.clip.music,
            {name: r.errors.per_frame("position_cm") for name, r in shown.items()},
            recorded=None if self.clip.recorded.all() else self.clip.recorded,
        )

    def show(self, *others: "RecoveryResult", height: int = 600) -> Shown:
        """Truth beside the recovery on the stage, in a notebook; ``height`` in CSS pixels."""
        return show(self, *others, height=height)

    def as_clip(self) -> Clip:
        """What is written to a motion file: the recovered clip."""
        return self.recovered

    def save(
        self,
        path: PathLike,
        *,
        beside: Sequence["RecoveryResult"] = (),
        progress: Progress | None = None,
    ) -> None:
        """Write what the suffix asks for; the file appears when it is whole.

        ``.bvh .npz .pkl .glb``: the recovered motion. ``.mp4 .gif .webp .html``: truth beside the
        recovery. ``.png``: the map of position errors.

        Args:
            beside: others of the same clip, that stand beside it in what is to be watched.
            progress: of films, called with the share done; whatever it raises ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot
                be written.
        """
        save(self, path, beside=beside, progress=progress)

    def error_map(self, theme: str = "light") -> Image.Image:
        """Position errors of the hidden entries by joint and frame, as a picture."""
        entries = f"{int(self.measured.sum()):,} hidden entries"
        return draw_error_map(
            self.errors.position_cm * self.measured,
            self.clip.motion.skeleton,
            fps=self.clip.motion.fps,
            hidden=self.measured,
            theme=theme,
            title=f"Joint position error by joint and frame: {self.model_name}",
            subtitle=f"{self.clip.name}, {entries}",
        )


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of which none stands twice."""
    return [
        name if name not in names[:n] else f"{name} ({names[:n].count(name) + 1})"
        for n, name in enumerate(names)
    ]
