"""A tile cut in two: what each half keeps, and that both together do what the whole does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.extraction.reduction import Reduction
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import SimulatorOptions, find_ngspice, run
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.halves import PIECE, Half, half, plain
from nonideal.tapeout.sides import Side, levels
from nonideal.tapeout.tile_simulation import crossings_s

SUPPLIES = ("VDPWR", "VGND")
NFET, PFET = "sky130_fd_pr__nfet_01v8", "sky130_fd_pr__pfet_01v8_hvt"


def inverter(name: str, a: str, y: str, nmos: str = NFET) -> list[Device]:
    return [
        Device(f"{name}_n", (y, a, "VGND.1", "VGND"), nmos, "l=0.15 w=0.65"),
        Device(f"{name}_p", (y, a, "VDPWR.1", "VDPWR"), PFET, "l=0.15 w=1"),
    ]


def tile() -> Netlist:
    """A pin, a driver, an inverter for a network, and an inverter that hears its spike; wires of 1 kohm between them."""
    devices = [
        *inverter("control_u1", "ui_in[0]", "in_0"),
        *inverter("network_a", "in_0.1", "spike_1_0"),
        *inverter("control_u2", "spike_1_0.1", "uio_out[0]", "sky130_fd_pr__special_nfet_01v8"),
        Device("control_decap_n", ("VGND.1", "VDPWR.1", "VGND.1", "VGND"), NFET, "l=0.15 w=0.55"),
    ]
    resistors = [
        Element("in_0", "in_0.1", 1e3),
        Element("spike_1_0", "spike_1_0.1", 1e3),
        Element("VDPWR", "VDPWR.1", 200.0),
        Element("VGND", "VGND.1", 5.5),
    ]
    capacitors = [
        Element("in_0", "VGND", 5e-15),
        Element("spike_1_0", "VGND", 5e-15),
        Element("spike_1_0", "uio_out[0]", 2e-15),
        Element("in_0", "VDPWR", 1e-15),
        Element("uio_out[0]", "VGND", 3e-15),
    ]
    ports = ("ui_in[0]", "uio_out[0]", *SUPPLIES)
    return Netlist("tt_um_small", ports, tuple(devices), tuple(resistors), tuple(capacitors))


def test_the_network_keeps_its_wires_and_sees_gates_and_capacitors_of_the_other_half() -> None:
    found = half(tile(), "control", SUPPLIES, rest=True, reduction=Reduction())
    assert found.driven == {"in_0": "in_0"}
    assert found.heard == {"spike_1_0": "spike_1_0.1"}
    assert found.loads == 2
    names = [device.name for device in found.netlist.devices]
    assert names == ["network_a_n", "network_a_p", "control_u2_n", "control_u2_p"]
    load = found.netlist.devices[2]
    # A load carries no current, and has a model.
    assert load.nodes[0] == load.nodes[2] == load.nodes[3] == "0"
    assert load.model == NFET
    assert [r.value for r in found.netlist.resistors if r.a.startswith("spike")] == [1e3]
    assert sum(c.value for c in found.netlist.capacitors if "0" in (c.a, c.b)) == pytest.approx(13e-15)


def test_the_digital_half_has_nodes_for_nets_and_no_decoupling() -> None:
    found = half(tile(), "control", SUPPLIES, rest=False)
    assert found.driven == {"spike_1_0": "spike_1_0"}
    assert found.heard == {"in_0": "in_0"}
    assert {device.name for device in found.netlist.devices} == {
        "control_u1_n", "control_u1_p", "control_u2_n", "control_u2_p", "network_a_n", "network_a_p",
    }  # fmt: skip
    assert all(r.a == "VDPWR" for r in found.netlist.resistors)
    assert {"ui_in_0", "uio_out_0"} <= {*found.netlist.ports}
    narrow = next(d for d in found.netlist.devices if d.name == "control_u2_n")
    assert narrow.parameters == "l=0.15 w=0.65"


def test_the_supply_comes_in_pieces() -> None:
    many = [d for k in range(3 * PIECE) for d in inverter(f"network_{k}", "in_0", f"spike_{k}")]
    netlist = replace(tile(), devices=(*tile().devices, *many))
    found = half(netlist, "control", SUPPLIES, rest=True, reduction=Reduction(short_ohm=500.0))
    hung: dict[str, int] = {}
    for device in found.netlist.devices:
        for node in device.nodes:
            hung[node] = hung.get(node, 0) + 1
    assert max(count for node, count in hung.items() if node.startswith("VDPWR")) <= PIECE


def test_what_is_no_tile_is_refused() -> None:
    with pytest.raises(TapeoutError, match="is it a tile"):
        half(tile(), "digital", SUPPLIES, rest=True)
    loose = replace(tile().devices[4], nodes=("uio_out[0]", "spike_1_0.1", "VGND.1", "well"))
    with pytest.raises(TapeoutError, match="on well"):
        half(replace(tile(), devices=(*tile().devices[:4], loose)), "control", SUPPLIES, rest=True)


def test_names_are_those_of_decks() -> None:
    assert plain("ui_in[3]") == "ui_in_3"
    assert plain("control_u72_a_76_199#.2") == "control_u72_a_76_199x.2"


@pytest.mark.spice
def test_both_halves_together_do_what_the_whole_does(chip: Chip, tmp_path: Path) -> None:
    bit = levels([(1.0, 1), (3.0, 0)], 1.8)
    whole = whole_of(tile())
    together = edges_s(
        chip, whole, {"ui_in[0]": bit}, ("in_0", "spike_1_0", "uio_out[0]"), tmp_path / "whole"
    )
    digital = half(tile(), "control", SUPPLIES, rest=False)
    first = edges_s(chip, digital, {"ui_in[0]": bit, "spike_1_0": "0"}, ("in_0",), tmp_path / "control")
    driven = levels([(0.0, 1), *((1e9 * at, to) for at, to in first["in_0"])], 1.8)
    analog = half(tile(), "control", SUPPLIES, rest=True, reduction=Reduction())
    then = edges_s(chip, analog, {"in_0": driven}, ("spike_1_0",), tmp_path / "network")
    assert [to for _, to in then["spike_1_0"]] == [1, 0] == [to for _, to in together["spike_1_0"]]
    for (at, _), (apart, _) in zip(together["spike_1_0"], then["spike_1_0"], strict=True):
        assert apart == pytest.approx(at, abs=6e-11)


def whole_of(netlist: Netlist) -> Half:
    """All devices as one half: nothing is cut."""
    named = tuple(replace(one, name=f"network_{one.name}") for one in netlist.devices)
    beside = Device("control_none", ("VGND", "VGND", "VGND", "VGND"), NFET, "l=0.15 w=0.65")
    return half(
        replace(netlist, devices=(*named, beside)), "control", SUPPLIES, rest=True, reduction=Reduction()
    )


def edges_s(
    chip: Chip, made: Half, sources: dict[str, str], nets: tuple[str, ...], folder: Path
) -> dict[str, list[tuple[float, int]]]:
    """Crossings of half the supply, by net."""
    text = made.netlist.text()
    side = Side(chip, made, lean_library(find_pdk(), "tt", text))
    vectors = {net: side.vector(net) for net in nets}
    deck = side.deck("small", sources, vectors, 5e-9, SimulatorOptions(max_step_s=5e-11))
    result = run(deck, find_ngspice(), folder, 60.0)
    axis = np.asarray(result.axis, float)
    return {
        net: list(crossings_s(axis, np.asarray(result[vector], float), 0.9))
        for net, vector in vectors.items()
    }


def test_a_cut_net_that_nothing_drives_is_refused(chip: Chip) -> None:
    side = Side(chip, half(tile(), "control", SUPPLIES, rest=True, reduction=Reduction()), "* models\n")
    with pytest.raises(TapeoutError, match="nothing drives in_0"):
        side.deck("small", {}, {"spike_1_0": side.vector("spike_1_0")}, 1e-9, SimulatorOptions())
    with pytest.raises(TapeoutError, match="no device is on net iref"):
        side.vector("iref")
