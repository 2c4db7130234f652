"""The GDS layers of sky130 that the layouts here touch."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from nonideal.sky130_models.errors import PdkError


@dataclass(frozen=True, slots=True)
class Layer:
    """One mask layer: its GDS layer number and the datatypes of drawing, pin and label.

    `pin` and `label` are None where the process defines no such purpose.
    """

    name: str
    gds_layer: int
    drawing: int
    pin: int | None
    label: int | None


def read_layers(lines: Iterable[str], where: str = "layers") -> Mapping[str, Layer]:
    """Read a layer table (CSV text with the header `layer,gds_layer,drawing,pin,label`), by name.

    Raises PdkError, naming `where` and the line, for a bad number, a missing column or a double name.
    """
    table: dict[str, Layer] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            layer = Layer(
                name=row["layer"],
                gds_layer=int(row["gds_layer"]),
                drawing=int(row["drawing"]),
                pin=int(row["pin"]) if row["pin"] else None,
                label=int(row["label"]) if row["label"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not a layer ({error!r})") from error
        if layer.name in table:
            raise PdkError(f"{where}, line {number}: layer {layer.name!r} stands twice")
        table[layer.name] = layer
    return MappingProxyType(table)


LAYERS: Mapping[str, Layer] = read_layers(
    files(__package__).joinpath("data", "sky130_layers.csv").read_text(encoding="utf-8").splitlines(),
    "sky130_layers.csv",
)
"""Every layer by the name the design rules use, read-only."""
