"""FBX in, through the ufbx library in a process of its own."""

from mmm.io.fbx.reader import read_fbx

__all__ = ["read_fbx"]
