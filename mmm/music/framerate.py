"""A clip at another frame rate, its music with it."""

from dataclasses import replace

import numpy as np

from mmm.motion.clip import Clip, Music


def at_frame_rate(clip: Clip, fps: float) -> Clip:
    """The same movement and music at another frame rate.

    Features are taken from the sound anew; where it is not at hand, the nearest rows stand in, and a note says so.

    Args:
        clip: any clip; one that has this rate already comes back as it is.
        fps: frames a second.

    Raises:
        SpecError: the clip has sound, and the rate is below the six frames a second that its features need.
    """
    if fps == clip.motion.fps:
        return clip
    clip = replace(
        clip, recording=None
    )  # edits speak of frames: they are made at the rate they are meant for
    motion, music = clip.motion.resample(fps), clip.music
    if music is None:
        return replace(clip, motion=motion)
    if music.audio is not None:
        from mmm.music.features import features_of

        heard = features_of(music.audio, fps, len(motion), start_bpm=music.tempo_bpm or None)
        return replace(clip, motion=motion, music=replace(heard, without=music.without))
    nearest = np.minimum(
        np.round(np.arange(len(motion)) * music.fps / fps).astype(int), len(music) - 1
    )
    beats = np.unique(np.round(music.beats * fps / music.fps).astype(np.int64))
    other = Music(music.features[nearest], fps, beats[beats < len(motion)], music.tempo_bpm)
    note = "Its sound is not at hand: of its music features the nearest rows were taken."
    return replace(clip, motion=motion, music=other, notes=(*clip.notes, note))
