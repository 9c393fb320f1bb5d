"""Reading FBX, with the ufbx library in a separate process."""

from mmm.io.fbx.reader import read_fbx

__all__ = ["read_fbx"]
