"""Recovering the hidden entries of a clip."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image

from mmm.attention import AttentionTrace, trace_of
from mmm.checkpoints import check_fit
from mmm.errors import ModelError, SpecError
from mmm.interpolation import baselines
from mmm.io.clips import PathLike
from mmm.masks import Mask
from mmm.metrics.errors import Errors, errors
from mmm.models import MaskedMotionModel
from mmm.models.modeling import Filled
from mmm.motion import foot_locking
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.features import from_features, to_features
from mmm.recovery.humanoid import recover_roles
from mmm.recovery.windows import fade, windows
from mmm.viewer.palette import looks_of
from mmm.viewer.raster.error_map import draw_error_map
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene
from mmm.viewer.show import Shown, show
from mmm.viewer.video import Progress

Array = np.ndarray

AMBIGUOUS_RESIDUAL = 0.6
"""So far from any rotation a network's matrix is a middle of opposite ones, and the nearest may lie on either side from
one frame to the next: the fill then decides, the more the further."""


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
    """How far the network's matrices were from rotations (Frobenius norm); zero for known entries and baselines."""
    model_name: str
    elapsed_s: float
    attention: AttentionTrace | None = None
    notes: tuple[str, ...] = field(default=())
    """What the user should know about this run, in sentences."""
    expected_cm: Float[Array, "T"] | None = None
    """The mean joint distance from the truth that the network expects of itself, per frame; None where it cannot tell.
    """

    def __repr__(self) -> str:
        return f"RecoveryResult({self.clip.name!r} by {self.model_name!r}, {int(self.hidden.sum())} entries hidden)"

    @property
    def measured(self) -> Bool[Array, "T J"]:
        """Hidden entries of which there is a recording to compare with; all, but for gaps that were made longer or
        shorter."""
        return self.hidden & self.clip.recorded[:, None]

    @cached_property
    def errors(self) -> Errors:
        """Distance to the truth per frame and joint; summaries are over hidden entries only, where there is a truth."""
        return errors(self.clip.truth, self.recovered.motion, self.measured)

    def scene(self, *others: "RecoveryResult") -> Scene:
        """Truth, this recovery and others of the same clip, of the same pattern or another, as one scene."""
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

        ``.bvh .npz .pkl .glb``: the recovered motion. ``.mp4 .gif .webp .html``: truth beside the recovery.
        ``.png``: the map of position errors.

        Args:
            beside: others of the same clip, that stand beside it in what is to be watched.
            progress: of films, called with the share done; whatever it raises ends the writing.

        Raises:
            FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be written.
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


