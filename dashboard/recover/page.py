"""The page of Recover: controls in the side bar, the viewer, and the errors below it."""

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common import escape, model_picker, widgets
from dashboard.common.layout import RECOVER, heading
from dashboard.common.progress import PROGRESS_AFTER_S, follow
from dashboard.components.controls.shortcuts import shortcuts
from dashboard.explain.attention import attention_section
from dashboard.explain.dock import desk_container
from dashboard.explain.interventions import shown_change
from dashboard.files.entries import Entry, open_clip, open_part
from dashboard.files.sequence_picker import pick_sequence
from dashboard.files.song_picker import pick_song
from dashboard.files.uploaded_music import with_chosen_song
from dashboard.recover import comparisons, controls, editing, link
from dashboard.recover.choices import Choices
from dashboard.recover.code import code_section
from dashboard.recover.downloads import export_section
from dashboard.recover.errors import errors_section
from dashboard.recover.viewer import viewer_section
from dashboard.work import jobs, recoveries
from dashboard.work.jobs import Job
from dashboard.work.networks import list_checkpoints
from dashboard.work.recoveries import Request
from mmm import Clip, MMMError
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

MIN_FRAMES = 3


def recover_page(entries: list[Entry]) -> None:
    """Draw the mode's side bar and page.

    Raises:
        MMMError: the sequence cannot be opened or is too short.
    """
    with st.sidebar:
        choices = _pick(entries)
        slot = st.container(key="run-box")
    desk = choices.desk
    clip, mask = desk.edited.clip, desk.edited.mask
    request = Request(
        f"{clip.name} {clip.digest()}",
        mask.label,
        # A seed without effect must not make a different request.
        desk.seed if choices.is_random else 0,
        choices.method,
        jobs.version_of(choices.method),
        choices.roles,
    )
    results = _results_of(request)
    _title(choices.entry, clip, desk.recorded.notes)
    shortcuts("recover", ["stage"], key="shortcuts")
    for warning in link.link_warnings(choices):
        st.warning(escape.markdown(warning), icon=":material/link_off:")
    names, awaited = [], None
    if results is not None:
        comparisons.remember(request)
        awaited = comparisons.awaited(request, desk.recorded)
        names = comparisons.selected_names(request)
    # When a method is added, the viewer's fragment sees that this differs, and redraws the page.
    st.session_state.compared_drawn = names
    link.share_in_url(choices, comparisons.in_address(request))
    with desk_container():
        viewer_section(clip, mask, results, request, shown_change(request), desk)
        if not desk.problem:
            attention_section(clip, mask, request)
        if results is not None:
            shown = [*results, *comparisons.results_of(request, names)]
            errors_section(shown, mask)
            export_section(shown, mask, request)
        code_section(choices, comparisons.same_pattern(request))
    # Imports torch in the background, so that the first Recover does not wait for it.
    jobs.warm_up()
    # Drawn last, because these may wait for a job and the rest of the page should be visible.
    with slot:
        _run_box(request, clip, mask, bool(desk.problem), results is not None)
        if awaited is not None:
            _linked_box(awaited)


def _pick(entries: list[Entry]) -> Choices:
    """The controls: sequence and part, song, pattern, model.

    Raises:
        MMMError: the sequence cannot be opened or is too short.
    """
    entry = pick_sequence(entries)
    file_clip = open_clip(entry)
    if len(file_clip) < MIN_FRAMES:
        raise MMMError(
            file_clip.name,
            f"{len(file_clip)} frames",
            f"at least {MIN_FRAMES}",
            "choose a longer sequence",
        )
    frames = controls.pick_frames(file_clip, entry)
    song = pick_song(file_clip)
    clip = with_chosen_song(open_part(entry, *frames), song, frames[0])
    st.divider()
    part = f"{entry.key} {frames[0]}-{frames[1]}"
    comparisons.reset_links(part)
    desk = editing.open_desk(part, clip, *controls.pick_pattern(clip))
    if desk.problem:
        st.error(escape.markdown(desk.problem), icon=":material/error:")
    method, roles = model_picker.pick_method(desk.edited.clip, list_checkpoints())
    return Choices(entry, len(file_clip), frames, song, desk, method, roles)


