"""Prepared motion: memory-mapped arrays of all frames of a split, cut into windows at any frame.

A split is a folder with ``rotations.npy`` (N,J,6) float16, the first two columns of each local
matrix; ``root_m.npy`` (N,3) float32; ``music.npy`` (N,M) float32, absent for motion alone; and
``clips.json``, whose ``clips`` are objects with at least ``name``, ``first`` (the clip's first row)
and ``frames``, beside ``fps`` and the joints' names in ``skeleton``. Sets of other skeletons than
SMPL also have ``joint_parents``; ``joint_offsets_m``, the median of the training clips; and
``bodies``, the offsets of every subject, which a clip's ``body`` indexes. Sets of joint roles
(``mmm.motion.humanoid``) have ``"joints_are": "roles"``, and ``present`` lists the roles of each
body; their ``joint_offsets_m`` is the medoid of the bodies. Draws are balanced by a clip's
``group`` (its source and content).
"""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmm.errors import FileError, ModelError, SpecError
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.features import Stats
from mmm.motion.rotations_torch import sixd_to_matrix
from mmm.motion.skeleton import Skeleton
from mmm.music.features import FEATURE_SLICES


@dataclass(frozen=True, eq=False)
class Windows:
    """A batch of windows."""

    motion: Tensor
    """Features (B, T, F), the root scaled."""
    music: Tensor | None
    """Scaled features (B, T, M)."""
    body: Tensor | None
    """Joint offsets (B, J, 3) of the subject of each window, metres; None where the set has one
    body for all."""
    clip: Tensor
    """Index of each window's clip in the set (B,)."""


