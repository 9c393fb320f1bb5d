"""Recovery by networks on the joints of one skeleton at one frame rate, with or without music."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmm.models import MaskedMotionModel, MaskedMotionOutput
from mmm.motion import foot_locking
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.features import Stats, from_features, to_features
from mmm.music.features import silence
from mmm.recovery.representation import JointNames, Prediction, music_features
from mmm.recovery.windows import NetworkInput, WindowedOutput

Array = np.ndarray

AMBIGUOUS_RESIDUAL = 0.6
"""Above this residual the predicted matrix is close to the average of two opposite rotations, so
its projection can flip between frames. The matrix is then blended towards the fill in
proportion."""


@dataclass(frozen=True, eq=False)
class OwnJoints:
    """A clip as networks on its own joints read it: a ``View``."""

    clip: Clip
    hidden: Bool[Array, "T J"]
    given: NetworkInput
    stats: Stats
    twist_m: float = foot_locking.TWIST_M

    @classmethod
    def of(
        cls, model: MaskedMotionModel, clip: Clip, hidden: Bool[Array, "T J"], _: JointNames = None
    ) -> "OwnJoints":
        """Fill a clip and compute its features.

        Raises:
            ModelError: the clip's music has other features than the network's.
        """
        return cls(clip, hidden, prepare(model, clip, hidden), model.config.fitted_stats)

    def read(self, output: MaskedMotionOutput) -> Sequence[torch.Tensor]:
        """Predicted features."""
        assert output.prediction is not None
        return (output.prediction,)

    def predictions(self, output: WindowedOutput) -> list[Prediction]:
        """Motions whose matrices are projected to rotations."""
        fill = self.given.filled.features[0].float().cpu().numpy()
        return [self._prediction(rows, fill, output) for rows in output.values[0]]

    def _prediction(
        self, rows: Float[Array, "T F"], fill: Float[Array, "T F"], output: WindowedOutput
    ) -> Prediction:
        matrices, scaled_root = from_features(rows)
        rotations, residual = rot.project_to_so3(matrices)
        # The blend is linear in the residual, so it does not jump between frames.
        ambiguous = np.clip(2 * (residual - AMBIGUOUS_RESIDUAL), 0, 1)[..., None, None]
        if ambiguous.any():
            rotations = rot.project_to_so3(matrices + ambiguous * from_features(fill)[0])[0]
        skeleton, fps = self.clip.motion.skeleton, self.clip.motion.fps
        motion = Motion(skeleton, rotations, self.stats.unscale_root(scaled_root), fps)
        # Predictions at known entries are dropped, so their residual would mislead.
        residual = np.where(self.hidden, residual, 0).astype(np.float32)
        return Prediction(motion, residual, None, output.attention)


def prepare(model: MaskedMotionModel, clip: Clip, hidden: Bool[Array, "T J"]) -> NetworkInput:
    """Compute the features of a clip with its gaps filled.

    The whole clip is filled at once, so that a gap across the end of a window is filled from its
    true neighbours.

    Raises:
        ModelError: the clip's music has other features than the network's.
    """
    config, device, motion = model.config, model.device, clip.motion
    stats = config.fitted_stats
    poses = torch.from_numpy(to_features(motion.rotations, stats.scale_root(motion.root_m)))
    poses, pattern = poses[None].to(device), torch.from_numpy(hidden)[None].to(device)
    # Music is scaled by the statistics of the training split, not by those of the song.
    music = None
    if config.uses_music:
        features = music_features(clip, config.music_size)
        if features is None:
            # check_fit has told the user that the network gets silence.
            features = silence(len(clip), motion.fps).features
        music = torch.from_numpy(stats.scale_music(features))[None].to(device)
    # Windows in which no root is known are centred on this path.
    path = _known_path(poses[0, :, -3:].cpu().numpy(), hidden)
    return NetworkInput(
        model.fill(poses, pattern),
        pattern,
        np.arange(len(clip), dtype=float),
        len(clip),
        music=music,
        path=torch.from_numpy(path)[None].to(device),
    )


def _known_path(root: Float[Array, "T 3"], hidden: Bool[Array, "T J"]) -> Float[Array, "T 3"]:
    """Linear interpolation between the known positions of the root."""
    known = np.flatnonzero(~hidden[:, 0])
    frames = np.arange(len(root))
    return np.stack(
        [np.interp(frames, known, root[known, axis]) for axis in range(3)], axis=1
    ).astype(np.float32)
