"""Pickles read by the project's own interpreter, compared with Python's and joblib's own writers."""

import contextlib
import gzip
import pickle
import pickletools
import re
import struct
import subprocess
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest

from mmm.errors import FileError
from mmm.io import load_clip
from mmm.io.pickles import unpickle_arrays


def content(frames=4):
    rng = np.random.default_rng(0)
    return {
        "smpl_poses": rng.normal(0, 0.5, (frames, 72)).astype(np.float32),
        "smpl_trans": rng.normal(0, 90, (frames, 3)).astype(np.float32),
        "smpl_scaling": np.array([90.0], np.float32),
        "smpl_loss": 1.5,
    }


def pickled(value, protocol=4):
    return pickle.dumps(value, protocol)


def refusal(data):
    """The message, which has to be one line."""
    with pytest.raises(FileError) as caught:
        unpickle_arrays(data, "x.pkl")
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 700
    return message


@pytest.mark.parametrize("protocol", range(6))
def test_every_pickle_protocol_reads_the_same(protocol):
    raw = content()
    found = unpickle_arrays(pickled(raw, protocol), "x.pkl")
    for key, value in raw.items():
        np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("protocol", [0, 2])
def test_numpy_1_module_names_are_read(protocol):
    data = pickled(content(), protocol)
    assert b"numpy._core" in data
    old = data.replace(b"numpy._core", b"numpy.core")
    np.testing.assert_array_equal(
        unpickle_arrays(old, "x.pkl")["smpl_poses"], content()["smpl_poses"]
    )


def test_odd_but_honest_arrays_are_read():
    raw = {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f8"),
        "scalar": np.float32(2.5),
        "text": np.array(["ab", "c"]),
        "flags": np.array([True, False]),
    }
    found = unpickle_arrays(pickled(raw), "x.pkl")
    for key, value in raw.items():
        np.testing.assert_array_equal(found[key], value)


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (Runs(subprocess.call, ["touch", "OWNED"]), r"(subprocess|commands)\.call"),
        (Runs(eval, "open('OWNED', 'w')"), r"(builtins|__builtin__)\.eval"),
        (Runs(getattr, "a", "upper"), r"(builtins|__builtin__)\.getattr"),
        (np.load, r"numpy\.load"),
        (Path("x"), r"pathlib\.PosixPath"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 4])
def test_pickles_that_ask_for_anything_else_are_refused_by_name(
    tmp_path, monkeypatch, value, asked, protocol
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickled({"smpl_poses": value}, protocol))
    with pytest.raises(FileError) as caught:
        load_clip(path)
    message = str(caught.value)
    assert re.search(f"the pickle asks for {asked}, which could run a program", message)
    assert "\n" not in message
    assert [found.name for found in tmp_path.iterdir()] == ["evil.pkl"]


def test_arrays_of_objects_are_refused():
    with pytest.raises(FileError, match="holds an array of type 'O8'"):
        unpickle_arrays(pickled({"smpl_poses": np.array([1, "a", None], dtype=object)}), "x.pkl")


def test_a_raw_buffer_shorter_than_its_shape_is_refused():
    data = pickled({"a": np.arange(1000, dtype=np.uint8)}, 2)
    with pytest.raises(FileError, match="not a readable pickle"):
        unpickle_arrays(data.replace(struct.pack("<h", 1000), struct.pack("<h", 1001)), "x.pkl")


# Programs that build what harms


def a_dict_of(key: bytes, value: bytes) -> bytes:
    return b"\x80\x04}" + key + value + b"s."


def shared_tuples(levels: int) -> bytes:
    """A tuple that holds the tuple of the level below twice: 2 ** levels leaves."""
    program = b")\x94"
    for level in range(levels):
        program += b"0h" + bytes([level]) + b"h" + bytes([level]) + b"\x86\x94"
    return program


@pytest.mark.parametrize("depth", [21, 20_000, 300_000])
@pytest.mark.parametrize(
    ("start", "step"), [(b")", b"\x85"), (b"(" * 0 + b"]", b"\x85"), (b"}", b"\x85")]
)
def test_deep_nesting_is_refused_while_opcodes_are_read(start, step, depth):
    assert "nested more than 20 deep" in refusal(b"\x80\x04" + start + step * depth + b".")


def test_lists_opened_from_the_outside_in_are_refused():
    """Every list is put into the one before it while still empty."""
    assert refusal(b"\x80\x04" + b"]" * 5_000 + b"a" * 4_999 + b".")
    growing = b"\x80\x04]\x94" + b"".join(
        b"h" + bytes([n]) + b"]\x94a0" + b"h" + bytes([n + 1]) for n in range(200)
    )
    assert refusal(growing + b".")


