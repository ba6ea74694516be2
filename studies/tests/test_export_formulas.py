"""Texts that spreadsheets would run as formulas."""

import sys
import time
import unicodedata

import pytest

from studies.exports.formulas import SIGNS, neutralised


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        " =1+1",
        "\u00a0=1+1",
        '"=1+1"',
        "'=1+1",
        "\u201c=1+1",
        "\" ' =1+1",
        "\u200b=1+1",
        "\ufeff=1+1",
        "\x00=1+1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
        "\u22121",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "\tplain",
        "\rplain",
        "\nplain",
    ],
)
def test_a_cell_that_would_be_run_gets_an_apostrophe_in_front(text: str) -> None:
    assert neutralised(text).startswith("'" + text[0])


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("good;=1+1", "good;'=1+1"),
        ('good; "=1+1"', 'good;\' "=1+1"'),
        ("good\t=1+1", "good\t'=1+1"),
        ("good\n=1+1", "good\n'=1+1"),
        ("good\r\n\r\n-1", "good\r\n\r\n'-1"),
        ("good\u2028=1+1", "good\u2028'=1+1"),
    ],
)
def test_a_piece_that_some_spreadsheets_take_for_a_cell_gets_one_too(text: str, safe: str) -> None:
    assert neutralised(text) == safe


@pytest.mark.parametrize(
    "text", ["", "cat", "a=b", "1+1", "A-1", "me@example.org", "it's", '"quoted"', "one; two", "one\ntwo", "5", "a, -b"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutralised(text) == text


def test_every_character_that_unicode_takes_for_a_sign_is_known() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    found = {one for one in every if unicodedata.normalize("NFKC", one)[:1] in tuple("=+-@\u2212") and one}
    assert found == set(SIGNS)


@pytest.mark.parametrize("piece", [" ", "\n", "\t", '"', ";", "\u200b", "\n ", "; '"])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    neutralised(piece * 200_000 + "x")
    assert time.process_time() - started < 2
