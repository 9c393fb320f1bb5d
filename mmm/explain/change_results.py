"""Results of interventions: a motion before and after its music was changed."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.explain.perturbations import Intervention
from mmm.generation.result import Generation
from mmm.io.clips import PathLike
from mmm.motion.clip import Clip
from mmm.recovery.result import RecoveryResult
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.show import Shown, show
from mmm.viewer.video import Progress

Array = np.ndarray


class _BeforeAndAfter:
    """Showing and saving, common to both kinds of results."""

    def scene(self) -> Scene:
        """The truth if there is one, the motion before and the motion after the change."""
        raise NotImplementedError

    def as_clip(self) -> Clip:
        """The motion after the change, with the changed music."""
        raise NotImplementedError

    def show(self, height: int = 600) -> Shown:
        """Before and after in a notebook's viewer, with the changed music.

        Args:
            height: height of the viewer, in CSS pixels.
        """
        return show(self, height=height)

    def save(
        self,
        path: PathLike,
        *,
        film_frames: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the result; the suffix chooses the format.

        ``.bvh .npz .pkl .glb`` hold the motion after the change. ``.mp4 .gif .webp .html`` show
        before and after, with the changed music.

        Args:
            film_frames: first and last-plus-one frame of a film; by default all.
            progress: for films, called with the share done; an exception from it ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot
                be written.
            SpecError: ``film_frames`` are no frames of the result, or ``path`` is no film.
        """
        save(self, path, film_frames=film_frames, progress=progress)


@dataclass(frozen=True, eq=False)
class InterventionResult(_BeforeAndAfter):
    """The recovery before and after a change of the music."""

    intervention: Intervention
    before: RecoveryResult
    after: RecoveryResult
    change_deg: Float[Array, "T J"]
    """Angle between the local rotations before and after, degrees; zero where known."""
    change_cm: Float[Array, "T J"]
    """Distance between the joints' world positions before and after, centimetres. A known joint may
    move with a hidden one above it."""
    notes: tuple[str, ...]
    """Remarks on the change for the user."""

    @property
    def hidden(self) -> Bool[Array, "T J"]:
        """True for entries that were recovered."""
        return self.before.hidden

    def summary(self) -> dict[str, float | None]:
        """Means over hidden entries: the changes, and the rotation error before and after."""
        # Known entries are equal before and after, so they would only dilute the means.
        hidden = self.before.hidden
        deg, cm = (
            (float(values[hidden].mean(dtype=np.float64)) if hidden.any() else None)
            for values in (self.change_deg, self.change_cm)
        )
        return {
            "change_deg": deg,
            "change_cm": cm,
            "error_before_deg": self.before.errors.summary()["rotation_deg"],
            "error_after_deg": self.after.errors.summary()["rotation_deg"],
        }

    def scene(self) -> Scene:
        """The truth, the recovery before and the recovery after the change."""
        before, after = self.before, self.after
        names = f"{before.model_name.rsplit('/', 1)[-1]}, as it is", self.intervention.words
        curves = {
            name: recovery.errors.per_frame("position_cm")
            for name, recovery in zip(names, (before, after), strict=True)
        }
        bodies = (
            Performer("Truth", before.clip.truth, "truth"),
            Performer(names[0], before.recovered.motion, "model"),
            Performer(names[1], after.recovered.motion, "model", "second"),
        )
        # The viewer plays the changed music, which the second body follows.
        return replace(before.scene(), performers=bodies, music=after.clip.music, errors=curves)

    def as_clip(self) -> Clip:
        """The recovery after the change."""
        return self.after.recovered


@dataclass(frozen=True, eq=False)
class GenerationChange(_BeforeAndAfter):
    """The generated motion before and after a change of the music."""

    intervention: Intervention
    before: Generation
    after: Generation
    change_deg: Float[Array, "T J"]
    """Angle between the local rotations before and after, degrees; zero in the prefix. Motions
    generated to different music always diverge in the end. When and how far they do is informative.
    """
    change_cm: Float[Array, "T J"]
    """Distance between the joints' world positions before and after, centimetres."""
    notes: tuple[str, ...]
    """Remarks on the change for the user."""

    @property
    def hidden(self) -> Bool[Array, "T J"]:
        """True after the prefix."""
        hidden = np.zeros(self.change_deg.shape, dtype=bool)
        hidden[self.before.prefix_frames :] = True
        return hidden

    def summary(self) -> dict[str, float | None]:
        """Means after the prefix.

        Returns:
            Both changes; energy relative to the reference, and beat alignment, before and after.
        """
        prefix = self.before.prefix_frames
        before, after = (run.evaluate().generated for run in (self.before, self.after))
        return {
            "change_deg": float(self.change_deg[prefix:].mean(dtype=np.float64)),
            "change_cm": float(self.change_cm[prefix:].mean(dtype=np.float64)),
            "energy_before": before.energy_share,
            "energy_after": after.energy_share,
            "beats_before": before.per_music_beat,
            "beats_after": after.per_music_beat,
        }

    def scene(self) -> Scene:
        """The truth where it is long enough, the motion before and the motion after the change."""
        before = self.before.scene()
        # The generation's own scene holds truth and motion; only the motion needs a second name.
        bodies = [
            replace(body, name=f"{body.name}, as it is") if body.role == "model" else body
            for body in before.performers
        ]
        changed = Performer(self.intervention.words, self.after.clip.motion, "model", "second")
        return replace(before, performers=(*bodies, changed), music=self.after.clip.music)

    def as_clip(self) -> Clip:
        """The prefix and the motion generated after the change."""
        return self.after.clip
