"""Wires of axons as extracted, and what is told of the spikes that cross them."""

from __future__ import annotations

import pytest

from nonideal.characterize.benches import LoneNeuron, SpikeWires, neuron_bench
from nonideal.characterize.column import Column, EdgeCharge, FanOut
from nonideal.characterize.estimate import estimate
from nonideal.characterize.fan_out import spike_wires
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import layer_physics, network_physics
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.netlist import Element, Netlist


def test_wires_of_each_spike_are_summed() -> None:
    capacitors = (
        Element("spike_1_0", "vss", 1e-15),
        Element("spike_1_0.3", "spike_b_1_0.1", 2e-15),
        Element("spike_1_0", "spike_1_1", 4e-15),
        Element("spike_b_1_0", "dendrite_2_0", 8e-15),
        Element("spike_1_0", "spike_1_0.3", 1.0),
        Element("spike_b_1_1", "vdd", 16e-15),
        Element("dendrite_2_0", "vss", 1.0),
    )
    netlist = Netlist("network", (), (), (), capacitors)
    found = spike_wires(netlist, 1, 2)
    assert [found[0].spike_F, found[0].spike_b_F, found[0].between_F] == pytest.approx([5e-15, 8e-15, 2e-15])
    assert [found[1].spike_F, found[1].spike_b_F, found[1].between_F] == pytest.approx([4e-15, 16e-15, 0.0])
    with pytest.raises(CircuitError, match="no wires of spike_1_2, spike_b_1_2"):
        spike_wires(netlist, 1, 3)


def test_wires_hang_on_the_neurons_own_spikes() -> None:
    lone = LoneNeuron(0, 1.0, 0.5, wires=SpikeWires(4e-15, 5e-15, 6e-15))
    text = neuron_bench(Design(), "loads", lone, {}).text
    assert "Cwire_spike_b_0 spike_b 0 5e-15" in text
    assert "Cwire_spike_spike_b spike spike_b 6e-15" in text


def test_spikes_leave_as_their_axons_let_them(columned: PhysicalModel) -> None:
    known = columned.model_copy(
        update={"fan_outs": (FanOut(neurons=3, driven=2, delay_s=(1e-9, 2e-9, 6e-9)),)}
    )
    first, second = network_physics(known, (5, 3, 2))
    assert first.spike_delay == pytest.approx(3e-3)
    assert first.spike_lag == pytest.approx((-2e-3, -1e-3, 3e-3))
    assert (second.spike_delay, second.spike_lag) == (0.0, ())
    # Of other sizes the column's own load is all that is known.
    for sizes in ((5, 4, 2), (5, 3, 4)):
        other = network_physics(known, sizes)[0]
        assert other == network_physics(columned, sizes)[0]
        assert other.spike_lag == ()


def test_edges_take_their_charges_where_they_are(columned: PhysicalModel, column: Column) -> None:
    one = column.membrane_F.value * column.v_th_V.value
    edge = EdgeCharge(
        charge_C=estimate(1e-3 * one, 0.0, "C"),
        first_axon_C=estimate(2e-3 * one, 0.0, "C"),
        last_axon_C=estimate(3e-3 * one, 0.0, "C"),
        first_neuron_C=estimate(4e-3 * one, 0.0, "C"),
    )
    told = columned.model_copy(update={"columns": (column.model_copy(update={"edge": edge}),)})
    first, second = network_physics(told, (column.axons, column.axons, 2))
    assert first.charge_zero == pytest.approx(1e-3)
    assert first.axon_charge == pytest.approx((2e-3, *(0.0,) * (column.axons - 2), 3e-3))
    assert first.neuron_charge == pytest.approx((4e-3, *(0.0,) * (column.axons - 1)))
    # Input drivers stand beside the first crossbar alone.
    assert second.axon_charge == first.axon_charge
    assert second.neuron_charge == ()
    assert layer_physics(told, column.axons, driven=True).neuron_charge == ()
    assert layer_physics(columned, column.axons).axon_charge == ()
