"""One frame of a recovery as a function of the music."""

from collections.abc import Sequence

import numpy as np
import torch

from mmm.checkpoints.fit import check_fit, check_uses_music
from mmm.errors import ModelError, SpecError
from mmm.masks import Mask
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from mmm.motion.skeleton import joint_indices
from mmm.recovery.own_joints import prepare
from mmm.recovery.recover import hidden_array
from mmm.recovery.windows import windows

Array = np.ndarray
Tensor = torch.Tensor


class FrameExplainer:
    """One frame of a recovery as a function of the music.

    Args:
        frame: the frame of the clip. Of a long clip, the first window that holds it is used, as in
            ``AttentionTrace``.

    Raises:
        ModelError: the network takes no music, or does not fit the clip.
        SpecError: the clip has no music, the frame is not in it, or the mask does not fit.
    """

    def __init__(
        self, model: MaskedMotionModel, clip: Clip, mask: Mask | Array, frame: int
    ) -> None:
        check_music(model, clip)
        check_fit(model.config, clip)
        if not 0 <= frame < len(clip):
            raise SpecError(
                f"frame {frame}",
                f"the clip has {len(clip)} frames",
                f"0 to {len(clip) - 1}",
                "choose a frame of the clip",
            )
        with torch.no_grad():
            ready = prepare(model, clip, hidden_array(clip, mask))
        self.window = next(
            cut for cut in windows(len(clip), model.config.max_frames) if cut[0] <= frame < cut[1]
        )
        part = slice(*self.window)
        assert ready.music is not None and ready.path is not None
        self.model, self._row = model, frame - self.window[0]
        self.music = ready.music[:, part]
        """(1,T,35), the window's music, scaled."""
        self.mean = self.music.mean(1, keepdim=True).expand_as(self.music)
        """(1,T,35), the mean of that music in every row."""
        # Interpolation and body frame depend on the motion alone. They are prepared once, so that
        # each evaluation costs one pass through the network.
        self._filled, self._hidden = ready.filled.part(part), ready.hidden[:, part]
        self._place = ready.path[:, part].mean(1, keepdim=True)
        stats = model.config.fitted_stats
        # The network's root is scaled to [0, 1]. In metres, its entries are of the same magnitude
        # as those of rotation matrices.
        self._metres = torch.from_numpy(stats.root_max - stats.root_min).to(self.music)

    def poses(self, music: Tensor) -> Tensor:
        """The frame's pose (B,F) for each music (B,T,35).

        Its columns are the entries of rotation matrices, then the root in metres.
        """
        # The batch runs over variants of the music; the motion is the same in all of them.
        count = len(music)
        prediction = self.model.predict(
            self._filled.repeat(count),
            self._hidden.expand(count, -1, -1),
            music,
            place=self._place.expand(count, -1, -1),
        ).prediction
        assert prediction is not None
        row = prediction[:, self._row]
        return torch.cat([row[:, :-3], row[:, -3:] * self._metres], dim=-1)

    def columns(self, joints: Sequence[int]) -> list[int]:
        """Columns of a pose that belong to some joints; the root joint's include its position."""
        joints_count = self.model.config.joints
        # A pose is J x 9 rotation entries followed by the root's x, y and z.
        rotation_columns = [9 * joint + k for joint in joints for k in range(9)]
        return rotation_columns + [9 * joints_count + k for k in range(3) if 0 in joints]


def check_music(model: MaskedMotionModel, clip: Clip) -> None:
    """Check that a network takes music, on a skeleton's own joints, and that a clip has some.

    Raises:
        ModelError: the network takes no music, or is one on joint roles.
        SpecError: the clip has none.
    """
    check_uses_music(model.config, model.name_or_path)
    if model.config.representation == "roles":
        raise ModelError(
            model.name_or_path or "network",
            "a network on joint roles",
            "one on a skeleton's own joints",
            "choose dance-3bert-small or dance-ecm-small, or ask for a change of the music",
        )
    if clip.music is None:
        raise SpecError(clip.name, "no music", "a clip with music", "give its recording (--music)")


def chosen_joints(clip: Clip, joints: Sequence[int] | Sequence[str] | None) -> list[int]:
    """Joint indices from indices or names of joints and groups, ascending; all of them for None.

    Raises:
        SpecError: there is no such joint.
    """
    count = len(clip.motion.skeleton)
    if joints is None:
        return list(range(count))
    # Pages pass names, scripts pass indices; a list may hold both.
    names = [joint for joint in joints if isinstance(joint, str)]
    numbers = [int(joint) for joint in joints if not isinstance(joint, str)]
    # An empty list goes to ``joint_indices`` too, which refuses it with its own message.
    if names or not numbers:
        numbers += joint_indices(clip.motion.skeleton, names)
    wrong = [joint for joint in numbers if not 0 <= joint < count]
    if wrong:
        raise SpecError(
            f"joint {wrong[0]}",
            f"the skeleton has {count} joints",
            f"0 to {count - 1}",
            "choose joints of the skeleton",
        )
    return sorted(set(numbers))
