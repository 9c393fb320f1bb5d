"""Motion files in and out."""

from mmm.io.aist import AistName, parse_aist_name
from mmm.io.clips import load_clip, save_clip
from mmm.io.files import LARGEST_UPLOAD

__all__ = ["LARGEST_UPLOAD", "AistName", "load_clip", "parse_aist_name", "save_clip"]
