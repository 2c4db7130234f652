"""Every pair of GDS layer and datatype that sky130 knows, with its name where it has one: what else is drawn reaches no mask."""

import csv
from collections.abc import Iterable, Mapping
from importlib.resources import files
from types import MappingProxyType

from nonideal.sky130_models.errors import PdkError

BOUNDARY = (235, 4)
"""The outline of a block (prBoundary)."""


def read_purposes(lines: Iterable[str], where: str = "purposes") -> Mapping[tuple[int, int], str]:
    """Read a table (CSV text with the header ``gds_layer,datatype,name``), by layer and datatype; "" for one without a name.

    Raises PdkError, naming ``where`` and the line, for a bad number, a missing column or a pair that stands twice.
    """
    table: dict[tuple[int, int], str] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            place, name = (int(row["gds_layer"]), int(row["datatype"])), row["name"] or ""
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not a purpose ({error!r})") from error
        if place in table:
            raise PdkError(f"{where}, line {number}: {place[0]}/{place[1]} stands twice")
        table[place] = name
    return MappingProxyType(table)


PURPOSES: Mapping[tuple[int, int], str] = read_purposes(
    files(__package__).joinpath("data", "sky130_purposes.csv").read_text(encoding="utf-8").splitlines(),
    "sky130_purposes.csv",
)
"""What the shuttle takes of the process's list (Tiny Tapeout, April 2026), read-only."""
