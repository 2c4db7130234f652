"""How files are read and written: everything from outside through one door, everything of ours whole or not at all."""

from files.errors import UnreadableFile
from files.hashes import sha256_of, sha256_of_value
from files.read import decode, read_bytes, read_json, read_text
from files.write import (
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
