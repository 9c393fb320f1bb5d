"""SPECs too long for an address."""

import pytest

from dashboard.files import specs
from dashboard.files.uploads import Uploads

LONG = "span:40-79+pin:60+" + "+".join(f"pose:60={n},0,0@left_elbow" for n in range(100))


@pytest.fixture
def visit(monkeypatch) -> Uploads:
    files = Uploads()
    monkeypatch.setattr(specs.visits, "uploads", lambda: files)
    return files


def test_a_short_spec_is_its_own_address(visit):
    assert specs.to_address("every:15") == specs.from_address("every:15") == "every:15"


def test_a_long_spec_lies_in_a_file_of_its_visit_alone(visit, monkeypatch):
    name = specs.to_address(LONG)
    assert len(name) < 40
    assert specs.from_address(name) == LONG
    assert specs.to_address(LONG) == name
    monkeypatch.setattr(specs.visits, "uploads", Uploads)
    assert specs.from_address(name) is None


@pytest.mark.parametrize("text", ["file-../../etc/passwd", "file-" + "0" * 23, "file-"])
def test_another_name_is_no_file(visit, text):
    assert specs.from_address(text) == text


def test_the_oldest_files_go(visit, monkeypatch):
    monkeypatch.setattr(specs, "MOST_FILES", 2)
    names = [specs.to_address(f"{LONG}+hide:{n}") for n in range(3)]
    assert [specs.from_address(name) is not None for name in names] == [False, True, True]
