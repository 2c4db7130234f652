"""The bias generator as it is drawn: its devices, and, wired, its rules and its netlist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator_layout.generator import generator, place
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.network import leaf_cells
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare

SMALL = {
    "reference_legs": 4, "fixed_legs": 2, "steered_legs": 4, "common_legs": 4, "line_legs": 4, "discharger_legs": 4, "dischargers": 2,
    "units_n": 20, "units_p": 20, "trim_bits": 2, "middle_legs": 2, "sensing_legs": 2,
}  # fmt: skip


def design(kind: str = "mim_met5", **sizes: object) -> Design:
    return Design.model_validate({"synapse": {"kind": "coded"}, "neuron": {"kind": kind}, "generator": sizes})


def netlist(made: Design, layers: tuple[int, ...]) -> str:
    assert made.generator is not None
    return cells_text(made) + "\n" + Generator.of(made.generator, made, layers).text()


@pytest.mark.parametrize("kind", ["mim_met5", "mim_met4"])
def test_placed_devices_are_those_of_the_netlist(tmp_path: Path, kind: str) -> None:
    made = design(kind)
    assert made.generator is not None
    placed = place(Generator.of(made.generator, made, (5, 5, 5)), made, 139.32, leaf_cells(made).pitch)
    assert placed.block.height < 40
    gds = write_gds(placed.block, tmp_path / "generator.gds")
    report = compare(gds, netlist(made, (5, 5, 5)), "generator")
    assert report.devices_layout == report.devices_netlist
    check(gds, "generator").require_clean()


def test_lowest_rail_and_regions() -> None:
    made = design()
    assert made.generator is not None
    placed = place(Generator.of(made.generator, made, (5, 5, 5)), made, 139.32, leaf_cells(made).pitch)
    ys = [y for _, y in placed.rails]
    assert ys == sorted(ys, reverse=True)
    assert ys[-1] == pytest.approx(0.0, abs=1e-6)
    assert Counter(net for net, _ in placed.rails)["vss"] >= 3
    left, _, right, top = placed.block.regions["replica"]
    assert right - left == pytest.approx(leaf_cells(made).pitch)
    assert top == pytest.approx(placed.block.height)


@pytest.mark.parametrize(
    ("kind", "layers", "sizes"),
    [("mim_met5", (5, 5, 5), {}), ("mim_met4", (5, 5, 5), {}), ("mim_met5", (3, 5), SMALL)],
)
def test_wired_it_is_clean_and_matches(
    tmp_path: Path, kind: str, layers: tuple[int, ...], sizes: dict[str, object]
) -> None:
    made = design(kind, **sizes)
    gds = write_gds(generator(layers, made), tmp_path / "generator.gds")
    report = check(gds, "generator")
    assert report.clean, report.summary()
    matched = compare(gds, netlist(made, layers), "generator")
    assert matched.matched, matched.differences
    other = netlist(made, layers).replace("w=2.0u l=4.0u", "w=2.0u l=4.01u", 1)
    assert other == netlist(made, layers) or not compare(gds, other, "generator").matched


def test_refused() -> None:
    with pytest.raises(LayoutError, match=r"circuit\.generator"):
        generator((5, 5), Design())
    made = design(control_capacitor={"w_um": 12.0, "l_um": 12.0})
    assert made.generator is not None
    with pytest.raises(LayoutError, match="make it longer"):
        place(Generator.of(made.generator, made, (5, 5)), made, 139.32, 23.24)
    made = design()
    assert made.generator is not None
    with pytest.raises(LayoutError, match="um wide"):
        place(Generator.of(made.generator, made, (5, 5)), made, 60.0, 23.24)
