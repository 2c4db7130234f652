"""The antenna rules of sky130: how much of a conductor may be etched while it hangs on nothing but gates.

Source: "Antenna Rules" of the SkyWater PDK's documentation (docs/rules/antenna.rst and its Table Ig, S8P12: the five metals
that sky130 has). The table's notes say where its other tables, the LEF of the standard cells or open_pdks differ. The rules
are partial: every layer is judged by what is etched of that layer alone, on the nets as they are when it is etched.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.layers import LAYERS

EXPOSED = frozenset({"area", "side"})
"""What the etch sees: the area of a cut, or the side walls (perimeter times thickness) of a conductor."""


@dataclass(frozen=True, slots=True)
class AntennaRule:
    """The most that may be exposed of one layer's net, in areas of the gates that it is joined to.

    A net with a diode may have `diode_bonus + diode_per_um2 * (area of its diodes in um2)` more than `limit`; all three are ratios.
    `thickness_um` is given where the side walls are exposed.
    """

    name: str
    layer: str
    exposed: str
    thickness_um: float | None
    limit: float
    diode_per_um2: float
    diode_bonus: float
    note: str

    def allowed(self, diode_um2: float) -> float:
        """The largest ratio with so much diode area, 0 for none."""
        return self.limit + (self.diode_bonus + self.diode_per_um2 * diode_um2 if diode_um2 > 0 else 0.0)


def read_antenna_rules(lines: Iterable[str], where: str = "antenna rules") -> tuple[AntennaRule, ...]:
    """Read a table (CSV text with the header `rule,layer,exposed,thickness_um,limit,diode_per_um2,diode_bonus,note`), in its order.

    Raises PdkError, naming `where` and the line, for a bad value, an unknown layer or a double name.
    """
    table: dict[str, AntennaRule] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            rule = AntennaRule(
                name=row["rule"],
                layer=row["layer"],
                exposed=row["exposed"],
                thickness_um=float(row["thickness_um"]) if row["thickness_um"] else None,
                limit=float(row["limit"]),
                diode_per_um2=float(row["diode_per_um2"]),
                diode_bonus=float(row["diode_bonus"]),
                note=row["note"] or "",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not an antenna rule ({error!r})") from error
        if rule.layer not in LAYERS or rule.exposed not in EXPOSED:
            raise PdkError(f"{where}, line {number}: rule {rule.name}: {rule.exposed!r} of {rule.layer!r}")
        if (rule.thickness_um is None) != (rule.exposed == "area"):
            raise PdkError(
                f"{where}, line {number}: rule {rule.name} ({rule.exposed}): thickness {rule.thickness_um}"
            )
        if rule.name in table:
            raise PdkError(f"{where}, line {number}: rule {rule.name} stands twice")
        table[rule.name] = rule
    return tuple(table.values())


ANTENNA_RULES: tuple[AntennaRule, ...] = read_antenna_rules(
    files(__package__).joinpath("data", "sky130_antenna.csv").read_text(encoding="utf-8").splitlines(),
    "sky130_antenna.csv",
)
"""Every antenna rule, in the order of the process stack."""


def antenna_rule(layer: str) -> AntennaRule:
    """The rule of that layer; raises KeyError."""
    for candidate in ANTENNA_RULES:
        if candidate.layer == layer:
            return candidate
    raise KeyError(f"no antenna rule of layer {layer!r} in sky130_antenna.csv")
