"""All pins of a network with what drives them: each port once, each voltage and waveform as the decks have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nonideal.circuits.design import Design, Supplies
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.pins import Pin, pins_table
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.spice import SimulatorOptions

TOPOLOGY = Topology((3, 4, 2))
DESIGN = Design(supplies=Supplies(vdd_V=1.75, v0_V=1.2, vsense_V=0.913))
TRIM_V = ((0.0013, -0.002, 0.0, 1e-4), (0.0, 3e-4))
KINDS = {
    "input": 3, "phase": 3, "reset": 2, "reset_b": 2, "iso": 2, "iso_b": 2, "output": 6, "reset level": 1, "sense": 1, "supply": 2,
    "discharger bias": 6, "bias_n": 20, "bias_p": 20,
}  # fmt: skip


def sources(text: str) -> dict[str, str]:
    """What every voltage source of a text puts on its node."""
    found = {}
    for line in text.splitlines():
        if line.startswith("V"):
            _, node, zero, drive = line.partition(";")[0].split(maxsplit=3)
            assert zero == "0"
            found[node] = drive.strip()
    return found


def test_each_port_once_with_what_the_decks_put_on_it(silicon: Any) -> None:
    rng = np.random.default_rng(3)
    weights = [rng.normal(0, 0.7, (4, 3)), rng.normal(0, 0.7, (2, 4))]
    weights[0][1, 2] = 0.0
    biases = bias_sources(map_weights(weights, silicon, scale=(1.03, 0.97), clip=True))
    circuit = Circuit(
        TOPOLOGY, DESIGN, schematic(TOPOLOGY, DESIGN), "* models\n", 0.5485408891, trim_V=TRIM_V
    )
    table = pins_table(TOPOLOGY, DESIGN, circuit.discharger_V, biases)
    assert tuple(table["pin"]) == TOPOLOGY.ports
    assert table["kind"].value_counts().to_dict() == KINDS
    deck = circuit.deck("s", Biases("x", biases), np.array([0.25, 1.0, 1.0]), SimulatorOptions())
    driven = sources(deck.text) | sources(biases)
    for pin in table.itertuples():
        drive = driven.get(str(pin.pin))
        if pin.kind == "output":
            assert drive is None
            assert np.isnan(pin.volts_V)
        elif pin.kind == "input":
            assert str(pin.waveform).startswith(
                "0 to 1.75 V at 2.5e-07 s + t * 1e-06 s, back at 1.255e-06 s;"
            )
        elif drive is not None and drive.startswith("PWL"):
            assert pin.waveform == drive
        else:
            assert pin.volts_V == float(str(drive))
    for pin in table[table["kind"].str.startswith("bias_")].itertuples():
        assert pin.pin == f"{pin.kind}_{pin.layer}_{pin.axon}_{pin.neuron}"
    first = deck.text.partition("Vin_0 in_0 0 ")[2].splitlines()[0]
    assert first == "PWL(0 0 4.9995e-07 0 5.0005e-07 1.75 1.25495e-06 1.75 1.25505e-06 0)"


def test_without_weights_their_volts_are_empty() -> None:
    table = pins_table(TOPOLOGY, DESIGN)
    unknown = table["kind"].isin(["bias_n", "bias_p", "discharger bias"])
    assert table.loc[unknown, "volts_V"].isna().all()
    assert table.loc[table["kind"].isin(["supply", "sense", "reset level"]), "volts_V"].tolist() == [
        1.2,
        0.913,
        1.75,
        0.0,
    ]
    assert list(table.columns) == list(Pin._fields)


@pytest.mark.parametrize(("sources", "said"), [
    ("Vbias_n_1_0_0 bias_n_1_0_0 0 0.5", "layer 1: 1 bias sources, but 1 axons on 1 neurons need 2: the netlist is not complete"),
    ("Vbias_n_1_0_0 bias_n_1_0_0 0 0.5\nVbias_p_1_0_0 bias_p_1_0_0 0 1.8", r"synapses \[\(1, 1\)\] \(axons, neurons\), and not .* 3-4-2"),
])  # fmt: skip
def test_biases_of_another_network_are_refused(sources: str, said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        pins_table(TOPOLOGY, DESIGN, biases=f".subckt biases a\n{sources}\n.ends biases\n")
