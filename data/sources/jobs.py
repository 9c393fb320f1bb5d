"""Convert recordings to a prepared set: select files, assign splits, write the set and the report."""

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.sources import aist, units
from data.sources.assemble import Member, check_out, put_in_place, write_parts
from data.sources.convert import Task, convert_all
from data.sources.files import Skip, SourceFile, gather
from data.sources.options import (
    AistOptions,
    BvhOptions,
    Lafan1Options,
    Options,
    check_numbers,
    reported_options,
)
from data.sources.report import Report
from data.sources.sift import sift
from mmm.errors import FileError, SpecError
from mmm.io import load_clip
from mmm.io.body import parse_unit
from mmm.motion.skeleton import Skeleton

MOTIONS = (".bvh", ".amc")
_LAFAN1_SUBJECT = re.compile(r"subject(\d+)(?=\.bvh$)", re.IGNORECASE)
# As in Harvey et al. (2020): subject 5 is held out.
_LAFAN1_SPLITS = {**{f"subject{n}": "train" for n in (1, 2, 3, 4)}, "subject5": "test"}


@dataclass
class Job:
    """The files to convert, and their splits."""

    tasks: list[Task] = field(default_factory=list)
    places: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Split, unit and group of every task, by its file's label."""
    skipped: list[Skip] = field(default_factory=list)
    missing_music: Mapping[str, int] = field(default_factory=dict)
    listed_missing: Sequence[str] = ()
    target_skeleton: Skeleton | None = None

    def add(self, task: Task, split: str, unit: str, group: str = "") -> None:
        """Add a file."""
        self.tasks.append(task)
        self.places[task.file.label] = (split, unit, group)


def run(options: Options) -> None:
    """Convert files, select those that can be in one set, write the set, and print the report.

    Raises:
        FileError, SpecError: an option is wrong, or no file could be kept.
    """
    # Options are checked before the conversion, which may take hours.
    check_numbers(options)
    started = time.monotonic()
    check_out(options.out, options.command)
    # Archives stay unpacked until the last file is converted.
    with ExitStack() as stack:
        job = _job(options, stack)
        converted, cached = convert_all(job.tasks, options.jobs, options.ray)
    kept, skipped, skeletons = sift(
        converted, options.min_frames, options.min_travel_m, job.target_skeleton
    )
    members = [Member(item, *job.places[item.label]) for item in kept]
    report = Report(
        options.command,
        options.fps,
        members,
        [*job.skipped, *skipped],
        skeletons,
        reported_options(options),
        job.missing_music,
        job.listed_missing,
        time.monotonic() - started,
        cached,
    )
    if not members:
        raise FileError(
            str(options.out),
            "nothing was kept: "
            + ", ".join(f"{reason} ({count})" for reason, count in report.reasons().items()),
            cure=next((skip.detail for skip in report.skipped if skip.detail), ""),
        )
    _write(options, members, report)
    summary = (
        f"wrote {options.out} in {time.monotonic() - started:.0f} s "
        f"({cached} of {len(job.tasks)} files were converted before)"
    )
    sys.stdout.write("\n".join([*report.lines(), summary]) + "\n")


def _write(options: Options, members: Sequence[Member], report: Report) -> None:
    """The parts of the set and its report, put in place of an older set.

    Raises:
        FileError: they cannot be written.
    """
    with_music = isinstance(options, AistOptions) and options.music is not None
    try:
        # Nothing old is removed until all parts are on the disk.
        write_parts(options.out, members, options.fps, with_music)
        # Before the splits, because the report states which command wrote them.
        report.write(options.out)
        put_in_place(options.out)
    except OSError as error:
        raise FileError(
            str(options.out),
            f"cannot be written ({error.strerror or error})",
            cure="check the disk; the same command continues from here",
        ) from None


def _job(options: Options, stack: ExitStack) -> Job:
    if isinstance(options, AistOptions):
        return _aist(options, stack)
    if isinstance(options, Lafan1Options):
        return _lafan1(options, stack)
    assert isinstance(options, BvhOptions)
    return _bvh(options, stack)


def _task(options: Options, file: SourceFile, **more: Any) -> Task:
    return Task(
        # The cache is in the set's folder, so that deleting the set deletes all of it.
        file,
        float(options.fps),
        options.out / "cache",
        roles=options.skeleton == "roles",
        **more,
    )


