"""What the digital side is to do: times in clocks, the register, codes of counters."""

from __future__ import annotations

import re

import pytest

from nonideal.circuits.design import Timing
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.verilog_writer import top
from nonideal.circuits.network.timeline import Timeline
from tests.circuits.digital.conftest import CLOCK_S, TIMING, made


def test_spans_are_those_of_the_timeline_in_half_clocks(control: Control) -> None:
    timeline = Timeline(Timing.model_validate(TIMING), 2)
    for line, (start_s, end_s) in timeline.spans().items():
        start, end = control.spans[line]
        assert start * CLOCK_S / 2 == pytest.approx(start_s, abs=1e-12)
        assert end * CLOCK_S / 2 == pytest.approx(end_s, abs=1e-12)
    assert control.stop * CLOCK_S == pytest.approx(timeline.stop_s)
    assert control.spans["early"] == (0, 233)
    assert control.spans["late"] == (231, 234)


def test_a_reset_leaves_the_trim_in_its_middle_and_the_loop_closed(control: Control) -> None:
    assert [control.register[f"trim_n_1_{bit}"] for bit in range(4)] == [True, True, True, False]
    assert [control.register[f"trim_p_b_2_{bit}"] for bit in range(4)] == [False, False, False, True]
    assert not control.register["start"]
    assert not control.register["direct"]


def test_codes_of_the_counters_are_told_apart(control: Control) -> None:
    assert control.window == 51
    assert control.counter_bits == 6
    counts = {control.count_of(code) for code in range(63)}
    assert counts == set(range(63))
    with pytest.raises(DigitalError, match="0b111111"):
        control.count_of(63)


def test_eight_pins_take_the_lines_of_direct_operation(control: Control) -> None:
    assert control.direct_pins == (
        "phase_0", "phase_1", "phase_2", "reset", "iso_1", "iso_2", "early", "late",
    )  # fmt: skip


def test_ports_are_the_nets_of_network_and_generator(control: Control) -> None:
    text = top(control)
    for net in ("reset_b_1", "iso_b_2", "phase_2", "trim_n_2_3", "trim_p_b_1_0", "ramp", "start", "in_4"):
        assert f"output wire {net}" in text
    assert "input wire spike_2_4" in text
    assert "direct" not in control.outputs


def test_pins_that_a_smaller_network_leaves_over_repeat_others() -> None:
    text = top(made((3, 2, 1)))
    assert "assign uo_out[1] = done;" in text
    assert "assign uio_out[2] = busy;" in text


def test_times_between_half_clocks_are_refused() -> None:
    with pytest.raises(DigitalError, match=r"no multiple of half a clock of 20 ns"):
        made(reset_s=205e-9)


def test_layers_without_pins_are_refused() -> None:
    for layers in ((14, 8, 3), (5, 8, 3), (5, 5, 6), (0, 5, 5), (-1, 5, 5), (5, 5)):
        with pytest.raises(
            DigitalError,
            match=rf"layers {re.escape(str(list(layers)))}: .* 1 to 5 inputs .* tapeout.bias_on_tile",
        ):
            made(layers)


def test_inputs_beyond_five_take_the_bidirectional_pins_and_the_bias_none() -> None:
    control = made((14, 8, 3), bias=True)
    assert control.input_pins == (
        *(f"ui_in[{j}]" for j in range(5)),
        *(f"uio_in[{j}]" for j in range(8)),
    )
    assert control.direct_pins == control.hidden_pins == ()
    assert "direct" not in control.register
    # The bias rises as the first phase begins, after reset and guard, and falls with phase_0.
    assert control.spans["in_13"] == (26, control.spans["phase_0"][1])
    text = top(control)
    assert "assign in_12 = uio_in[7];" in text
    assert "assign in_13 = timed_in_13;" in text
    assert "uio_oe" not in text
    assert "assign uo_out[3] = done;" in text


def test_a_bias_that_is_made_beside_direct_pins_goes_with_the_first_phase() -> None:
    text = top(made(bias=True))
    assert "assign in_4 = direct ? uio_in[0] : timed_in_4;" in text


def test_a_clock_that_is_none_is_refused() -> None:
    for clock_s in (0.0, float("nan"), float("inf")):
        with pytest.raises(DigitalError, match="give a period above 0"):
            made(clock_s=clock_s)
