"""The library: cards of all files, with facts and a picture, that open in the workbench."""

import base64
import html
from collections.abc import Callable, Sequence
from hashlib import blake2b

import streamlit as st

from dashboard.common import escape, layout, session
from dashboard.files import upload_box
from dashboard.files.entries import UPLOADS, Entry, find_entries
from dashboard.files.file_facts import FileIndex, file_index
from mmm.evaluation.library import SORTS, FileFacts, matches, sort_key

CARDS_PER_PAGE = 24

POLL_S = 0.8
ALL = "All"
_BROKEN = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" '
    'aria-hidden="true">'
    '<path d="M6 3h8l4 4v14H6zM9.5 11l5 5m0-5l-5 5"/></svg>'
)


def page(open_in_workbench: Callable[[str, str], None]) -> None:
    """Draw the page.

    Args:
        open_in_workbench: called with the key of a sequence and a mode of the workbench.
    """
    layout.page_header("Library")
    st.sidebar.html(
        '<div class="wb-brand">Library<span>All files that the workbench can open.</span></div>'
    )
    with st.sidebar:
        entries = upload_box.pick_files() + find_entries()
        st.caption(
            "Lists the samples, the files in `data/raw`, and those in the folders that the "
            "environment variable `MMM_DATA` names."
        )
    st.html('<div class="wb-title"><h1>Library</h1></div>')
    if not entries:
        st.info("There are no files yet. Add your own in the side bar.")
        return
    shown = _filtered(entries)
    waits = any(file_index().get(entry) is None for entry in entries)
    # Not a decorator, because the fragment polls only until all files are read.
    st.fragment(_cards, run_every=POLL_S if waits else None)(entries, shown, open_in_workbench)


def _filtered(entries: list[Entry]) -> tuple[str, str, str]:
    """The search, order and group controls, and their values."""
    groups = list(dict.fromkeys(entry.group for entry in entries))
    state = st.session_state
    if state.get("library_group") not in (ALL, *groups):
        # The folder is gone. Without a value, the control shows its default.
        state.pop("library_group", None)
    with st.container(horizontal=True, vertical_alignment="bottom", key="library-bar"):
        words = st.text_input(
            "Search",
            key="library_search",
            width=300,
            icon=":material/search:",
            placeholder="Name, 60 fps, 24 joints, bpm, test",
            help="Finds files with all of these words in their name or facts.",
        )
        order = st.selectbox(
            "Order", list(SORTS), key="library_order", format_func=SORTS.__getitem__, width=190
        )
        group = ALL
        if len(groups) > 1:
            counts = {name: sum(entry.group == name for entry in entries) for name in groups} | {
                ALL: len(entries)
            }
            # A default, not a value in the session state, which would be lost when the page is
            # redrawn after all files are read.
            group = str(
                st.segmented_control(
                    "Group",
                    [ALL, *groups],
                    default=ALL,
                    key="library_group",
                    required=True,
                    format_func=lambda name: f"{escape.markdown(name)} {counts[name]:,}",
                )
            )
    if (words, order, group) != state.get("library_shown"):
        state.library_shown, state.library_page = (words, order, group), 0
    return words, str(order), group


