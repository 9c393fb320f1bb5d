"""Cells of CSV files that a spreadsheet opens."""

import pytest

from mmm.io.files import csv_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_text_is_a_formula(text):
    assert csv_cell(text) == f"'{text}"
    assert csv_cell(f"a{text}") == f"a{text}"


@pytest.mark.parametrize("number", [-1, -0.5, None])
def test_numbers_stay(number):
    assert csv_cell(number) is number
