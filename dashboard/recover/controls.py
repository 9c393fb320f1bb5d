"""The side bar of Recover: controls for the part of the sequence and the pattern."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.files.entries import Entry
from dashboard.files.windows import overview
from mmm import Clip

DEFAULT_FRAMES = 600
"""Number of frames of a long file that are shown at first."""
MOST_FRAMES = 3_000
"""Largest number of frames that are shown and recovered at a time, for a small payload."""
OVERVIEW_FRAMES = 1_200
"""Longer files get an overview of the whole file, with the shown part marked."""
MIN_PART = 3
DEFAULT_GAP_S = 1.0
GOOD_GAP_S = 2.0
"""Networks are clearly better than interpolations in gaps up to about here (docs/results.md)."""


@dataclass(frozen=True)
class Kind:
    """A kind of pattern that the page has widgets for."""

    label: str
    regex: str
    """The SPECs that the widgets can express."""
    help: str


KINDS = {
    "span": Kind("One gap", r"span:(\d+)-(\d+)", "Hides all frames from one to another."),
    "every": Kind(
        "All but every n-th frame",
        r"every:(\d+)",
        "Keeps keyframes at equal distances and hides the frames between them.",
    ),
    "keep": Kind(
        "Alternate known and hidden",
        r"keep:(\d+),hide:(\d+)",
        "Keeps some frames, then hides some, in turn.",
    ),
    "random": Kind(
        "Random frames", r"random:(\d*\.?\d+)", "Hides each frame with this probability."
    ),
    "first": Kind("The first frame", r"first", "Hides frame 0 only."),
    "spec": Kind("Custom (SPEC)", r".*", "Any SPEC, as on the command line."),
}


def pick_frames(clip: Clip, entry: Entry) -> tuple[int, int]:
    """The part of the file to show: first frame, and one past the last.

    Args:
        clip: the whole file.
    """
    total, state = len(clip), st.session_state
    if total < MIN_PART:
        return 0, total
    key = f"frames-{entry.key}"
    default = 0, min(total, DEFAULT_FRAMES)
    # While a linked file is missing, the link's part does not apply to the file shown instead.
    if key not in state and "awaited" not in state:
        linked = state.pop("url_frames", default)
        default = linked if linked[0] < min(linked[1], total) else default
    low, high = state.get(key, default)
    low, high = min(low, total - 2), min(high, total)
    if high - low > MOST_FRAMES:  # the end that the user dragged stays, the other one follows
        if state.get("frames_drawn") == (key, low):
            low = high - MOST_FRAMES
        else:
            high = low + MOST_FRAMES
    # Two frames at least: a single pose is no motion.
    state[key] = low, max(high, low + 2)
    state.frames_drawn = key, low
    if total > OVERVIEW_FRAMES:
        overview(clip, key)
    start, stop = _range_slider(
        "Part, in frames",
        total,
        key,
        f"Which frames of the file to use. It has {total} at {clip.motion.fps:g} fps; at most "
        f"{MOST_FRAMES:,} can be used at a time.",
    )
    # The user can drag both ends of the slider to one frame.
    return (start, stop) if stop - start >= 2 else (max(stop - 2, 0), max(stop - 2, 0) + 2)


def pick_pattern(clip: Clip) -> tuple[str, int]:
    """The pattern: a SPEC, and the random seed for patterns that use one."""
    groups = clip.motion.skeleton.groups
    names = [name for name in groups if name != "all"]
    kind = st.selectbox(
        "Hide",
        list(KINDS),
        key="kind",
        format_func=lambda k: KINDS[k].label,
        help="Frames that the model may not see. " + KINDS[st.session_state.kind].help,
    )
    spec, seed = _SPEC_WIDGETS[kind](clip), int(st.session_state.get("seed", 0))
    if "random" in spec:
        seed = st.number_input(
            "Random seed", 0, 9999, key="seed", help="Another seed hides other frames."
        )
    if kind == "spec":
        return spec, seed
    # Another skeleton has other groups; groups that both have stay chosen.
    st.session_state.groups = [g for g in st.session_state.get("groups", []) if g in names]
    chosen = st.multiselect(
        "Only these joints",
        names,
        key="groups",
        placeholder="the whole body",
        format_func=lambda g: f"{g.replace('_', ' ')} ({len(groups[g])})",
    )
    return spec + (f"@{','.join(chosen)}" if chosen else ""), seed


def default_gap(frames: int, fps: float) -> tuple[int, int]:
    """First and last hidden frame of the default gap: a second, a quarter into the clip.

    It lies early, so that playback soon reaches it. Frames stay known on both sides.
    """
    # A third at most, so that short clips keep known frames on both sides.
    length = max(1, min(round(DEFAULT_GAP_S * fps), frames // 3))
    first = max(1, frames // 4)
    return first, first + length - 1


def gap_words(first: int, last: int, frames: int, fps: float) -> str:
    """A sentence about the errors to expect in a gap of this length."""
    seconds = (last - first + 1) / fps
    if first == 0 or last == frames - 1:
        return f"{seconds:.1f} s, without known frames on both sides: expect larger errors."
    if seconds > GOOD_GAP_S:
        return (
            f"{seconds:.1f} s. The networks are good for gaps up to {GOOD_GAP_S:g} s; in longer "
            "ones, expect larger errors."
        )
    return f"{seconds:.1f} s. The networks are good for gaps up to {GOOD_GAP_S:g} s."


def _span(clip: Clip) -> str:
    state, frames, fps = st.session_state, len(clip), clip.motion.fps
    last = frames - 1
    low, high = state.get("span", (frames, frames))
    # The default follows the clip; a gap of the user's own is kept as far as the clip allows.
    if low > last or state.get("span") == state.get("span_given"):
        low, high = state.span_given = default_gap(frames, fps)
    high = min(high, last)
    state.span = min(low, high), high  # a link may name the ends in any order
    low, high = _range_slider("Hidden frames", last, "span")
    st.caption(gap_words(low, high, frames, fps))
    return f"span:{low}-{high}"


def _range_slider(label: str, last: int, key: str, hint: str | None = None) -> tuple[int, int]:
    """A slider with two ends; its value is a pair in the session state under ``key``."""
    st.slider(label, 0, last, key=key, format="%d", help=hint)
    low, high = st.session_state[key]
    return int(low), int(high)


def _clamped(name: str, default: float, low: float, high: float) -> None:
    # The type too, because an integer slider would accept a fraction from the session state.
    st.session_state[name] = type(default)(min(max(st.session_state.get(name, default), low), high))


def _every(clip: Clip) -> str:
    _clamped("every", 15, 2, 60)
    return f"every:{st.slider('Keyframe every n frames', 2, 60, key='every')}"


def _keep(clip: Clip) -> str:
    _clamped("keep", 5, 1, 240)
    _clamped("hide", 5, 1, 240)
    left, right = st.columns(2)
    keep = left.number_input("Known", 1, 240, key="keep")
    return f"keep:{keep},hide:{right.number_input('Hidden', 1, 240, key='hide')}"


def _random(clip: Clip) -> str:
    # At 0 nothing is hidden; at 1 nothing is left to recover from.
    _clamped("share", 0.15, 0.01, 0.95)
    return f"random:{st.slider('Probability', 0.01, 0.95, key='share', step=0.01):g}"


def _custom(clip: Clip) -> str:
    st.session_state.setdefault("spec_text", "frames:20-40,90+span:150-200@legs")
    return st.text_input(
        "SPEC",
        key="spec_text",
        help="For example frames:3,9,40-60 or span:30-60@left_arm; join several with +.",
    ).strip()


_SPEC_WIDGETS: dict[str, Callable[[Clip], str]] = {
    "span": _span,
    "every": _every,
    "keep": _keep,
    "random": _random,
    "first": lambda clip: "first",
    "spec": _custom,
}
