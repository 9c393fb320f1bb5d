"""The result of a recovery: the motion, its errors, and methods to show and save it."""

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
    """A clip, the mask, and the recovered motion."""

    clip: Clip
    """The clip that was given, with its ``truth``."""
    hidden: Bool[Array, "T J"]
    """True = was hidden."""
    recovered: Clip
    """Known entries are bit-identical to the truth, hidden ones are filled."""
    so3_residual: Float[Array, "T J"]
    """Distance of the predicted matrices from rotations (Frobenius norm); zero at known entries and
    for baselines."""
    model_name: str
    elapsed_s: float
    attention: AttentionTrace | None = None
    notes: tuple[str, ...] = field(default=())
    """Remarks for the user about this run."""
    expected_cm: Float[Array, "T"] | None = None
    """The network's estimate of its own mean joint position error per frame, centimetres; None if
    it has none."""

    def __repr__(self) -> str:
        hidden = f"{int(self.hidden.sum())} entries hidden"
        return f"RecoveryResult({self.clip.name!r} by {self.model_name!r}, {hidden})"

    @property
    def measured(self) -> Bool[Array, "T J"]:
        """Hidden entries with a recording to compare with: all, unless an edit changed the length
        of a gap."""
        return self.hidden & self.clip.recorded[:, None]

    @cached_property
    def errors(self) -> Errors:
        """Errors per frame and joint; summaries cover the entries in ``measured``."""
        return errors(self.clip.truth, self.recovered.motion, self.measured)

    def scene(self, *others: "RecoveryResult") -> Scene:
        """One scene of the truth, this recovery, and other recoveries of the same clip."""
        # Two recoveries by one network, e.g. of different patterns, need different names.
        shown = dict(
            zip(_distinct([r.model_name for r in (self, *others)]), (self, *others), strict=True)
        )
        looks = looks_of([*shown])
        bodies = [
            Performer(
                name,
                r.recovered.motion,
                "baseline" if r.model_name in baselines.BASELINES else "model",
                looks.get(name, ""),
                # Scenes mark the frames of this pattern; another one is marked on its own body.
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
        """Show truth and recovery in a notebook.

        Args:
            others: other recoveries of the same clip.
            height: CSS pixels.
        """
        return show(self, *others, height=height)

    def as_clip(self) -> Clip:
        """The recovered clip, which motion files hold."""
        return self.recovered

    def save(
        self,
        path: PathLike,
        *,
        beside: Sequence["RecoveryResult"] = (),
        film_frames: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write a file whose suffix tells its kind; a file that is incomplete never appears.

        ``.bvh .npz .pkl .glb``: the recovered motion. ``.mp4 .gif .webp .html``: truth and recovery
        side by side. ``.png``: the map of position errors.

        Args:
            path: the file.
            beside: other recoveries of the same clip, for films and pages.
            film_frames: first and last-plus-one frame of a film; by default all.
            progress: for films, called with the fraction done; an exception from it ends the
                writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot
                be written.
            SpecError: ``film_frames`` are no frames of the result, or ``path`` is no film.
        """
        save(self, path, beside=beside, film_frames=film_frames, progress=progress)

    def error_map(self, theme: str = "light") -> Image.Image:
        """A picture of the position errors at hidden entries, by joint and frame.

        Args:
            theme: ``light`` or ``dark``.
        """
        # Entries without a recording have no truth to compare with.
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


def _distinct(names: Sequence[str]) -> list[str]:
    """Number repeated names, because scenes are keyed by name."""
    return [
        name if name not in names[:n] else f"{name} ({names[:n].count(name) + 1})"
        for n, name in enumerate(names)
    ]
