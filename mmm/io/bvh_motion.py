"""The MOTION block of a BVH file: its header, its frame rate and its table of numbers."""

import io
import re
import warnings

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError

Array = np.ndarray

RE_EXPORT = "export it again"
LARGEST_NUMBER = 1e9
"""Larger values are neither angles nor positions."""

_HEADER = re.compile(r"\s*([A-Za-z][^\n]*)")
_FRAMES = re.compile(r"Frames\s*[:=]?\s*(\S*)", re.IGNORECASE)
_FRAME_TIME = re.compile(r"Frame\s*Time\s*[:=]?\s*([^\sa-df-z]*)\s*([a-z]*)\.?", re.IGNORECASE)
# Frame Times with a unit, also in French and German, occur, although no description has them.
_UNITS_S = {"": 1.0, "ms": 0.001} | dict.fromkeys(
    ("s", "sec", "secs", "second", "seconds", "seconde", "sekunden"), 1.0
)
_RATES_HZ = (
    *(30, 60, 120, 24, 25, 50, 100, 240, 90, 48, 72, 200, 20, 15, 12, 10),
    *(75, 80, 96, 125, 144, 150, 180, 250, 300, 360, 400, 480, 500, 600, 1000),
)
_CUT_RATES_HZ = (60, 30, 24, 120)  # programs that cut digits off were seen with these
_SLOWEST_USUAL_HZ = 5.0


def motion_header(text: str, start: int, source: str) -> tuple[int | None, float | None, int]:
    """Parse the lines between MOTION and the numbers.

    Returns:
        The number of frames and the frame rate (Hz), each None if it is missing, and the index in
        ``text`` at which the numbers begin.

    Raises:
        FileError: there is a line of another kind.
    """
    declared: int | None = None
    rate: float | None = None
    while line := _HEADER.match(text, start):
        words = line[1].strip()
        if re.fullmatch(r"nan.*|inf.*", words, re.IGNORECASE):
            break  # a number that is not finite, which the reader of the table reports
        start = line.end()
        if match := _FRAMES.fullmatch(words):
            declared = int(match[1]) if re.fullmatch(r"[0-9]{1,18}", match[1]) else None
        elif (match := _FRAME_TIME.fullmatch(words)) and (
            not match[1] or match[2].lower() in _UNITS_S
        ):
            rate = frame_rate(match[1].replace(",", "."), _UNITS_S.get(match[2].lower(), 1.0))
        else:
            number = text.count("\n", 0, line.start(1)) + 1
            raise FileError(
                f"{source} line {number}",
                repr(words[:40]),
                "Frames: and a number, Frame Time: and seconds, or the first frame",
                RE_EXPORT,
            )
    after = re.compile(r"[^\S\n]*\n?").match(text, start)
    return declared, rate, after.end() if after else start


def frame_rate(seconds: str, unit_s: float = 1.0) -> float | None:
    """Frames per second of a Frame Time; None if it is no time above zero.

    If the time gives a whole number of frames per second, that is the rate (0.005 is 200).
    Otherwise the time is assumed to be rounded, and the rate is the nearest common one that rounds
    to its digits (0.033 is 30, 0.021 is 48). If there is none, the time is taken as it is.

    Args:
        seconds: the number as the file writes it; its digits tell how far it is rounded.
        unit_s: the unit of the number, seconds.
    """
    try:
        value = float(seconds) * unit_s
    except ValueError:
        return None
    # The reciprocal of a smaller time is infinite.
    if not 1e-300 < value < float("inf"):
        return None
    rate = 1 / value
    nearest = round(rate)
    if nearest and abs(rate / nearest - 1) < 1e-4:
        return float(nearest)
    decimals = re.fullmatch(r"\d*\.(\d+)", seconds)
    if decimals is None or len(decimals[1]) < 3:
        return rate
    step = unit_s * 10.0 ** -len(decimals[1])
    near = sorted(_RATES_HZ, key=lambda common: abs(common / rate - 1))
    rounded = (common for common in near if abs(1 / common - value) < 0.51 * step)
    cut = (common for common in _CUT_RATES_HZ if -0.01 * step < 1 / common - value < 1.01 * step)
    common = next(rounded, next(cut, 0))
    # Very different rates round to a time of one digit; a distant one is no better than the time.
    return float(common) if abs(common / rate - 1) < 0.06 else rate


def rate_notes(fps: float) -> tuple[str, ...]:
    """A remark if a header's frame rate is implausibly low."""
    if fps >= _SLOWEST_USUAL_HZ:
        return ()
    return (
        f"Its header says {fps:.3g} frames a second; if that is wrong, give the true frame rate.",
    )


def motion_table(
    text: str, channels: int, first_line: int, declared: int | None, source: str
) -> Float[Array, "T C"]:
    """All numbers of the motion block, one row per frame, float64.

    Args:
        text: the file from its first frame on.
        channels: numbers in a frame.
        first_line: the number of the line at which ``text`` begins.
        declared: the number of frames in the header, if it gives one.
        source: the file's name, for messages.

    Raises:
        FileError: with the line of the first fault.
    """
    if not channels:
        raise FileError(source, "no joint has channels", "at least the root's rotation", RE_EXPORT)
    if (table := _one_frame_a_line(text, channels)) is not None:
        return table
    with warnings.catch_warnings():
        # NumPy stops at text that is no number: until 2.3 with a warning, since then with a
        # ValueError.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning):
            values = np.zeros(0)
    counts = [len(line.split()) for line in text.split("\n")]
    total = sum(counts)
    if not total:
        raise FileError(
            f"{source} line {first_line}", "no frames", "at least one line of numbers", RE_EXPORT
        )
    # The comparison is false for NaN, too.
    complete = len(values) == total and bool((np.abs(values) < LARGEST_NUMBER).all())
    one_frame_a_line = set(counts) <= {0, channels}
    wrapped = declared is not None and total == declared * channels  # frames over several lines
    if not (complete and (one_frame_a_line or wrapped)):
        raise _fault(text, first_line, channels, source)
    return values.reshape(-1, channels)


def _one_frame_a_line(text: str, channels: int) -> Float[Array, "T C"] | None:
    """The table of a file without faults, parsed in half the time; None for all other files."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "no data"
        try:
            values = np.loadtxt(io.StringIO(text), comments=None, ndmin=2)
        except (ValueError, UserWarning):
            return None
    # The comparison is false for NaN, too.
    fits = values.shape[1] == channels and bool((np.abs(values) < LARGEST_NUMBER).all())
    return values if fits else None


def _fault(text: str, first_line: int, channels: int, source: str) -> FileError:
    """The error for the first line that is no frame."""
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, start=first_line):
        place, words = f"{source} line {number}", line.split()
        for word in words:
            try:
                finite = abs(float(word)) < LARGEST_NUMBER
            except ValueError:
                problem = f"{word[:30]!r} is no number"
                return FileError(place, problem, f"{channels} numbers", RE_EXPORT)
            if not finite:
                problem = f"{word[:30]} is not a finite number"
                return FileError(place, problem, f"{channels} numbers", RE_EXPORT)
        if words and len(words) != channels:
            cut_off = number == first_line + len(lines) - 1
            return FileError(
                place,
                f"{len(words)} values",
                f"{channels} (one per channel)",
                "the file is cut off; download or export it again" if cut_off else RE_EXPORT,
            )
    return FileError(
        source, "the motion block does not read as numbers", f"{channels} a line", RE_EXPORT
    )
