"""Tables of metals and of layers with their purposes: values of the process, and what the readers refuse."""

from __future__ import annotations

import pytest

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.metals import METALS, read_metals
from nonideal.sky130_models.purposes import BOUNDARY, PURPOSES, read_purposes

METAL_HEADER = "layer,sheet_ohm,dc_mA_per_um,densest_percent,fill_percent,note"
PURPOSE_HEADER = "gds_layer,datatype,name"


def test_values_of_the_process() -> None:
    assert list(METALS) == ["li1", "met1", "met2", "met3", "met4", "met5"]
    met4 = METALS["met4"]
    assert (met4.sheet_ohm, met4.dc_mA_per_um, met4.densest_percent) == (0.047, 6.8, 70)
    assert METALS["li1"].dc_mA_per_um is None


def test_every_layer_that_is_drawn_here_is_a_purpose_of_the_process() -> None:
    assert PURPOSES[BOUNDARY] == "prBoundary.boundary"
    for layer in LAYERS.values():
        for datatype in (layer.drawing, layer.pin, layer.label):
            assert datatype is None or (layer.gds_layer, datatype) in PURPOSES, layer
    assert (71, 77) not in PURPOSES


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("met1,little,2.8,70,35,", "line 2: .* is not a metal"),
        ("met6,0.1,2.8,70,35,", "'met6' is unknown"),
        ("met1,0.1,2.8,70,35,\nmet1,0.1,2.8,70,35,", "line 3: layer 'met1'"),
    ],
)
def test_bad_metals_are_named(row: str, told: str) -> None:
    with pytest.raises(PdkError, match=told):
        read_metals(f"{METAL_HEADER}\n{row}".splitlines(), "mine.csv")


@pytest.mark.parametrize(
    ("row", "told"), [("a,3,x", "line 2: .* is not a purpose"), ("1,3,x\n1,3,y", "line 3: 1/3 stands twice")]
)
def test_bad_purposes_are_named(row: str, told: str) -> None:
    with pytest.raises(PdkError, match=told):
        read_purposes(f"{PURPOSE_HEADER}\n{row}".splitlines(), "mine.csv")