def _unpack_into(options: Options) -> Path | None:
    """Where archives are unpacked; None for the machine's own temporary folder."""
    # Other nodes see the set's folder, not this machine's.
    return None if options.ray is None else options.out


def _check_bvh(options: BvhOptions) -> None:
    """Check the options that depend on each other.

    Raises:
        SpecError: two of them contradict, or one is missing.
    """
    if not options.split_by and not options.units:
        raise SpecError(
            "--split-by",
            "neither it nor --units is given",
            "what names a subject or scene in a path",
            r"for example --split-by '(\d+)_\d+'",
        )
    if options.skeleton_of is not None and options.skeleton == "roles":
        raise SpecError(
            "--skeleton-of",
            "given with --skeleton roles",
            "one of the two",
            "leave it out: all skeletons are taken in",
        )


def _bvh(options: BvhOptions, stack: ExitStack) -> Job:
    _check_bvh(options)
    rule = units.SplitRule(
        units.parse_shares(options.shares),
        units.parse_names(options.val),
        units.parse_names(options.test),
        options.seed,
    )
    pattern = units.compile_pattern(options.split_by) if options.split_by else None
    groups = units.compile_pattern(options.group_by, "--group-by") if options.group_by else None
    # Before any file is opened, so that a wrong unit is reported at once.
    unit_m = None if options.unit is None else parse_unit(options.unit)
    job = Job()
    if options.skeleton_of is not None:
        job.target_skeleton = load_clip(options.skeleton_of).motion.skeleton
    files, job.skipped = gather(options.bvh, MOTIONS, stack, _unpack_into(options))
    labels = [file.label for file in files]
    table, job.listed_missing = (
        units.read_units(options.units, labels) if options.units else ({}, [])
    )
    unit_of = {
        # The table takes precedence, because it is more specific than the pattern.
        label: table.get(label) or (units.unit_by_pattern(label, pattern) if pattern else "")
        for label in labels
    }
    # A misspelt ``--val`` would leave the split empty without a message.
    rule.check(unit for unit in unit_of.values() if unit)
    for file in files:
        unit = unit_of[file.label]
        if unit:
            job.add(
                _task(
                    options,
                    file,
                    unit_m=unit_m,
                    true_fps=options.true_fps,
                    drop_lead=not options.keep_first,
                ),
                rule.split_of(unit),
                unit,
                units.group_by_pattern(file.label, groups) if groups else "",
            )
        else:
            job.skipped.append(Skip(file.label, "no unit by --split-by or --units"))
    return job


def _lafan1(options: Lafan1Options, stack: ExitStack) -> Job:
    job = Job()
    files, job.skipped = gather([options.bvh], (".bvh",), stack, _unpack_into(options))
    validate = units.parse_names(options.val)
    if lost := sorted(
        validate - {name for name, split in _LAFAN1_SPLITS.items() if split == "train"}
    ):
        raise SpecError("--val", lost[0], "some of subject1 to subject4")
    for file in files:
        match = _LAFAN1_SUBJECT.search(file.label)
        unit = f"subject{match[1]}" if match else ""
        split = options.all_to or (
            "val" if unit in validate else _LAFAN1_SPLITS.get(unit, options.unknown_to)
        )
        # Unknown subjects are left out by default, because a test subject in the training split would
        # invalidate the results.
        if split is None:
            job.skipped.append(
                Skip(
                    file.label,
                    "unknown subject",
                    "its name ends in none of subject1 to subject5; --unknown-to takes it in",
                )
            )
        else:
            job.add(_task(options, file), split, unit or "unknown subject")
    return job


def _aist(options: AistOptions, stack: ExitStack) -> Job:
    job = Job()
    lists = aist.read_lists(options.splits, options.motions)
    recordings = aist.recordings(options.music) if options.music is not None else None
    files, job.skipped = gather([options.motions], (".pkl",), stack, _unpack_into(options))
    missing: Counter[str] = Counter()
    here = set()
    for file in files:
        plan = aist.place(file, lists, recordings)
        here.add(plan.name)
        if plan.skip is None:
            job.add(
                _task(options, file, music=plan.music, tempo_bpm=plan.tempo_bpm),
                options.all_to or plan.split,
                plan.name,
            )
            continue
        job.skipped.append(plan.skip)
        if plan.missing_music:
            missing[plan.missing_music] += 1
    job.missing_music = dict(missing)
    # Ignored motions are often deleted, so they are not reported as missing.
    job.listed_missing = sorted(set(lists.split_of) - lists.ignored - here)
    return job
