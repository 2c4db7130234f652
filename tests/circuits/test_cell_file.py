"""Files of own cells: what was found on other people's, and what is refused by line and text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nonideal.circuits.cells.leaf_cells import cells_text, check_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import load_experiment
from nonideal.spice.grammar import check_include
from tests.circuits.own_cells import COMMANDS, DRIVER, NFET, PFET, PLAIN, PORTS, REFUSED, WITH_BRANCH, body

SAME = {
    "upper case": PLAIN.upper(),
    "a parameter of the file": ".param wm=2\n" + PLAIN.replace("w=2", "w=wm"),
    "defined behind": PLAIN.replace("w=2", "w={wm}") + ".param wm='2*half' half=1\n",
    "arithmetic": PLAIN.replace("w=2", "w='2*(0.5+0.5)'"),
    "metres": PLAIN.replace("w=2", "w=2u").replace("l=0.25", "l=250n"),
    "as magic writes": PLAIN.replace("w=2", "w=2e+06u").replace("l=0.25", "l=250000u"),
    "square metres": PLAIN.replace("ad=0.29", "ad=0.29p").replace("pd=2.58", "pd=2.58u"),
    "comments": PLAIN.replace("\nXMNS", " ; *#\n* µ: a comment\nXMNS").replace("w=2 l=0.25", "w=2 l=0.25 $ wide // w=9"),
    "line ends": PLAIN.replace("\n", "\r\n"),
    "continued": PLAIN.replace(" w=2", "\n* in between\n\n+ w=2"),
    "an end": PLAIN + ".end\n",
    "as xschem writes": PLAIN.replace(
        "w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58",
        "L=0.25 W=1 ad='int((nf+1)/2) * W/nf * 0.29' as='int((nf+2)/2) * W/nf * 0.29' pd='2*int((nf+1)/2) * (W/nf + 0.29)' "
        "ps='2*int((nf+2)/2) * (W/nf + 0.29)' nf=1 mult=1 m=1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SAME)
def test_a_cell_spelt_otherwise_is_the_same_cell(spelling: str) -> None:
    def told(text: str) -> list[tuple[str, tuple[str, ...], str, dict[str, str]]]:
        design = Design(cells={"synapse": text})
        found = [
            (one.path, one.nodes, one.what, dict(pair.split("=") for pair in one.parameters.split()))
            for one in elements(design)["synapse"]
        ]
        for *_, pairs in found:
            pairs.pop("nf", None)
        return found

    assert told(SAME[spelling]) == told(PLAIN)


def test_a_wrapper_with_parameters_is_the_plain_cell() -> None:
    text = f"""\
