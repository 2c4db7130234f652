"""The generator without its cells is the circuit of its netlist."""

from __future__ import annotations

from collections import Counter

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.cells.port import RAILS
from nonideal.circuits.design import Design
from nonideal.circuits.generator.flat import flat
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.lvs.reference import read_reference

DESIGN = Design.model_validate({"synapse": {"kind": "coded"}, "generator": {}})


def test_devices_and_nets_are_those_of_the_netlist() -> None:
    assert DESIGN.generator is not None
    made = Generator.of(DESIGN.generator, DESIGN, (5, 3, 2))
    parts = flat(made)
    counted = Counter({one.model: 0 for one in parts.devices})
    for one in parts.devices:
        counted[one.model] += one.units or 1
    for call in parts.calls:
        for device in DESIGN.contracts.driver.devices if call.cell == "driver" else ():
            counted[device.model] += 1
    reference = read_reference(cells_text(DESIGN) + made.text(), "generator")
    circuit = next(iter(reference.each_circuit()))
    found = Counter(device.device_class().name for device in circuit.each_device())
    neuron = Counter(device.model for device in DESIGN.contracts.neuron.devices)
    neuron += Counter(device.model for device in DESIGN.contracts.driver.devices)
    for model in set(counted) - {"sky130_fd_pr__cap_mim_m3_2"}:
        assert counted[model] + neuron[model] == found[model], model
    nets = {net for one in parts.devices for net in one.nodes} | {
        net for one in parts.calls for net in one.nodes
    }
    assert {*made.contract.names} <= nets
    inside = 4 + 4  # the NANDs of four drivers, and the neuron's membrane, sense and two nodes between FETs
    assert len(nets) + inside == sum(1 for _ in circuit.each_net())


def test_cells_of_the_network_stay_calls() -> None:
    assert DESIGN.generator is not None
    calls = flat(Generator.of(DESIGN.generator, DESIGN, (5, 5))).calls
    assert [call.cell for call in calls] == ["neuron", "driver", "driver", "driver"]
    assert calls[0].nodes[-2:] == tuple(port.name for port in RAILS)
    assert calls[1].nodes[:2] == ("early", "loop_spike")
