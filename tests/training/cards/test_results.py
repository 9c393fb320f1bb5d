"""The page of results says what the checkpoints' cards hold."""

from pathlib import Path

import pytest

from mmm.errors import FileError
from training.cards.results import blocks, errors_table, rewritten

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("page", ["docs/results.md", "README.md"])
def test_pages_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert rewritten(text, blocks(ROOT / "checkpoints"), page) == text, (
        "python -m training results writes them anew"
    )


def test_the_smallest_position_error_is_bold():
    rows = [
        {"hide": "every:5", "method": name, "rotation_deg": 1.0, "position_cm": error}
        for name, error in (
            ("net", 0.5),
            ("hold", 3.0),
            ("slerp", 1.0),
            ("inertial", 0.6),
            ("spline", 0.7),
        )
    ]
    table = errors_table({"net": {"rows": rows}}).splitlines()
    assert table[0] == "| hidden | `net` | hold | slerp | inertial | spline |"
    assert (
        table[2]
        == "| `every:5` | **1.00 / 0.50** | 1.00 / 3.00 | 1.00 / 1.00 | 1.00 / 0.60 | 1.00 / 0.70 |"
    )


def test_what_stands_around_a_block_stays():
    text = "before\n<!-- a -->\nold\n<!-- end -->\nafter <!-- note -->\n"
    assert (
        rewritten(text, {"a": "new"})
        == "before\n<!-- a -->\nnew\n<!-- end -->\nafter <!-- note -->\n"
    )
    with pytest.raises(FileError, match="a block 'b'"):
        rewritten("<!-- b -->\n<!-- end -->", {"a": "new"})
