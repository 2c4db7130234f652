"""Designs: ranges checked on paper, sizes by the process, a user's own cells by their ports."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design, Fet, NeuronSizes, Supplies, SynapseSizes, Timing
from nonideal.circuits.errors import CircuitError
from nonideal.sky130_models import IllegalSize

OWN_SYNAPSE = """* a synapse of a user's own
.subckt synapse axon axon_b dendrite
+ bias_n bias_p vdd vss
XMN dendrite bias_n axon vss sky130_fd_pr__nfet_01v8 w=1 l=0.25
.ends
"""


@pytest.mark.parametrize(("make", "said"), [
    (lambda: Fet(w_um=0.0, l_um=0.15), "w_um"),
    (lambda: Fet(w_um=1.0, l_um=float("nan")), "l_um"),
    (lambda: Fet.model_validate({"w_um": 1.0, "l_um": 0.15, "fingers": 2}), "fingers"),
    (lambda: NeuronSizes(mim_w_um=1.0), "mim_w_um"),
    (lambda: Timing(t_circ_s=float("inf")), "t_circ_s"),
    (lambda: Timing(guard_s=float("nan")), "guard_s"),
    (lambda: Timing(guard_s=1e-9), "guard_s"),
    (lambda: Supplies(vdd_V=3.3), "vdd_V"),
    (lambda: Design(supplies=Supplies(vdd_V=1.6, v0_V=1.6)), r"supplies\.v0_V = 1\.6 V must lie below"),
])  # fmt: skip
def test_values_out_of_range_are_refused_by_name(make: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        make()


def test_levels_follow_the_supply_where_they_are_not_given() -> None:
    """Bit for bit the same as ever at 1.8 V; 1.15 and 0.75 V at 1.6 V, which are known to work."""
    assert Supplies().model_dump() == {"vdd_V": 1.8, "v0_V": 1.3, "vsense_V": 0.95, "temperature_C": 27.0}
    low, high = Supplies(vdd_V=1.6), Supplies(vdd_V=1.95)
    assert (low.v0_V, low.vsense_V) == (1.15, 0.75)
    assert (high.v0_V, high.vsense_V) == (1.4125, 1.1)
    given = Supplies(vdd_V=1.6, v0_V=1.2)
    assert (given.v0_V, given.vsense_V) == (1.2, 0.75)


@pytest.mark.spice
@pytest.mark.parametrize(("synapse", "said"), [
    ({"memory_n": Fet(w_um=0.3, l_um=0.25)}, r"nfet_01v8: W = 0\.3 um is outside 0\.42\.\.100 um"),
    ({"select_p": Fet(w_um=1.0, l_um=0.13)}, r"pfet_01v8: L = 0\.13 um is outside 0\.15\.\.20 um"),
    ({"memory_p": Fet(w_um=1.0, l_um=25.0)}, r"pfet_01v8: L = 25 um is outside"),
    ({"select_n": Fet(w_um=1.0012, l_um=0.15)}, r"W = 1\.0012 um is off the 0\.005 um grid"),
])  # fmt: skip
def test_sizes_the_process_forbids_are_refused_when_the_deck_is_built(
    make_workbench: Any, synapse: dict[str, Fet], said: str
) -> None:
    from nonideal.characterize.benches import Grid, sensing_bench

    design = Design(synapse=SynapseSizes(**synapse))
    with pytest.raises(IllegalSize, match=said):
        make_workbench().deck(sensing_bench(design, Grid(0.3, 0.7, 0.1)), design)


def test_a_users_own_cell_replaces_ours() -> None:
    text = cells_text(Design(cells={"synapse": OWN_SYNAPSE}))
    assert text.count(".subckt synapse") == 1
    assert "XMN dendrite bias_n axon" in text
    assert "XMNM" not in text
    assert ".subckt neuron" in text


@pytest.mark.parametrize(("text", "said"), [
    (OWN_SYNAPSE.replace("axon axon_b", "axon_b axon"), "must be `axon axon_b dendrite"),
    (OWN_SYNAPSE.replace("subckt synapse", "subckt cell"), "no `.subckt synapse axon axon_b dendrite"),
    (OWN_SYNAPSE + OWN_SYNAPSE, "a second subcircuit of this name; the first is in line 2"),
    (OWN_SYNAPSE + ".control\nshell ls\n.endc\n", r"`\.control` has no place"),
    (OWN_SYNAPSE + ".include secrets\n", r"`\.include` has no place"),
    (OWN_SYNAPSE.replace(".ends\n", ""), r"has no \.ends"),
])  # fmt: skip
def test_a_cell_that_cannot_stand_in_is_refused(text: str, said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        cells_text(Design(cells={"synapse": text}))
