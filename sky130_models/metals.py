"""What a conductor of sky130 bears: current, resistance, and how densely it may and should be drawn.

Sources: sheet resistance and direct current at 90 C of `sky130_fd_pr.tlef`; the largest density, its window and its step of
`sky130_fd_sc_hd__nom.tlef`, both in the PDK; the smallest density of a finished chip, after fill, of open_pdks' density check.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.layers import LAYERS

DENSITY_WINDOW_UM = 700.0
DENSITY_STEP_UM = 70.0
"""The side of the square in which a density is measured, and by how much it is moved."""


@dataclass(frozen=True, slots=True)
class Metal:
    """A conductor: ohm a square, mA a um of width, and shares of area in percent. None where the sources give no limit.

    ``densest_percent`` may not be passed in any window; ``fill_percent`` is what a finished chip has to reach, by fill if need be.
    """

    layer: str
    sheet_ohm: float
    dc_mA_per_um: float | None
    densest_percent: float | None
    fill_percent: float
    note: str


def read_metals(lines: Iterable[str], where: str = "metals") -> Mapping[str, Metal]:
    """Read a table (CSV text with the header ``layer,sheet_ohm,dc_mA_per_um,densest_percent,fill_percent,note``), by layer.

    Raises PdkError, naming ``where`` and the line, for a bad number, a missing column, an unknown layer or one that stands twice.
    """
    table: dict[str, Metal] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            current, densest = (
                float(row[key]) if row[key] else None for key in ("dc_mA_per_um", "densest_percent")
            )
            sheet, fill = float(row["sheet_ohm"]), float(row["fill_percent"])
            metal = Metal(row["layer"], sheet, current, densest, fill, row["note"] or "")
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not a metal ({error!r})") from error
        if metal.layer not in LAYERS or metal.layer in table:
            raise PdkError(f"{where}, line {number}: layer {metal.layer!r} is unknown, or stands twice")
        table[metal.layer] = metal
    return MappingProxyType(table)


METALS: Mapping[str, Metal] = read_metals(
    files(__package__).joinpath("data", "sky130_metals.csv").read_text(encoding="utf-8").splitlines(),
    "sky130_metals.csv",
)
"""Every conductor by its layer's name, from below upwards, read-only."""
