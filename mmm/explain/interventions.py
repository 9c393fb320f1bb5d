"""Interventions: change the music, recover or generate again, and measure what changes.

An attention map says where a network looked. An intervention shows the effect. The changes
themselves and their language are in ``mmm.explain.perturbations``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from mmm.checkpoints.fit import check_uses_music
from mmm.explain.change_results import GenerationChange, InterventionResult
from mmm.explain.music_edits import reanalysed, reanalysed_clip
from mmm.explain.perturbations import (
    REANALYSED,
    Intervention,
    apply,
    changed_music,
    music_of,
    parse,
)
from mmm.generation.generate import generate_clip
from mmm.generation.result import Generation
from mmm.generation.rollout import horizon
from mmm.masks import Mask
from mmm.metrics.errors import errors
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Music
from mmm.recovery.recover import recover

Array = np.ndarray


def intervene(
    model: MaskedMotionModel,
    clip: Clip,
    mask: Mask | Bool[Array, "T J"],
    interventions: Sequence[Intervention | str],
    *,
    progress: Callable[[float], None] | None = None,
) -> list[InterventionResult]:
    """Recover a clip with its music, and again after each of several changes of the music.

    Args:
        mask: hidden entries, the same in all runs.
        interventions: changes, or their SPECs; each starts from the clip's own music.
        progress: called with the share done, 0 to 1; an exception from it ends the run.

    Returns:
        One result for each change; all share the recovery before.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError, FileError: as :func:`parse` and :func:`apply`. All changes are checked before
            anything is recovered.
    """
    parsed = _parsed(model, interventions)
    changed = [apply(change, clip) for change in parsed]
    # The unchanged music is analysed again like the changed music, so that only the change differs.
    plain = reanalysed_clip(clip)
    results = []
    before = recover(model, plain, mask)
    for done, (change, other) in enumerate(zip(parsed, changed, strict=True), start=1):
        after = recover(model, other, mask)
        if progress is not None:
            # The run with unchanged music counts as one, too.
            progress((done + 1) / (len(parsed) + 1))
        difference = errors(before.recovered.motion, after.recovered.motion, before.hidden)
        notes = other.notes[len(clip.notes) :] + ((REANALYSED,) if plain is not clip else ())
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
    """Generate a continuation to the music, and again after each of several changes of the music.

    All runs draw the same latent noise. The music changes from the first frame of the prefix on;
    the poses of the prefix stay. Arguments that are not listed are those of :func:`mmm.generate`.

    Args:
        interventions: changes, or their SPECs; spans count from the first frame of the prefix.
        progress: called with the share done, 0 to 1; an exception from it ends the run.

    Returns:
        One result for each change; all share the generation before.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError, FileError: as :func:`parse`, :func:`apply` and :func:`mmm.generate`.
    """
    parsed = _parsed(model, interventions)
    own_music, total = music_of(clip, music), prefix_frames + frames
    # The last window reads music beyond its own frames, so the excerpt includes that much more.
    ahead = math.ceil(horizon(model).ahead_s * own_music.fps)
    excerpt = own_music.crop(0, min(total + ahead, len(own_music)))
    changed = [changed_music(change, excerpt, clip.name) for change in parsed]
    # The recorded motion is no truth for another song.
    truth = (
        clip.crop(0, min(len(clip), total)) if music is None and len(clip) > prefix_frames else None
    )
    runs = len(parsed) + 1  # the unchanged music has a run of its own

    def generated(to: Music, number: int) -> Generation:
        def report(share: float) -> None:
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
                progress=report,
            ),
            truth=truth,
        )

    before = generated(reanalysed(excerpt), 0)
    results = []
    for number, (change, (other, notes)) in enumerate(zip(parsed, changed, strict=True), start=1):
        after = generated(other, number)
        # The prefix is the same on both sides; differences are counted after it.
        hidden = np.zeros(before.clip.motion.rotations.shape[:2], dtype=bool)
        hidden[prefix_frames:] = True
        difference = errors(before.clip.motion, after.clip.motion, hidden)
        if excerpt.audio is not None:
            notes = (*notes, REANALYSED)
        results.append(
            GenerationChange(
                change, before, after, difference.rotation_deg, difference.position_cm, notes
            )
        )
    return results


def _parsed(
    model: MaskedMotionModel, interventions: Sequence[Intervention | str]
) -> list[Intervention]:
    """Interventions from SPECs, for a network that takes music."""
    # A network without music would return the same motion every time.
    check_uses_music(model.config, model.name_or_path)
    return [parse(spec) if isinstance(spec, str) else spec for spec in interventions]
