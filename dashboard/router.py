"""The pages and the way between them. A page's code is imported when it is first opened."""

from functools import cache

import streamlit as st
from streamlit.navigation.page import Page

from dashboard.common import escape, session
from dashboard.common.layout import CSS, ICON
from dashboard.files import upload_box
from dashboard.files.entries import find_entries
from dashboard.generate import link as generate_link
from dashboard.generate.page import generate_page
from dashboard.recover import comparisons, link
from dashboard.recover.page import recover_page
from dashboard.work import scratch
from dashboard.work.turnstile import page_runs
from mmm import MMMError
from mmm.music import compiled
from mmm.serving import reader

LIBRARY, LEADERBOARD, HOW = "library", "leaderboard", "how-it-works"
"""The last part of each page's address."""


def run() -> None:
    """Draw the page that the address names."""
    _begin()
    # Around the whole run: importing a page for the first time takes the interpreter too.
    with page_runs.turn():
        pages = _pages()
        st.navigation(list(pages.values()), position="top").run()


# Streamlit calls ``run`` at every interaction, and in several threads.
@cache
def _begin() -> None:
    """What the server does once, before its first page."""
    scratch.clear_stale()
    reader.readers().prepare()
    compiled.prepare()


def _pages() -> dict[str, Page]:
    return {
        "": st.Page(_workbench, title="Workbench", default=True),
        LIBRARY: st.Page(_library, title="Library", url_path=LIBRARY),
        LEADERBOARD: st.Page(_leaderboard, title="Leaderboard", url_path=LEADERBOARD),
        HOW: st.Page(_how, title="How it works", url_path=HOW),
    }


def _go_to_workbench(sequence: str, mode: str) -> None:
    """Open a sequence, by its key, in a mode of the workbench; other controls are unchanged."""
    session.set_control("sequence", sequence)
    session.set_control("mode", mode)
    st.switch_page(_pages()[""])


def _workbench() -> None:
    session.draw_with_state(page)


# A view is imported when it is opened, so that the workbench does not wait for plotly and tables.
def _library() -> None:
    from dashboard.views.library import page

    page(_go_to_workbench)


def _leaderboard() -> None:
    from dashboard.views.leaderboard import page

    page()


def _how() -> None:
    from dashboard.views.how_it_works import page

    page()


def page() -> None:
    """Draw the workbench; Streamlit calls this anew at every interaction."""
    st.set_page_config(page_title="Masked motion workbench", layout="wide", page_icon=ICON)
    st.html(f"<style>{CSS}</style>")
    # Before any widget: Streamlit refuses to set the value of one that is drawn.
    link.seed_from_url()
    comparisons.seed_from_url()
    generate_link.seed_from_url()
    st.sidebar.html(
        '<div class="wb-brand">Masked motion workbench'
        "<span>Hide part of a dance, let a network recover it.</span></div>"
    )
    with st.sidebar:
        # The visitor's own files come first, as what was just added is to be opened.
        entries = upload_box.pick_files() + find_entries()
    if not entries:
        _nothing_to_open()
        return
    with st.sidebar:
        mode = session.pick_mode()
    try:
        if mode == session.GENERATE:
            generate_page(entries)
        else:
            recover_page(entries)
    except MMMError as error:
        # Text of an error may quote a file, and files may hold Markdown.
        st.error(escape.markdown(error), icon=":material/error:")


def _nothing_to_open() -> None:
    st.html('<div class="wb-title"><h1>No sequence to open</h1></div>')
    st.info(
        "Add your own files in the side bar, or put motion files (.npz, .pkl, .bvh, .amc) into "
        "`data/raw`, or name folders in the environment variable `MMM_DATA`, and reload the page. "
        "`python -m data prepare samples` restores the sample dances."
    )
