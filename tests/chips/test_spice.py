"""A chip in SPICE: the fast model told its spikes and currents; simulations that fail are failures and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from nonideal.characterize.errors import CharacterizationFailed
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.chips.calibrate import FastBench
from nonideal.chips.silicon import Silicon
from nonideal.chips.spice import SpiceBench, SpiceChip
from nonideal.chips.spot import spot_check
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import Sigmas, draw
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.spice import Deck, Failure, Plot

LAYERS = (2, 2, 2)
WEIGHTS = [np.array([[0.6, -0.3], [0.2, 0.9]]), np.array([[0.8, -0.2], [0.3, 0.5]])]
INPUTS = torch.tensor([[0.1, 0.4], [0.7, 0.2]], dtype=torch.float64)


@pytest.fixture
def small(chip_model: PhysicalModel) -> WrittenBiases:
    return WrittenBiases.of(map_weights(WEIGHTS, BottomUp(chip_model)))


@pytest.fixture
def make_chip(
    make_workbench: Callable[..., Workbench], chip_model: PhysicalModel, tmp_path: Path
) -> Callable[..., SpiceChip]:
    def make(seed: int = 4, **given: object) -> SpiceChip:
        chip = draw(seed, Topology(LAYERS), Sigmas(Silicon(chip_model, LAYERS).spread.sigmas))
        return SpiceChip(make_workbench(**given), Design(), chip_model, chip, tmp_path)

    return make


@pytest.mark.spice
def test_the_fast_model_knows_a_chips_spikes_in_spice(
    make_chip: Callable[..., SpiceChip], small: WrittenBiases, chip_model: PhysicalModel
) -> None:
    """Biases as for the nominal chip; its spikes are tens of nanoseconds off the nominal chip's, and few off what is told."""
    chip, silicon = make_chip(), Silicon(chip_model, LAYERS)
    found = spot_check([chip], silicon, small, INPUTS, np.array([0, 1]), 2)
    summary = found.summary()
    assert summary.failed_chips == 0
    assert (summary.missed, summary.extra) == (0, 0)
    assert summary.rmse_s < 3e-9
    pairs = found.spikes[found.spikes["kind"] == "pair"]
    nominal = silicon.spike_times(small, None, INPUTS)
    off = [
        row.t_spice_s - 1e-6 * nominal[row.layer - 1][row.sample, row.neuron]
        for row in pairs.itertuples(index=False)
    ]
    assert np.sqrt(np.mean(np.square(off))) > 10 * summary.rmse_s
    assert (chip.place / "sample_0001.cir").is_file()


@pytest.mark.spice
def test_the_bench_in_spice_measures_what_the_fast_one_does(
    make_chip: Callable[..., SpiceChip], small: WrittenBiases, chip_model: PhysicalModel
) -> None:
    """Currents, of the second layer's synapses too; spike times, with two neurons trimmed."""
    chip = make_chip()
    mine = small.moved(1, trim_V=np.array([0.004, -0.003]))
    real, fast = SpiceBench(chip), FastBench(Silicon(chip_model, LAYERS), chip.chip)
    for seen, told in zip(real.currents_A(mine), fast.currents_A(mine), strict=True):
        assert seen == pytest.approx(told, rel=5e-3)
    for start in (0.0, 0.6):
        for late, said in zip(
            real.spike_times_norm(mine, start), fast.spike_times_norm(mine, start), strict=True
        ):
            assert late == pytest.approx(said, abs=3e-3)


def test_a_simulator_that_crashes_makes_failed_chips(
    make_chip: Callable[..., SpiceChip],
    small: WrittenBiases,
    chip_model: PhysicalModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chip = make_chip()
    broken = tmp_path / "ngspice"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "** ngspice-99.1 :" && exit 0\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(broken))
    assert all(isinstance(one, Failure) for one in chip.run_samples(small, INPUTS.numpy()))
    found = spot_check([chip], Silicon(chip_model, LAYERS), small, INPUTS, np.array([0, 1]), 2)
    assert found.summary().failed_chips == 1
    assert (len(found.failures), len(found.spikes)) == (2, 0)
    with pytest.raises(
        CharacterizationFailed, match=r"chip 4: 4 of 4 measurements failed, first current_1_0: .*log in"
    ) as caught:
        SpiceBench(chip).currents_A(small)
    assert len(caught.value.failures) == 4


@pytest.fixture
def bench_reading(
    make_chip: Callable[..., SpiceChip], small: WrittenBiases, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SpiceBench]:
    """A bench without a simulator: every synapse carries 50 nA its own way, but those of one neuron what is given."""

    def make(layer: int, neuron: int, current_A: float) -> SpiceBench:
        def read(bench: SpiceBench, decks: Sequence[Deck]) -> list[Plot]:
            results = []
            for deck in decks:
                _, of, axon = deck.name.split("_")
                sign = np.where(small.layers[int(of) - 1].positive[:, int(axon)], 1.0, -1.0)
                values = sign * np.where((np.arange(2) == neuron) & (int(of) == layer), current_A, 50e-9)
                vectors = dict(zip(deck.vectors, values[:, None], strict=True))
                results.append(Plot(deck.name, "v", np.zeros(1), vectors))
            return results

        monkeypatch.setattr(SpiceBench, "_run", read)
        return SpiceBench(make_chip())

    return make


def test_leakage_against_a_synapses_sign_is_no_current(
    bench_reading: Callable[..., SpiceBench], small: WrittenBiases
) -> None:
    first, second = bench_reading(2, 1, -5e-12).currents_A(small)
    assert first.tolist() == pytest.approx(np.full((2, 2), 50e-9))
    assert second.tolist() == pytest.approx(np.array([[50e-9, 50e-9], [0.0, 0.0]]))


def test_a_current_against_a_synapses_sign_is_a_fault(
    bench_reading: Callable[..., SpiceBench], small: WrittenBiases
) -> None:
    told = r"chip 4: 2 of 8 synapses carry a current against their sign, first axon 0 to neuron 1 of layer 2: -30 nA.*bench\)"
    with pytest.raises(CharacterizationFailed, match=told):
        bench_reading(2, 1, -30e-9).currents_A(small)


def test_decks_of_a_chip_say_which_chip_they_are_of(
    make_chip: Callable[..., SpiceChip], small: WrittenBiases
) -> None:
    trimmed = small.moved(2, trim_V=np.array([0.0, 0.01]))
    chip = make_chip(9)
    first, second = chip.sample_decks(trimmed, INPUTS.numpy())
    assert (first.name, second.name) == ("sample_0000", "sample_0001")
    text = first.includes["network.spice"]
    assert text.startswith("* chip 9\n")
    shift = chip.chip.layers[1].neuron["MDI"][0]
    assert f"dvt={shift:.9g}" in text
    vdis_V = BottomUp(chip.model).vdis_V
    assert f"Vvdis_2_1 vdis_2_1 0 {vdis_V + 0.01:.9g}\n" in first.text
    assert f"Vvdis_2_0 vdis_2_0 0 {vdis_V:.9g}\n" in first.text
    other = make_chip(10).sample_decks(trimmed, INPUTS.numpy())[0]
    assert other.text == first.text
    assert other.includes["network.spice"] != text
