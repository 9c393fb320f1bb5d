"""Earlier recoveries of the same clip, for comparison with the shown one.

They differ from it by model, pattern or seed, and are named after the difference. The viewer, the
table and the curves show them beside it.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common import escape, model_picker, url
from dashboard.work import jobs, recoveries
from dashboard.work.jobs import Job
from dashboard.work.recoveries import Request
from mmm import Clip, MMMError
from mmm.edits import apply
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

MOST = 6
"""Number of recoveries that are offered, the latest ones."""
_LONGEST = 40
"""Longest pattern in a name, characters; a longer one is cut."""


def seed_from_url() -> None:
    """Read the comparisons of a shared link: one ``also=METHOD~SEED~SPEC`` for each."""
    if "also" in st.session_state:
        return
    matches = (
        # `~` needs no escaping in an address. The SPEC is last, since it may hold any character.
        re.fullmatch(r"([^~]+)~([0-9]{1,4})~(.+)", text)
        for text in st.query_params.get_all("also")
    )
    st.session_state.also = [
        (match[1], int(match[2]), url.with_plus(match[3])) for match in matches if match
    ][: url.MAX_BESIDE]


def reset_links(part: str) -> None:
    """Drop the comparisons of the link when the shown part is no longer the linked one."""
    state = st.session_state
    if "awaited" not in state and state.setdefault("also_of", part) != part:
        state.also = []


def in_address(request: Request) -> list[str]:
    """The comparisons for the address: those shown, and those of the link not yet recovered."""
    by_name = offered(request)
    shown = [by_name[name] for name in selected_names(request)]
    keys = [(other.method, other.seed, other.spec) for other in shown]
    return [f"{method}~{seed}~{spec}" for method, seed, spec in dict.fromkeys([*keys, *_pending()])]


def _pending() -> list[tuple[str, int, str]]:
    """The link's comparisons not yet recovered; none while the linked file is missing."""
    return [] if "awaited" in st.session_state else st.session_state.also


def awaited(request: Request, recorded: Clip) -> tuple[Request, Clip, Mask] | None:
    """The next comparison of the link to recover; recovered ones are added to the viewer.

    Args:
        request: the shown recovery.
        recorded: the clip before all edits.
    """
    # The list in the session state itself, so that popped items stay removed.
    queue = _pending()
    while queue:
        method, seed, spec = queue[0]
        try:
            other, clip, mask = _request(request, recorded, method, seed, spec)
        except MMMError as error:
            st.toast(
                f"The link also shows {escape.markdown(method)}, which cannot be recovered here: "
                f"{escape.markdown(error)}",
                icon=":material/link_off:",
            )
            queue.pop(0)
            continue
        if recoveries.kept_results().get(other) is None:
            return other, clip, mask
        queue.pop(0)
        remember(other)
        # The shown recovery is remembered last, so that it stays the latest one.
        remember(request)
        beside = [*(st.session_state.get("beside") or []), _name(other, request)]
        st.session_state.beside = beside[-url.MAX_BESIDE :]
    return None


def drop_next() -> None:
    """Remove the next comparison of the link."""
    st.session_state.also = st.session_state.also[1:]


def _request(
    shown: Request, recorded: Clip, method: str, seed: int, spec: str
) -> tuple[Request, Clip, Mask]:
    """A comparison of the link as a request for the shown clip.

    Raises:
        MMMError: its SPEC does not fit the clip or changes it otherwise than the shown one does, or
            the method does not fit.
    """
    edited = apply(spec, recorded, seed)
    # Built as in `recover_page`, because only equal requests share a result.
    digest = f"{edited.clip.name} {edited.clip.digest()}"
    if digest != shown.clip_digest:
        raise MMMError(
            spec, "it edits the motion", "the edits of the shown clip", "open it by itself"
        )
    roles = model_picker.check(method, edited.clip)
    # A seed without effect must not make a different request.
    used_seed = seed if "random" in edited.mask.label else 0
    version = jobs.version_of(method)
    other = Request(digest, edited.mask.label, used_seed, method, version, roles)
    return other, edited.clip, edited.mask


