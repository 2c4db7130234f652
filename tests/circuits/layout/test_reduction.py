"""The reduction keeps what it says it keeps: direct-current resistance between ports, and the capacitance of every net."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.extraction import NO_REDUCTION, Reduction, net_capacitances
from nonideal.circuits.extraction.check import check_extraction, floating_nodes
from nonideal.circuits.extraction.netlist import (
    Device,
    Element,
    Netlist,
    parse_netlist,
    read_netlist,
)
from nonideal.circuits.extraction.reduction import reduce
from nonideal.circuits.layout.errors import ExtractionFailed

EXACT = Reduction(coupling_F=0.0, short_ohm=0.0, tau_s=1e-9, degree=3)


def ladder(
    net: str, count: int, ohm: float = 10.0, farad: float = 1e-16
) -> tuple[list[Element], list[Element]]:
    """A wire of resistors from the port to node `<net>.<count>`, with capacitance to vss all along."""
    nodes = [net, *(f"{net}.{index}" for index in range(1, count + 1))]
    resistors = [Element(a, b, ohm) for a, b in itertools.pairwise(nodes)]
    return resistors, [Element(node, "vss", farad) for node in nodes]


def two_wires() -> Netlist:
    ra, ca = ladder("a", 20)
    rb, cb = ladder("b", 20)
    couplings = [Element(f"a.{index}", f"b.{index}", 0.5e-17) for index in range(1, 21)]
    device = Device("m", ("a.20", "b.20", "vss", "vss"), "sky130_fd_pr__nfet_01v8", "w=1 l=0.15")
    return Netlist("cell", ("a", "b", "vss"), (device,), (*ra, *rb), (*ca, *cb, *couplings))


def conductance(netlist: Netlist, nodes: list[str]) -> np.ndarray:
    """The conductance matrix seen from some nodes, all others eliminated."""
    names = sorted({n for r in netlist.resistors for n in (r.a, r.b)} - set(nodes))
    order = {name: index for index, name in enumerate([*nodes, *names])}
    matrix = np.zeros((len(order), len(order)))
    for r in netlist.resistors:
        a, b, g = order[r.a], order[r.b], 1.0 / r.value
        matrix[[a, b], [a, b]] += g
        matrix[[a, b], [b, a]] -= g
    k = len(nodes)
    return matrix[:k, :k] - matrix[:k, k:] @ np.linalg.pinv(matrix[k:, k:]) @ matrix[k:, :k]


def test_wires_become_one_resistor_each() -> None:
    before = two_wires()
    after = reduce(before, EXACT)
    assert [(r.a, r.b, round(r.value)) for r in after.resistors] == [("a", "a.20", 200), ("b", "b.20", 200)]
    assert net_capacitances(after) == pytest.approx(net_capacitances(before))
    assert len([c for c in after.capacitors if c.b != "vss"]) == 1


def test_small_couplings_go_to_ground_on_both_nets() -> None:
    before = two_wires()  # the wires couple by 0.1 fF
    after = reduce(before, Reduction(coupling_F=0.11e-15, short_ohm=0.0))
    assert all(c.b == "vss" for c in after.capacitors)
    totals = net_capacitances(after)
    assert totals["a"] == pytest.approx(net_capacitances(before)["a"])
    assert totals["b"] == pytest.approx(net_capacitances(before)["b"])
    kept = reduce(before, Reduction(coupling_F=0.09e-15, short_ohm=0.0))
    assert sum(c.value for c in kept.capacitors if c.b != "vss") == pytest.approx(0.1e-15)


def test_random_mesh_keeps_its_port_resistances() -> None:
    rng = random.Random(3)
    nodes = ["a", "a.p", "a.q", *(f"a.{index}" for index in range(40))]
    resistors = [
        Element(nodes[i], nodes[rng.randrange(i)], rng.uniform(1, 100)) for i in range(1, len(nodes))
    ]
    resistors += [Element(*rng.sample(nodes, 2), rng.uniform(1, 100)) for _ in range(25)]
    device = Device("m", ("a.p", "a.q", "vss", "vss"), "sky130_fd_pr__nfet_01v8", "w=1 l=0.15")
    mesh = Netlist(
        "cell", ("a", "vss"), (device,), tuple(resistors), tuple(Element(n, "vss", 1e-16) for n in nodes)
    )
    after = reduce(mesh, EXACT)
    assert len(after.resistors) < len(mesh.resistors)
    ends = ["a", "a.p", "a.q"]
    assert conductance(after, ends) == pytest.approx(conductance(mesh, ends), rel=1e-9)
    assert sum(c.value for c in after.capacitors) == pytest.approx(sum(c.value for c in mesh.capacitors))


def test_slow_nodes_stay() -> None:
    resistors, capacitors = ladder("a", 3, ohm=1e4, farad=1e-14)
    device = Device("m", ("a.3", "vss", "vss", "vss"), "sky130_fd_pr__nfet_01v8", "w=1 l=0.15")
    slow = Netlist("cell", ("a", "vss"), (device,), tuple(resistors), tuple(capacitors))
    assert len(reduce(slow, Reduction(tau_s=1e-12)).resistors) == 3
    assert len(reduce(slow, Reduction(tau_s=1e-9)).resistors) == 1


def test_shorts_keep_ports_apart() -> None:
    device = Device("m", ("a.1", "b", "vss", "vss"), "sky130_fd_pr__nfet_01v8", "w=1 l=0.15")
    joined = Netlist(
        "cell", ("a", "b", "vss"), (device,), (Element("a", "a.1", 1.0), Element("a.1", "a.2", 1.0)), ()
    )
    after = reduce(joined, Reduction(short_ohm=2.0))
    assert after.devices[0].nodes[0] == "a"
    assert after.resistors == ()


def test_no_reduction_is_none() -> None:
    assert (
        reduce(two_wires(), NO_REDUCTION) is two_wires() or reduce(two_wires(), NO_REDUCTION) == two_wires()
    )


def test_text_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "cell.spice"
    path.write_text(two_wires().text(["a comment"]))
    back = read_netlist(path)
    assert back.ports == two_wires().ports
    assert back.devices == two_wires().devices
    assert back.capacitors == two_wires().capacitors


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* nothing\n",
        ".subckt cell a\nC1 a 0 1f\n",
        ".subckt cell a\nC1 a 0 many\n.ends\n",
        ".subckt cell a\nD1 a 0 d\n.ends\n",
    ],
)
def test_what_is_no_netlist(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.spice"
    path.write_text(text)
    with pytest.raises(ExtractionFailed, match=r"bad\.spice"):
        read_netlist(path)


def test_floating_nodes_are_found() -> None:
    whole = two_wires()
    assert floating_nodes(whole) == []
    broken = Netlist(whole.cell, whole.ports, whole.devices, whole.resistors[1:], whole.capacitors)
    assert "a.20" in floating_nodes(broken)
    with pytest.raises(ExtractionFailed, match="no way to their net"):
        check_extraction(broken, whole.ports, 1, resistance=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: Netlist(n.cell, n.ports, n.devices, n.resistors, ()), "no capacitor"),
        (lambda n: Netlist(n.cell, n.ports, n.devices, (), n.capacitors), "no resistor"),
        (lambda n: Netlist(n.cell, n.ports[1:], n.devices, n.resistors, n.capacitors), r"lost \['a'\]"),
        (
            lambda n: Netlist(n.cell, (*n.ports, "sky130_gnd"), n.devices, n.resistors, n.capacitors),
            r"extra \['sky130_gnd'\]",
        ),
        (
            lambda n: Netlist(n.cell, ("A1", *n.ports[1:]), n.devices, n.resistors, n.capacitors),
            r"lost \['a'\].*extra \['A1'\]",
        ),
        (lambda n: Netlist(n.cell, n.ports, (), n.resistors, n.capacitors), "0 devices were extracted"),
        (
            lambda n: Netlist(
                n.cell, n.ports, n.devices, (*n.resistors, Element("a", "b", 0.0)), n.capacitors
            ),
            "positive finite value",
        ),
    ],
)
def test_incomplete_extractions(change, message: str) -> None:
    with pytest.raises(ExtractionFailed, match=message):
        check_extraction(change(two_wires()), ("a", "b", "vss"), 1, resistance=True)


@pytest.mark.parametrize(
    "line",
    [
        "*#shell id",
        "!#shell id",
        "X#shell a b sky130_fd_pr__nfet_01v8 w=1 l=1",
        "X1 a *#b a a sky130_fd_pr__nfet_01v8 w=1 l=1",
        "X1 a b a a sky130_fd_pr__nfet_01v8 w=1 l=`id`",
        "R1 a;#b c 1",
        "R1 a b 1k(",
        ".include /etc/passwd",
        ".control",
        "A1 a b code",
    ],
)
def test_nothing_of_a_hostile_netlist_is_written(line: str) -> None:
    text = f".subckt network a b\nR0 a b 1\n{line}\n.ends network\n"
    written, told = "", ""
    try:
        written = parse_netlist(text, "network.pex.spice").text()
    except ExtractionFailed as error:
        told = str(error)
    assert written or "network.pex.spice, line 3" in told
    assert not set("#`;(*!") & set(written)


def test_lines_around_the_subcircuit_are_refused() -> None:
    whole = ".subckt network a b\nR0 a b 1\n.ends network\n"
    for text in (f"R1 a b 1\n{whole}", f"{whole}R1 a b 1\n"):
        with pytest.raises(ExtractionFailed, match=r"stands (outside|behind)"):
            parse_netlist(text, "network.pex.spice")
