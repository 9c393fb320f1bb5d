"""The pages and the way between them. A page's code is imported when it is first opened."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from dashboard.common import session as modes
from dashboard.recover import page as workbench

LIBRARY, LEADERBOARD, HOW = "library", "leaderboard", "how-it-works"
"""What stands in the address."""


def run() -> None:
    """Draw the page that the address names."""
    pages = _pages()
    st.navigation(list(pages.values()), position="top").run()


def _pages() -> dict[str, Page]:
    return {
        "": st.Page(_workbench, title="Workbench", default=True),
        LIBRARY: st.Page(_library, title="Library", url_path=LIBRARY),
        LEADERBOARD: st.Page(_leaderboard, title="Leaderboard", url_path=LEADERBOARD),
        HOW: st.Page(_how, title="How it works", url_path=HOW),
    }


def go_to_workbench(sequence: str, mode: str) -> None:
    """Open the workbench with a sequence, by its key, in a mode; everything else stays as it was chosen."""
    modes.put("sequence", sequence)
    modes.put("mode", mode)
    st.switch_page(_pages()[""])


def dress(title: str) -> None:
    """What the pages beside the workbench begin with: title, looks, and the workbench's controls kept."""
    st.set_page_config(
        page_title=f"{title} · Masked motion workbench", layout="wide", page_icon=workbench.ICON
    )
    st.html(f"<style>{workbench.CSS}{_CSS}</style>")
    modes.leave()


_CSS = (Path(__file__).parent / "common" / "pages.css").read_text(encoding="utf-8")


def _workbench() -> None:
    modes.drawn(workbench.page)


def _library() -> None:
    from dashboard.views.library import page

    page()


def _leaderboard() -> None:
    from dashboard.views.leaderboard import page

    page()


def _how() -> None:
    from dashboard.views.how_it_works import page

    page()
