"""Units side by side become one device, which is as much as they were."""

from __future__ import annotations

from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.extraction.units import joined_units

NFET = "sky130_fd_pr__nfet_01v8"


def unit(name: str, drain: str, gate: str, source: str, areas: tuple[float, float]) -> Device:
    """A unit whose drain and source have these areas (um2)."""
    ad, at_source = areas
    size = f"l=1 w=0.42 as={at_source} ad={ad} ps={4 * at_source:g} pd={4 * ad:g}"
    return Device(name, (drain, gate, source, "vss"), NFET, size)


def bank(*more: Device) -> Netlist:
    """Three units that share diffusions: what is the drain of one is the source of the next."""
    units = (
        unit("synapse_1_0_0_mn0", "inner", "g.1", "den.1", (0.06, 0.12)),
        unit("synapse_1_0_0_mn1", "den.2", "g.2", "inner", (0.05, 0.06)),
        unit("synapse_1_0_0_mn2", "inner.1", "g.3", "den.2", (0.14, 0.05)),
    )
    wires = [
        ("den.1", "den"),
        ("den.2", "den.1"),
        ("inner", "inner.1"),
        ("g", "g.1"),
        ("g.1", "g.2"),
        ("g.2", "g.3"),
    ]
    return Netlist(
        "network",
        ("g", "vss"),
        (*units, *more),
        tuple(Element(a, b, 40.0) for a, b in wires),
        (Element("den.1", "vss", 1e-15), Element("inner.1", "vss", 2e-16), Element("g.2", "vss", 1e-16)),
    )


def test_three_units_are_one_of_three() -> None:
    (one,) = joined_units(bank()).devices
    told = dict(pair.split("=") for pair in one.parameters.split())
    assert (one.name, one.model, told["m"], told["w"], told["l"]) == (
        "synapse_1_0_0_mn1",
        NFET,
        "3",
        "0.42",
        "1",
    )
    assert one.nodes == ("den.2", "g.2", "inner", "vss")
    # Diffusions on the dendrite are this one's drain: 0.12, 0.05, 0.05; those on the inner net its source.
    assert (float(told["ad"]), float(told["as"])) == (round(0.22 / 3, 7), round(0.26 / 3, 7))
    assert (float(told["pd"]), float(told["ps"])) == (round(0.88 / 3, 6), round(1.04 / 3, 6))


def test_wires_go_where_nothing_is_on_them_any_more() -> None:
    before, after = bank(), joined_units(bank())
    assert len(after.resistors) < len(before.resistors)
    assert sum(c.value for c in after.capacitors) == sum(c.value for c in before.capacitors)


def test_what_is_alone_on_a_pin_or_else_sized_stays() -> None:
    others = (
        unit("synapse_1_0_0_mns_0", "inner", "d", "vss", (0.1, 0.1)),
        unit("synapse_1_0_0_mns_1", "inner", "d", "vss", (0.1, 0.1)),
        Device("synapse_1_0_0_mx", ("inner", "g", "den", "vss"), NFET, "l=1 w=0.5 as=0.1 ad=0.1 ps=1 pd=1"),
        unit("synapse_1_0_0_mg", "inner", "other", "den", (0.1, 0.1)),
        unit("synapse_1_1_0_mn0", "inner_b", "g", "den", (0.1, 0.1)),
        Device("neuron_1_0_cm", ("den", "vss"), "sky130_fd_pr__cap_mim_m3_1", "w=7 l=7"),
    )
    joined = joined_units(bank(*others))
    assert joined.devices[1:] == others
    alone = Netlist("network", ("g", "vss"), others, (), ())
    assert joined_units(alone) is alone
