"""glTF 2.0: clips are written as ``.glb``, and characters are read from ``.glb`` and ``.gltf``."""

from mmm.io.gltf.reader import read_gltf
from mmm.io.gltf.writer import quaternion_track, write_glb

__all__ = ["quaternion_track", "read_gltf", "write_glb"]
