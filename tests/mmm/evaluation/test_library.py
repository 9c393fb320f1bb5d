"""Files at a glance, and what is kept of them."""

import pytest

from mmm import MMMError, save_clip
from mmm.cli.app import main
from mmm.evaluation import library as listing
from mmm.io.files import motion_files
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import smooth_motion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one good file and one broken one; a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "files"
    (place / "deep").mkdir(parents=True)
    save_clip(Clip("a", smooth_motion(1, 40, SMPL24, 50.0)), place / "deep" / "a_b.npz")
    (place / "broken.npz").write_bytes(b"\x89PNG is no archive")
    (place / "notes.txt").write_text("no motion")
    return place


def test_facts(folder):
    facts = listing.find_facts(folder / "deep" / "a_b.npz")
    assert (facts.frames, facts.fps, facts.joints, facts.kind) == (40, 50.0, 24, "SMPL")
    assert (facts.duration_s, facts.music, facts.problem) == (0.8, "no music", "")
    assert facts.picture[:4] == b"RIFF"
    assert facts.words() == ["40 frames", "0.8 s", "50 fps", "24 joints", "SMPL", "no music"]


def test_they_are_kept_until_the_file_changes(folder, monkeypatch):
    path = folder / "deep" / "a_b.npz"
    first = listing.find_facts(path)
    monkeypatch.setattr(listing, "load_clip", None)
    assert listing.find_facts(path) == first
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    save_clip(Clip("a", smooth_motion(1, 41, SMPL24, 50.0)), path)
    assert listing.cached_facts(path) is None
    assert listing.find_facts(path).frames == 41


def test_a_damaged_or_unwritable_cache_costs_nothing(folder, monkeypatch):
    path = folder / "deep" / "a_b.npz"
    listing.find_facts(path)
    kept = next((folder.parent / "cache").rglob("*.json"))
    kept.write_text("{}")
    assert listing.find_facts(path).frames == 40
    (folder.parent / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "file"))
    assert listing.find_facts(path).frames == 40


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe not text",
        b"[" * 20_000,
        b"[1, 2]",
        b'{"picture": 3}',
        b'{"frames": "many", "fps": 30.0, "picture": ""}',
        b'{"tempo_bpm": [120], "picture": ""}',
    ],
)
def test_cached_facts_of_wrong_bytes_depth_or_types_are_read_again(folder, damage):
    path = folder / "deep" / "a_b.npz"
    facts = listing.find_facts(path)
    next((folder.parent / "cache").rglob("*.json")).write_bytes(damage)
    assert listing.cached_facts(path) is None
    assert listing.find_facts(path) == facts


@pytest.mark.parametrize(
    "fault", [OverflowError("too large"), RecursionError(), MemoryError(), ZeroDivisionError()]
)
def test_a_fault_of_a_reader_costs_one_line_of_a_listing(folder, monkeypatch, capsys, fault):
    read = listing.load_clip

    def faulty(path, **options):
        if path.name == "broken.npz":
            raise fault
        return read(path, **options)

    monkeypatch.setattr(listing, "load_clip", faulty)
    rows = {row["name"]: row for row in listing.listing(folder)}
    assert rows["broken.npz"]["problem"].startswith("broken.npz: ")
    assert "\n" not in rows["broken.npz"]["problem"]
    assert rows["deep/a_b.npz"]["frames"] == 40
    assert main(["info", str(folder)]) == 0
    assert "a_b" in capsys.readouterr().out


def test_a_bad_file_is_one_line(folder):
    problem = listing.find_facts(folder / "broken.npz").problem
    assert "broken.npz" in problem
    assert "PNG picture" in problem
    assert "\n" not in problem


def test_kinds():
    assert listing.kind_of(SMPL24) == "SMPL"
    walker = Skeleton(("root", "tail"), (-1, 0), SMPL24.offsets_m[:2])
    assert listing.kind_of(walker) == "other"


def test_a_listing_is_searched_and_printed(folder, capsys):
    assert [path.name for path in motion_files(folder)] == ["broken.npz", "a_b.npz"]
    assert [row["name"] for row in listing.listing(folder)] == ["broken.npz", "deep/a_b.npz"]
    assert [row["name"] for row in listing.listing(folder, "SMPL 50 fps a b")] == ["deep/a_b.npz"]
    assert list(listing.listing(folder, "SMPL 60 fps")) == []
    assert main(["info", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "deep/a_b.npz" in said
    assert "2 motion files" in said
    with pytest.raises(MMMError, match="no such folder"):
        list(listing.listing(folder / "nowhere"))


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("name", "a"),
        ("longest", "b"),
        ("shortest", "a"),
        ("fps", "a"),
        ("joints", "a"),
        ("tempo", "b"),
    ],
)
def test_orders_and_what_is_unknown_last(sort, first):
    facts = {
        "a": listing.FileFacts(10, 20.0, 3),
        "b": listing.FileFacts(30, 30.0, 4, tempo_bpm=90.0),
        "0": None,
    }
    order = sorted(facts, key=lambda name: listing.sort_key(sort, name, facts[name]))
    assert order[0] == ("0" if sort == "name" else first)
    assert sort == "name" or order[-1] == "0"