class MotionSet:
    """One split of a prepared set.

    Args:
        folder: the split's folder, for example ``data/processed/dance/train``.
        device: holds the arrays, and batches are made there.

    Raises:
        FileError: the folder is not a prepared split.
    """

    def __init__(self, folder: Path, device: str | torch.device = "cpu") -> None:
        if not (folder / "clips.json").is_file():
            raise FileError(
                str(folder), "no clips.json", "a prepared split", "run python -m data prepare first"
            )
        stored = json.loads((folder / "clips.json").read_text())
        self.clips: list[dict[str, Any]] = stored["clips"]
        self.fps: float | None = stored.get("fps")
        self.joint_names: list[str] | None = stored.get("skeleton")
        self.skeleton = _stored_skeleton(stored)
        self.bodies = [np.array(offsets, dtype=np.float32) for offsets in stored.get("bodies", [])]
        # Mode "c" (copy on write), because torch warns of read-only memory. On the CPU the file
        # stays mapped.
        self.rotations = torch.from_numpy(np.load(folder / "rotations.npy", mmap_mode="c")).to(
            device
        )
        self.root_m = torch.from_numpy(np.load(folder / "root_m.npy", mmap_mode="c")).to(device)
        music = folder / "music.npy"
        self.music = (
            torch.from_numpy(np.load(music, mmap_mode="c")).to(device) if music.is_file() else None
        )
        self.starts = torch.tensor([clip["first"] for clip in self.clips], device=device)
        self.lengths = torch.tensor([clip["frames"] for clip in self.clips], device=device)
        self.are_roles: bool = stored.get("joints_are") == "roles"
        self.present = [np.array(roles, dtype=bool) for roles in stored.get("present", [])]
        self._offsets_m = (
            torch.from_numpy(np.array(self.bodies)).to(device) if self.bodies else None
        )
        self._body = torch.tensor([clip.get("body", 0) for clip in self.clips], device=device)
        self.group_names = sorted({clip.get("group", "") for clip in self.clips})
        place = {name: k for k, name in enumerate(self.group_names)}
        self.groups = torch.tensor(
            [place[clip.get("group", "")] for clip in self.clips], device=device
        )
        self.stats: Stats | None = None

    def fit_stats(self, window: int) -> Stats:
        """Fit the scaling on this split; call it on the training split only."""
        spans = [(int(s), int(s + n)) for s, n in zip(self.starts, self.lengths, strict=True)]
        roots = [self.root_m[a:b].float().cpu().numpy() for a, b in spans]
        music = (
            [self.music[a:b].float().cpu().numpy() for a, b in spans]
            if self.music is not None
            else []
        )
        self.stats = Stats.fit(roots, music, window)
        return self.stats

    def fit_standard(self, window: int, count: int = 256) -> dict[str, list[float]]:
        """Mean and standard deviation of the networks' inputs; call it on the training split only.

        Standard deviations have a floor, so that entries that hardly move are not amplified.
        """
        assert self.stats is not None
        generator = torch.Generator(device=self.starts.device).manual_seed(0)
        motion, music = self.windows(count, min(window, int(self.lengths.max())), generator)
        origin = torch.from_numpy(self.stats.scale_root(np.zeros(3, np.float32))).to(motion)
        # On the ground plane, as the networks move every window to the origin.
        level = torch.tensor([1.0, 0.0, 1.0]).to(motion)
        motion[..., -3:] -= (motion[..., -3:].mean(1, keepdim=True) - origin) * level
        values = {"motion": motion, "music": music} if music is not None else {"motion": motion}
        return {
            f"{kind}_{name}": [round(float(x), 5) for x in figure]
            for kind, rows in values.items()
            for name, figure in (
                ("mean", rows.mean((0, 1))),
                ("std", rows.std((0, 1)).clamp(min=0.05)),
            )
        }

    def windows(
        self, batch: int, frames: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Windows at any start in any clip that is long enough, all equally likely.

        Returns:
            Motion features (batch, frames, F) and scaled music (batch, frames, M).
        """
        ends = (room := self._room(frames)).cumsum(0)
        draw = torch.randint(
            0, int(ends[-1]), (batch,), generator=generator, device=self.starts.device
        )
        clip = torch.searchsorted(ends, draw, right=True)
        return self._cut(self.starts[clip] + draw - (ends[clip] - room[clip]), frames)

    def draw_windows(
        self, batch: int, frames: int, generator: torch.Generator, balance: float = 1.0
    ) -> Windows:
        """Windows with their subjects' bodies, balanced over groups.

        Args:
            batch: number of windows.
            frames: the length of each.
            generator: on the set's device.
            balance: a group of clips is drawn in proportion to (its number of windows) ** balance:
                with 1 all windows are equally likely, with 0 all groups. Windows of a group are
                equally likely.
        """
        room = self._room(frames)
        # Double precision: sums over millions of windows exceed what float32 counts exactly.
        weights = room.double() * self._group_weights(room, balance)[self.groups]
        ends = weights.cumsum(0)
        draws = torch.rand(2, batch, generator=generator, device=ends.device, dtype=torch.float64)
        # Rounding can put a draw beyond the last sum; it goes to the last clip that has room.
        clip = torch.searchsorted(ends, draws[0] * ends[-1], right=True).clamp(
            max=int(room.nonzero()[-1])
        )
        start = self.starts[clip] + (draws[1] * room[clip]).long().minimum(room[clip] - 1)
        motion, music = self._cut(start, frames)
        body = self._offsets_m[self._body[clip]] if self._offsets_m is not None else None
        return Windows(motion, music, body, clip)

    def _room(self, frames: int) -> Tensor:
        """The number of windows of this length in each clip."""
        room = (self.lengths - frames + 1).clamp(min=0)
        if not room.any():
            raise FileError(
                "training split",
                f"no clip of {frames} frames",
                "longer clips",
                "lower --max-frames",
            )
        return room

    def _group_weights(self, room: Tensor, balance: float) -> Tensor:
        """The factor on the probability of each group's windows."""
        windows = torch.zeros(len(self.group_names), dtype=torch.float64, device=room.device)
        windows.index_add_(0, self.groups, room.double())
        # Windows are already counted in ``room``, hence the exponent minus one. The clamp is for
        # groups without a long enough clip, where zero to a negative power would be infinite.
        return windows.clamp(min=1) ** (balance - 1)

    def _cut(self, start: Tensor, frames: int) -> tuple[Tensor, Tensor | None]:
        """Features of the windows that begin at these rows."""
        assert self.stats is not None, "fit_stats, or set stats, first"
        index = start[:, None] + torch.arange(frames, device=start.device)
        low, high = (
            torch.from_numpy(v).to(self.root_m) for v in (self.stats.root_min, self.stats.root_max)
        )
        root = (self.root_m[index] - low) / (high - low)
        motion = torch.cat(
            [sixd_to_matrix(self.rotations[index].float()).flatten(-3), root.float()], dim=-1
        )
        if self.music is None:
            return motion, None
        low, high = (
            torch.from_numpy(v).to(motion) for v in (self.stats.music_min, self.stats.music_max)
        )
        # Music of the test split may leave the range of the training split; the clamp bounds how
        # far.
        return motion, ((self.music[index].float() - low) / (high - low)).clamp(-1, 2)

    def keep(self, pattern: str) -> None:
        """Keep the clips whose source matches a regular expression.

        Raises:
            SpecError: the expression is invalid, or matches no source.
        """
        try:
            kept = [
                k
                for k, clip in enumerate(self.clips)
                if re.search(pattern, str(clip.get("source", clip["name"])))
            ]
        except re.error as error:
            raise SpecError("--only", f"{pattern!r}: {error}", "a regular expression") from None
        if not kept:
            raise SpecError(
                "--only",
                f"{pattern!r} is in no clip's source",
                f"such as {self.clips[0].get('source')}",
            )
        self.clips = [self.clips[k] for k in kept]
        rows = torch.tensor(kept, device=self.starts.device)
        self.starts, self.lengths, self._body, self.groups = (
            values[rows] for values in (self.starts, self.lengths, self._body, self.groups)
        )

    def cut_clips(self, count: int, frames: int, skeleton: Skeleton, fps: float) -> list[Clip]:
        """The first ``frames`` frames of ``count`` clips, spread evenly over the split, for
        evaluation.

        Where the split has fewer clips, further stretches of long clips are taken; none overlap.
        """
        names, rate = self.joint_names or list(skeleton.names), self.fps or fps
        if names != list(skeleton.names) or rate != fps:
            raise ModelError(
                "prepared set",
                f"{len(names)} joints from {names[0]} at {rate:g} frames a second",
                f"the network's {len(skeleton)} from {skeleton.names[0]} at {fps:g}",
                "prepare the set for this network",
            )
        room = [clip for clip in self.clips if clip["frames"] >= frames]
        if not room:
            raise FileError(
                "split", f"no clip of {frames} frames", "longer clips", "ask for fewer frames"
            )
        stretches = [(entry, 0) for entry in room]
        if len(stretches) < count:
            stretches = [
                (entry, start)
                for entry in room
                for start in range(0, entry["frames"] - frames + 1, frames)
            ]
        chosen = [
            stretches[int(i)]
            for i in np.linspace(0, len(stretches) - 1, min(count, len(stretches)))
        ]
        return [self._clip(entry, frames, skeleton, fps, start) for entry, start in chosen]

    def clip_of(self, entry: dict[str, Any], skeleton: Skeleton | None = None) -> Clip:
        """The whole of one of ``clips``; ``skeleton`` is the body where a set only names joints."""
        body = self.skeleton or skeleton
        assert body is not None, "a set that only names its joints"
        return self._clip(entry, entry["frames"], body, self.fps or 30.0)

    def _clip(
        self, entry: dict[str, Any], frames: int, skeleton: Skeleton, fps: float, start: int = 0
    ) -> Clip:
        part = slice(entry["first"] + start, entry["first"] + start + frames)
        rotations = sixd_to_matrix(self.rotations[part].float()).cpu().numpy()
        # Positions are measured on the subject's own bones.
        if self.bodies:
            skeleton = replace(skeleton, offsets_m=self.bodies[entry["body"]])
        motion = Motion(skeleton, rotations, self.root_m[part].float().cpu().numpy(), fps)
        music = None
        if self.music is not None:
            features = self.music[part].float().cpu().numpy()
            beats = np.flatnonzero(features[:, FEATURE_SLICES["beat"]][:, 0] > 0.5)
            music = Music(features, fps, beats, float(entry.get("tempo_bpm", 0.0)))
        name = f"{entry['name']} from {start}" if start else entry["name"]
        return Clip(name, motion, music, source="prepared set", split=entry.get("split", ""))


def _stored_skeleton(stored: dict[str, Any]) -> Skeleton | None:
    """The skeleton in a ``clips.json``; None where it only names the joints."""
    if "joint_parents" not in stored:
        return None
    return Skeleton(
        tuple(stored["skeleton"]),
        tuple(stored["joint_parents"]),
        np.array(stored["joint_offsets_m"]),
    )