def _results_of(request: Request) -> "list[RecoveryResult] | None":
    """The finished recovery of a request, the network's result first; None before there is one."""
    results = recoveries.kept_results().get(request)
    job: Job[list[RecoveryResult]] | None = st.session_state.get("job")
    if results is None and job is not None and job.request == request:
        return job.results  # the store may have dropped it for other sessions' results
    return results


def _title(entry: Entry, clip: Clip, notes: tuple[str, ...]) -> None:
    motion, music = clip.motion, clip.music
    facts = [
        f"{len(clip)} frames",
        f"{motion.duration_s:.1f} s",
        f"{motion.fps:g} fps",
        f"{len(motion.skeleton)} joints",
    ]
    facts.append(f"{music.tempo_bpm:.0f} bpm" if music else "no music")
    if clip.split:
        facts.append(f"{clip.split} split")
    heading(entry.name or clip.name, facts, RECOVER, notes)


@st.fragment
def _run_box(request: Request, clip: Clip, mask: Mask, blocked: bool, done: bool) -> None:
    """Recover, progress and Cancel. A fragment, so that the page stays responsive during a run."""
    job: Job[list[RecoveryResult]] | None = st.session_state.get("job")
    mine = job is not None and job.request == request
    hidden = int(mask.hidden.sum())
    if not blocked:
        st.caption(_hidden_words(clip, mask))
    first, pressed = not st.session_state.get("opened"), widgets.is_pressed("recover")
    # The pattern with which the page opens is recovered without a press.
    st.session_state.opened = True
    # After a failed or cancelled recovery of this request, the user must press the button.
    automatic = first or (st.session_state.get("auto_recover", False) and not mine)
    started = (pressed or (automatic and not done)) and bool(hidden) and not blocked
    if started:
        # The result of the earlier request would not be shown any more.
        if job is not None:
            job.cancel()
        job = st.session_state.job = recoveries.start(request, clip, mask)
        mine = True
    # Always, so that a press that could not start a run has no effect later.
    widgets.release("recover")
    busy = mine and job is not None and job.running
    widgets.button(
        "Recover",
        type="primary",
        width="stretch",
        icon=":material/auto_fix_high:",
        key="recover",
        disabled=blocked or not hidden or busy,
        help="Fill the hidden frames with the chosen model (R or Ctrl+Enter).",
    )
    st.toggle(
        "Update after every change",
        key="auto_recover",
        help="Starts a recovery whenever the pattern, the model or an edit changes.",
    )
    if job is None or not mine:
        return
    if not job.wait(PROGRESS_AFTER_S if started else 0):
        follow(job, help_="Stop after the current step.")
    elif job.error:
        st.warning(escape.markdown(job.error), icon=":material/warning:")
    # The rest of the page was drawn before the results came.
    elif not done:
        st.rerun()
    elif pressed and job.results is not None:
        st.toast(
            f"Recovered again in {job.results[0].elapsed_s:.2f} s: the same input gives the same "
            "motion."
        )


@st.fragment
def _linked_box(awaited: tuple[Request, Clip, Mask]) -> None:
    """Recover the comparisons of a shared link, one after another."""
    job = comparisons.start_next(awaited)
    st.caption(
        f"The link also shows {escape.markdown(awaited[0].method)} "
        f"with {escape.code(awaited[0].spec)}."
    )
    if not job.wait(PROGRESS_AFTER_S):
        follow(job, "cancel-beside")
        return
    if job.error:
        comparisons.drop_next()
        st.toast(escape.markdown(job.error), icon=":material/link_off:")
    comparisons.keep(awaited[0], job)
    st.rerun()


def _hidden_words(clip: Clip, mask: Mask) -> str:
    """How much of the clip is hidden, as a sentence."""
    frames, entries = int(mask.frames.sum()), mask.hidden.mean()
    if not frames:
        return "Nothing is hidden."
    joints, total = int(mask.hidden.any(axis=0).sum()), mask.hidden.shape[1]
    body = "" if joints == total else f" in {joints} of {total} joints"
    # At least 0.1 %, because 0.0 % would mean that nothing is hidden.
    return f"{frames} of {len(clip)} frames hidden{body}: {max(entries, 0.001):.1%} of all values."
