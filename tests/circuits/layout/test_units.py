"""Units side by side become one device, which is as much as they were, and drops as much in its wires."""

from __future__ import annotations

import numpy as np
import pytest

from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.extraction.units import joined_units

NFET = "sky130_fd_pr__nfet_01v8"
INNER = "synapse_1_0_0_sn"


def unit(name: str, drain: str, gate: str, source: str, areas: tuple[float, float]) -> Device:
    """A unit whose drain and source have these areas (um2)."""
    ad, at_source = areas
    size = f"l=1 w=0.42 as={at_source} ad={ad} ps={4 * at_source:g} pd={4 * ad:g}"
    return Device(name, (drain, gate, source, "vss"), NFET, size)


def bank(*more: Device) -> Netlist:
    """Three units that share diffusions: what is the drain of one is the source of the next. The inner net ends on ``INNER.3``, a pull's drain."""
    units = (
        unit("synapse_1_0_0_mn0", INNER, "g.1", "den.1", (0.06, 0.12)),
        unit("synapse_1_0_0_mn1", "den.2", "g.2", INNER, (0.05, 0.06)),
        unit("synapse_1_0_0_mn2", f"{INNER}.1", "g.3", "den.2", (0.14, 0.05)),
        Device("synapse_1_0_0_mns", (f"{INNER}.3", "axon", "vss", "vss"), NFET, "l=0.15 w=1 as=0.1 ad=0.1 ps=1 pd=1"),
    )  # fmt: skip
    wires = [
        ("den.1", "den", 40.0),
        ("den.2", "den.1", 40.0),
        (INNER, f"{INNER}.2", 150.0),
        (f"{INNER}.1", f"{INNER}.2", 170.0),
        (f"{INNER}.2", f"{INNER}.3", 30.0),
        ("g", "g.1", 40.0),
        ("g.1", "g.2", 40.0),
        ("g.2", "g.3", 40.0),
    ]
    return Netlist(
        "network",
        ("g", "vss", "axon"),
        (*units, *more),
        tuple(Element(a, b, ohm) for a, b, ohm in wires),
        (Element("den.1", "vss", 1e-15), Element(f"{INNER}.1", "vss", 2e-16), Element("g.2", "vss", 1e-16)),
    )


def test_three_units_are_one_of_three() -> None:
    one, pull = joined_units(bank()).devices
    told = dict(pair.split("=") for pair in one.parameters.split())
    assert (one.name, one.model, told["m"], told["w"], told["l"]) == (
        "synapse_1_0_0_mn1",
        NFET,
        "3",
        "0.42",
        "1",
    )
    assert [net_of(node) for node in one.nodes] == ["den", "g", INNER, "vss"]
    # Diffusions on the dendrite are this one's drain: 0.12, 0.05, 0.05; those on the inner net its source.
    assert (float(told["ad"]), float(told["as"])) == (round(0.22 / 3, 7), round(0.26 / 3, 7))
    assert (float(told["pd"]), float(told["ps"])) == (round(0.88 / 3, 6), round(1.04 / 3, 6))
    assert pull == bank().devices[-1]


def test_the_source_of_the_one_stands_where_theirs_do_on_average() -> None:
    joined = joined_units(bank())
    (wire,) = [r for r in joined.resistors if net_of(r.a) == INNER]
    assert {wire.a, wire.b} == {f"{INNER}.3", joined.devices[0].nodes[2]}
    # 1 A for each unit: two through 150 ohm, one through 170, all three through 30; the mean, for 3 A.
    drops = np.array([2 * 150, 2 * 150, 170]) + 3 * 30
    assert wire.value == pytest.approx(drops.mean() / 3, rel=1e-9)


def test_wires_go_where_nothing_is_on_them_any_more() -> None:
    before, after = bank(), joined_units(bank())
    assert len(after.resistors) < len(before.resistors)
    assert sum(c.value for c in after.capacitors) == pytest.approx(sum(c.value for c in before.capacitors))
    nodes = {node for device in after.devices for node in device.nodes}
    inner = {
        node for e in (*after.resistors, *after.capacitors) for node in (e.a, e.b) if net_of(node) == INNER
    }
    assert inner <= nodes


def test_what_is_alone_elsewhere_on_a_pin_or_else_sized_stays() -> None:
    others = (
        unit("synapse_1_0_0_ma", INNER, "d", "vss.1", (0.1, 0.1)),
        unit("synapse_1_0_0_mb", INNER, "d", "vss.2", (0.1, 0.1)),
        Device("synapse_1_0_0_mx", (INNER, "g", "den", "vss"), NFET, "l=1 w=0.5 as=0.1 ad=0.1 ps=1 pd=1"),
        unit("synapse_1_0_0_mg", INNER, "other", "den", (0.1, 0.1)),
        unit("synapse_1_1_0_mn0", "inner_b", "g", "den", (0.1, 0.1)),
        Device("neuron_1_0_cm", ("den", "vss"), "sky130_fd_pr__cap_mim_m3_1", "w=7 l=7"),
    )
    assert joined_units(bank(*others)).devices[2:] == others
    alone = Netlist("network", ("g", "vss"), others, (), ())
    assert joined_units(alone) is alone


def test_what_shares_a_node_of_a_rail_is_one() -> None:
    pulls = [unit(f"synapse_1_0_0_ms_{k}", f"{INNER}.{k}", "axon", "vss.1", (0.1, 0.1)) for k in (1, 3)]
    assert [d.parameters.split()[-1] for d in joined_units(bank(*pulls)).devices] == ["m=3", "pd=1", "m=2"]


def test_of_a_generator_units_of_lines_alone_are_one() -> None:
    def pair(kind: str, inner: str) -> list[Device]:
        return [unit(f"network_generator_{kind}_{k}", "g.1", "g", f"network_generator_{inner}.{k}", (0.1, 0.1)) for k in (1, 2)]  # fmt: skip

    devices = (*pair("bias_line_n_1_mu0", "bias_line_n_1_s0"), *pair("firing_mds", "firing_ds_x"))
    wires = tuple(
        Element(f"network_generator_{net}.1", f"network_generator_{net}.2", 9.0)
        for net in ("bias_line_n_1_s0", "firing_ds_x")
    )
    netlist = Netlist("tile", ("g", "vss"), devices, wires, ())
    assert [one.parameters[-3:] for one in joined_units(netlist).devices] == ["m=2", "0.4", "0.4"]
