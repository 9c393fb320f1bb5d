"""Sound files, and the music features that networks take."""

from mmm.music.features import load_music

__all__ = ["load_music"]
