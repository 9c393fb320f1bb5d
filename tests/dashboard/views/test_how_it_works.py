"""The page in plain words: its figures are the mask language's own."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.views.how_it_works import FRAMES, SHOWN, _strip
from mmm.checkpoints import list_checkpoints


def test_it_is_drawn_and_names_every_network():
    def app() -> None:
        from dashboard.views.how_it_works import page

        page()

    drawn = AppTest.from_function(app).run(timeout=30)
    assert not drawn.exception
    said = " ".join(block.value for block in drawn.markdown)
    assert all(f"**{card.name}**" in said for card in list_checkpoints())


@pytest.mark.slow
def test_strips_are_the_patterns():
    shares = {
        spec: re.findall(r'class="(known|hidden)"', _strip(spec, words)) for spec, words in SHOWN
    }
    assert all(len(cells) == FRAMES for cells in shares.values())
    assert [k for k, cell in enumerate(shares["every:15"]) if cell == "known"] == [0, 15, 30, 45]
    assert [k for k, cell in enumerate(shares["span:14-34"]) if cell == "hidden"] == list(
        range(14, 35)
    )
