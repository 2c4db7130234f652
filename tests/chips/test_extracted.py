"""A chip on its layout: the draw that the schematic gets stands in the extracted netlist, and does there what it does here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.chips.silicon import Silicon
from nonideal.chips.spice import SpiceBench, SpiceChip
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.design import Design
from nonideal.circuits.extraction import Extraction, ExtractionOptions, ExtractorMissing, extract
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.chip import Sigmas, draw
from nonideal.circuits.network.correspondence import CorrespondenceError
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.spice import Failure

LAYERS = (1, 1)
SEEDS = (4, 5, 6)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Extraction:
    """One synapse and one neuron, with capacitance and resistance."""
    folder, topology = tmp_path_factory.mktemp("layout"), Topology(LAYERS)
    gds = write_gds(network(LAYERS), folder / "network.gds")
    report = compare(gds, schematic(topology, Design()), database=folder / "network.lvsdb.gz")
    report.require_match()
    try:
        return extract(folder / "network.lvsdb.gz", topology.ports, report.device_count, folder=folder,
                       options=ExtractionOptions(mode="RC"))  # fmt: skip
    except ExtractorMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def chips(
    layout: Extraction,
    make_workbench: Callable[..., Workbench],
    chip_model: PhysicalModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[SpiceChip]:
    sigmas = Sigmas(Silicon(chip_model, LAYERS).spread.sigmas)
    drawn = [draw(seed, Topology(LAYERS), sigmas) for seed in SEEDS]
    bench, folder = make_workbench(), tmp_path_factory.mktemp("decks")
    return [SpiceChip(bench, Design(), chip_model, one, folder, layout.netlist) for one in drawn]


@pytest.fixture(scope="module")
def small(chip_model: PhysicalModel) -> WrittenBiases:
    return WrittenBiases.of(map_weights([np.array([[0.5]])], BottomUp(chip_model)))


def on_schematic(chip: SpiceChip) -> SpiceChip:
    return replace(chip, extracted=None, folder=chip.folder / "schematic")


@pytest.mark.slow
@pytest.mark.spice
def test_mismatch_does_on_the_layout_what_it_does_on_the_schematic(
    chips: list[SpiceChip], small: WrittenBiases
) -> None:
    """Wires make every chip later, by about as much; what differs from chip to chip is ten times that and the same on both."""
    spike_s = {}
    for name, those in (("layout", chips), ("schematic", [on_schematic(chip) for chip in chips])):
        found = [chip.run_samples(small, np.array([[0.1]]))[0] for chip in those]
        spike_s[name] = np.array([0.0 if isinstance(one, Failure) else one[0][0] for one in found])
        assert np.all((spike_s[name] > 0.1e-6) & (spike_s[name] < 1.05e-6))
    extra = spike_s["layout"] - spike_s["schematic"]
    assert np.ptp(spike_s["schematic"]) > 50e-9
    assert np.ptp(extra) < 0.1 * np.ptp(spike_s["schematic"])
    assert np.all(extra > 1e-9)


@pytest.mark.spice
def test_currents_of_a_chip_are_the_same_on_both(chips: list[SpiceChip], small: WrittenBiases) -> None:
    """Measured with the dendrite held, where capacitance says nothing and ohms drop microvolts."""
    seen = []
    for chip in chips[:2]:
        (here,), (there,) = (SpiceBench(one).currents_A(small) for one in (chip, on_schematic(chip)))
        assert here == pytest.approx(there, rel=2e-3)
        seen.append(float(here[0, 0]))
    assert abs(np.log(seen[1] / seen[0])) > 0.02


@pytest.mark.spice
def test_a_chip_without_a_partner_is_not_simulated(chips: list[SpiceChip], small: WrittenBiases) -> None:
    extracted = chips[0].extracted
    assert extracted is not None
    lost = replace(extracted, devices=tuple(d for d in extracted.devices if d.name != "neuron_1_0_mdi"))
    with pytest.raises(CorrespondenceError, match=r"neuron_1_0_MDI of the schematic has no partner"):
        replace(chips[0], extracted=lost).run_samples(small, np.array([[0.1]]))
