"""A picker that page and user both set: what the browser still says of the old value is not taken for a choice."""

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from dashboard.common.widgets import pick

    state = st.session_state
    state.setdefault("thing", "a")
    if state.pop("take", ""):
        state.thing = "b"  # as an upload does; this run is cut short before it has drawn the picker
    else:
        st.text(pick("Thing", ["a", "b", "c"], "thing", str.upper, "which"))


def picked(app: AppTest) -> str:
    assert not app.exception
    assert app.selectbox[0].value == app.session_state["thing"]
    return str(app.text[0].value)


@pytest.mark.slow
def test_what_the_page_has_set_outlasts_a_browser_that_has_not_heard_of_it():
    app = AppTest.from_function(script).run()
    assert picked(app) == "a"
    before = app._tree.get_widget_states()
    app.session_state["take"] = True
    app.run()
    app._run(before)
    assert picked(app) == "b"
    assert app.selectbox[0].options == ["A", "B", "C"]


@pytest.mark.slow
def test_the_users_choice_holds_and_may_go_back():
    app = AppTest.from_function(script).run()
    app.session_state["take"] = True
    app.run().run()
    assert picked(app) == "b"
    for choice in ("a", "c", "b"):
        app.selectbox[0].set_value(choice)
        assert picked(app.run()) == choice
    assert picked(app.run()) == "b"
