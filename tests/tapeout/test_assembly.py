"""What a network's tile is made of: its pins, its floor plan, and where the digital side has its lower pins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.layout.block import Block
from nonideal.circuits.network.netlist import Topology
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.files import UnreadableFile
from nonideal.report.tapeout_table import tapeout_table
from nonideal.runs.rundir import RunDir
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.stages.tapeout import discharger_current_A, require_tile, units_of
from nonideal.tapeout.assembly import PIN_PITCH, Chip, lower_pins, unit_norm
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.part import Part
from nonideal.tapeout.pins import Pinning, Use
from nonideal.tapeout.tile import Tile, kept_empty

EXPERIMENT = load_experiment("iris_tile")
LAYERS = (5, 5, 5)
OFF = tuple(tuple(tuple(frozenset() for _ in range(5)) for _ in range(5)) for _ in range(2))


@pytest.fixture(scope="module")
def chip() -> Chip:
    assert EXPERIMENT.tapeout is not None
    topology = replace(Topology.of(LAYERS, EXPERIMENT.circuit), mask=OFF)
    return Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, topology)


def test_every_pin_of_the_iris_tile_has_its_use(chip: Chip) -> None:
    uses = chip.pinning.uses
    assert [uses[f"ua[{k}]"].name for k in range(6)] == [
        "iref", "v0", "gate_n_1", "gate_p_1", "gate_n_2", "gate_p_2",
    ]  # fmt: skip
    assert all("ESD" in uses[f"ua[{k}]"].esd for k in range(6))
    assert "ua[6]" not in uses
    assert chip.pinning.analog_count == 6
    assert chip.pinning.tied == ()
    assert {pin.name for pin in chip.template.digital} == {name for name in uses if not name.startswith("ua")}
    assert "phase_0" in uses["uio_in[0]"].description
    assert "reset" in uses["uio_in[3]"].description


def test_a_tile_makes_its_biases_with_a_generator_of_its_own(chip: Chip) -> None:
    assert EXPERIMENT.circuit.generator is None
    assert chip.design.generator is not None
    assert chip.generator.neurons == (5, 5)
    blank = Topology.of(LAYERS, EXPERIMENT.circuit)
    assert EXPERIMENT.tapeout is not None
    with pytest.raises(TapeoutError, match="weights of a tile are a mask"):
        Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, blank)


def test_lines_have_the_units_that_the_weights_ask_for(chip: Chip, tmp_path: Path) -> None:
    path = tmp_path / "mapping.csv"
    path.write_text(
        "layer,axon,neuron,weight,code,current_A,clipped\n1,0,0,-0.1,-3,1.8e-8,False\n1,0,1,0,0,0,False\n2,0,0,0.1,2,2.18e-8,False\n"
    )
    units = units_of(path)
    asked = {line: unit.current_A for line, unit in units.items()}
    assert asked == {("p", 1): pytest.approx(6e-9), ("n", 2): pytest.approx(10.9e-9)}
    weight = {line: unit.weight for line, unit in units.items()}
    assert weight == {("p", 1): pytest.approx(0.1 / 3), ("n", 2): pytest.approx(0.05)}
    whole = Chip.of(chip.options, chip.design, chip.topology, asked, weight)
    made = whole.generator
    assert made.units("p", 1) == round(50 * 10.9 / 6)
    # 91 units in place of 90.83: a unit carries that much less, and weighs it.
    assert whole.gain["p", 1] == pytest.approx(50 * 10.9 / 6 / 91)
    assert whole.weight["p", 1] == pytest.approx(whole.gain["p", 1] * 0.1 / 3)
    # Where neurons ask for more, lines of the same units give more.
    more = Chip.of(chip.options, chip.design, chip.topology, asked, weight, 1.1 * 104.6e-9).generator
    assert more.units("p", 1) == round(1.1 * 50 * 10.9 / 6)
    assert (made.units("n", 2), made.units("n", 1)) == (60, 60)
    # In a phase of twice the length the loop halves all currents: half of it is what the generator's own units then carry.
    timing = chip.design.timing.model_copy(update={"t_circ_s": 2e-6})
    slow = chip.design.model_copy(update={"timing": timing})
    assert Chip.of(chip.options, slow, chip.topology, {("n", 1): 5.45e-9}).generator.units("n", 1) == 60
    path.write_text("layer,code\n1,x\n")
    with pytest.raises(UnreadableFile, match="is no mapping of codes"):
        units_of(path)


def test_a_discharger_carries_what_neurons_of_the_columns_ask_for(
    paper_model: PhysicalModel, tmp_path: Path
) -> None:
    rundir = RunDir(tmp_path)
    asked_V, v0_V = paper_model.vdis_V, paper_model.v_0_V.value
    rundir.model.parent.mkdir(parents=True)
    paper_model.save(rundir.model)
    rows = ["bench,bias_V,membrane_V,current_A", "synapse,0.5,1.3,1.0"]
    for bias_V in (asked_V + by for by in (-0.03, -0.01, 0.01, 0.03)):
        rows += [
            f"discharger,{bias_V},{v0_V + up},{1e-7 * (1 + up) * np.exp(20 * (bias_V - asked_V) - 50 * (bias_V - asked_V) ** 2)}"
            for up in (-0.1, 0.1)
        ]
    (rundir.model.parent / "curves.csv").write_text("\n".join(rows) + "\n")
    assert discharger_current_A(rundir) == pytest.approx(1e-7, rel=6e-3)
    (rundir.model.parent / "curves.csv").write_text("\n".join(rows[:2]) + "\n")
    with pytest.raises(UnreadableFile, match="no currents of a discharger"):
        discharger_current_A(rundir)


def test_units_of_either_polarity_weigh_what_was_measured(chip: Chip) -> None:
    own = chip.generator
    for polarity in "np":
        assert unit_norm(own, polarity, 1) == pytest.approx(10.9 / 104.6)
    half = replace(own, given_units={("p", 1): 100})
    assert unit_norm(half, "p", 1) == pytest.approx(10.9 / 104.6 / 2)
    strong = replace(own, sizes=own.sizes.model_copy(update={"line_legs": 24}))
    assert unit_norm(strong, "n", 1) == pytest.approx(2 * 10.9 / 104.6)


def part(name: str, y: float, pins: dict[str, tuple[float, float]], through: tuple[str, ...] = ()) -> Part:
    block = Block.named(name, 100.0, 40.0)
    block.rect("met1", 0.0, 0.0, 100.0, 40.0)
    for net, (x, at) in pins.items():
        block.pins[net] = block.rect("met2", x - 0.14, at, x + 0.14, at + 0.4)
    return Part(name, block, name, tuple(pins), (f".subckt {name}\n.ends {name}",), 20.0, y, through=through)


def test_lower_pins_go_left_right_or_straight_down() -> None:
    upper = part("upper", 100.0, {"low": (1.0, 5.0), "high": (1.0, 30.0), "out": (70.0, 0.0), "in_it": (60.0, 20.0)}, ("in_it",))  # fmt: skip
    lower = part("lower", 30.0, {"high": (50.0, 39.0), "far": (10.0, 39.0)})
    found = lower_pins(["far", "high", "in_it", "low", "out"], (upper, lower), 15.0, 110.0)
    assert sorted(found, key=lambda port: found[port]) == ["low", "high", "in_it", "out", "far"]
    assert found["low"] == PIN_PITCH
    assert found["in_it"] == pytest.approx(65.0, abs=PIN_PITCH)
    assert found["far"] > 110.0 - 3 * PIN_PITCH
    assert min(b - a for a, b in zip(sorted(found.values()), sorted(found.values())[1:], strict=False)) > 1.39
    with pytest.raises(TapeoutError, match="ports lost, which no other part has"):
        lower_pins(["lost"], (upper,), 15.0, 110.0)
    with pytest.raises(TapeoutError, match="5 pins of the digital side do not fit"):
        lower_pins(["far", "high", "in_it", "low", "out"], (upper, lower), 15.0, 6.0)


def test_pins_name_nets_of_parts_and_a_pin_without_one_is_told(chip: Chip) -> None:
    one = part("one", 100.0, {"a": (1.0, 5.0), "b": (9.0, 5.0)})
    tile = Tile("tt_um_x", Pinning(chip.template, {"ua[0]": Use("a", "a")}), (one,))
    assert "Xone ua[0] b one" in tile.netlist()
    assert tile.inside("a") == "ua[0]"
    assert kept_empty(tile)["met1"] == ()
    with pytest.raises(TapeoutError, match=r"pins ua\[0\] are used, but no part"):
        Tile("tt_um_x", Pinning(chip.template, {"ua[0]": Use("c", "c")}), (one,))


def test_an_experiment_without_a_tile_is_told() -> None:
    require_tile(EXPERIMENT)
    with pytest.raises(ExperimentError, match=r"\[tapeout\] is not there"):
        require_tile(Experiment(name="none"))


def test_the_table_says_how_a_tile_was_judged() -> None:
    summary = TapeoutSummary(
        top="tt_um_x", tile="1x2", analog_pins=6, devices=10, standard_cells=3, drc_violations=0, lvs_matched=True, precheck_passed=False,
        precheck_failed=("metal 5",), wires=2, wire_length_um=1500.0, fill={"met1": 3}, density={"met1": 0.4}, supply_A=1e-3, drop_V={"a": 0.002},
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in tapeout_table(summary).rows}
    assert rows["precheck: rules broken"] == ("metal 5", "fail")
    assert rows["layout matches the netlist"] == ("yes", "pass")
    assert rows["wires between parts"][0] == "2, 1.50 mm"