def test_a_list_inside_itself_is_refused():
    assert "changes inside another" in refusal(a_dict_of(b"\x8c\x01k", b"]\x94h\x00a"))


@pytest.mark.parametrize(
    "key",
    [
        shared_tuples(100),
        shared_tuples(5),
        b"K\x01",
        b"C\x01k",
        b")",
        b"\x8c\xff" + b"k" * 255,
    ],
)
def test_only_short_texts_are_keys(key):
    data = a_dict_of(key, b"N")
    assert re.search("keys are not short texts|nested more than 20 deep", refusal(data))


@pytest.mark.parametrize("levels", [10, 100])
def test_a_type_is_a_text_before_it_is_printed(levels):
    program = shared_tuples(levels) + b"0cnumpy\ndtype\n" + b"h" + bytes([levels]) + b"\x85R"
    assert re.search(
        "a type that is no text|nested more than 20", refusal(b"\x80\x04" + program + b".")
    )


@pytest.mark.slow
def test_more_opcodes_than_a_motion_needs_are_refused():
    data = pickled({"poses": [float(n) for n in range(30_000)]})
    assert "more than 20,000 opcodes" in refusal(data)


def test_a_dictionary_named_many_times_is_read_once():
    shared = {f"k{n}": n for n in range(1_000)}
    found = unpickle_arrays(pickled({f"d{n}": shared for n in range(1_000)}), "x.pkl")
    assert found["d999"] == shared


def test_a_large_memo_index_takes_no_memory():
    found = unpickle_arrays(b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b".", "x.pkl")
    assert found == {}


def test_a_small_pickle_that_copies_its_bytes_many_times_is_refused():
    raw = bytes(1 << 20)
    one = pickle.dumps({"a": np.zeros(1 << 20, np.uint8)}, 2)
    assert unpickle_arrays(one, "one")["a"].shape == (1 << 20,)
    arguments = (
        b"(B" + struct.pack("<I", len(raw)) + raw + b"\x94"
        b"cnumpy\ndtype\nX\x02\0\0\0u1\x89\x88\x87R\x94J"
        + struct.pack("<i", len(raw))
        + b"\x85\x94X\x01\0\0\0C\x94t\x94R"
    )

    def bomb(copies):
        program = b"\x80\x04}(X\x01\0\0\0k](cnumpy._core.numeric\n_frombuffer\n\x94" + arguments
        return program + b"h\x00h\x05R" * copies + b"eu."

    assert unpickle_arrays(bomb(2), "few") == {"k": [None, None, None]}
    assert "more arrays than fit in memory" in refusal(bomb(10))


@pytest.mark.parametrize("opcode", [o for o in pickletools.opcodes if o.name not in ("STOP",)])
def test_no_opcode_ends_otherwise_than_in_one_line(opcode):
    for before in (b"", b"N", b"(", b"(N", b"))", b"}N", b"NNNN"):
        for argument in (b"", b"\x00" * 9, b"1\n1\n", b"'a'\n", b"\xff" * 9):
            data = b"\x80\x04" + before + opcode.code.encode("latin1") + argument + b"."
            with contextlib.suppress(FileError):
                unpickle_arrays(data, "x.pkl")


# joblib's files


def test_joblib_files_are_read_as_joblib_reads_them(tmp_path):
    value = content(5) | {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "take": {"trans": np.arange(6, dtype=np.float32).reshape(2, 3), "gender": "neutral"},
        "empty": np.zeros((0, 3)),
        "scalar": np.float32(0.5),
    }
    path = tmp_path / "m.pkl"
    for compress in (0, ("zlib", 1), ("zlib", 9), ("gzip", 3)):
        for protocol in (2, 4, 5):
            joblib.dump(value, path, compress=compress, protocol=protocol)
            found = unpickle_arrays(path.read_bytes(), "m.pkl")
            theirs = joblib.load(path)
            assert found.keys() == theirs.keys()
            for key in theirs:
                if key == "take":
                    np.testing.assert_array_equal(found[key]["trans"], theirs[key]["trans"])
                    assert found[key]["gender"] == "neutral"
                else:
                    np.testing.assert_array_equal(found[key], theirs[key])


def test_joblib_files_of_objects_are_refused(tmp_path):
    joblib.dump({"a": np.array([None, "x"], dtype=object)}, tmp_path / "m.pkl")
    assert "array of type 'O8'" in refusal((tmp_path / "m.pkl").read_bytes())


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_packed_file_that_unpacks_without_end_or_breaks_off_is_refused(pack, monkeypatch):
    monkeypatch.setattr("mmm.io.pickles.reading._LARGEST_UNPACKED", 1 << 20)
    assert "unpacked" in refusal(pack(bytes(1 << 21)))
    assert "breaks off" in refusal(pack(pickled(content()))[:-20])
