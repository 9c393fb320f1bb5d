"""A found input: NumPy's reader of headers ends with an error of Python's tokenizer."""

import struct

import pytest

from mmm.errors import FileError
from mmm.io import load_clip


def test_a_header_that_breaks_off_is_refused_in_a_line(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,\n"
    path = tmp_path / "torn.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(FileError, match=r"torn\.npy"):
        load_clip(path)
