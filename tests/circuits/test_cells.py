"""A user's own cell stands in for ours only behind the same ports, and may hold nothing but a circuit."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from nonideal.circuits.cells.leaf_cells import LEAVES, cells_text, check_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import load_experiment

PORTS = "axon axon_b dendrite bias_n bias_p vdd vss"
OWN = f".subckt synapse {PORTS}\nXMNM dendrite bias_n vss vss sky130_fd_pr__nfet_01v8 w=2 l=0.5\n.ends synapse\n"


WRITTEN = OWN


def test_an_own_cell_replaces_ours_and_leaves_the_others() -> None:
    own, ours = cells_text(Design(cells={"synapse": OWN})), cells_text(Design())
    assert WRITTEN in own
    assert own.count(".subckt") == ours.count(".subckt") == len(LEAVES)
    assert own.partition(".subckt driver")[2] == ours.partition(".subckt driver")[2]
    assert "w=2 l=0.5" in schematic(Topology((2, 2)), Design(cells={"synapse": OWN}))


def test_continued_ports_are_read() -> None:
    folded = OWN.replace(" bias_p", "\n+ bias_p")
    assert check_cell("synapse", folded) == WRITTEN


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN.replace("vdd vss\nX", "vss vdd\nX"), "in this order"),
        (OWN.replace("bias_p ", ""), "the ports of synapse must be"),
        ("* nothing\n", "no `.subckt synapse"),
        (OWN + OWN, "line 4: .* a second subcircuit of this name; the first is in line 1"),
        (OWN.replace("XMNM", ".control\nshell touch /tmp/x\n.endc\nXMNM"), r"\.control"),
        (OWN.replace("XMNM", ".include /etc/passwd\nXMNM"), r"\.include"),
    ],
)
def test_what_is_no_cell_is_refused(text: str, told: str) -> None:
    with pytest.raises(CircuitError, match=told):
        check_cell("synapse", text)


def test_an_experiment_names_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "my.spice").write_text(OWN)
    experiment = tmp_path / "mine.toml"
    experiment.write_text('name = "mine"\n[circuit.cells]\nsynapse = "my.spice"\n')
    assert load_experiment(str(experiment)).circuit.cells["synapse"] == OWN

    experiment.write_text('name = "mine"\n[circuit.cells]\nsynapse = "other.spice"\n')
    with pytest.raises(ExperimentError, match=r"other\.spice"):
        load_experiment(str(experiment))
    experiment.write_text('name = "mine"\n[circuit.cells]\nsynapsis = "my.spice"\n')
    with pytest.raises(ExperimentError, match="synapsis"):
        load_experiment(str(experiment))


def test_the_guides_synapse_is_ours() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/own-cell.md").read_text(encoding="utf-8")
    block = page[page.index("    * my_synapse.spice") : page.index("All three of ours")]

    def told(design: Design) -> list[tuple[str, tuple[str, ...], str, dict[str, float]]]:
        return [
            (
                one.path,
                one.nodes,
                one.what,
                {key: float(value) for key, value in (pair.split("=") for pair in one.parameters.split())},
            )
            for one in elements(design)["synapse"]
        ]

    assert told(Design(cells={"synapse": textwrap.dedent(block)})) == told(Design())