def recover(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Mask | Bool[Array, "T J"],
    *,
    attention: bool = False,
    attention_frame: int = 0,
    joint_names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    noise: Float[Array, "Z"] | None = None,
    lock_feet: bool | None = None,
) -> RecoveryResult:
    """Fill the hidden entries of a clip.

    Clips longer than the network's window are recovered in overlapping windows whose predictions are cross-faded.

    Args:
        hidden: a mask, or a boolean array in which True means hidden.
        attention: capture the attention maps of the window that holds ``attention_frame``.
        roles: for networks on joint roles, joint names by role where the names do not tell
        (``mmm.motion.humanoid.ROLES``).
        progress: called with the share done, 0 to 1, after each window; whatever it raises ends the run.
        noise: of networks with ``noise_dim``, so many standard normal numbers; None: zeros, the most middling answer.
        lock_feet: hold feet where they stand, by bending hidden legs; None: as the checkpoint was measured.

    Raises:
        ModelError: the clip's skeleton, frame rate or music features are not the network's.
        SpecError: the mask does not fit the clip, or leaves nothing known; ``attention_frame`` is not in the clip.
    """
    started = time.perf_counter()
    where = hidden_array(clip, hidden)
    if attention and not 0 <= attention_frame < len(clip):
        raise SpecError(
            f"attention_frame {attention_frame}",
            f"the clip has {len(clip)} frames",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )
    notes = check_fit(model.config, clip, joint_names)
    plants = model.config.lock_feet if lock_feet is None else lock_feet
    if model.config.representation == "roles":
        found = recover_roles(
            model,
            clip.motion,
            where,
            joint_names=joint_names,
            progress=progress,
            noise=noise,
            attention_frame=attention_frame if attention else None,
        )
        trace = (
            trace_of(found.maps, found.frames, joined_in_time=False)
            if found.maps is not None
            else None
        )
        motion = (
            foot_locking.lock_feet(
                found.motion, clip.motion, where, joint_names, foot_locking.ROLE_TWIST_M
            )
            if plants
            else found.motion
        )
        return RecoveryResult(
            clip,
            where,
            replace(clip, motion=motion),
            np.zeros(where.shape, np.float32),
            _name_of(model),
            time.perf_counter() - started,
            trace,
            notes,
            found.expected_cm,
        )
    raw, fill, trace = _predict(
        model, clip, where, attention_frame if attention else None, progress, noise
    )
    matrices, scaled_root = from_features(raw)
    projected, residual = rot.project_to_so3(matrices)
    torn = np.clip(2 * (residual - AMBIGUOUS_RESIDUAL), 0, 1)[..., None, None]
    if torn.any():
        projected = rot.project_to_so3(matrices + torn * from_features(fill)[0])[0]
    known = ~where
    rotations = np.where(known[..., None, None], clip.motion.rotations, projected)
    root_m = np.where(
        known[:, :1], clip.motion.root_m, model.config.fitted_stats.unscale_root(scaled_root)
    )
    motion = Motion(clip.motion.skeleton, rotations, root_m, clip.motion.fps)
    if plants:
        motion = foot_locking.lock_feet(motion, clip.motion, where, joint_names)
    return RecoveryResult(
        clip,
        where,
        replace(clip, motion=motion),
        np.where(known, 0, residual).astype(np.float32),
        _name_of(model),
        time.perf_counter() - started,
        trace,
        notes,
    )


def _name_of(model: MaskedMotionModel) -> str:
    name = model.name_or_path or model.config.model_type
    return (
        f"{name} network" if name in baselines.BASELINES else name
    )  # tables go by name: it must not be taken for one


def interpolate(method: str, clip: Clip, hidden: Mask | Bool[Array, "T J"]) -> RecoveryResult:
    """The same for a baseline: ``hold``, ``slerp``, ``inertial`` or ``spline``."""
    started = time.perf_counter()
    where = hidden_array(clip, hidden)
    if method not in baselines.BASELINES:
        raise SpecError(
            f"baseline {method!r}",
            "no such method",
            ", ".join(baselines.BASELINES),
            "choose one of them",
        )
    motion = baselines.BASELINES[method](clip, where)
    return RecoveryResult(
        clip,
        where,
        replace(clip, motion=motion),
        np.zeros(where.shape, np.float32),
        method,
        time.perf_counter() - started,
    )


def hidden_array(clip: Clip, hidden: Mask | Array) -> Array:
    """What is hidden of a clip as an array, checked against it.

    Raises:
        SpecError: it does not fit the clip, or leaves a joint nothing known.
    """
    where = hidden.hidden if isinstance(hidden, Mask) else hidden
    expected = (len(clip), len(clip.motion.skeleton))
    if where.shape != expected or where.dtype != bool:
        raise SpecError(
            "hidden",
            f"{where.dtype} of shape {where.shape}",
            f"bool of shape {expected} (frames, joints)",
            "build it from this clip",
        )
    unknown = where.all(axis=0)
    if unknown.any():
        names = [clip.motion.skeleton.names[j] for j in np.flatnonzero(unknown)[:3]]
        raise SpecError(
            "hidden",
            f"{int(unknown.sum())} joints are never known ({', '.join(names)}, ...)",
            "at least one known frame of every joint",
            "hide less",
        )
    return where


