from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.files import UnreadableFile, decode, no_file, read_bytes, read_json, read_text


def test_a_byte_order_mark_is_no_text_and_line_ends_are_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert read_text(path) == "one\ntwo\nthree\n"


def test_a_byte_that_is_not_utf8_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("ok\nW = 1 µm".encode("latin1"))
    with pytest.raises(UnreadableFile, match=r"a\.txt, line 2, byte 7 of it: byte 0xb5 is not UTF-8"):
        read_text(path)


def test_nul_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\0b")
    with pytest.raises(UnreadableFile, match="line 1, byte 2 of it: a NUL byte"):
        read_text(path)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, kind in (
        (pipe, "a pipe"),
        (tmp_path, "a folder"),
        (Path("/dev/zero"), "a device"),
        (tmp_path / "none", "no such file"),
        (tmp_path / "a\0b", "cannot be opened"),
    ):
        with pytest.raises(UnreadableFile, match=kind):
            read_bytes(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, most_bytes=5) == b"12345"
    with pytest.raises(UnreadableFile, match="5 bytes, more than the 4"):
        read_bytes(path, most_bytes=4)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": NaN}', "1" * 5000])
def test_what_is_no_json_is_told_with_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=r"a\.json is not valid JSON"):
        read_json(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    try:
        text = decode(content, "x")
    except UnreadableFile:
        return
    assert text.encode("utf-8") == content


def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert no_file(tmp_path / "pipe") == "is a pipe; give a regular file"
    assert no_file(tmp_path) == "is a folder; give a regular file"
    assert no_file(Path("/dev/null")) == "is a device; give a regular file"
    assert no_file(tmp_path / "none") == no_file(Path("a\0b")) == "no such file"
