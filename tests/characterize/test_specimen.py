"""The neuron that is drawn: the cell, or what the layout makes of it; wires on its sensing stage change what mismatch does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.column_bench import NEURONS
from nonideal.characterize.fits import crossing_time_s
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread_bench import NeuronLoad, drawn_neuron_bench
from nonideal.characterize.stage import ColumnNetlist, specimen_of
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.network.correspondence import CorrespondenceError
from nonideal.circuits.network.flat import Element as Part
from nonideal.circuits.network.flat import elements, flat_elements
from nonideal.circuits.network.netlist import Topology


def extracted(axons: int) -> Netlist:
    topology = Topology((axons, NEURONS))
    devices = tuple(
        Device(one.name.lower(), one.nodes, one.element.what, one.element.parameters)
        for one in flat_elements(topology, Design())
    )
    return Netlist("network", topology.ports, devices, (), (Element("neuron_1_1_sense", "vss", 2e-15),))


def test_the_neuron_of_a_column_works_at_the_columns_bias(chip_model: PhysicalModel, column: Column) -> None:
    model = chip_model.model_copy(update={"columns": (column,)})
    drawn = Specimen.drawn(Design(), model, column.axons, extracted(column.axons))
    assert (drawn.vdis_V, drawn.membrane_F, drawn.v_th_V) == (0.552, 130e-15, 0.9)
    assert drawn.discharge_norm == column.discharge_norm.value
    (wire,) = (one for one in drawn.parts if not one.is_device)
    assert (wire.kind, wire.nodes, float(wire.what)) == ("C", ("sense", "vss"), 2e-15)
    designed = Specimen.designed(Design(), model)
    assert designed.parts == elements(Design())["neuron"]
    assert designed.vdis_V == model.vdis_V
    with pytest.raises(CorrespondenceError, match=r"layers \[4, 3\]"):
        Specimen.drawn(Design(), model, 4, extracted(column.axons))


def test_mismatch_is_drawn_into_the_netlist_that_columns_are_measured_on(
    chip_model: PhysicalModel, column: Column
) -> None:
    """The largest extracted column's neuron; on the schematic the cell."""
    model = chip_model.model_copy(
        update={"columns": (column.model_copy(update={"axons": 3, "vdis_V": 0.5}), column)}
    )
    layouts = [ColumnNetlist(axons, "pex-c", extracted(axons).text()) for axons in (3, 5)]
    drawn = specimen_of(Design(), model, layouts)
    assert drawn.vdis_V == column.vdis_V
    assert [one.what for one in drawn.parts if not one.is_device] == ["2e-15"]
    designed = [ColumnNetlist.schematic(axons, Design()) for axons in (3, 5)]
    assert specimen_of(Design(), model, designed) == Specimen.designed(Design(), model)
    with pytest.raises(ExtractionFailed, match=r"column 5, line \d+: .* neither device nor parasitic"):
        specimen_of(Design(), model, [ColumnNetlist(5, "pex-c", ".subckt network a\nLbad a b 1\n.ends\n")])


@pytest.mark.spice
def test_a_load_on_the_sensing_stage_makes_its_mismatch_count_more(
    make_workbench: Callable[..., Workbench], chip_model: PhysicalModel, tmp_path: Path
) -> None:
    """2 fF of wire: the delay is longer, and with it what a weaker current source costs."""
    bare, design = Specimen.designed(Design(), chip_model), Design()
    wire = Part("C", "wire", ("sense", "vss"), "2e-15", "")
    load = NeuronLoad(bare.vdis_V, 5e-15, 0.5 * bare.membrane_F * bare.v_th_V)
    benches = [
        drawn_neuron_bench(design, parts, f"{name}_{k}", shifts, load)
        for name, parts in (("bare", bare.parts), ("wired", (*bare.parts, wire)))
        for k, shifts in enumerate(({}, {"MSB": -0.02}))
    ]
    late_s, results = [], make_workbench().run(benches, design, tmp_path)
    for pair in (results[:2], results[2:]):
        nominal, weak = (crossing_time_s(one.axis, np.asarray(one["v(spike)"]), 0.9, 1.2e-6) for one in pair)
        assert nominal is not None
        assert weak is not None
        late_s.append(weak - nominal)
    assert late_s[0] > 5e-9
    assert late_s[1] > 1.15 * late_s[0]