@dataclass(frozen=True)
class Prepared:
    """A clip as a network sees it, its gaps filled."""

    filled: Filled
    hidden: torch.Tensor
    """(1,T,J)."""
    music: torch.Tensor | None
    """(1,T,M), scaled; None for networks that do not listen."""
    path: torch.Tensor
    """(1,T,3): straight lines between the known places of the root, scaled."""


def prepare(model: MaskedMotionModel, clip: Clip, hidden: Bool[Array, "T J"]) -> Prepared:
    """Features, filled once over the whole clip, so that a gap across a window's end is filled from its true
    neighbours; for networks that read a skeleton's own joints.

    Raises:
        ModelError: the clip's music has other features than the network's.
    """
    config, device, motion = model.config, model.device, clip.motion
    stats = config.fitted_stats
    features = torch.from_numpy(to_features(motion.rotations, stats.scale_root(motion.root_m)))[
        None
    ].to(device)
    where = torch.from_numpy(hidden)[None].to(device)
    music = None
    if config.uses_music:
        music = torch.from_numpy(stats.scale_music(_music_features(clip, config.music_size)))[
            None
        ].to(device)
    path = torch.from_numpy(_known_path(features[0, :, -3:].cpu().numpy(), hidden))[None].to(device)
    return Prepared(model.fill(features, where), where, music, path)


@torch.inference_mode()
def _predict(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Array,
    attention_frame: int | None,
    progress: Progress | None,
    noise: Array | None,
) -> tuple[Array, Array, AttentionTrace | None]:
    """Prediction and fill, (T,F) each, and the maps where they were asked for."""
    config = model.config
    ready = prepare(model, clip, hidden)
    filled, where, music, path = ready.filled, ready.hidden, ready.music, ready.path
    total = np.zeros(filled.features.shape[1:], dtype=np.float32)
    weights = np.zeros((len(clip), 1), dtype=np.float32)
    trace = None
    cuts = windows(len(clip), config.max_frames)
    wanted = next(
        (cut for cut in cuts if attention_frame is not None and cut[0] <= attention_frame < cut[1]),
        None,
    )
    for done, (start, stop) in enumerate(cuts, start=1):
        part = slice(start, stop)
        output = model.predict(
            filled.part(part),
            where[:, part],
            None if music is None else music[:, part],
            output_attentions=(start, stop) == wanted,
            noise=None if noise is None else torch.from_numpy(noise)[None].to(model.device),
            place=path[:, part].mean(1, keepdim=True),
        )
        assert output.prediction is not None
        weight = fade(stop - start, config.max_frames)[:, None]
        total[part] += output.prediction[0].float().cpu().numpy() * weight
        weights[part] += weight
        if output.attentions is not None:
            trace = trace_of(
                output.attentions, (start, stop), joined_in_time=config.model_type == "mmm-ecm"
            )
        if progress is not None:
            progress(done / len(cuts))
    return total / weights, filled.features[0].float().cpu().numpy(), trace


def _known_path(root: Float[Array, "T 3"], hidden: Bool[Array, "T J"]) -> Float[Array, "T 3"]:
    """Straight lines between the known places of the root."""
    known = np.flatnonzero(~hidden[:, 0])
    frames = np.arange(len(root))
    return np.stack(
        [np.interp(frames, known, root[known, axis]) for axis in range(3)], axis=1
    ).astype(np.float32)


def _music_features(clip: Clip, size: int) -> Array:
    if clip.music is not None:
        if clip.music.features.shape[1] != size:
            raise ModelError(
                clip.name,
                f"{clip.music.features.shape[1]} music features a frame",
                f"the network's {size}",
                "take them anew from the recording (--music)",
            )
        return clip.music.features
    from mmm.music.features import (
        silence,  # librosa takes a second to import: only where it is needed
    )

    return silence(len(clip), clip.motion.fps).features
