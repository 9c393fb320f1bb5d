"""Interventions: change the music, recover or generate again, and measure what changes.

An attention map says where a network looked. An intervention shows the effect. The changes themselves
and their language are in ``mmm.explain.perturbations``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.errors import ModelError
from mmm.explain.perturbations import (
    HEARD_ANEW,
    Intervention,
    apply,
    changed_music,
    heard_anew,
    listened_anew,
    music_of,
    parse,
)
from mmm.generation.generate import generate_clip, horizon
from mmm.generation.result import Generation
from mmm.io.clips import PathLike
from mmm.masks import Mask
from mmm.metrics.errors import errors
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Music
from mmm.recovery.recover import recover
from mmm.recovery.result import RecoveryResult
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.show import Shown, show
from mmm.viewer.video import Progress

Array = np.ndarray


class _Beside:
    """What both kinds of results show and save: the music that is heard is the changed one."""

    def scene(self) -> Scene:
        """Truth where there is one, the motion with the music as it is, and with it changed."""
        raise NotImplementedError

    def as_clip(self) -> Clip:
        """The motion with the music changed, and that music."""
        raise NotImplementedError

    def show(self, height: int = 600) -> Shown:
        """Before and after on the stage, in a notebook, with the changed music; ``height`` in CSS pixels."""
        return show(self, height=height)

    def save(self, path: PathLike, *, progress: Progress | None = None) -> None:
        """``.bvh .npz .pkl .glb``: the motion after the change. ``.mp4 .gif .webp .html``: before and after, to be
        watched, with the changed music.

        Args:
            progress: of films, called with the share done; whatever it raises ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be written.
        """
        save(self, path, progress=progress)


@dataclass(frozen=True, eq=False)
class InterventionResult(_Beside):
    """The recovery before and after a change of the music."""

    intervention: Intervention
    before: RecoveryResult
    after: RecoveryResult
    change_deg: Float[Array, "T J"]
    """Angle between the local rotations before and after, degrees; zero where known."""
    change_cm: Float[Array, "T J"]
    """Distance between the joints' places before and after, centimetres. A known joint may move with a hidden one."""
    notes: tuple[str, ...]
    """What the user should know of the change, in sentences."""

    @property
    def hidden(self) -> Bool[Array, "T J"]:
        """What was recovered."""
        return self.before.hidden

    def summary(self) -> dict[str, float | None]:
        """Means over hidden entries: the changes, and the rotation error before and after."""
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
        """Truth, the recovery with the music as it is, and with it changed."""
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
        return replace(before.scene(), performers=bodies, music=after.clip.music, errors=curves)

    def as_clip(self) -> Clip:
        """The recovery after the change."""
        return self.after.recovered


@dataclass(frozen=True, eq=False)
class GenerationChange(_Beside):
    """What was generated before and after a change of the music."""

    intervention: Intervention
    before: Generation
    after: Generation
    change_deg: Float[Array, "T J"]
    """Angle between the local rotations before and after, degrees; zero in the seed. Two dances to different music soon
    have nothing to do with each other: how early they part, and how far, is what counts."""
    change_cm: Float[Array, "T J"]
    """Distance between the joints' places before and after, centimetres."""
    notes: tuple[str, ...]

    @property
    def hidden(self) -> Bool[Array, "T J"]:
        """True after the seed."""
        hidden = np.zeros(self.change_deg.shape, dtype=bool)
        hidden[self.before.prefix_frames :] = True
        return hidden

    def summary(self) -> dict[str, float | None]:
        """Means after the seed of both changes; energy as a share of the usual and beats met, before and after."""
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
        """The truth, where it goes on as long, the dance to the music as it is, and to it changed."""
        before = self.before.scene()
        bodies = [
            replace(body, name=f"{body.name}, as it is") if body.role == "model" else body
            for body in before.performers
        ]
        changed = Performer(self.intervention.words, self.after.clip.motion, "model", "second")
        return replace(before, performers=(*bodies, changed), music=self.after.clip.music)

    def as_clip(self) -> Clip:
        """Seed and dance after the change."""
        return self.after.clip