def start_next(awaited: "tuple[Request, Clip, Mask]") -> "Job[list[RecoveryResult]]":
    """The job that recovers a comparison; it is started at the first call."""
    # The fragment calls this in each of its runs, so one job must serve all calls.
    job: Job[list[RecoveryResult]] | None = st.session_state.get("job_beside")
    if job is None or job.request != awaited[0]:
        job = st.session_state.job_beside = recoveries.start(*awaited)
    return job


def keep(request: Request, job: "Job[list[RecoveryResult]]") -> None:
    """Store the job's results again, if results of other sessions have replaced them."""
    if job.results is not None and recoveries.kept_results().get(request) is None:
        recoveries.keep(request, job.results)


def remember(request: Request) -> None:
    """Record that this recovery was shown, as the latest one."""
    seen: list[Request] = st.session_state.setdefault("seen_recoveries", [])
    # More than ``MOST`` are kept, because many belong to other clips.
    seen[:] = [*[other for other in seen if other != request][-4 * MOST :], request]


def offered(request: Request) -> dict[str, Request]:
    """Recoveries for comparison, by name, the latest first; only those still in the store."""
    by_name: dict[str, Request] = {}
    for other in reversed(st.session_state.get("seen_recoveries", [])):
        same_mask = other.spec == request.spec and other.seed == request.seed
        if (
            other == request
            or other.clip_digest != request.clip_digest
            or (same_mask and other.method in BASELINES)
        ):
            continue  # interpolations of the same pattern are always offered
        name = _name(other, request)
        is_kept = recoveries.kept_results().get(other) is not None
        # Of two with one name, the latest one comes first and is kept.
        if name not in by_name and is_kept and len(by_name) < MOST:
            by_name[name] = other
    return by_name


def _name(other: Request, shown: Request) -> str:
    """The method, and all that differs from the shown recovery."""
    parts = [other.method]
    if other.spec != shown.spec:
        parts.append(other.spec if len(other.spec) <= _LONGEST else f"{other.spec[:_LONGEST]}…")
    if other.seed != shown.seed:
        parts.append(f"seed {other.seed}")
    if other.roles != shown.roles:
        parts.append("other joint names")
    if other.method == shown.method and other.version != shown.version:
        parts.append("earlier weights")
    return ", ".join(parts)


def selected_names(request: Request) -> list[str]:
    """The names of the earlier recoveries that the user has added to the viewer."""
    by_name = offered(request)
    beside = url.pick_from(st.session_state.get("beside"), [*BASELINES, *by_name])
    return [name for name in beside if name in by_name]


def same_pattern(request: Request) -> list[str]:
    """The methods in the viewer, besides the shown one, that recovered the same pattern."""
    by_name = offered(request)
    beside = url.pick_from(st.session_state.get("beside"), [*BASELINES, *by_name])
    methods = {
        name: other.method
        for name, other in by_name.items()
        if (other.spec, other.seed) == (request.spec, request.seed)
    }
    return [
        methods.get(name, name)
        for name in beside
        if name in methods or (name in BASELINES and name != request.method)
    ]


def results_of(request: Request, names: list[str]) -> "list[RecoveryResult]":
    """The results of the earlier recoveries of these names."""
    by_name = offered(request)
    return [
        _named(name, repr(by_name[name]), _result=results[0])
        for name in names
        if name in by_name and (results := recoveries.kept_results().get(by_name[name])) is not None
    ]


@st.cache_resource(max_entries=12, show_spinner=False)
def _named(name: str, request: str, *, _result: "RecoveryResult") -> "RecoveryResult":
    """The result under this name; cached, because a result computes its errors once."""
    return replace(_result, model_name=name)
