"""A few inputs of every reader, and all earlier finds."""

import random

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.readers import READERS
from tests.fuzz.running import FINDS, one, run


@pytest.mark.slow
@pytest.mark.parametrize("reader", sorted(READERS))
def test_inputs_are_read_or_refused_in_a_line(reader):
    # Every FBX file starts a process.
    count = 8 if reader == "fbx" else 250
    report = run(reader, count)
    assert report.finds == {}
    assert report.inputs == count
    assert report.refused > 0 or reader in ("leaderboard", "checkpoint", "address")


@pytest.mark.parametrize("reader", sorted(READERS))
def test_the_seeds_themselves_are_read(reader):
    assert {one(reader, data) for data in READERS[reader].seeds()} <= {"ok", "refused"}
    assert reader == "spec" or one(reader, READERS[reader].seeds()[0]) == "ok"


FIND_NAMES = sorted(path.name for path in FINDS.glob("*-*"))


def test_earlier_finds_are_kept():
    """Four SPECs of up to 4,300 characters that the fuzzer once reported."""
    assert {f"spec-0-{number}" for number in (263, 275, 477, 531)} <= set(FIND_NAMES)


@pytest.mark.parametrize("name", FIND_NAMES)
def test_earlier_finds(name):
    assert one(name.partition("-")[0], (FINDS / name).read_bytes()) in ("ok", "refused")


def test_inputs_depend_on_the_seed_alone():
    seeds = [b"HIERARCHY\nROOT a\n" * 10, b"x" * 40]
    one_run, other = ([mutated(seeds, random.Random(n)) for n in range(50)] for _ in range(2))
    assert one_run == other
    assert len(set(one_run)) > 40


def test_a_fault_is_found(monkeypatch):
    """The fuzzer sees what is no ``MMMError``."""

    def broken(data, folder):
        raise IndexError("a fault")

    monkeypatch.setitem(READERS, "spec", type(READERS["spec"])(READERS["spec"].seeds, broken))
    assert "IndexError in" in one("spec", b"every:8")
