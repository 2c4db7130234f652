"""The data sheet: every pin, every line's times, the codes as they are wired; as Markdown and as a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.network.netlist import Topology
from nonideal.experiment.experiment import load_experiment
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.datasheet import Section, html, markdown, sheet

EXPERIMENT = load_experiment("iris_tile")


@pytest.fixture(scope="module")
def chip() -> Chip:
    wired = [[[frozenset[str]() for _ in range(5)] for _ in range(5)] for _ in range(2)]
    wired[0][1][2] = frozenset({"n0", "n3", "drive_n"})
    wired[1][4][0] = frozenset({"p1", "p2", "drive_p"})
    mask = tuple(tuple(map(tuple, neurons)) for neurons in wired)
    assert EXPERIMENT.tapeout is not None
    topology = replace(Topology.of((5, 5, 5), EXPERIMENT.circuit), mask=mask)
    return Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, topology)


@pytest.fixture(scope="module")
def sections(chip: Chip) -> tuple[Section, ...]:
    return sheet(chip, {"layout | netlist": "matches"})


def table(sections: tuple[Section, ...], title: str) -> dict[str, tuple[str, ...]]:
    (found,) = (one for one in sections if one.title == title)
    return {row[0]: row[1:] for row in found.table}


def test_codes_are_those_of_the_mask(sections: tuple[Section, ...]) -> None:
    (found,) = (one for one in sections if one.title == "Weights")
    rows = {row[:2]: row[2:] for row in found.table[1:]}
    assert rows["1", "1"] == ("0", "0", "9", "0", "0")
    assert rows["2", "4"] == ("-6", "0", "0", "0", "0")


def test_times_are_those_of_the_control(sections: tuple[Section, ...]) -> None:
    lines = table(sections, "Timing")
    assert lines["phase_1"] == ("1320", "2340", "66", "117")
    (timing,) = (one for one in sections if one.title == "Timing")
    assert "begins 3 clocks after the one that first sees a rise of go" in timing.text[0]
    assert set(lines) >= {"phase_0", "reset_1", "iso_2", "ramp", "early", "late"}


def test_every_pin_is_there_with_what_protects_it(sections: tuple[Section, ...]) -> None:
    pins = table(sections, "Pins")
    assert len(pins) == 1 + 51 + 2
    assert all("ESD" in pins[f"ua[{k}]"][2] for k in range(6))


def test_what_was_simulated_of_another_generator_is_not_told(chip: Chip) -> None:
    sizes = chip.generator.sizes.model_copy(update={"line_capacitor_F": 4e-9, "line_legs": 24})
    known = "4.8 to 9.8 uA over corners and temperatures, by simulation"
    more = " of the default generator; this one takes 0.4 uA more for V_sense"
    for generator, idle, wait in (
        (chip.generator, known + more, ": 2 ms after power"),
        (replace(chip.generator, sizes=GeneratorSizes()), known, ": 2 ms after power"),
        (replace(chip.generator, sizes=sizes), "not simulated", ": 8 ms after power"),
    ):
        told = sheet(replace(chip, generator=generator), {})
        assert table(told, "Currents, voltages, temperature")["generator, nothing moving"] == (idle,)
        (steps,) = (one.steps for one in told if one.title == "Test procedure")
        assert any(wait in step for step in steps)


def test_the_page_and_the_text_say_the_same(sections: tuple[Section, ...]) -> None:
    text, page = markdown(sections), html(sections)
    assert text.startswith("# tt_um_nonideal_iris: ")
    assert "| layout \\| netlist | matches |" in text
    for one in sections:
        assert f"{one.title}\n" in text
        assert one.title in page
    assert "<svg" in page
    assert "<svg" not in text
    assert "http" not in page
    assert "1. Give VDPWR 1.8 V" in text
