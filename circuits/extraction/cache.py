"""Extractions by content: what was extracted once is not extracted again, and what was damaged since is not used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nonideal.circuits.extraction.netlist import MOST_BYTES, Netlist, parse_netlist
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.files import UnreadableFile, read_bytes, write_if_changed

_MARK = b"* sha256 "


class ExtractionCache:
    """A folder of extracted netlists, one file a key. An entry that is not as it was written counts as absent.

    The first line of a file holds the hash of the rest: one digit changed, a cut or anything else in its place shows.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the netlist of ``key`` lies."""
        return self.folder / f"{key}.spice"

    def get(self, key: str) -> Netlist | None:
        """The netlist of ``key``, or None."""
        try:
            content = read_bytes(self.path(key), most_bytes=MOST_BYTES)
            head, _, body = content.partition(b"\n")
            if head != _MARK + _sha256(body):
                return None
            return parse_netlist(body.decode("utf-8"), str(self.path(key)))
        except (UnreadableFile, ExtractionFailed, UnicodeDecodeError):
            return None

    def put(self, key: str, netlist: Netlist) -> None:
        """Keep ``netlist`` under ``key``, in place of what is there. Where it cannot be kept it is extracted again next time."""
        body = netlist.text().encode("utf-8")
        try:
            write_if_changed(self.path(key), _MARK + _sha256(body) + b"\n" + body)
        except OSError:
            return


def _sha256(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
