"""The text of netlists and decks of the default circuit, by hash: simulations and extractions are kept by content.

Where a change of the circuit is meant, run this file (``python tests/circuits/test_golden.py``) for the new hashes, and say in the commit
what changed: all that was simulated and extracted before is made anew.
"""

from __future__ import annotations

import hashlib

import numpy as np

from nonideal.characterize.benches import Grid, LoneNeuron, discharger_bench, neuron_benches, synapse_bench
from nonideal.circuits.design import Design
from nonideal.circuits.network.biases import bias_cell
from nonideal.circuits.network.flat import flat_network
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.pins import pins_table
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.spice import SimulatorOptions


def texts() -> dict[str, str]:
    design, topology = Design(), Topology((5, 5, 5))
    netlist = schematic(topology, design)
    levels = [{"bias_n": np.full((5, 5), 0.5), "bias_p": np.full((5, 5), 1.8)}] * 2
    biases = bias_cell(topology, levels)
    circuit = Circuit(topology, design, netlist, "* models\n", 0.55, ((0.001,) * 5, (0.0,) * 5))
    deck = circuit.deck(
        "s",
        Biases("x", biases),
        np.array([0.1, 0.4, 1.0, np.inf, 0.7]),
        SimulatorOptions(),
        circuit.membrane_probes,
    )
    lone = [LoneNeuron(0, 1.3, 0.55, driven=2), LoneNeuron(3, 0.9, 0.56, injected_A=1e-8)]
    neurons = neuron_benches(design, "n", lone, {"bias_n": 0.5, "bias_p": 1.1})
    membrane, bias = Grid(0.3, 1.5, 0.1), Grid(0.4, 0.7, 0.02)
    return {
        "schematic": netlist,
        "flat": flat_network(topology, design),
        "biases": biases,
        "deck": deck.text + " ".join(deck.vectors),
        "pins": pins_table(topology, design, circuit.discharger_V, biases).to_csv(),
        "synapse_n": synapse_bench(design, "n", membrane, bias).text,
        "synapse_p": synapse_bench(design, "p", membrane, bias).text,
        "discharger": discharger_bench(design, bias, membrane).text,
        "neurons": "".join(one.text + " ".join(one.vectors) for one in neurons),
    }


def hashes() -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts().items()}


GOLDEN = {
    "schematic": "92770fa4041adca1",
    "flat": "4854b1b95ff9f46b",
    "biases": "5ef026752ed46f6b",
    "deck": "599ef7aab4f5c447",
    "pins": "38ee8872879f54b2",
    "synapse_n": "d4366d21d5d6a91b",
    "synapse_p": "2f2ef1e8df4535ad",
    "discharger": "8d0c55e336ef9e88",
    "neurons": "60d2b7c71ce5755b",
}


def test_netlists_and_decks_of_the_default_circuit_are_what_they_were() -> None:
    assert hashes() == GOLDEN


if __name__ == "__main__":
    print("\n".join(f'    "{name}": "{digest}",' for name, digest in hashes().items()))
