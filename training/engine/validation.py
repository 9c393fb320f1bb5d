"""Validation during training: errors beside the baselines, and pictures of sample recoveries."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from tqdm import tqdm

from mmm import masks
from mmm.interpolation.baselines import BASELINES
from mmm.metrics.errors import KINDS
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.recovery.recover import interpolate, recover
from mmm.recovery.result import RecoveryResult
from training.data.dataset import MotionSet

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FRAMES = 240
"""Length of the validation clips, unless they or the network's window are shorter."""
SHOWN = KINDS[:2]
"""The errors that are logged."""


def default_specs(frames: int, fps: float) -> tuple[str, ...]:
    """The original's fixed pattern, and a gap of one second (at most a third of the clip) in the
    middle."""
    gap = max(min(round(fps), frames // 3), 1)
    start = (frames - gap) // 2
    return "every:15", f"span:{start}-{start + gap - 1}"


class Watch:
    """Evaluates the averaged network during training: ``watch(step, model, writer)``.

    The clips are cut and the baselines computed once, when it is made. A set without a validation
    split is not watched, and a line says so.

    Args:
        folder: the prepared set; its ``val`` split is used.
        config: the network's.
        clips: number of clips, spread evenly over the split.
        frames: their length; 0: 240, or less where the network's window or the split's longest clip
            is shorter.
        specs: what is hidden; by default every 15th frame is known, or a gap of a second is hidden.

    Raises:
        FileError: no clip is that long.
        ModelError: the split's body or frame rate is not the network's.
        SpecError: a SPEC does not fit.
    """

    def __init__(
        self,
        folder: Path,
        config: MaskedMotionConfig,
        *,
        clips: int = 4,
        frames: int = 0,
        specs: Sequence[str] = (),
    ) -> None:
        self.specs: tuple[str, ...] = tuple(specs)
        self.clips: list[Clip] = []
        self._baselines: dict[str, list[list[RecoveryResult]]] = {}
        self._figures: dict[str, float] = {}
        self._laid_out = False
        if not (folder / "val" / "clips.json").is_file():
            _warn(f"{folder} has no validation split: this run is not watched")
            return
        split = MotionSet(folder / "val")
        frames = frames or min(FRAMES, config.max_frames, int(split.lengths.max()))
        self.specs = self.specs or default_specs(frames, config.fps)
        self.clips = split.cut_clips(clips, frames, config.skeleton, config.fps)
        for spec in self.specs:
            hidden = [
                # The number of the clip seeds random SPECs, so that every watch hides the same
                # entries.
                masks.parse(spec, clip, seed)
                for seed, clip in enumerate(self.clips)
            ]  # as evaluate() does
            rows = [
                [
                    interpolate(method, clip, mask)
                    for clip, mask in zip(self.clips, hidden, strict=True)
                ]
                for method in BASELINES
            ]
            self._baselines[spec] = rows
            for method, results in zip(BASELINES, rows, strict=True):
                self._figures |= _figures(spec, method, results)

    def __call__(
        self, step: int, model: MaskedMotionModel, writer: "SummaryWriter | None" = None
    ) -> dict[str, float]:
        """Recover the validation clips; write the errors and a picture for each SPEC.

        An error here does not end a training run; it is printed on stderr. No random number is
        drawn.

        Returns:
            ``validation/SPEC/rotation_deg/METHOD`` and ``position_cm``, METHOD being ``model``,
            ``hold``, ``slerp``, ``inertial`` or ``spline``: means over the hidden entries of all
            clips. Empty where there is no validation split, or validation failed.
        """
        if not self.clips:
            return {}
        training = model.training
        model.eval()
        try:
            return self._watch(step, model, writer)
        # A run of days must not end because of an error in its validation.
        except Exception as error:
            _warn(f"step {step}: validation failed ({type(error).__name__}: {error})")
            return {}
        finally:
            model.train(training)

    def _watch(
        self, step: int, model: MaskedMotionModel, writer: "SummaryWriter | None"
    ) -> dict[str, float]:
        # The baselines do not change, but TensorBoard draws a flat line only through repeated
        # points.
        figures = dict(self._figures)
        samples = {}
        for spec in self.specs:
            hidden = [result.hidden for result in self._baselines[spec][0]]
            results = [
                recover(model, clip, mask) for clip, mask in zip(self.clips, hidden, strict=True)
            ]
            figures |= _figures(spec, "model", results)
            samples[spec] = [results[0], *(rows[0] for rows in self._baselines[spec])]
        if writer is not None:
            if not self._laid_out:
                writer.add_custom_scalars(self._layout())
                self._laid_out = True
            for name, value in figures.items():
                writer.add_scalar(name, value, step)
            for spec, sample in samples.items():
                self._picture(step, spec, sample, writer)
        return figures

    def _layout(self) -> dict[str, dict[str, list[object]]]:
        """TensorBoard's custom scalars: one chart a SPEC and metric, the network and the baselines
        in it."""
        methods = ("model", *BASELINES)
        return {
            "validation": {
                f"{spec} {kind}": ["Multiline", [_name(spec, kind, method) for method in methods]]
                for spec in self.specs
                for kind in SHOWN
            }
        }

    def _picture(
        self, step: int, spec: str, results: Sequence[RecoveryResult], writer: "SummaryWriter"
    ) -> None:
        try:
            # Inside the try, so that a fault of the drawing library is a warning as well.
            from training.engine.figures import sample_picture

            picture = sample_picture(results, f"{results[0].clip.name}, {spec}, step {step:,}")
            writer.add_image(f"samples/{spec}", picture, step, dataformats="HWC")
        except Exception as error:
            _warn(f"step {step}: no picture of {spec} ({type(error).__name__}: {error})")


def _name(spec: str, kind: str, method: str) -> str:
    return f"validation/{spec}/{kind}/{method}"


def _figures(spec: str, method: str, results: Sequence[RecoveryResult]) -> dict[str, float]:
    """Means over the hidden entries of all clips."""
    figures = {}
    for kind in SHOWN:
        entries = [
            cast(np.ndarray, getattr(result.errors, kind))[result.hidden] for result in results
        ]
        figures[_name(spec, kind, method)] = float(np.concatenate(entries).mean(dtype=np.float64))
    return figures


def _warn(text: str) -> None:
    # A plain print would garble a live progress bar.
    tqdm.write(f"warning: {' '.join(text.split())}", file=sys.stderr)