.subckt synapse {PORTS}
XN dendrite bias_n axon vss branch wm={{2*half}}
XP dendrite bias_p axon_b vdd other params: wide=2
.param half=1
.ends
.subckt branch d g en s wm=7 l0=0.25
XM d g x s fet w=wm
XS x en s s {NFET} w={{wm/2}} l=l0
.ends
.subckt fet d g s b w=1
.param long=0.25
XF d g s b {NFET} w={{w}} l=long
.ends
.subckt other d g en s wide=1
XM d g x s {PFET} w=wide l=0.25
XS x en s s {PFET} w='wide/2' l=0.25
.ends
"""
    found = {
        one.path: (one.nodes, one.parameters) for one in elements(Design(cells={"synapse": text}))["synapse"]
    }
    assert found == {
        "N_M_F": (("dendrite", "bias_n", "n_x", "vss"), "w=2 l=0.25"),
        "N_S": (("n_x", "axon", "vss", "vss"), "w=1 l=0.25"),
        "P_M": (("dendrite", "bias_p", "p_x", "vdd"), "w=2 l=0.25"),
        "P_S": (("p_x", "axon_b", "vdd", "vdd"), "w=1 l=0.25"),
    }


def test_helpers_of_one_name_in_two_files_keep_their_bodies() -> None:
    design = Design(cells={"synapse": WITH_BRANCH, "driver": DRIVER})
    text = cells_text(design)
    assert re.findall(r"\.subckt (\w+)", text) == ["synapse", "driver", "neuron"]
    assert (text.count("l=0.15 w=8"), text.count("l=0.25 w=1\n")) == (2, 2)
    neuron = {one.path: one.parameters for one in elements(design)["neuron"]}
    assert neuron["driver_N_MA"] == "l=0.15 w=8"
    check_include("deck", "cells.spice", text)


def test_a_neuron_has_the_designs_driver_or_one_of_its_own() -> None:
    ours = cells_text(Design())
    neuron = ours[ours.index(".subckt neuron") :]
    assert check_cell("neuron", neuron).splitlines()[-2] == "Xdriver sense phase spike spike_b vdd vss driver"
    private = check_cell("neuron", neuron + DRIVER)
    assert f"Xdriver_N_MA spike_b sense driver_n_x vss {NFET} l=0.15 w=8" in private.splitlines()
    design = Design(cells={"neuron": neuron + DRIVER})
    assert {one.path for one in elements(design)["driver"]} == {
        one.path for one in elements(Design())["driver"]
    }


def test_a_file_of_several_cells_replaces_what_it_is_named_for(tmp_path: Path) -> None:
    (tmp_path / "cell.spice").write_text(PLAIN + DRIVER)
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    with pytest.raises(ExperimentError, match=r"cell\.spice also holds driver, which would not replace ours"):
        load_experiment(str(mine))
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\ndriver = "cell.spice"\n')
    cells = load_experiment(str(mine)).circuit.cells
    assert ("driver" in cells["synapse"], "synapse" in cells["driver"]) == (False, False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            PLAIN.replace("XMNS", "* 1 \xb5m\nXMNS").encode("latin1"),
            r"cell\.spice, line 3, byte 5 of it: byte 0xb5",
        ),
        (PLAIN.encode() + b"\0", "NUL"),
    ],
)
def test_what_is_no_text_is_told_with_its_place(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "cell.spice").write_bytes(content)
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    with pytest.raises(ExperimentError, match=told):
        load_experiment(str(mine))


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "cell.spice").write_bytes(b"\xef\xbb\xbf* by a drawing program\n" + PLAIN.encode())
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    assert load_experiment(str(mine)).circuit.cells["synapse"] == PLAIN


AREAS = "ad=0.29 as=0.29 l=0.25 pd=2.58 ps=2.58"
WRITTEN_OUT = f"""\
.subckt synapse {PORTS}
XMNM dendrite bias_n xn vss {NFET} {AREAS} w=1.0
XMNS xn axon vss vss {NFET} {AREAS} w=1.0
XMPM dendrite bias_p xp vdd {PFET} {AREAS} w=1.0
XMPS xp axon_b vdd vdd {PFET} {AREAS} w=1.0
.ends synapse
"""
BARE = WRITTEN_OUT.replace(f"{AREAS} w=1.0", "l=0.25 w=2")
AS_FOUND = {
    "bom_comment": (f"\ufeff* synapse by xschem\n{WRITTEN_OUT}", WRITTEN_OUT),
    "upper": (WRITTEN_OUT.upper(), WRITTEN_OUT),
    "param": (f".param wm=2\n{BARE.replace('w=2', 'w=wm')}", BARE),
}
"""Files as people wrote them, and the plain cell that each of them is."""


@pytest.mark.parametrize("case", AS_FOUND)
def test_a_file_as_people_write_it_is_the_circuit_of_the_plain_cell(tmp_path: Path, case: str) -> None:
    """All that is characterised is written from the circuit: the same one gives the same numbers."""
    circuits = []
    for name, text in zip(("found", "plain"), AS_FOUND[case], strict=True):
        (tmp_path / f"{name}.spice").write_bytes(text.encode())
        toml = tmp_path / f"{name}.toml"
        toml.write_text(f'name = "{name}"\n[circuit.cells]\nsynapse = "{name}.spice"\n')
        circuits.append(load_experiment(str(toml)).circuit)
    assert cells_text(circuits[0]) == cells_text(circuits[1])
    assert cells_text(circuits[0]) != cells_text(Design())


@pytest.mark.parametrize("line", [*COMMANDS, "  *#shell id", "\t;#shell id"])
@pytest.mark.parametrize("place", ["inside", "behind", "before"])
def test_a_line_that_a_simulator_takes_for_a_command_is_refused(line: str, place: str) -> None:
    text = {
        "inside": PLAIN.replace("XMNS", f"{line}\nXMNS"),
        "behind": f"{PLAIN}\n{line}\n",
        "before": f"{line}\n{PLAIN}",
    }
    with pytest.raises(CircuitError, match=rf"the file, line \d+: `{re.escape(line.strip())[:6]}"):
        check_cell("synapse", text[place])


@pytest.mark.parametrize("line", REFUSED)
def test_what_a_cell_may_not_hold_is_refused_by_line_and_text(line: str) -> None:
    with pytest.raises(CircuitError, match=r"circuit\.cells\.synapse: the file, line \d+: `") as caught:
        check_cell("synapse", body(f"R0 dendrite vss 1k\n{line}"))
    assert REFUSED[line] in str(caught.value)