def intervene(
    model: MaskedMotionModel,
    clip: Clip,
    mask: Mask | Bool[Array, "T J"],
    interventions: Sequence[Intervention | str],
    *,
    progress: Callable[[float], None] | None = None,
) -> list[InterventionResult]:
    """Recover a clip with its music, and again with its music changed in each of several ways.

    Args:
        mask: what is hidden, in all runs.
        interventions: changes, or their SPECs; each is made to the clip's own music.
        progress: called with the share done, 0 to 1; whatever it raises ends the run.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError, FileError: as :func:`parse` and :func:`apply`; all are checked before anything is recovered.
    """
    parsed = _parsed(model, interventions)
    changed = [apply(change, clip) for change in parsed]
    plain = heard_anew(clip)
    results = []
    before = recover(model, plain, mask)
    for done, (change, other) in enumerate(zip(parsed, changed, strict=True), start=1):
        after = recover(model, other, mask)
        if progress is not None:
            progress((done + 1) / (len(parsed) + 1))
        difference = errors(before.recovered.motion, after.recovered.motion, before.hidden)
        notes = other.notes[len(clip.notes) :] + ((HEARD_ANEW,) if plain is not clip else ())
        results.append(
            InterventionResult(
                change, before, after, difference.rotation_deg, difference.position_cm, notes
            )
        )
    return results


def intervene_generation(
    model: MaskedMotionModel,
    clip: Clip,
    interventions: Sequence[Intervention | str],
    *,
    prefix_frames: int = 120,
    frames: int = 600,
    music: Music | None = None,
    temperature: float = 1.0,
    random_seed: int = 0,
    joint_names: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[GenerationChange]:
    """Go on from a seed with the music, and again, by the same chance, with the music changed in each of several ways.

    The music is changed from the seed's first frame on; the seed's poses stay.

    Args:
        interventions: changes, or their SPECs; spans count from the seed's first frame.
        progress: called with the share done, 0 to 1; whatever it raises ends the run.

    The others are those of :func:`mmm.generate`.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError, FileError: as :func:`parse`, :func:`apply` and :func:`mmm.generate`.
    """
    parsed = _parsed(model, interventions)
    own_music, total = music_of(clip, music), prefix_frames + frames
    ahead = math.ceil(
        horizon(model).ahead_s * own_music.fps
    )  # the last window hears on beyond its frames
    heard = own_music.crop(0, min(total + ahead, len(own_music)))
    changed = [changed_music(change, heard, clip.name) for change in parsed]
    truth = (
        clip.crop(0, min(len(clip), total)) if music is None and len(clip) > prefix_frames else None
    )
    runs = len(parsed) + 1

    def generated(to: Music, number: int) -> Generation:
        def tell(share: float) -> None:
            if progress is not None:
                progress((number + share) / runs)

        return replace(
            generate_clip(
                model,
                clip,
                prefix_frames=prefix_frames,
                frames=frames,
                music=to,
                temperature=temperature,
                random_seed=random_seed,
                joint_names=joint_names,
                progress=tell,
            ),
            truth=truth,
        )

    before = generated(listened_anew(heard), 0)
    results = []
    for number, (change, (other, notes)) in enumerate(zip(parsed, changed, strict=True), start=1):
        after = generated(other, number)
        hidden = np.zeros(before.clip.motion.rotations.shape[:2], dtype=bool)
        hidden[prefix_frames:] = True
        difference = errors(before.clip.motion, after.clip.motion, hidden)
        if heard.audio is not None:
            notes = (*notes, HEARD_ANEW)
        results.append(
            GenerationChange(
                change, before, after, difference.rotation_deg, difference.position_cm, notes
            )
        )
    return results


def _parsed(
    model: MaskedMotionModel, interventions: Sequence[Intervention | str]
) -> list[Intervention]:
    if not model.config.uses_music:
        raise ModelError(
            model.name_or_path or "network",
            "it takes no music",
            "a network with music",
            "choose dance-3bert-small or dance-ecm-small",
        )
    return [parse(spec) if isinstance(spec, str) else spec for spec in interventions]
