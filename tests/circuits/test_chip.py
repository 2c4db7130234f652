"""A seed is a chip: the same numbers every time, and numbers that do not depend on one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nonideal.circuits.design import Design, Fet, SynapseSizes
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.chip import Chip, Sigmas, chip_netlist, draw, mismatch_sigmas
from nonideal.circuits.network.flat import elements
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models import Corner, mismatch_sigma_rel, mismatch_sigma_V

TOPOLOGY = Topology((4, 3, 2))


def sigmas(**changed: float) -> Sigmas:
    cells = {
        cell: {one.path: changed.get(one.path, 0.01) for one in parts if one.is_device}
        for cell, parts in elements(Design()).items()
    }
    return Sigmas(cells)


def flat(chip: Chip) -> Mapping[tuple[str, str], float]:
    return {(instance, path): shift for instance, path, shift in chip.devices()}


def test_a_seed_gives_the_same_chip_and_another_seed_another() -> None:
    assert flat(draw(7, TOPOLOGY, sigmas())) == flat(draw(7, TOPOLOGY, sigmas()))
    one, other = flat(draw(7, TOPOLOGY, sigmas())), flat(draw(8, TOPOLOGY, sigmas()))
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())


def test_a_device_that_is_resized_changes_no_others_draw() -> None:
    before, after = flat(draw(7, TOPOLOGY, sigmas())), flat(draw(7, TOPOLOGY, sigmas(MSB=0.02)))
    for (instance, path), shift in after.items():
        assert shift == pytest.approx(before[instance, path] * (2 if path == "MSB" else 1), rel=1e-12)


def test_a_further_layer_changes_no_earlier_one() -> None:
    before, after = flat(draw(7, Topology((4, 3)), sigmas())), flat(draw(7, TOPOLOGY, sigmas()))
    assert all(after[name] == shift for name, shift in before.items())


def test_streams_are_independent_and_as_wide_as_they_should_be() -> None:
    """Paths of one layer, layers of one path, seeds of one chip: no two of 400 draws go together."""
    topology = Topology((1, 400, 400))
    chips = [draw(seed, topology, sigmas(MDI=0.02)) for seed in (0, 1)]
    rows = [chip.layers[0].neuron[path] for chip in chips for path in ("MDI", "MSB", "driver_MN1")]
    rows += [chip.layers[1].neuron["MDI"] for chip in chips]
    correlation = np.corrcoef(rows)
    assert np.all(np.abs(correlation - np.eye(len(rows))) < 5 / np.sqrt(400))
    assert np.std(rows[0]) == pytest.approx(0.02, rel=5 / np.sqrt(800))
    assert np.std(rows[1]) == pytest.approx(0.01, rel=5 / np.sqrt(800))


def test_shapes_are_those_of_the_layers() -> None:
    chip = draw(0, TOPOLOGY, sigmas())
    assert [layer.synapse["MNM"].shape for layer in chip.layers] == [(3, 4), (2, 3)]
    assert [layer.neuron["CM"].shape for layer in chip.layers] == [(3,), (2,)]
    assert chip.inputs["MN1"].shape == (4,)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(CircuitError, match=r"chip -1: .* from 0 on"):
        draw(-1, TOPOLOGY, sigmas())


def test_every_device_of_the_netlist_has_its_own_shift(read_netlist: Callable[[str], Any]) -> None:
    chip = draw(3, TOPOLOGY, sigmas())
    devices = read_netlist(chip_netlist(chip, Design())).instances("network")
    found = {name[1:]: parameters for name, _, _, parameters in devices}
    expected = flat(chip)
    assert len(found) == len(expected)
    for (instance, path), shift in expected.items():
        parameters = found[f"{instance}_{path}"]
        assert parameters["dc" if path == "CM" else "dvt"] == pytest.approx(shift, rel=1e-8)
        assert ("dc" in parameters) != ("dvt" in parameters)


@pytest.mark.spice
def test_sigmas_are_the_librarys_at_the_drawn_sizes(make_workbench: Callable[..., Any]) -> None:
    pdk = make_workbench().pdk
    wide = Design(synapse=SynapseSizes(memory_n=Fet(w_um=4.0, l_um=0.25)))
    found = [mismatch_sigmas(pdk, Corner.tt, design) for design in (Design(), wide)]
    assert found[0]["synapse"]["MNM"] == mismatch_sigma_V(pdk, Corner.tt, "nfet_01v8", 1, 0.25)
    assert found[0]["neuron"]["MSP"] == mismatch_sigma_V(pdk, Corner.tt, "pfet_01v8_hvt", 0.42, 0.15)
    assert found[0]["neuron"]["CM"] == mismatch_sigma_rel(pdk, Corner.tt, "cap_mim_m3_2", 7, 7)
    assert found[1]["synapse"]["MNM"] < 0.6 * found[0]["synapse"]["MNM"]
    for one, other in pairwise(found):
        assert {p: s for p, s in one["synapse"].items() if p != "MNM"} == {
            p: s for p, s in other["synapse"].items() if p != "MNM"
        }
