"""The components inside a script, without a browser: what reaches the page and what comes back."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.assets import script, styles
from mmm.viewer.assets import SCRIPTS

DEMO = Path(__file__).parent / "demo_app.py"


@pytest.fixture(scope="module")
def app() -> AppTest:
    return AppTest.from_file(str(DEMO), default_timeout=30).run()


@pytest.mark.slow
def test_the_page_runs_and_no_frame_was_chosen_yet(app):
    assert not app.exception
    assert any(
        caption.value.startswith("Stopped on frame None · payload") for caption in app.caption
    )


def test_joined_files_can_be_told_from_a_path():
    text = script(*SCRIPTS)
    assert text.startswith("// common.js\n")
    assert text.count("export default") == 1
    assert styles("common.css").startswith("/* common.css */\n")
