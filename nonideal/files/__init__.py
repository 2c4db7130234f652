"""How files are read and written: everything from outside through one door, everything of ours whole or not at all."""

from nonideal.files.errors import UnreadableFile
from nonideal.files.hashes import sha256_of, sha256_of_value
from nonideal.files.read import decode, no_file, read_bytes, read_json, read_text
from nonideal.files.write import (
    remove_leftovers,
    write_bytes,
    write_csv,
    write_if_changed,
    write_json,
    write_parquet,
    write_text,
    written_whole,
)

__all__ = [
    "UnreadableFile",
    "decode",
    "no_file",
    "read_bytes",
    "read_json",
    "read_text",
    "remove_leftovers",
    "sha256_of",
    "sha256_of_value",
    "write_bytes",
    "write_csv",
    "write_if_changed",
    "write_json",
    "write_parquet",
    "write_text",
    "written_whole",
]
