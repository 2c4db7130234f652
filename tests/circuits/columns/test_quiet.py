"""Closed branches of a column, joined."""

from nonideal.circuits.columns.cut import Piece, Place, Terminal, beside
from nonideal.circuits.columns.quiet import quieted
from nonideal.circuits.extraction.netlist import Device, Element

NFET = "sky130_fd_pr__nfet_01v8"
SIZE = "l=0.25 w=1"
ALL = [f"axon_0_{axon}" for axon in range(4)]


def branch(axon: int) -> list[Device]:
    """The positive branch of a synapse on dendrite_1_0."""
    inner = f"synapse_1_{axon}_0_xn"
    return [
        Device(
            f"synapse_1_{axon}_0_mnm",
            (f"dendrite_1_0.{axon}", f"bias_n_1_{axon}_0", inner, "vss"),
            NFET,
            SIZE,
        ),
        Device(
            f"synapse_1_{axon}_0_mns", (inner, f"axon_0_{axon}", f"vss.{axon}", f"vss.{axon}"), NFET, SIZE
        ),
    ]


def column(axons: int) -> Piece:
    devices = [device for axon in range(axons) for device in branch(axon)]
    inner = [f"synapse_1_{axon}_0_xn" for axon in range(axons)]
    couplings = [Element(net, "dendrite_1_0", 1e-17) for net in inner]
    couplings += [Element(net, f"axon_0_{axon}", 2e-17) for axon, net in enumerate(inner)]
    couplings += [Element("dendrite_1_0", f"axon_0_{axon}", 3e-17) for axon in range(axons)]
    return Piece(
        Place(1, 0),
        frozenset({"dendrite_1_0", *inner}),
        tuple(devices),
        (),
        tuple(Element(net, f"{net}.1", 5.0) for net in inner),
        tuple(couplings),
        tuple(f"axon_0_{axon}" for axon in range(axons)),
        {},
        tuple(Terminal(f"synapse_1_{a}_0_mns", f"synapse_1_{a}_0", "vss", f"vss.{a}") for a in range(axons)),
    )


def held(*axons: int) -> dict[str, str]:
    return {f"bias_n_1_{axon}_0": "vss" for axon in axons}


def test_closed_branches_become_one_as_wide_as_all() -> None:
    found = quieted(column(4), held(0, 2, 3), ALL, {})
    assert [device.name for device in found.devices] == [d.name for a in (1, 2) for d in branch(a)]
    assert [device.parameters for device in found.devices] == [SIZE, SIZE, f"{SIZE} m=3", f"{SIZE} m=3"]
    assert found.own == {"dendrite_1_0", "synapse_1_1_0_xn", "synapse_1_2_0_xn"}
    assert [terminal.node for terminal in found.terminals] == ["vss.1", "vss.2"]
    assert found.axons == ("axon_0_1", "axon_0_2")


def test_capacitance_is_kept_and_what_couples_to_a_lost_axon_is_a_neighbour() -> None:
    found = quieted(column(4), held(0, 2, 3), ALL, {})
    to_inside = [c.value for c in found.capacitors if "dendrite_1_0" in (c.a, c.b) and "_xn" in c.a + c.b]
    assert sum(to_inside) == 4e-17
    assert found.neighbours == {"dendrite_1_0": {"axon_0_0": 3e-17, "axon_0_3": 3e-17}}
    (beside_it,) = [c.value for c in found.capacitors if beside("dendrite_1_0") in (c.a, c.b)]
    assert beside_it == 6e-17


def test_a_column_whose_branches_all_carry_something_stays_as_it_is() -> None:
    piece = column(3)
    assert quieted(piece, {}, ALL, {}) is piece
    # A pin at the rail that opens a device closes nothing.
    assert quieted(piece, {"bias_n_1_0_0": "vdd"}, ALL, {}) is piece


def test_branches_whose_axons_spike_are_apart_from_those_at_rest() -> None:
    """A closed branch takes some aC as its axon spikes: sixty-five of them on the one axon that does would take sixty-five times as much."""
    found = quieted(column(4), held(0, 1, 2, 3), ["axon_0_1"], {})
    assert {device.name: device.parameters for device in found.devices} == {
        device.name: SIZE if axon == 1 else f"{SIZE} m=3" for axon in (1, 2) for device in branch(axon)
    }


def test_branches_that_carry_something_once_their_axons_spike_are_one_while_those_rest() -> None:
    """Neighbours in weight, on the middle one's pin; what couples to the others' axons is a neighbour."""
    weight_V = {f"bias_n_1_{axon}_0": volts for axon, volts in enumerate((0.6, 0.5, 0.7, 0.55))}
    found = quieted(column(4), {}, ["axon_0_3"], weight_V)
    assert {device.name: device.parameters for device in found.devices} == {
        device.name: SIZE if axon == 3 else f"{SIZE} m=3" for axon in (0, 3) for device in branch(axon)
    }
    assert found.axons == ("axon_0_0", "axon_0_3")
    assert set(found.neighbours["dendrite_1_0"]) == {"axon_0_1", "axon_0_2"}
    assert quieted(column(4), {}, ALL, weight_V).devices == column(4).devices
