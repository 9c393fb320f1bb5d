"""The report of a run: files that were kept and left out, as a table and as ``report.json``."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.sources.assemble import REPORT, Member
from data.sources.files import Skip
from data.sources.units import SPLITS
from mmm.storage import write_text

_NAMED = 5
"""Number of files that the table names for each reason."""


@dataclass(frozen=True)
class Report:
    """The outcome of one run."""

    kind: str
    """``aist``, ``lafan1`` or ``bvh``."""
    fps: float
    members: Sequence[Member]
    skipped: Sequence[Skip]
    skeletons: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    missing_music: Mapping[str, int] = field(default_factory=dict)
    """Missing recordings, with the number of motions that need each."""
    listed_missing: Sequence[str] = ()
    """Names of a user's list that are not in the folder."""
    elapsed_s: float = 0.0
    from_cache: int = 0

    def splits(self) -> dict[str, dict[str, Any]]:
        """Clips, frames, hours and units of each split."""
        rows = {}
        for split in SPLITS:
            members = [m for m in self.members if m.split == split]
            frames = sum(int(m.converted.facts["frames"]) for m in members)
            rows[split] = {
                "clips": len(members),
                "frames": frames,
                "hours": round(frames / self.fps / 3600, 4),
                "units": sorted({m.unit for m in members}),
            }
        return rows

    def reasons(self) -> dict[str, int]:
        """Number of files left out for each reason, the most frequent first."""
        # ``most_common`` keeps the order of first occurrence among equals, so reports are
        # repeatable.
        return dict(Counter(skip.reason for skip in self.skipped).most_common())

    def notes(self) -> dict[str, int]:
        """Notes of the readers on the kept files, with their counts."""
        return dict(
            Counter(note for m in self.members for note in m.converted.facts["notes"]).most_common()
        )

    def file_rates(self) -> dict[str, int]:
        """Number of kept files by their original frame rate."""
        return dict(Counter(f"{m.converted.facts['fps']:g}" for m in self.members).most_common())

    def to_dict(self) -> dict[str, Any]:
        """The content of ``report.json``."""
        return {
            "kind": self.kind,
            "fps": self.fps,
            "options": dict(self.options),
            "splits": self.splits(),
            "kept": len(self.members),
            "skipped": len(self.skipped),
            "reasons": self.reasons(),
            "missing_music": dict(self.missing_music),
            "listed_missing": list(self.listed_missing),
            "file_rates": self.file_rates(),
            "skeletons": [dict(row) for row in self.skeletons],
            "notes": self.notes(),
            # All of them: the table names only a few for each reason.
            "skipped_files": [vars(skip) for skip in self.skipped],
            "elapsed_s": round(self.elapsed_s, 1),
            "from_cache": self.from_cache,
        }

    def write(self, out: Path) -> None:
        """Write ``report.json`` into the set's folder."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        # A reader of the report must never see half of it.
        write_text(out / REPORT, text)

    def lines(self) -> Iterator[str]:
        """The table."""
        yield f"{'split':<7}{'clips':>7}{'frames':>10}{'hours':>8}{'units':>7}"
        for split, row in self.splits().items():
            yield (
                f"{split:<7}{row['clips']:>7}{row['frames']:>10}"
                f"{row['hours']:>8.2f}{len(row['units']):>7}"
            )
        yield f"kept {len(self.members)}, skipped {len(self.skipped)}"
        for reason, count in self.reasons().items():
            yield f"  {count:>5}  {reason}"
            members = [skip for skip in self.skipped if skip.reason == reason]
            for skip in members[:_NAMED]:
                yield f"         {_described(skip)}"
            if len(members) > _NAMED:
                yield f"         and {len(members) - _NAMED} more, see {REPORT}"
        yield from self._warnings()
        for split, row in self.splits().items():
            if not row["clips"]:
                yield f"{split} is empty"

    def _warnings(self) -> Iterator[str]:
        if self.missing_music:
            names = ", ".join(
                f"{name} ({count})" for name, count in sorted(self.missing_music.items())
            )
            yield (
                f"missing music: {len(self.missing_music)} recordings "
                f"(motions that need each): {names}"
            )
        if self.listed_missing:
            yield (
                f"listed but not there: {len(self.listed_missing)}, first {self.listed_missing[0]}"
            )
        for row in (
            sorted(self.skeletons, key=lambda row: -row["frames"])
            if len(self.skeletons) > 1
            else ()
        ):
            yield (
                f"skeleton {'kept' if row['kept'] else 'left'}: {row['joints']} joints from "
                f"{row['root']}, "
                f"{row['files']} files, {row['frames']} frames (for example {row['first']})"
            )
        if list(self.file_rates()) != [f"{self.fps:g}"]:
            rates = ", ".join(
                f"{count} files at {rate}" for rate, count in self.file_rates().items()
            )
            yield f"brought to {self.fps:g} frames a second: {rates}"
        for note, count in list(self.notes().items())[:_NAMED]:
            yield f"note ({count} files): {note}"


def _described(skip: Skip) -> str:
    """The file and the details, which may already begin with its name."""
    if not skip.detail or skip.detail.startswith(skip.label):
        return skip.detail or skip.label
    return f"{skip.label}: {skip.detail}"
