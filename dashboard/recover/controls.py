"""The sidebar: which sequence, which part of it, what is hidden; and the page's address. Returns plain values."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.common.url import _map_view, pick_from, show_in_url, with_plus
from dashboard.files import import_options, upload_box, uploads
from dashboard.files.entries import UPLOADS, Entry
from dashboard.files.upload_box import Chosen
from mmm import SMPL24, Clip, MMMError, masks
from mmm.interpolation.baselines import BASELINES
from mmm.motion.humanoid import parse_roles

DEFAULT_FRAMES = 600
"""Of a longer file, at first; the range slider shows more."""
MOST_FRAMES = 3_000
"""On the stage at a time: what is sent to the browser, and recovered, stays small however long the file is."""
OVERVIEW_FRAMES = 1_200
"""Files longer than this are shown as a whole, with the part that is used."""
DEFAULT_SPEC = "span:150-239"


@dataclass(frozen=True)
class Kind:
    """A pattern as the page offers it."""

    label: str
    regex: str
    """Which SPECs it stands for."""
    help: str


KINDS = {
    "span": Kind("One gap", r"span:(\d+)-(\d+)", "All frames from one to another are hidden."),
    "every": Kind(
        "Every n-th frame known",
        r"every:(\d+)",
        "Keyframes at even distances, hidden frames between.",
    ),
    "keep": Kind(
        "Keep some, hide some", r"keep:(\d+),hide:(\d+)", "Known and hidden stretches take turns."
    ),
    "random": Kind(
        "Random frames", r"random:(\d*\.?\d+)", "Each frame is hidden with this probability."
    ),
    "first": Kind("The first frame", r"first", "Only frame 0 is hidden."),
    "spec": Kind("Written out", r".*", "Any SPEC, as the command line takes it."),
}


def seed_from_url() -> None:
    """On a session's first run, start from what the address says (a shared link)."""
    if "seeded" in st.session_state:
        return
    st.session_state.seeded = True
    query = st.query_params
    import_options.seed_from_url()
    upload_box.seed_from_url()
    for name in ("sequence", "method"):
        if name in query:
            st.session_state[name] = query[name]
    st.session_state.beside = pick_from(query.get("beside"), tuple(BASELINES))
    try:
        st.session_state.roles = parse_roles(query.get_all("role"))
    except MMMError:
        st.session_state.roles = {}  # a link that makes no sense still opens the page
    if "maps" in query:
        st.session_state.attention_open, st.session_state.url_maps = True, query["maps"]
    if re.fullmatch(r"\d+-\d+", query.get("frames", "")):
        st.session_state.url_frames = tuple(int(x) for x in query["frames"].split("-"))
    if re.fullmatch(r"[0-9]{1,4}", query.get("seed", "")):
        st.session_state.seed = int(query["seed"])
    pattern, edits = masks.split(with_plus(query.get("hide", DEFAULT_SPEC)))
    st.session_state.url_edits = edits
    _put_spec(pattern)


def _put_spec(spec: str) -> None:
    """Set the pattern's widgets to what a SPEC says; an unusual one is shown written out."""
    pattern, _, groups = spec.partition("@")
    kind, match = next((k, m) for k, v in KINDS.items() if (m := re.fullmatch(v.regex, pattern)))
    if "+" in spec or any(name not in SMPL24.groups for name in groups.split(",") if name):
        kind = "spec"  # several patterns, or single joints: there are no widgets for these
    values: dict[str, Any] = {"kind": kind}
    if kind == "spec":
        values["spec_text"] = spec
    elif kind == "span":
        values["span"] = (int(match[1]), int(match[2]))
    elif kind == "every":
        values["every"] = int(match[1])
    elif kind == "keep":
        values |= {"keep": int(match[1]), "hide": int(match[2])}
    elif kind == "random":
        values["share"] = float(match[1])
    if groups and kind != "spec":
        values["groups"] = [name for name in groups.split(",") if name]
    for name, value in values.items():
        st.session_state.setdefault(name, value)


def pick_frames(clip: Clip, entry: Entry) -> tuple[int, int]:
    """Which part of the clip: first frame, and one past the last."""
    total = len(clip)
    if total < 3:
        return 0, total
    key = f"frames-{entry.key}"
    given = 0, min(total, DEFAULT_FRAMES)
    if key not in st.session_state:
        given = (
            given if "awaited" in st.session_state else st.session_state.pop("url_frames", given)
        )
    low, high = st.session_state.get(key, given)
    low, high = min(low, total - 2), min(high, total)
    if high - low > MOST_FRAMES:  # the end that was dragged stays, the other one follows
        if st.session_state.get("frames_drawn") == (key, low):
            low = high - MOST_FRAMES
        else:
            high = low + MOST_FRAMES
    st.session_state[key] = low, max(high, low + 2)
    st.session_state.frames_drawn = key, low
    if total > OVERVIEW_FRAMES:
        upload_box.overview(clip, key)
    start, stop = _range_slider(
        "Part, in frames",
        total,
        key,
        f"Frames of the file; it has {total} at {clip.motion.fps:g} a second. At most "
        f"{MOST_FRAMES:,} at a time.",
    )
    return (start, stop) if stop - start >= 2 else (max(stop - 2, 0), max(stop - 2, 0) + 2)


