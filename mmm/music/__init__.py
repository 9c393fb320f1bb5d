"""Sound, and the features of it that networks take."""

from mmm.music.features import load_music

__all__ = ["load_music"]