def _cards(
    entries: list[Entry],
    shown: tuple[str, str, str],
    open_in_workbench: Callable[[str, str], None],
) -> None:
    """The cards of one page and the progress of reading; called again until all files are read."""
    state, index = st.session_state, file_index()
    # Before anything is drawn, so that the cards do not flash.
    if (go := state.pop("library_go", None)) is not None:
        open_in_workbench(*go)
    matching = put_in_order(index, entries, *shown)
    last = max(0, (len(matching) - 1) // CARDS_PER_PAGE)
    # A search may leave fewer pages than the one shown.
    number = state.library_page = min(int(state.get("library_page", 0)), last)
    visible = matching[number * CARDS_PER_PAGE : (number + 1) * CARDS_PER_PAGE]
    seen = {entry.key for entry in visible}
    # The visible cards are read first.
    index.want([*visible, *(entry for entry in entries if entry.key not in seen)])
    # Counted over all files, because search and order need the facts of each.
    unread = sum(index.get(entry) is None for entry in entries)
    if not unread and state.get("library_unread"):
        state.library_unread = 0
        st.rerun()  # all files are read: without polling
    state.library_unread = unread
    _head(len(entries), len(matching), unread, number, last)
    if not matching:
        st.info(
            "No file matches all of these words. The search also finds facts, such as “30 fps”, "
            "“humanoid” or “no music”."
        )
    with st.container(horizontal=True, key="cards"):
        for entry in visible:
            _card(entry, index.get(entry))
    if last:
        with st.container(horizontal=True, horizontal_alignment="center", key="library-pager"):
            _page_buttons(number, last, "below")


def put_in_order(
    index: FileIndex, entries: Sequence[Entry], words: str, order: str, group: str
) -> list[Entry]:
    """The files of a group that match all words, in order; files not read yet come last."""
    known = {entry.key: index.get(entry) for entry in entries if group in (ALL, entry.group)}
    # Uploads come first, then samples, then folders: False sorts before True.
    return sorted(
        (
            entry
            for entry in entries
            if entry.key in known
            and matches(words, entry.label, known[entry.key], [entry.title, entry.group])
        ),
        key=lambda entry: (
            (
                entry.group != UPLOADS,
                entry.group != "Samples",
                sort_key(order, f"{entry.group}/{entry.label}", known[entry.key]),
            )
            if order == "name"
            # Other orders mix the groups.
            else (False, False, sort_key(order, entry.label, known[entry.key]))
        ),
    )


def _head(total: int, matching: int, unread: int, number: int, last: int) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        count = f"{matching:,} of {total:,} files" if matching < total else f"{total:,} files"
        st.caption(count, width="content")
        if last:
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                _page_buttons(number, last, "above")
    if unread:
        st.progress(1 - unread / total, text=f"Reading file {total - unread:,} of {total:,}")


def _page_buttons(number: int, last: int, position: str) -> None:
    """Buttons for the previous and the next page."""
    st.button(
        "",
        icon=":material/chevron_left:",
        # The position is part of the key, because the buttons are drawn twice.
        key=f"library-back-{position}",
        disabled=number == 0,
        help="Previous page",
        on_click=_set_page,
        args=(number - 1,),
    )
    st.caption(f"{number + 1} / {last + 1}", width="content")
    st.button(
        "",
        icon=":material/chevron_right:",
        key=f"library-on-{position}",
        disabled=number == last,
        help="Next page",
        on_click=_set_page,
        args=(number + 1,),
    )


def _set_page(number: int) -> None:
    st.session_state.library_page = number


def _open(key: str, mode: str) -> None:
    st.session_state.library_go = key, mode


def _card(entry: Entry, facts: FileFacts | None) -> None:
    # A digest, because Streamlit makes CSS classes of keys: it replaces slashes and spaces, after
    # which two keys may be equal.
    mark = blake2b(entry.key.encode(), digest_size=6).hexdigest()
    with st.container(border=True, width=204, key=f"card-{mark}"):
        st.html(card_html(entry, facts))
        with st.container(horizontal=True, gap="small"):
            bad = bool(facts and facts.problem)
            st.button(
                "Recover",
                key=f"open-{mark}",
                type="tertiary",
                on_click=_open,
                disabled=bad,
                args=(entry.key, session.RECOVER),
                help="Open in the workbench, to recover hidden frames",
            )
            st.button(
                "Generate",
                key=f"generate-{mark}",
                type="tertiary",
                on_click=_open,
                disabled=bad,
                args=(entry.key, session.GENERATE),
                help="Open in the workbench, to continue its first frames",
            )


def card_html(entry: Entry, facts: FileFacts | None) -> str:
    """A card: picture, name and facts, or what is wrong with the file."""
    name = html.escape(entry.title)
    if facts is None:
        return (
            f'<div class="wb-card"><div class="pose waits"></div><b title="{name}">{name}</b>'
            "<span></span></div>"
        )
    if facts.problem:
        # The file's name only: the page must not show the server's folders.
        problem = html.escape(facts.problem.replace(str(entry.path), entry.path.name))
        return (
            f'<div class="wb-card"><div class="pose">{_BROKEN}</div><b title="{name}">{name}</b>'
            f'<span class="bad" title="{problem}">{problem}</span></div>'
        )
    picture = base64.b64encode(facts.picture).decode()
    words = html.escape(" · ".join(facts.words()))
    return (
        # An empty `alt`, because a screen reader reads the name beside the picture.
        f'<div class="wb-card"><div class="pose">'
        f'<img alt="" src="data:image/webp;base64,{picture}"></div>'
        f'<b title="{name}">{name}</b><span title="{words}">{words}</span></div>'
    )
