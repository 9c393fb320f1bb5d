"""The results of a generation.

Chunks come while it runs. A :class:`Generation` holds the seed, the generated frames and the truth,
and can be evaluated, shown and saved.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mmm.attention import AttentionTrace
from mmm.generation.plausibility import implausible
from mmm.io.clips import PathLike
from mmm.metrics import dance as dance_metrics
from mmm.metrics.dance import Summary, summarise
from mmm.motion.clip import Clip, Motion, Music
from mmm.viewer.palette import Look
from mmm.viewer.panels import MAX_PANELS
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.show import Shown, show
from mmm.viewer.video import Progress

Array = np.ndarray

CONTINUED = " continued"
"""Added to the name of the clip that was continued."""
_LOOKS: tuple[Look, ...] = ("", "second", "third", "third", "third")


@dataclass(frozen=True)
class Chunk:
    """Some generated frames, as soon as they exist."""

    first: int
    """Index of its first frame, counted with the seed."""
    motion: Motion
    attention: AttentionTrace | None = None
    """The maps of the window that made it, where they were requested. ``frames`` counts with the
    seed. The window reaches further than the frames that were kept."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of a generated motion and of the recording."""

    generated: Summary
    reference: Summary | None
    """None if the clip ends less than a second after the seed, or has other music."""
    static: Summary
    """Figures of the seed's last pose, repeated: the baseline of a motion that freezes."""
    energy_scale: float
    """The energy that shares refer to, m²/s²: that of the truth after the seed if there is one,
    otherwise that of the seed."""
    reference_frames: int = 0
    """Frames of the truth that were evaluated."""
    remarks: tuple[str, ...] = ()
    """Sentences on implausible motion; see :mod:`mmm.generation.plausibility`."""


def evaluate(
    motion: Motion, prefix_frames: int, truth: Motion | None = None, music: Music | None = None
) -> Evaluation:
    """The figures of :func:`mmm.metrics.dance.summarise` for the frames after a seed.

    Args:
        motion: the seed and the generated frames.
        prefix_frames: length of the seed.
        truth: the recording, seed included; frames beyond the length of ``motion`` are ignored.
        music: the music from the seed's first frame on, at least as long as ``motion``.
    """
    before, after = motion.crop(0, prefix_frames), motion.crop(prefix_frames, len(motion))
    stop = 0 if truth is None else min(len(truth), len(motion))
    # Energy is measured in steps of a second, so a shorter truth has no figures.
    reference = None
    if truth is not None and stop - prefix_frames >= motion.fps:
        reference = truth.crop(prefix_frames, stop)
    # A calm seed may precede a lively dance, so the truth's energy is the better scale.
    energy_scale = dance_metrics.energy(before if reference is None else reference)

    def summary(part: Motion) -> Summary:
        part_music = None if music is None else music.crop(prefix_frames, prefix_frames + len(part))
        return summarise(part, before, energy_scale, part_music)

    return Evaluation(
        summary(after),
        None if reference is None else summary(reference),
        summary(held(before, len(after))),
        energy_scale,
        0 if reference is None else len(reference),
        implausible(after, before),
    )


def held(seed: Motion, frames: int) -> Motion:
    """The seed's last pose, repeated for a number of frames."""
    return replace(
        seed,
        rotations=np.repeat(seed.rotations[-1:], frames, axis=0),
        root_m=np.repeat(seed.root_m[-1:], frames, axis=0),
    )


