"""Spot checks on stand-ins for simulated chips: what is compared, what is counted, and that nothing stands in for a failure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.chips.column import column_of
from nonideal.chips.silicon import Silicon
from nonideal.chips.spot import SpotCheck, column_check, spot_check
from nonideal.chips.spot_summary import FailedSimulation
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.network.chip import Chip, Sigmas, draw
from nonideal.circuits.network.netlist import Topology
from nonideal.spice import Failure, FailureKind

Array = NDArray[np.float64]
WINDOW_S = 1.05e-6


@dataclass(frozen=True)
class Simulated:
    """A chip whose "simulation" is the fast model, ``late_s`` later in every layer; samples in ``fail`` crash."""

    chip: Chip
    silicon: Silicon
    late_s: float = 0.0
    stretch: float = 1.0
    fail: tuple[int, ...] = ()
    folder: Path = Path("decks")

    def circuit(self) -> Any:
        return SimpleNamespace(timeline=SimpleNamespace(window_s=WINDOW_S))

    def run_samples(self, written: WrittenBiases, spike_time: Array, name: str) -> list[Any]:
        silicon = Silicon(self.silicon.model, self.chip.topology.layers)
        nominal = silicon.spike_times(written, None, torch.from_numpy(spike_time))
        told = silicon.spike_times(written, self.chip, torch.from_numpy(spike_time))
        out: list[Any] = []
        for k in range(len(spike_time)):
            if k in self.fail:
                out.append(
                    Failure(f"{name}_{k:04d}", FailureKind.crashed, "ended by signal 11", (), self.folder)
                )
                continue
            times = [
                (n[k] + self.stretch * (t[k] - n[k])) * 1e-6 + self.late_s
                for n, t in zip(nominal, told, strict=True)
            ]
            out.append([np.where(one <= WINDOW_S, one, np.inf) for one in times])
        return out


def checked(chips: list[Simulated], silicon: Silicon, written: Any, samples: Tensor) -> SpotCheck:
    label = np.zeros(len(samples), dtype=np.int64)
    found: Any = spot_check(chips, silicon, written, samples, label, 2)  # type: ignore[arg-type]
    assert isinstance(found, SpotCheck)
    return found


@pytest.fixture
def several(silicon: Silicon, sigmas: Sigmas) -> list[Simulated]:
    return [Simulated(draw(seed, Topology((3, 4, 2)), sigmas), silicon) for seed in range(5)]


def test_errors_are_over_pairs_and_by_layer(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    found = checked([replace(one, late_s=2e-9) for one in several], silicon, written, samples)
    summary = found.summary()
    assert (summary.chips, summary.samples, summary.failed_chips) == (5, 40, 0)
    assert summary.rmse_s == pytest.approx(2e-9)
    assert set(summary.layers) == {"1", "2"}
    for layer in summary.layers.values():
        assert layer.rmse_s == pytest.approx(2e-9)
        assert layer.median_error_s == pytest.approx(2e-9)
        assert layer.spread_spice_s == pytest.approx(layer.spread_model_s)
        assert layer.spread_spice_s > 1e-8
    assert list(found.correct["chip"]) == [0, 1, 2, 3, 4]
    assert set(found.spikes["chip"]) == set(range(5))
    assert found.failures == ()


def test_the_spread_over_chips_is_each_sides_own(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    """Chips in SPICE that differ half as much."""
    layer = (
        checked([replace(one, stretch=0.5) for one in several], silicon, written, samples)
        .summary()
        .layers["1"]
    )
    assert layer.spread_spice_s / layer.spread_model_s == pytest.approx(0.5, rel=0.02)
    few = checked(several[:2], silicon, written, samples).summary().layers["1"]
    assert (few.spread_spice_s, few.spread_model_s) == (None, None)
    assert few.pairs > 0


def test_a_failed_sample_is_counted_and_enters_no_number(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    found = checked([replace(several[0], fail=(0, 7)), *several[1:3]], silicon, written, samples)
    assert list(found.correct["failed"]) == [2, 0, 0]
    summary = found.summary()
    assert summary.failed_chips == 1
    assert summary.failures[0] == FailedSimulation(
        name="sample_0000", message="ended by signal 11", folder="decks"
    )
    assert [one.name for one in found.failures] == ["sample_0000", "sample_0007"]
    mine = found.spikes[found.spikes["chip"] == 0]
    assert set(mine["sample"]) == set(range(40)) - {0, 7}
    # All labels are 0: what the fast model decides so is right, and a failed sample is not, in SPICE.
    right, told = found.correct["right_spice"][0], found.correct["right_model"][0]
    assert 0 <= told - right <= 2
    assert found.correct["right_spice"][1] == found.correct["right_model"][1]


def test_chips_that_all_fail_have_counts_and_no_errors(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    gone = [replace(one, fail=tuple(range(40))) for one in several[:2]]
    summary = checked(gone, silicon, written, samples).summary()
    assert (summary.failed_chips, summary.rmse_s, summary.layers) == (2, None, {})
    assert (summary.missed, summary.extra) == (0, 0)


def test_each_chip_may_have_biases_of_its_own(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    other = written.moved(1, trim_V=np.full(4, 0.01))
    by_seed = {one.chip.seed: other if one.chip.seed == 1 else written for one in several}
    found = checked(several, silicon, by_seed, samples)
    assert found.summary().rmse_s == pytest.approx(0.0, abs=1e-15)
    told = silicon.spike_times(other, several[1].chip, samples)[0]
    mine = found.spikes[(found.spikes["chip"] == 1) & (found.spikes["layer"] == 1)]
    np.testing.assert_allclose(mine["t_model_s"], told.ravel() * 1e-6)


# -- parts of a chip ----------------------------------------------------------------------------------------------------------------


def test_a_part_of_a_layer_fires_as_it_does_in_the_whole(
    silicon: Silicon, written: WrittenBiases, chip: Chip, samples: Tensor
) -> None:
    whole = silicon.spike_times(written, chip, samples)
    part, mine = column_of(chip, written, 1, 2)
    assert part.topology.layers == (3, 2)
    alone = Silicon(silicon.model, part.topology.layers).spike_times(mine, part, samples)
    # But for the load of the second layer, which its spikes do not drive here.
    load = silicon.physics[0].spike_delay
    assert 0.0 < load < 5e-4
    np.testing.assert_allclose(alone[0], whole[0][:, :2], atol=1.2 * load)
    second, own = column_of(chip, written, 2, 9)
    assert second.topology.layers == (4, 2)
    before = chip.layers[0].neuron
    assert set(second.inputs) == set(chip.inputs)
    assert all(np.array_equal(shift, before[f"driver_{path}"]) for path, shift in second.inputs.items())
    assert np.array_equal(own.layers[0].bias_V, written.layers[1].bias_V)


def test_parts_are_checked_layer_by_layer(
    several: list[Simulated], silicon: Silicon, written: WrittenBiases, samples: Tensor
) -> None:
    found = column_check(
        [replace(one, late_s=1e-9) for one in several],  # type: ignore[misc]
        silicon,
        written,
        samples[:6],
        2,
    )
    summary = found.summary()
    assert summary.rmse_s == pytest.approx(1e-9)
    assert set(summary.layers) == {"1", "2"}
    assert set(found.spikes["neuron"]) == {0, 1}
    assert summary.decisions_differ is None, "nothing is classified"
    failed = column_check([replace(several[0], fail=(1,))], silicon, written, samples[:6], 2)  # type: ignore[list-item]
    assert failed.summary().failed_chips == 1
    assert [one.name for one in failed.failures] == ["layer_1_0001", "layer_2_0001"]
