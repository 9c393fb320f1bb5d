"""Motion files in and out."""

from mmm.io.aist import AistName, parse_aist_name
from mmm.io.clips import load_clip, save_clip

__all__ = ["AistName", "load_clip", "parse_aist_name", "save_clip"]
