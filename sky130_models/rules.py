"""The design rules of sky130 that the layouts here can break."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from nonideal.sky130_models.errors import PdkError

KINDS = frozenset(
    {
        "angle",
        "area",
        "distance",
        "enclosure",
        "enclosure_2adj",
        "extension",
        "forbidden",
        "grid",
        "hole_area",
        "must_contain",
        "shape",
        "size",
        "space",
        "space_wide",
        "width",
    }
)
"""The kinds of check a rule may ask for."""

WITHOUT_VALUE = frozenset({"angle", "forbidden", "must_contain", "shape"})
"""The kinds which carry no number."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One design rule.

    `value_um` is in um (um2 for the kinds `area` and `hole_area`), None for a kind without a number.
    `layer` and `other` are names of LAYERS or derived ones (`gate`, `n+diff`); `a|b` is either of two.
    For `enclosure`, `enclosure_2adj` (one direction is enough) and `extension`, `layer` is the outer one.
    """

    name: str
    kind: str
    layer: str
    other: str | None
    value_um: float | None
    note: str


def read_rules(lines: Iterable[str], where: str = "rules") -> tuple[Rule, ...]:
    """Read a rule table (CSV text with the header `rule,kind,layer,other,value_um,note`), in its order.

    Raises PdkError, naming `where` and the line, for an unknown kind, a bad value or a double name.
    """
    table: dict[str, Rule] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            rule = Rule(
                name=row["rule"],
                kind=row["kind"],
                layer=row["layer"],
                other=row["other"] or None,
                value_um=float(row["value_um"]) if row["value_um"] else None,
                note=row["note"] or "",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not a rule ({error!r})") from error
        if rule.kind not in KINDS:
            raise PdkError(f"{where}, line {number}: rule {rule.name} is of unknown kind {rule.kind!r}")
        if (rule.value_um is None) != (rule.kind in WITHOUT_VALUE):
            raise PdkError(f"{where}, line {number}: rule {rule.name} ({rule.kind}) : value {rule.value_um}")
        if rule.name in table:
            raise PdkError(f"{where}, line {number}: rule {rule.name} stands twice")
        table[rule.name] = rule
    return tuple(table.values())


RULES: tuple[Rule, ...] = read_rules(
    files(__package__).joinpath("data", "sky130_rules.csv").read_text(encoding="utf-8").splitlines(),
    "sky130_rules.csv",
)
"""Every rule, in the order of the process stack."""


def rule(name: str) -> Rule:
    """The rule of that name, for instance `rule("li.3").value_um`; raises KeyError."""
    for candidate in RULES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no rule {name!r} in sky130_rules.csv")
