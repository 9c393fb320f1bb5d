"""A press is acted on once, whatever happens to the run that was told of it."""

import pytest
from streamlit.testing.v1 import AppTest


def app() -> None:
    import streamlit as st

    from dashboard.common import widgets

    st.session_state.setdefault("acted", 0)
    if st.session_state.pop("interrupt", False):
        st.stop()  # as when the stage or an upload speaks before the page came to the button
    if widgets.button("Go", key="go", help="Really go."):
        st.session_state.acted += 1
        widgets.release("go")


def test_a_press_is_acted_on_once():
    page = AppTest.from_function(app).run()
    page.button("go").click().run()
    assert page.session_state.acted == 1
    page.run()
    assert page.session_state.acted == 1


@pytest.mark.slow
def test_a_press_outlives_an_interrupted_run():
    page = AppTest.from_function(app).run()
    page.session_state.interrupt = True
    page.button("go").click().run()
    assert page.session_state.acted == 0
    page.run()
    assert page.session_state.acted == 1
