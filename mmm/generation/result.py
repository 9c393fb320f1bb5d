"""What generating gives: chunks while it goes on, a whole with its truth at the end, to be judged, shown and saved."""

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
"""What a clip's name gets behind it."""
_LOOKS: tuple[Look, ...] = ("", "second", "third", "third", "third")


@dataclass(frozen=True)
class Chunk:
    """Some frames of the future, as soon as they are there."""

    first: int
    """Place of its first frame in the whole, seed included."""
    motion: Motion
    attention: AttentionTrace | None = None
    """The maps of the window that made it, where they were asked for; ``frames`` counts in the whole, seed included.
    The window's last frames are ahead of what was kept."""


@dataclass(frozen=True)
class Evaluation:
    """What a generated motion is like, and beside it what was really done."""

    generated: Summary
    reference: Summary | None
    """None where the clip goes on for less than a second after the seed, or was danced to another song."""
    static: Summary
    """Of the seed's last pose again and again: what freezing looks like."""
    energy_scale: float
    """The energy that shares are of, m²/s²: the truth's after the seed where there is a truth, else the seed's."""
    reference_frames: int = 0
    """How many frames of the truth were counted."""
    remarks: tuple[str, ...] = ()
    """What falls outside of what people do, in sentences; see :mod:`mmm.generation.plausibility`."""


def evaluate(
    whole: Motion, prefix_frames: int, truth: Motion | None = None, music: Music | None = None
) -> Evaluation:
    """The figures of :func:`mmm.metrics.dance.summarise`, for what comes after a seed.

    Args:
        whole: seed and what was generated.
        prefix_frames: how much of it is the seed.
        truth: the seed and what was really done after it; counted as far as ``whole`` goes.
        music: what is played to it, from the seed's first frame on; at least as long as ``whole``.
    """
    before, after = whole.crop(0, prefix_frames), whole.crop(prefix_frames, len(whole))
    rest = 0 if truth is None else min(len(truth), len(whole))
    real = (
        truth.crop(prefix_frames, rest)
        if truth is not None and rest - prefix_frames >= whole.fps
        else None
    )
    usual = dance_metrics.energy(before if real is None else real)

    def told(motion: Motion) -> Summary:
        heard = None if music is None else music.crop(prefix_frames, prefix_frames + len(motion))
        return summarise(motion, before, usual, heard)

    return Evaluation(
        told(after),
        None if real is None else told(real),
        told(held(before, len(after))),
        usual,
        0 if real is None else len(real),
        implausible(after, before),
    )


def held(seed: Motion, frames: int) -> Motion:
    """The seed's last pose again and again."""
    return replace(
        seed,
        rotations=np.repeat(seed.rotations[-1:], frames, axis=0),
        root_m=np.repeat(seed.root_m[-1:], frames, axis=0),
    )


@dataclass(frozen=True, eq=False)
class Generation:
    """A seed and what was generated after it."""

    clip: Clip
    """Both, with the music."""
    prefix_frames: int
    """The first so many frames are the seed's, bit for bit."""
    model_name: str
    temperature: float
    random_seed: int
    elapsed_s: float
    truth: Clip | None = None
    """What was really danced or done, as far as the clip goes on after the seed; None where it does not."""
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return (
            f"Generation({self.clip.name!r} by {self.model_name!r}, {self.prefix_frames} frames of seed, "
            f"{len(self.clip) - self.prefix_frames} generated)"
        )

    @property
    def generated(self) -> Motion:
        """What comes after the seed."""
        return self.clip.motion.crop(self.prefix_frames, len(self.clip))

    def evaluate(self) -> Evaluation:
        """Its figures, and the truth's beside."""
        return evaluate(
            self.clip.motion,
            self.prefix_frames,
            self.truth.motion if self.truth else None,
            self.clip.music,
        )

    def scene(self, *others: "Generation") -> Scene:
        """The truth, where it goes on as long, beside this and other generations from the same seed, as one scene.

        All are shown as far as the shortest of the generations goes.
        """
        shown = (self, *others)[: MAX_PANELS - 1]
        frames = min(len(one.clip) for one in shown)
        whole = self.truth is not None and len(self.truth) >= frames
        bodies = (
            [Performer("Truth", self.truth.motion.crop(0, frames), "truth")]
            if self.truth and whole
            else []
        )
        names = [one.model_name.rsplit("/", 1)[-1] for one in shown]
        for one, name, look in zip(shown, names, _LOOKS, strict=False):
            label = f"{name}, seed {one.random_seed}" if names.count(name) > 1 else name
            bodies.append(Performer(label, one.clip.motion.crop(0, frames), "model", look))
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
        """The truth beside what was generated on the stage, in a notebook; ``height`` in CSS pixels."""
        return show(self, *others, height=height)

    def as_clip(self) -> Clip:
        """What is written to a motion file: the prefix and what was generated after it."""
        return self.clip

    def save(self, path: PathLike, *, progress: Progress | None = None) -> None:
        """Write what the suffix asks for; the file appears when it is whole.

        ``.bvh .npz .pkl .glb``: seed and future as one motion. ``.mp4 .gif .webp .html``: the same to be watched,
        beside the truth where that goes on as long.

        Args:
            progress: of films, called with the share done; whatever it raises ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be written.
        """
        save(self, path, progress=progress)


def report(made: Generation, found: Evaluation) -> dict[str, Any]:
    """What the generated frames are like, as JSON holds it; beside them the truth, if there is any, and the seed held.

    The usual energy is the truth's after the seed where that lasts a second or more, else the seed's.
    """
    fps, count = made.clip.motion.fps, len(made.generated)
    methods = {
        made.model_name: found.generated,
        **({} if found.reference is None else {"truth": found.reference}),
        "hold": found.static,
    }
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
        "usual_energy": found.energy_scale,
        "usual_energy_of": "seed" if found.reference is None else "truth",
        "remarks": list(found.remarks),
        "notes": list(made.notes),
        "methods": {
            name: asdict(one)
            | {
                "frozen": one.frozen,
                "frames": found.reference_frames if one is found.reference else count,
            }
            for name, one in methods.items()
        },
    }
