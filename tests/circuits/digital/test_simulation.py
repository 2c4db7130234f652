"""The control simulated, as it is written and as cells of the library: the same test for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.simulation import Change, Waves, as_cells, as_written, simulate

Run = Callable[[Sequence[Change], float], Waves]
AWAKE: tuple[Change, ...] = ((0.0, "ena", "1"), (95.0, "rst_n", "1"))
CLOCK_NS, STEP_NS = 20.0, 200.0
INFERENCE_NS = 4000.0

pytestmark = pytest.mark.usefixtures("icarus")


@pytest.fixture(
    params=["written", pytest.param("cells", marks=[pytest.mark.slow, pytest.mark.timeout(1000)])]
)
def run(request: pytest.FixtureRequest, control: Control) -> Run:
    sources: Sequence[str] = as_written(control)
    folders: Sequence[Path] = ()
    if request.param == "cells":
        netlist: Netlist = request.getfixturevalue("netlist")
        sources, folders = as_cells(netlist)
    return lambda changes, stop_ns: simulate(control, sources, changes, stop_ns, folders)


def sent(bits: str, begin_ns: float, high: int = 0) -> list[Change]:
    """Bits on the serial data pin, a rise of the serial clock for each; ``high`` is what the other pins of ui_in are at."""
    changes: list[Change] = []
    for index, bit in enumerate(bits):
        at = begin_ns + index * STEP_NS
        value = high | int(bit) << 5
        changes += [(at, "ui_in", str(value)), (at + STEP_NS / 2, "ui_in", str(value | 1 << 6))]
    return [*changes, (begin_ns + len(bits) * STEP_NS, "ui_in", str(high))]


def test_control_lines_are_the_timelines(run: Run, control: Control) -> None:
    waves = run([*AWAKE, (205.0, "ui_in[7]", "1")], 200 + INFERENCE_NS)
    origin = waves.edges("iso_1", 200)[0][0] - control.spans["iso_1"][1] * CLOCK_NS / 2
    # A cell takes 1 ns here.
    for line, (start, end) in control.spans.items():
        expected = [(start, "1"), (end, "0")] if start else [(end, "0"), (2 * control.stop, "1")]
        found = [(round(2 * (time - origin) / CLOCK_NS, 6), value) for time, value in waves.edges(line, 150)]
        assert found == expected, line
    for kind, layer in (("reset", 1), ("reset", 2), ("iso", 1), ("iso", 2)):
        line, complement = waves.edges(f"{kind}_{layer}", 150), waves.edges(f"{kind}_b_{layer}", 150)
        assert [(time, "10"[int(value)]) for time, value in line] == complement
    busy = waves.edges("uio_out[5]", 150)
    assert busy[1][0] - busy[0][0] == pytest.approx(control.stop * CLOCK_NS)
    assert waves.at("uo_out[6]", 200 + INFERENCE_NS) == "1"


def test_the_register_is_loaded_bit_by_bit(run: Run, control: Control) -> None:
    names = list(control.register)
    bits = "01" + "1011000111010010"  # direct, start, then trim from the last
    waves = run([*AWAKE, *sent(bits, 400)], 400 + len(bits) * STEP_NS + 300)
    stop = 400 + len(bits) * STEP_NS + 200
    loaded = dict(zip(reversed(names), bits, strict=True))
    for name, bit in loaded.items():
        if name != "direct":
            assert waves.at(name, stop) == bit, name
    assert waves.at("trim_n_1_0", 300) == "1"
    # What was in it comes out, in the same order: the reset's own bits.
    was = [str(int(control.register[name])) for name in reversed(names)]
    before_rises = [waves.at("uo_out[7]", 400 + k * STEP_NS + 90) for k in range(len(bits))]
    assert before_rises == was


def test_spike_times_are_counted_and_read(run: Run, control: Control) -> None:
    go_ns = 205.0
    # The phase of outputs begins 238 half clocks after the origin; busy rises 2 to 3 clocks after go, lines follow a clock later.
    quiet = run([*AWAKE, (go_ns, "ui_in[7]", "1")], 200 + INFERENCE_NS)
    begin = quiet.edges("phase_2", 150)[0][0]
    late = {0: 5.5, 1: 17.25, 3: 49.5, 4: 30.5}  # clocks after the phase's begin; output 2 stays silent
    changes = [*AWAKE, (go_ns, "ui_in[7]", "1")]
    for k, clocks in late.items():
        changes += [
            (begin + clocks * CLOCK_NS, f"spike_2_{k}", "1"),
            (begin + 51.2 * CLOCK_NS, f"spike_2_{k}", "0"),
        ]
    read_ns = 200 + INFERENCE_NS
    bits = 5 * control.counter_bits
    waves = run([*changes, *sent("0" * bits, read_ns, high=1 << 7)], read_ns + bits * STEP_NS + 100)
    read = "".join(waves.at("uo_out[5]", read_ns + k * STEP_NS + 90) for k in range(bits))
    codes = [int(read[k * 6 : k * 6 + 6], 2) for k in range(5)]
    counts = dict(zip(reversed(range(5)), map(control.count_of, codes), strict=True))
    expected = {0: 5, 1: 17, 2: control.window, 3: 49, 4: 30}
    assert counts == expected
    # Reading leaves the configuration as it was.
    assert not waves.edges("trim_n_1_0", 150)


def test_direct_operation_passes_pins_on(run: Run) -> None:
    bits = "10" + "0" * 16
    stop = 400 + len(bits) * STEP_NS + 300
    pins = "8'b10101010"  # late, early, iso_2, iso_1, reset, phase_2 .. phase_0
    waves = run(
        [*AWAKE, *sent(bits, 400), (stop, "uio_in", pins), (stop + 50, "ui_in", "8'b10010")], stop + 200
    )
    end = stop + 150
    lines = {
        "phase_0": "0", "phase_1": "1", "phase_2": "0", "reset_1": "1", "reset_b_2": "0", "iso_1": "0", "iso_b_1": "1", "iso_2": "1",
        "early": "0", "late": "1", "ramp": "1", "in_1": "1", "in_4": "1", "in_0": "0",
    }  # fmt: skip
    assert {line: waves.at(line, end) for line in lines} == lines
    assert [waves.at(f"uio_oe[{k}]", end) for k in range(8)] == ["0"] * 8
    assert [waves.at(f"uio_oe[{k}]", 300) for k in range(8)] == ["1"] * 8


def test_spikes_are_on_pins(run: Run) -> None:
    waves = run([*AWAKE, (300, "spike_2_3", "1"), (320, "spike_1_0", "1")], 400)
    assert [waves.at(f"uo_out[{k}]", 390) for k in range(5)] == ["0", "0", "0", "1", "0"]
    assert waves.at("uio_out[0]", 390) == "1"
    assert waves.at("uio_out[1]", 390) == "0"
