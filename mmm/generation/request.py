"""The arguments of a generation, and their checks before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mmm.checkpoints import check_fit
from mmm.errors import ModelError, SpecError
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music

MIN_SEED_S = 0.5
"""A shorter seed does not show a network how somebody moves."""
MAX_TEMPERATURE = 3.0
_NOISE_STREAM = 9173
"""Second word of the random seed, so that other draws from one seed number are independent."""


@dataclass(frozen=True, eq=False)
class Request:
    """The arguments of :func:`mmm.generation.generate.generate`, in one value."""

    model: MaskedMotionModel
    clip: Clip
    prefix_frames: int
    frames: int
    music: Music | None
    temperature: float
    random_seed: int
    joint_names: Mapping[str, str] | None
    attention_frame: int | None

    @property
    def seed(self) -> Motion:
        """The known frames; nothing after them is ever read."""
        return self.clip.motion.crop(0, self.prefix_frames)

    @property
    def stop(self) -> int:
        """The frame after the last generated one, counted with the seed."""
        return self.prefix_frames + self.frames

    def rng(self) -> np.random.Generator:
        """The generator of all random numbers of one generation."""
        return np.random.default_rng([self.random_seed, _NOISE_STREAM])

    def wants_attention(self, start: int, stop: int) -> bool:
        """Whether ``attention_frame`` is among the frames from ``start`` to before ``stop``."""
        return self.attention_frame is not None and start <= self.attention_frame < stop

    def checked(self) -> "Request":
        """This request with the music that the network takes, without its sound.

        Raises:
            SpecError: a number is out of range, or the music is too short or at another rate.
            ModelError: the network does not fit the clip or the music.
        """
        _check_numbers(self)
        music = self.music or self.clip.music
        check_fit(self.model.config, self.clip, self.joint_names)
        # A library needs the beats alone, and continues without them where the song ends.
        retrieves = self.model.config.library is not None
        if not (self.model.config.uses_music or retrieves):
            music = None
        if music is not None:
            if not retrieves:
                _check_music(self, music)
            # Networks do not read the sound, and it would be copied with every window.
            music = replace(music, audio=None)
        _check_attention_frame(self)
        return replace(self, music=music)


def _check_numbers(request: Request) -> None:
    motion = request.clip.motion
    # Two frames give a speed, also at rates so low that half a second is a single frame.
    least = max(2, round(MIN_SEED_S * motion.fps))
    if not least <= request.prefix_frames <= len(motion):
        raise SpecError(
            f"seed of {request.prefix_frames} frames",
            f"the clip has {len(motion)} at {motion.fps:g} a second",
            f"{least} to {len(motion)}",
            "choose another length",
        )
    if request.frames < 1:
        raise SpecError(
            f"{request.frames} frames to generate", "nothing to do", "1 or more", "ask for more"
        )
    if request.random_seed < 0:
        raise SpecError(
            f"random seed {request.random_seed}", "below zero", "0 or more", "choose another number"
        )
    if not 0 <= request.temperature <= MAX_TEMPERATURE:
        raise SpecError(
            f"temperature {request.temperature:g}",
            "out of range",
            f"0 to {MAX_TEMPERATURE:g}",
            "choose a value between",
        )


def _check_music(request: Request, music: Music) -> None:
    fps = request.clip.motion.fps
    if music.fps != fps:
        raise SpecError(
            "music",
            f"{music.fps:g} rows per second",
            f"the clip's {fps:g}",
            "take its features at the clip's rate",
        )
    if len(music) < request.stop:
        raise SpecError(
            "music",
            f"it lasts {len(music)} frames",
            f"{request.prefix_frames} of seed and {request.frames} to generate",
            f"generate at most {len(music) - request.prefix_frames} frames, "
            "or choose a longer song",
        )
    features, size = music.features.shape[1], request.model.config.music_size
    if features != size:
        raise ModelError(
            "music",
            f"{features} music features per frame",
            f"the network's {size}",
            "take them anew from the recording (--music)",
        )


def _check_attention_frame(request: Request) -> None:
    frame = request.attention_frame
    if frame is not None and not request.wants_attention(request.prefix_frames, request.stop):
        raise SpecError(
            f"attention_frame {frame}",
            "not a generated frame",
            f"{request.prefix_frames} to {request.stop - 1}",
            "choose one of these",
        )
