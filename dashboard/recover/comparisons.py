"""Earlier recoveries of the same clip, to be compared with the one that is shown.

By another network, of another pattern, by another seed: they stand on the stage, in the table and in the curves under a
name that says what differs.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common import model_picker, url
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
"""So many are offered, the latest."""
_LONGEST = 40
"""Letters of a pattern in a name."""


def seed_from_url() -> None:
    """What a shared link has beside the shown recovery: ``also=METHOD~SEED~SPEC``, once for each."""
    if "also" in st.session_state:
        return
    told = (
        re.fullmatch(r"([^~]+)~([0-9]{1,4})~(.+)", text) for text in st.query_params.get_all("also")
    )
    st.session_state.also = [
        (match[1], int(match[2]), url.with_plus(match[3])) for match in told if match
    ][: url.MAX_BESIDE]


def reset_links(part: str) -> None:
    """What a link has beside the shown recovery goes with the part of the file that it shows; another one has none."""
    state = st.session_state
    if "awaited" not in state and state.setdefault("also_of", part) != part:
        state.also = []


def in_address(request: Request) -> list[str]:
    """Those on the stage that another visitor has not recovered yet, and those that are still to come."""
    found = offered(request)
    there = [
        (one.method, one.seed, one.spec) for name in asked_for(request) for one in [found[name]]
    ]
    return [
        f"{method}~{seed}~{spec}" for method, seed, spec in dict.fromkeys([*there, *_to_come()])
    ]


def _to_come() -> list[tuple[str, int, str]]:
    """What the link has beside and is not at hand yet; nothing as long as its file is missing and another is shown."""
    return [] if "awaited" in st.session_state else st.session_state.also


def awaited(request: Request, recorded: Clip) -> tuple[Request, Clip, Mask] | None:
    """The next recovery that a link asks for and that is not at hand; those that are, come to stand on the stage.

    Args:
        request: what is shown.
        recorded: the clip before all edits.
    """
    wanted = _to_come()
    while wanted:
        method, seed, spec = wanted[0]
        try:
            one, clip, mask = _request(request, recorded, method, seed, spec)
        except MMMError as error:
            st.toast(
                f"The link shows {method} too, which cannot be made here: {error}",
                icon=":material/link_off:",
            )
            wanted.pop(0)
            continue
        if recoveries.kept_results().get(one) is None:
            return one, clip, mask
        wanted.pop(0)
        remember(one)
        remember(request)
        st.session_state.beside = [*(st.session_state.get("beside") or []), _name(one, request)][
            -url.MAX_BESIDE :
        ]
    return None


def drop_next() -> None:
    """The next awaited one will not come."""
    st.session_state.also = st.session_state.also[1:]


def _request(
    shown: Request, recorded: Clip, method: str, seed: int, spec: str
) -> tuple[Request, Clip, Mask]:
    """What stands in a link, as a request for the clip that is shown."""
    edited = apply(spec, recorded, seed)
    digest = f"{edited.clip.name} {edited.clip.digest()}"
    if digest != shown.clip_digest:
        raise MMMError(spec, "an edited motion", "the motion that is shown", "open it alone")
    roles = model_picker.check(method, edited.clip)
    drawn = seed if "random" in edited.mask.label else 0
    one = Request(digest, edited.mask.label, drawn, method, jobs.version_of(method), roles)
    return one, edited.clip, edited.mask


def start_next(next_one: "tuple[Request, Clip, Mask]") -> "Job[list[RecoveryResult]]":
    """The work that makes it, begun if need be."""
    job: Job[list[RecoveryResult]] | None = st.session_state.get("job_beside")
    if job is None or job.request != next_one[0]:
        job = st.session_state.job_beside = recoveries.start(*next_one)
    return job


def keep(request: Request, job: "Job[list[RecoveryResult]]") -> None:
    """Its results are at hand, even if others' have pushed them out of the store before the page came to look."""
    if job.results is not None and recoveries.kept_results().get(request) is None:
        recoveries.kept_results().put(request, job.results)


def remember(request: Request) -> None:
    """This one has been shown."""
    seen: list[Request] = st.session_state.setdefault("seen_recoveries", [])
    seen[:] = [*[one for one in seen if one != request][-4 * MOST :], request]


def offered(request: Request) -> dict[str, Request]:
    """By name, the latest first; those whose results are still at hand."""
    found: dict[str, Request] = {}
    for one in reversed(st.session_state.get("seen_recoveries", [])):
        again = one.spec == request.spec and one.seed == request.seed
        if (
            one == request
            or one.clip_digest != request.clip_digest
            or (again and one.method in BASELINES)
        ):
            continue  # the interpolations of the same pattern are there anyhow
        name = _name(one, request)
        if (
            name not in found
            and recoveries.kept_results().get(one) is not None
            and len(found) < MOST
        ):
            found[name] = one
    return found


def _name(one: Request, shown: Request) -> str:
    """The method, and what else differs from the one that is shown."""
    parts = [one.method]
    if one.spec != shown.spec:
        parts.append(one.spec if len(one.spec) <= _LONGEST else f"{one.spec[:_LONGEST]}…")
    if one.seed != shown.seed:
        parts.append(f"seed {one.seed}")
    if one.roles != shown.roles:
        parts.append("other roles")
    if one.method == shown.method and one.version != shown.version:
        parts.append("an earlier state")
    return ", ".join(parts)


def asked_for(request: Request) -> list[str]:
    """Those of them that the user has put on the stage, as the page's pills say."""
    found = offered(request)
    return [
        name
        for name in url.pick_from(st.session_state.get("beside"), [*BASELINES, *found])
        if name in found
    ]


def same_pattern(request: Request) -> list[str]:
    """The methods beside the shown one on the stage that recovered the same pattern."""
    names, found = (
        url.pick_from(st.session_state.get("beside"), [*BASELINES, *offered(request)]),
        offered(request),
    )
    ours = {
        name: one.method
        for name, one in found.items()
        if (one.spec, one.seed) == (request.spec, request.seed)
    }
    return [
        ours.get(name, name)
        for name in names
        if name in ours or (name in BASELINES and name != request.method)
    ]


def chosen(request: Request, names: list[str]) -> "list[RecoveryResult]":
    """Those of them that are asked for, under their names."""
    found = offered(request)
    return [
        _named(name, repr(found[name]), _result=results[0])
        for name in names
        if name in found and (results := recoveries.kept_results().get(found[name])) is not None
    ]


@st.cache_resource(max_entries=12, show_spinner=False)
def _named(name: str, request: str, *, _result: "RecoveryResult") -> "RecoveryResult":
    """Kept, because the errors of a result are worked out once."""
    return replace(_result, model_name=name)
