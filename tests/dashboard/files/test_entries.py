"""Which files the page offers, and that it reads them anew only when they have changed."""

import os

import pytest

from dashboard.files import entries as library
from dashboard.files.entries import Entry, find_entries, folders, open_clip, open_part, shown_name
from mmm import MMMError, save_clip


def test_samples_come_first_and_only_motion_files_are_listed(page_env, made_clip):
    (page_env / "deep").mkdir()
    save_clip(made_clip, page_env / "deep" / "b.npz")
    (page_env / "a.bvh").write_text("HIERARCHY")
    (page_env / "notes.txt").write_text("no motion")
    entries = find_entries()
    assert entries[0].group == "Samples"
    assert [e.key for e in entries if e.group == "mine"] == ["mine/a.bvh", "mine/deep/b.npz"]
    assert not any(e.path.suffix in (".ogg", ".json", ".txt") for e in entries)


def test_two_folders_of_one_name_are_told_apart(page_env, tmp_path, monkeypatch):
    other = tmp_path / "more" / "mine"
    other.mkdir(parents=True)
    for folder in (page_env, other):
        (folder / "a.bvh").write_text("HIERARCHY")
    monkeypatch.setenv(
        "MMM_DATA", os.pathsep.join([str(page_env), str(other), str(tmp_path / "nowhere"), ""])
    )
    assert [name for name, _ in folders() if "mine" in name] == ["mine", str(other)]
    keys = [e.key for e in find_entries()]
    assert len(keys) == len(set(keys))


def test_a_folder_of_too_many_files_is_cut(page_env, monkeypatch):
    monkeypatch.setattr(library, "MAX_ENTRIES", 2)
    for name in "abc":
        (page_env / f"{name}.bvh").write_text("HIERARCHY")
    assert [e.label for e in find_entries() if e.group == "mine"] == ["a.bvh", "b.bvh"]


def test_a_file_is_read_once_and_again_when_it_has_changed(page_env, made_clip):
    path = page_env / "a.npz"
    save_clip(made_clip, path)
    entry = Entry(path, "a.npz", "mine")
    first = open_clip(entry)
    assert open_clip(entry) is first
    assert open_part(entry, 0, len(first)) is first
    part = open_part(entry, 10, 40)
    assert open_part(entry, 10, 40) is part
    assert len(part) == 30
    save_clip(made_clip.crop(0, 50), path)
    assert len(open_clip(entry)) == 50
    assert len(open_part(entry, 10, 45)) == 35


def test_a_file_that_went_away_or_may_not_be_read_is_one_line(page_env):
    with pytest.raises(MMMError, match=r"gone\.npz: No such file or directory"):
        open_clip(Entry(page_env / "gone.npz", "gone.npz", "mine"))
    (page_env / "folder.npz").mkdir()
    with pytest.raises(MMMError, match=r"folder\.npz"):
        open_clip(Entry(page_env / "folder.npz", "folder.npz", "mine"))


def test_samples_have_names_for_people_and_keep_their_keys(page_env):
    samples = [entry for entry in find_entries() if entry.group == "Samples"]
    # Links that were shared before the names came go by the key.
    assert samples[0].key == "Samples/dance_081bpm_test032_dancer00"
    assert samples[0].title == "Dance, 81 bpm, dancer 1"
    assert all("_" not in entry.title for entry in samples)
    assert len({entry.title for entry in samples}) == len(samples)
    assert shown_name("dance_081bpm_test032_dancer00") == "Dance, 81 bpm, dancer 1"
    assert shown_name("walk1_subject1") == "walk1_subject1"


def test_a_file_of_the_user_goes_by_its_own_name(page_env):
    (page_env / "my_take.bvh").write_text("HIERARCHY")
    assert [e.title for e in find_entries() if e.group == "mine"] == ["my_take.bvh"]
