"""The table of antenna rules: values of the process, and what a reader refuses."""

from __future__ import annotations

import pytest

from nonideal.sky130_models import ANTENNA_RULES, PdkError, antenna_rule
from nonideal.sky130_models.antenna import read_antenna_rules

HEADER = "rule,layer,exposed,thickness_um,limit,diode_per_um2,diode_bonus,note"


def test_values_of_the_process() -> None:
    assert [rule.layer for rule in ANTENNA_RULES] == [
        "poly", "licon1", "li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3", "met4", "via4", "met5",
    ]  # fmt: skip
    met3 = antenna_rule("met3")
    assert (met3.name, met3.exposed, met3.thickness_um) == ("ar_q.met3.1", "side", 0.8)
    assert met3.allowed(0.0) == 400
    assert met3.allowed(0.0225) == pytest.approx(2609)  # as in the LEF of the standard cells
    assert antenna_rule("li1").allowed(0.0225) == pytest.approx(85.125)
    assert antenna_rule("via").allowed(0.0225) == pytest.approx(6.81)
    with pytest.raises(KeyError, match="capm"):
        antenna_rule("capm")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,met1,side,0.35,many,0,0,", "is not an antenna rule"),
        ("a,met6,side,0.35,400,0,0,", "'met6'"),
        ("a,met1,bottom,0.35,400,0,0,", "'bottom'"),
        ("a,met1,side,,400,0,0,", "thickness None"),
        ("a,via,area,0.3,6,0,0,", "thickness 0.3"),
        ("a,via,area,,6,0,0,\na,via,area,,6,0,0,", "line 3: rule a stands twice"),
    ],
)
def test_bad_rows_are_named(row: str, told: str) -> None:
    with pytest.raises(PdkError, match=told):
        read_antenna_rules(f"{HEADER}\n{row}".splitlines(), "mine.csv")
