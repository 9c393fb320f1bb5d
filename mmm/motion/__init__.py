"""Motion: skeletons, rotations, clips, joint roles, feet on the ground."""

from mmm.motion.clip import Audio, Clip, Motion, Music, Recording
from mmm.motion.skeleton import SMPL24, Skeleton

__all__ = ["SMPL24", "Audio", "Clip", "Motion", "Music", "Recording", "Skeleton"]