def pick_pattern(clip: Clip) -> tuple[str, int]:
    """What is hidden: a SPEC and the seed for random ones."""
    groups = clip.motion.skeleton.groups
    names = [name for name in groups if name != "all"]
    kind = st.selectbox(
        "Hide",
        list(KINDS),
        key="kind",
        format_func=lambda k: KINDS[k].label,
        help="True frames that the model may not see. " + KINDS[st.session_state.kind].help,
    )
    last = len(clip) - 1
    spec, seed = _SPEC_WIDGETS[kind](last), int(st.session_state.get("seed", 0))
    if "random" in spec:
        seed = st.number_input("Seed", 0, 9999, key="seed", help="Another seed hides other frames.")
    if kind == "spec":
        return spec, seed
    st.session_state.groups = [g for g in st.session_state.get("groups", []) if g in names]
    chosen = st.multiselect(
        "Only these joints",
        names,
        key="groups",
        placeholder="the whole body",
        format_func=lambda g: f"{g.replace('_', ' ')} ({len(groups[g])})",
    )
    return spec + (f"@{','.join(chosen)}" if chosen else ""), seed


def _span(last: int) -> str:
    low, high = st.session_state.get("span", (last // 3, 2 * last // 3))
    high = min(high, last)
    st.session_state.span = (min(low, high), high)
    low, high = _range_slider("Hidden frames", last, "span")
    return f"span:{low}-{high}"


def _range_slider(label: str, last: int, key: str, hint: str | None = None) -> tuple[int, int]:
    """A slider with two ends; its value lives in the session under ``key`` and is a pair there."""
    st.slider(label, 0, last, key=key, format="%d", help=hint)
    low, high = st.session_state[key]
    return int(low), int(high)


def _clamped(name: str, default: float, low: float, high: float) -> None:
    st.session_state[name] = type(default)(min(max(st.session_state.get(name, default), low), high))


def _every(last: int) -> str:
    _clamped("every", 15, 2, 60)
    return f"every:{st.slider('Known: every n-th frame', 2, 60, key='every')}"


def _keep(last: int) -> str:
    _clamped("keep", 5, 1, 240)
    _clamped("hide", 5, 1, 240)
    left, right = st.columns(2)
    keep = left.number_input("Known", 1, 240, key="keep")
    return f"keep:{keep},hide:{right.number_input('Hidden', 1, 240, key='hide')}"


def _random(last: int) -> str:
    _clamped("share", 0.15, 0.01, 0.95)
    return f"random:{st.slider('Probability', 0.01, 0.95, key='share', step=0.01):g}"


def _written(last: int) -> str:
    st.session_state.setdefault("spec_text", "frames:20-40,90+span:150-200@legs")
    return st.text_input(
        "SPEC",
        key="spec_text",
        help="For example frames:3,9,40-60 or span:30-60@left_arm; several joined by +.",
    ).strip()


_SPEC_WIDGETS: dict[str, Callable[[int], str]] = {
    "span": _span,
    "every": _every,
    "keep": _keep,
    "random": _random,
    "first": lambda last: "first",
    "spec": _written,
}


def share_in_url(
    entry: Entry,
    frames: tuple[int, int],
    spec: str,
    seed: int,
    method: str,
    roles: Sequence[tuple[str, str]] = (),
    song: Chosen = None,
    also: Sequence[str] = (),
) -> None:
    """Keep the address in step with the page, so that it can be sent to a colleague.

    Args:
        also: other recoveries on the stage, as ``compared.in_address`` writes them.
    """
    wanted: dict[str, str | list[str]] = {
        "sequence": entry.key,
        "frames": f"{frames[0]}-{frames[1]}",
        "hide": spec,
        "method": method,
    }
    if "random" in spec:
        wanted["seed"] = str(seed)
    if names := pick_from(
        st.session_state.get("beside"), [name for name in BASELINES if name != method]
    ):
        wanted["beside"] = ",".join(names)
    if also:
        wanted["also"] = list(also)
    if roles:
        wanted["role"] = [f"{role}={joint}" for role, joint in roles]
    wanted |= import_options.in_address(entry)
    if entry.group == UPLOADS:
        wanted |= {"file": uploads.session().mark(entry.path.name)}
    if song:
        name, start_s = song[0].name, song[1]
        wanted |= {
            "song": name,
            "song_start": f"{start_s:g}",
            "song_file": uploads.session().mark(name),
        }
    if st.session_state.get("attention_open"):
        wanted["maps"] = _map_view()
    show_in_url(wanted)
