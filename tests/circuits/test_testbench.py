"""Decks of samples, ports bound by name, spikes and energy read from results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.circuits.design import Design, Supplies, Timing
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, energy_J, network_ports, spike_times_s
from nonideal.spice import Attempt, Plot, Result, SimulatorOptions

TOPOLOGY = Topology((2, 2, 1))
BIASES = Biases("test", "* biases\n")


def circuit(netlist: str | None = None, design: Design | None = None) -> Circuit:
    design = design or Design()
    return Circuit(TOPOLOGY, design, netlist or schematic(TOPOLOGY, design), "* models\n", 0.55)


def head(ports: tuple[str, ...], width: int = 7, between: str = "") -> str:
    rows = [ports[i : i + width] for i in range(0, len(ports), width)]
    first, *more = [" ".join(row) for row in rows]
    return (
        f"* title\n.SUBCKT Network {first}\n"
        + "".join(f"{between}+ {row}\n" for row in more)
        + "R1 a b 1\n.ends\n"
    )


def test_ports_are_read_over_continued_lines_and_comments() -> None:
    ports = TOPOLOGY.ports
    assert network_ports(head(ports)) == ports
    assert network_ports(head(ports, between="* of layer\n")) == ports
    assert network_ports(schematic(TOPOLOGY, Design())) == ports


@given(order=st.permutations(TOPOLOGY.ports))
def test_ports_in_any_order_are_bound_by_name(order: list[str]) -> None:
    deck = circuit(head(tuple(order))).deck("s", BIASES, np.zeros(2), SimulatorOptions())
    card = next(c for c in deck.cards() if c.startswith("Xnetwork"))
    assert card.split()[1:-1] == order


@pytest.mark.parametrize(("change", "said"), [
    (lambda p: p[:-1], "missing .'bias_p_2_1_0'"),
    (lambda p: tuple("vdis" if port == "vdis_1_1" else port for port in p), r"missing .'vdis_1_1'.*unexpected .'vdis'"),
    (lambda p: (*p, "substrate"), r"unexpected .'substrate'"),
    (lambda p: ("in_00", *p[1:]), r"missing .'in_0'.*unexpected .'in_00'"),
    (lambda p: (*p, p[3]), "names pins twice: .'phase_1'"),
])  # fmt: skip
def test_pins_that_do_not_match_are_refused(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        circuit(head(change(TOPOLOGY.ports)))


def test_a_netlist_without_network_is_refused() -> None:
    with pytest.raises(CircuitError, match=r"no `\.subckt network`"):
        network_ports(".subckt network2 a b\n.ends\n")


def source(deck: Any, name: str) -> list[tuple[float, float]]:
    card = next(c for c in deck.cards() if c.split()[0] == name)
    numbers = [float(word) for word in card.split("PWL(")[1].rstrip(")").split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@given(at=st.floats(0.0, 1.0, exclude_max=True))
def test_an_input_spikes_at_its_time_and_ends_with_its_phase(at: float) -> None:
    here = circuit()
    deck = here.deck("s", BIASES, np.array([at, 1.0]), SimulatorOptions())
    wave = source(deck, "Vin_0")
    assert np.all(np.diff([t for t, _ in wave]) > 0)
    middle = (wave[1][0] + wave[2][0]) / 2
    assert middle == pytest.approx(here.timeline.firing_s(0) + at * 1e-6, abs=1e-15)
    assert [v for _, v in wave] == [0.0, 0.0, 1.8, 1.8, 0.0]
    assert wave[-1][0] <= here.timeline.spans()["phase_1"][0]
    assert any(c == "Vin_1 in_1 0 0" for c in deck.cards())


@given(edge=st.floats(1e-11, 1e-8), at=st.floats(0.0, 1.0, exclude_max=True))
def test_sources_run_forward_for_any_legal_edge(edge: float, at: float) -> None:
    design = Design(timing=Timing(guard_s=max(5e-9, 8 * edge), hold_s=max(1e-10, 2 * edge), edge_s=edge))
    deck = circuit(design=design).deck("s", BIASES, np.array([at, 0.0]), SimulatorOptions())
    for name in ("Vin_0", "Vin_1"):
        assert np.all(np.diff([t for t, _ in source(deck, name)]) > 0)


@pytest.mark.parametrize("silent", [1.0, 1.5, np.inf])
def test_from_the_end_of_the_phase_on_an_input_is_silent(silent: float) -> None:
    assert "Vin_0 in_0 0 0\n" in circuit().deck("s", BIASES, np.array([silent, 0.5]), SimulatorOptions()).text


def test_an_input_before_the_phase_comes_at_its_beginning() -> None:
    early, zero = (
        circuit().deck("s", BIASES, np.array([t, 0.5]), SimulatorOptions()).text for t in (-0.3, 0.0)
    )
    assert early == zero


@pytest.mark.parametrize(("sample", "said"), [
    (np.array([np.nan, 0.5]), "NaN"),
    (np.zeros(3), "2 inputs"),
    (np.zeros((1, 2)), "2 inputs"),
])  # fmt: skip
def test_samples_that_are_no_spike_times_are_refused(sample: np.ndarray[Any, Any], said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        circuit().deck("s", BIASES, sample, SimulatorOptions())


def test_the_deck_asks_for_what_validation_reads() -> None:
    here = circuit(design=Design(supplies=Supplies(temperature_C=85.0)))
    deck = here.deck("s", BIASES, np.zeros(2), SimulatorOptions(), ("v(xnetwork.xneuron_1_0.membrane)",))
    assert deck.vectors == (
        "v(spike_1_0)", "v(spike_1_1)", "v(spike_2_0)", "i(vdd)", "i(vv0)", "v(xnetwork.xneuron_1_0.membrane)",
    )  # fmt: skip
    assert deck.t_stop_s == here.timeline.stop_s
    assert ".temp 85\n" in deck.text
    assert set(deck.includes) == {"models.spice", "network.spice", "biases_test.spice"}


def test_the_discharger_bias_keeps_its_digits() -> None:
    deck = replace(circuit(), vdis_V=0.548540889).deck("s", BIASES, np.zeros(2), SimulatorOptions())
    for pin in TOPOLOGY.vdis_ports:
        assert f"V{pin} {pin} 0 0.548540889\n" in deck.text


def test_a_trim_adds_to_the_bias_of_its_neuron() -> None:
    trimmed = replace(circuit(), trim_V=((0.0013, -0.002), (0.0,)))
    cards = trimmed.deck("s", BIASES, np.zeros(2), SimulatorOptions()).cards()
    assert [card for card in cards if card.startswith("Vvdis")] == [
        "Vvdis_1_0 vdis_1_0 0 0.5513", "Vvdis_1_1 vdis_1_1 0 0.548", "Vvdis_2_0 vdis_2_0 0 0.55",
    ]  # fmt: skip
    assert replace(trimmed, vdis_V=0.56).discharger_V(1, 1) == pytest.approx(0.558)


@pytest.mark.parametrize(("trim_V", "said"), [
    (((0.0, 0.0),), r"trim_V holds \[2\] values by layer, the network has \[2, 1\] neurons: give one value in V for each, or \(\)"),
    (((0.0,), (0.0, 0.0)), r"trim_V holds \[1, 2\]"),
    (((0.0, np.nan), (0.0,)), "give finite volts"),
])  # fmt: skip
def test_trims_that_fit_no_neuron_are_refused(trim_V: tuple[tuple[float, ...], ...], said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        replace(circuit(), trim_V=trim_V)


def result(axis: np.ndarray[Any, Any], waves: dict[str, np.ndarray[Any, Any]]) -> Result:
    zeros = np.zeros(axis.shape)
    vectors = (
        {f"v({net})": zeros for net in TOPOLOGY.spike_ports} | {"i(vdd)": zeros, "i(vv0)": zeros} | waves
    )
    return Result(
        "s", (Plot("Transient Analysis", "time", axis, vectors),), (Attempt("as_given", None, 1, 1),), "x"
    )


def test_spikes_are_counted_from_their_layers_firing_phase() -> None:
    here = circuit()
    timeline = here.timeline
    axis = np.linspace(0, timeline.stop_s, 40001)

    def rise(at: float) -> np.ndarray[Any, Any]:
        return np.clip((axis - at) / 2e-9 + 0.5, 0, 1) * 1.8

    hidden, output = timeline.firing_s(1), timeline.firing_s(2)
    waves = {
        "v(spike_1_0)": rise(hidden + 0.37e-6),
        "v(spike_1_1)": rise(hidden + timeline.window_s + 5e-9),
        "v(spike_2_0)": rise(output + 1.004e-6),
    }
    times = spike_times_s(result(axis, waves), here)
    assert times[0][0] == pytest.approx(0.37e-6, abs=1e-14)
    assert times[0][1] == np.inf, "after the window"
    assert times[1][0] == pytest.approx(1.004e-6, abs=1e-14)


def test_a_neuron_below_threshold_from_the_start_spikes_at_zero_not_before() -> None:
    here = circuit()
    begin, edge = here.timeline.firing_s(1), 1e-10
    axis = np.array([0.0, begin - edge / 2, begin - 0.1 * edge, begin + edge, here.timeline.stop_s])
    waves = {"v(spike_1_0)": np.array([0.0, 0.0, 1.8, 1.8, 1.8])}
    assert spike_times_s(result(axis, waves), here)[0][0] == 0.0


def test_spikes_of_an_earlier_phase_are_not_taken_for_this_ones() -> None:
    here = circuit()
    axis = np.linspace(0, here.timeline.stop_s, 5001)
    always = {"v(spike_2_0)": np.where(axis < here.timeline.accumulation_s(2), 1.8, 0.0)}
    assert spike_times_s(result(axis, always), here)[1][0] == np.inf


def test_energy_is_volts_times_charge_of_both_rails() -> None:
    """1 uA from 1.8 V and 0.2 uA from 1.3 V over 2 us, on uneven steps; a source's current is negative when it delivers."""
    axis = np.array([0.0, 0.1e-6, 1.5e-6, 2e-6])
    drawn = result(axis, {"i(vdd)": np.full(4, -1e-6), "i(vv0)": np.full(4, -0.2e-6)})
    assert energy_J(drawn, circuit()) == pytest.approx((1.8e-6 + 0.26e-6) * 2e-6, rel=1e-12, abs=0)
    triangle = result(axis, {"i(vdd)": -1e-6 * np.array([0, 0, 1.0, 0])})
    assert energy_J(triangle, circuit()) == pytest.approx(1.8 * 1e-6 * 1.9e-6 / 2, rel=1e-9, abs=0)