@dataclass(frozen=True, eq=False)
class Generation:
    """A seed and the motion generated after it."""

    clip: Clip
    """The seed and the generated frames, with the music."""
    prefix_frames: int
    """Length of the seed; these frames are bit-identical to the recording."""
    model_name: str
    temperature: float
    random_seed: int
    elapsed_s: float
    truth: Clip | None = None
    """The recording, seed included; None if the clip ends with the seed or has other music."""
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return (
            f"Generation({self.clip.name!r} by {self.model_name!r}, "
            f"{self.prefix_frames} frames of seed, "
            f"{len(self.clip) - self.prefix_frames} generated)"
        )

    @property
    def generated(self) -> Motion:
        """The frames after the seed."""
        return self.clip.motion.crop(self.prefix_frames, len(self.clip))

    def evaluate(self) -> Evaluation:
        """Figures of the generated frames and of the truth."""
        return evaluate(
            self.clip.motion,
            self.prefix_frames,
            self.truth.motion if self.truth else None,
            self.clip.music,
        )

    def scene(self, *others: "Generation") -> Scene:
        """One scene of the truth, this generation, and others from the same seed.

        All are cut to the shortest generation. A truth that is even shorter is left out.
        """
        # One panel is kept for the truth.
        shown = (self, *others)[: MAX_PANELS - 1]
        frames = min(len(generation.clip) for generation in shown)
        bodies = []
        # A shorter truth would stand still at its end, as if that had been recorded.
        if self.truth is not None and len(self.truth) >= frames:
            bodies.append(Performer("Truth", self.truth.motion.crop(0, frames), "truth"))
        names = [generation.model_name.rsplit("/", 1)[-1] for generation in shown]
        for generation, name, look in zip(shown, names, _LOOKS, strict=False):
            # Generations by the same checkpoint differ in their random seed.
            repeated = names.count(name) > 1
            label = f"{name}, seed {generation.random_seed}" if repeated else name
            motion = generation.clip.motion.crop(0, frames)
            bodies.append(Performer(label, motion, "model", look))
        hidden = np.zeros((frames, len(self.clip.motion.skeleton)), dtype=bool)
        hidden[self.prefix_frames :] = True
        music = self.clip.music
        return Scene(
            self.clip.name,
            tuple(bodies),
            hidden,
            None if music is None else music.crop(0, frames),
            prefix_frames=min(self.prefix_frames, frames),
        )

    def show(self, *others: "Generation", height: int = 600) -> Shown:
        """Show the scene in a notebook; ``height`` in CSS pixels."""
        return show(self, *others, height=height)

    def as_clip(self) -> Clip:
        """The clip that is written to a motion file: the seed and the generated frames."""
        return self.clip

    def save(
        self,
        path: PathLike,
        *,
        film_frames: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write a file in the format of its suffix; it appears only when it is complete.

        ``.bvh .npz .pkl .glb`` hold the seed and the generated frames as one motion.
        ``.mp4 .gif .webp .html`` show the scene.

        Args:
            film_frames: first frame and the one after the last of a film; all by default.
            progress: for films, called with the share done; an exception from it ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot
                be written.
            SpecError: ``film_frames`` are no frames of the result, or ``path`` is no film.
        """
        save(self, path, film_frames=film_frames, progress=progress)


def report(made: Generation, figures: Evaluation) -> dict[str, Any]:
    """Figures as JSON: the generated frames, the truth if there is one, and the seed held.

    Energies are shares of ``usual_energy``. That is the energy of the truth after the seed if it
    lasts a second or more, otherwise that of the seed.
    """
    fps, count = made.clip.motion.fps, len(made.generated)
    methods = {made.model_name: figures.generated}
    if figures.reference is not None:
        methods["truth"] = figures.reference
    methods["hold"] = figures.static
    # Keys keep the names of earlier releases ("seed_frames", "variety"): scripts read them.
    return {
        "clip": made.clip.name.removesuffix(CONTINUED),
        "checkpoint": made.model_name,
        "seed_frames": made.prefix_frames,
        "frames": count,
        "fps": fps,
        "variety": made.temperature,
        "seed": made.random_seed,
        "elapsed_s": round(made.elapsed_s, 3),
        "frames_per_second": round(count / max(made.elapsed_s, 1e-6), 1),
        "usual_energy": figures.energy_scale,
        "usual_energy_of": "seed" if figures.reference is None else "truth",
        "remarks": list(figures.remarks),
        "notes": list(made.notes),
        "methods": {
            name: asdict(summary)
            | {
                "frozen": summary.frozen,
                "frames": figures.reference_frames if summary is figures.reference else count,
            }
            for name, summary in methods.items()
        },
    }
