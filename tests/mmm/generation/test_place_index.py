"""The features of a library: the same from the cache, and computed anew where it is damaged."""

from dataclasses import fields

import numpy as np
import pytest

from mmm.errors import ModelError
from mmm.generation import place_index
from mmm.generation.place_index import PlaceIndex, load_indexed
from tests.mmm.generation.people import small_library


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "library.safetensors"
    small_library().save(path)
    return path


def same(one: PlaceIndex, other: PlaceIndex) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(PlaceIndex)
    )


def test_the_cache_holds_what_was_computed(stored, tmp_path, monkeypatch):
    library, index = load_indexed(stored, tmp_path)

    def fails(*_):
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(PlaceIndex, "of", staticmethod(fails))
        cached, again = load_indexed(stored, tmp_path)
    assert same(index, again)
    frames = np.arange(10.0)
    np.testing.assert_array_equal(library.poses(1, frames).world, cached.poses(1, frames).world)


@pytest.mark.parametrize("name", ["values.npy", "pose.npy", "take.npy"])
def test_a_damaged_cache_is_computed_anew(stored, tmp_path, name):
    _, index = load_indexed(stored, tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / name).write_bytes((folder / name).read_bytes()[:100])
    _, again = load_indexed(stored, tmp_path)
    assert same(index, again)
    assert place_index._read(folder, stored) is not None


def test_a_cache_of_other_coefficients_is_refused(stored, tmp_path):
    load_indexed(stored, tmp_path)
    (folder,) = tmp_path.iterdir()
    np.save(folder / "values.npy", np.zeros((3, 91), np.int16))
    assert place_index._read(folder, stored) is None


def test_a_folder_that_cannot_be_written_is_no_error(stored, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    _, index = load_indexed(stored, tmp_path / "file")
    assert len(index.pose)


def test_a_missing_library_is_one_line(tmp_path):
    with pytest.raises(ModelError, match="not readable as a library"):
        load_indexed(tmp_path / "none.safetensors", tmp_path)
