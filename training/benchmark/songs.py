"""The song of each clip, and a partner with another song, for comparisons with mismatched music."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmm.errors import SpecError
from mmm.motion.clip import Clip

# AIST's names hold the song as m, genre and number: gBR_sBM_cAll_d04_mBR0_ch01.
_AIST_SONG = re.compile(r"_(m[A-Z]{2}\d+)(?:_|$)")


def song_of(clip_name: str, entry: Mapping[str, Any] | None = None) -> str:
    """The song of a clip: as the set states it, else by AIST's file names, else the clip's own
    name."""
    if entry is not None and "song" in entry:
        return str(entry["song"])
    match = _AIST_SONG.search(clip_name)
    return match[1] if match else clip_name


def songs_of(clips: Sequence[Clip], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The songs of a set's clips; all stretches of one recording have the same song."""
    known = {str(entry["name"]): entry for entry in entries}
    # A stretch cut from a longer recording is named `NAME from FRAME`.
    names = [
        clip.name if clip.name in known else clip.name.rpartition(" from ")[0] for clip in clips
    ]
    return [song_of(name, known[name]) for name in names]


def partners(clips: Sequence[Clip], songs: Sequence[str]) -> list[int]:
    """For each clip the index of a clip with another song: half the list away, or the next one.

    Raises:
        SpecError: a clip has no music, or all clips have the same song.
    """
    silent = next((clip.name for clip in clips if clip.music is None), None)
    if silent is not None:
        raise SpecError(
            silent, "a clip without music", "music with every clip", "take a set with music"
        )
    if len(set(songs)) < 2:
        raise SpecError(
            "clips",
            f"{len(clips)} with {len(set(songs))} songs",
            "2 songs or more to compare with",
            "raise --clips, or take a set with more songs",
        )
    count = len(clips)
    return [
        # The search starts half the list away, because neighbours in a set often share the song.
        next(
            other
            for step in range(count)
            if songs[other := (number + count // 2 + step) % count] != song
        )
        for number, song in enumerate(songs)
    ]
