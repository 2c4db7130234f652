"""The generator's cells: what hangs together, what is drawn as which ratio, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nonideal.characterize.circuit import circuit_facts
from nonideal.circuits.cells.contract import Call, Contract, Device
from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.leaf_cells import illegal_sizes
from nonideal.circuits.cells.port import RAILS, Role
from nonideal.circuits.design import Design, Timing
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.area import areas_um2
from nonideal.circuits.generator.generator import Generator, line_net, trim_nets
from nonideal.circuits.generator.loop import EARLY, LATE, RAMP
from nonideal.circuits.generator.mirrors import Bank, line
from nonideal.circuits.generator.timing import inference_s, loop_spans
from nonideal.sky130_models import check_size
from nonideal.sky130_models.netlist import instances, parallel_devices

DESIGN = Design.model_validate({"synapse": {"kind": "coded"}})
NEURON, SYNAPSE = DESIGN.contracts.neuron, DESIGN.contracts.synapse
ANALOG = (Role.REFERENCE, Role.RESET_LEVEL)


def generator(*neurons: int, **sizes: object) -> Generator:
    return Generator.of(GeneratorSizes.model_validate(sizes), DESIGN, (5, *(neurons or (5, 5))))


def test_calls_fit_the_cells_they_call() -> None:
    made = generator()
    known: dict[str, Contract] = {one.cell: one for one in (*DESIGN.contracts, *made.cells)}
    for cell in made.cells:
        for part in cell.parts:
            if isinstance(part, Call):
                assert len(part.nodes) == len(known[part.cell].names), (cell.cell, part.path)


def test_every_cell_is_written_once_and_after_what_it_calls() -> None:
    text = generator(5, 5, 5).text()
    cells = [words[1] for words in map(str.split, text.splitlines()) if words[:1] == [".subckt"]]
    assert max(Counter(cells).values()) == 1
    assert cells[-1] == "generator"
    for layer in (1, 2, 3):
        assert {f"bias_line_n_{layer}", f"bias_line_p_{layer}"} < {*cells}


def test_no_net_of_a_cell_ends_on_one_device_alone() -> None:
    """A net is a port, or at least two things are on it; the unused outputs of gates are the exception."""
    for cell in generator().cells:
        seen = Counter(node for part in cell.parts for node in part.nodes)
        loose = {node for node, count in seen.items() if count == 1} - {*cell.names}
        assert loose <= {"open_b"}, cell.cell


def test_the_process_has_all_sizes() -> None:
    assert GeneratorSizes().illegal_sizes() == []
    for size, _ in instances(generator().text()):
        check_size(size.device, size.w_um, size.l_um, size.fingers)
    wrong = GeneratorSizes(cascode_p=Fet(w_um=2.0, l_um=0.15))
    (told,) = wrong.illegal_sizes()
    assert told.startswith("circuit.generator.cascode_p: sky130_fd_pr__pfet_01v8_lvt: L = 0.15 um")


def test_two_layers_take_six_analog_pins() -> None:
    """The reference, the reset level, and the four gate lines if they get a capacitor off the chip."""
    made = generator(5, 5)
    pins = [port.name for port in made.contract.ports if port.role in ANALOG]
    pins += [line_net(*one) for one in made.lines]
    assert pins == ["iref", "v0", "gate_n_1", "gate_p_1", "gate_n_2", "gate_p_2"]


@given(
    legs=st.integers(1, 40),
    units=st.integers(20, 200),
    bits=st.integers(0, 3),
    step=st.integers(1, 4),
    data=st.data(),
)
def test_a_unit_carries_the_drawn_ratio(
    legs: int, units: int, bits: int, step: int, data: st.DataObject
) -> None:
    """What conducts at a trim code, counted in the netlist, is the ratio that the settings tell."""
    sizes = GeneratorSizes(line_legs=legs, units_n=units, units_p=units, trim_bits=bits, trim_step=step)
    code = data.draw(st.integers(0, (1 << bits) - 1))
    made = Generator(sizes, NEURON, SYNAPSE, (5,))
    levels = made.trim_levels({("n", 1): code, ("p", 1): code})
    for polarity, on in (("n", "vdd"), ("p", "vss")):
        cell = line(sizes, Bank.of(SYNAPSE, polarity), 1, units)
        nets = dict(zip((f"trim{'' if polarity == 'n' else '_b'}_{k}" for k in range(bits)), trim_nets(sizes, polarity, 1), strict=True))  # fmt: skip
        conducting = 0
        for device in cell.devices:
            if device.role.startswith("unit_"):
                (pull,) = (one for one in cell.devices if one.role == f"pull_{device.role[5:]}")
                gate = pull.nodes[1]
                if levels.get(nets.get(gate, ""), gate) == on:
                    conducting += device.units or 1
        assert conducting == sizes.trimmed_units(units, code)
        assert cell.device("leg").units == legs
        assert made.unit_legs(polarity, 1, code) == legs / conducting


def test_a_layer_has_the_full_scale_that_it_is_given() -> None:
    made = generator()
    units = made.units_for("n", 1.5)
    scaled = replace(made, given_units={("n", 2): units})
    assert units == 40
    assert scaled.unit_legs("n", 2) / scaled.unit_legs("n", 1) == pytest.approx(1.5)
    assert scaled.unit_legs("p", 2) == made.unit_legs("p", 2)
    (cell,) = (one for one in scaled.cells if one.cell == "bias_line_n_2")
    assert cell.device("unit_fixed").units == made.sizes.trimmed_units(40, 0)
    with pytest.raises(CircuitError, match="leaves -2 units"):
        made.units_for("n", 5.0)
    with pytest.raises(CircuitError, match=r"units of line n of layer 1 = 14 .*leaves 0 units"):
        replace(made, given_units={("n", 1): 14})
    with pytest.raises(CircuitError, match=r"\('n', 3\)"):
        replace(made, given_units={("n", 3): 40})


def test_trim_moves_the_full_scale_by_more_than_a_tenth_both_ways() -> None:
    made = generator()
    assert made.unit_legs("n", 1, 0) / made.unit_legs("n", 1) > 1.1
    assert made.unit_legs("n", 1, 15) / made.unit_legs("n", 1) < 0.9


def test_the_loop_reaches_further_than_the_corners_ask() -> None:
    low, high = GeneratorSizes().control_range()
    assert low < 0.87
    assert high > 1.16


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"units_n": 5}, "units_n = 5 with trim_bits = 4 and trim_step = 2 leaves -9 units"),
        ({"units_p": 0}, "units_p"),
        ({"legs": 3}, "legs"),
        ({"trim_bits": 7}, "trim_bits"),
        ({"reference_A": 0.0}, "reference_A"),
    ],
)
def test_bad_settings_are_told_by_their_key(sizes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        GeneratorSizes.model_validate(sizes)


def test_bad_codes_neurons_and_depths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"trim code 16: .*trim_bits = 4 has 0 \.\. 15"):
        generator().trim_levels({("n", 1): 16})
    with pytest.raises(CircuitError, match=r"layers of \[0\] neurons"):
        generator(0)
    parts = tuple(
        replace(part, role="leak") if isinstance(part, Device) and part.role == "discharge" else part
        for part in NEURON.parts
    )
    with pytest.raises(CircuitError, match="0 devices are its discharge;"):
        Generator(GeneratorSizes(), replace(NEURON, parts=parts), SYNAPSE, (5,)).text()
    with pytest.raises(CircuitError, match=r"no units .*circuit\.synapse\.kind"):
        Generator.of(GeneratorSizes(), Design(), (5, 5)).text()


def test_statistics_know_how_many_devices_stand_side_by_side() -> None:
    """Mismatch of a bank is that of its area: the count is where the statistics look for it."""
    counts = {
        parallel_devices({"m": word.split("=")[1]})
        for _, text in instances(line(GeneratorSizes(), Bank.of(SYNAPSE, "n"), 1, 60).text())
        for word in text.split()
        if word.startswith("m=")
    }
    assert counts == {12.0, 46.0, 4.0, 2.0, 8.0, 16.0, 1.0}


def test_the_replica_is_watched_on_both_sides_of_the_phase_s_end() -> None:
    sizes, timing = GeneratorSizes(), Timing()
    spans = loop_spans(sizes, timing)
    begin, last = spans[RAMP]
    end = begin + timing.t_circ_s
    assert spans[LATE][0] == pytest.approx(end - sizes.overlap_s)
    assert spans[EARLY] == (0.0, pytest.approx(end + sizes.overlap_s))
    # No pump may see the spike's own fall: `early` is low by then, and `late` over.
    assert spans[EARLY][1] < spans[LATE][1] < last < inference_s(timing)
    with pytest.raises(CircuitError, match="overlap_s"):
        loop_spans(sizes, Timing(guard_s=15e-9))


def test_supplies_come_last() -> None:
    assert generator().contract.ports[-2:] == RAILS


def test_what_dischargers_take_is_given_back_layer_by_layer() -> None:
    (cell,) = (one for one in generator(5, 3).cells if one.cell == "firing_bias")
    givers = {one.nodes[1]: one.units for one in cell.devices if one.role.startswith("giver_")}
    assert givers == {"ramp": 1, "phase_1": 3, "phase_2": 2}
    none = generator(5, 3, givers_a_neuron=0.0)
    assert not [port.name for port in none.contract.ports if port.name.startswith("phase")]


def test_area_is_counted_cell_by_cell_and_fits_the_budget() -> None:
    found = areas_um2(generator())
    assert sum(found.values()) < 5000
    assert found["bias_line_n_1"] == found["bias_line_n_2"]
    assert sum(areas_um2(generator(line_legs=24)).values()) > sum(found.values())


def test_a_circuit_without_a_generator_is_known_as_it_was() -> None:
    assert "generator" not in Design().model_dump()
    made = Design.model_validate({"synapse": {"kind": "coded"}, "generator": {"units_n": 40}})
    assert Design.model_validate(made.model_dump()) == made
    assert circuit_facts(made)["circuit.generator.units_n"] == 40
    wrong = made.model_copy(update={"generator": GeneratorSizes(cascode_p=Fet(w_um=2.0, l_um=0.15))})
    assert [line.partition(":")[0] for line in illegal_sizes(wrong)] == ["circuit.generator.cascode_p"]
