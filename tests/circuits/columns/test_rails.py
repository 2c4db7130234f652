"""The share of a rail against the whole of it."""

from itertools import pairwise

import numpy as np
import pytest

from nonideal.circuits.columns.cut import CutError
from nonideal.circuits.columns.rails import rails_of, share
from nonideal.circuits.extraction.netlist import Element, Netlist


def netlist(*wires: Element) -> Netlist:
    return Netlist("network", ("vss",), (), wires, ())


def ladder(count: int) -> Netlist:
    """A pin and nodes in a row, 2 ohm apart."""
    nodes = ["vss", *(f"vss.{k}" for k in range(1, count + 1))]
    return netlist(*(Element(a, b, 2.0) for a, b in pairwise(nodes)))


def volts(wires: list[Element], into_A: dict[str, float]) -> dict[str, float]:
    """What currents do to a network of resistors, the pin at 0 V."""
    nodes = sorted({n for w in wires for n in (w.a, w.b)} - {"vss"})
    matrix = np.zeros((len(nodes), len(nodes)))
    for w in wires:
        for a, b in ((w.a, w.b), (w.b, w.a)):
            if a != "vss":
                matrix[nodes.index(a), nodes.index(a)] += 1 / w.value
                if b != "vss":
                    matrix[nodes.index(a), nodes.index(b)] -= 1 / w.value
    return dict(zip(nodes, np.linalg.solve(matrix, [into_A.get(n, 0.0) for n in nodes]), strict=True))


def test_a_ladder_is_its_resistances_in_a_row() -> None:
    rail = rails_of(ladder(5), ["vss"])["vss"]
    assert rail.transfer_ohm(["vss.3"])[rail.index["vss.5"], 0] == pytest.approx(6.0)
    assert rail.transfer_ohm(["vss.3"])[rail.index["vss.1"], 0] == pytest.approx(2.0)
    found = share(rail, ["vss.3"], np.zeros((5, 0)))
    (wire,) = found.resistors
    assert (wire.a, wire.b, wire.value) == ("vss.3", "vss", pytest.approx(6.0))


def test_a_column_sees_its_own_drop_and_the_others_as_the_whole_rail_has_them() -> None:
    rng = np.random.default_rng(1)
    nodes = ["vss", *(f"vss.{k}" for k in range(12))]
    wires = [Element(nodes[int(rng.integers(k))], nodes[k], float(rng.uniform(1, 9))) for k in range(1, 13)]
    wires += [Element(nodes[a], nodes[b], float(rng.uniform(1, 9))) for a, b in ((1, 7), (3, 11), (2, 9))]
    rail = rails_of(netlist(*wires), ["vss"])["vss"]
    taps, own_A = ["vss.2", "vss.5", "vss.9"], [1e-6, 2e-6, -3e-6]
    others = {"vss.0": 4e-6, "vss.11": 5e-6}
    drawn = np.zeros((len(rail.index), 1))
    for node, ampere in others.items():
        drawn[rail.index[node], 0] = ampere
    found = share(rail, taps, drawn)
    whole = volts(wires, dict(zip(taps, own_A, strict=True)) | others)
    alone = volts(
        list(found.resistors),
        {tap: own + into for tap, own, into in zip(taps, own_A, found.into_A[:, 0], strict=True)},
    )
    for place, tap in enumerate(taps):
        assert alone[tap] == pytest.approx(whole[tap], rel=1e-6)
        assert found.drop_V[place, 0] == pytest.approx(volts(wires, others)[tap], rel=1e-9)


def test_a_rail_without_resistance_has_no_taps() -> None:
    rail = rails_of(netlist(), ["vss"])["vss"]
    assert share(rail, ["vss"], np.zeros((0, 2))).resistors == ()


def test_a_part_that_hangs_on_nothing_is_told() -> None:
    loose = netlist(Element("vss", "vss.1", 1.0), Element("vss.7", "vss.8", 1.0))
    with pytest.raises(CutError, match=r"rail vss: vss\.7, vss\.8 hang on no wire"):
        rails_of(loose, ["vss"])


def test_a_tap_that_no_wire_leads_to_is_told() -> None:
    """Left out, it would float in the column's deck."""
    rail = rails_of(ladder(3), ["vss"])["vss"]
    with pytest.raises(CutError, match=r"no wire leads to vss\.9"):
        share(rail, ["vss.1", "vss.9"], np.zeros((3, 0)))


def test_the_modes_of_a_drop_are_all_of_it_within_the_bound() -> None:
    """Neighbouring axons drop the same along a rail: two modes for twenty of them, and none where nothing is to be seen."""
    rail = rails_of(ladder(12), ["vss"])["vss"]
    taps = ["vss.2", "vss.5", "vss.9"]
    drawn = np.zeros((12, 20))
    drawn[rail.index["vss.4"]] = np.linspace(1e-5, 2e-5, 20)
    drawn[rail.index["vss.12"]] = np.linspace(3e-5, 1e-5, 20)
    found = share(rail, taps, drawn)
    into_A, of_cause = found.modes(most_V=1e-9)
    assert into_A.shape == (3, 2)
    assert np.linalg.solve(found.conductance_S, into_A @ of_cause) == pytest.approx(found.drop_V, abs=1e-9)
    assert found.modes(most_V=1.0)[0].shape == (3, 0)
    for most_V in (1e-3, 1e-4, 1e-5):
        profile_A, of_cause = found.modes(most_V)
        left_V = found.drop_V - np.linalg.solve(found.conductance_S, profile_A @ of_cause)
        assert np.abs(left_V).sum(axis=1).max() <= most_V
