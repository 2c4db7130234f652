"""The fast model of a chip: nothing shifted is the nominal one, shifts act as devices do, trims undo them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nonideal.characterize.errors import NoSpread
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.reference import spike_times
from nonideal.chips.silicon import Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.network.chip import Chip, LayerShifts, Sigmas, draw
from nonideal.circuits.network.mapping import Mapping
from nonideal.circuits.network.netlist import Topology

LAYERS = (3, 4, 2)


def with_shift(chip: Chip, layer: int, **shifts: np.ndarray) -> LayerShifts:
    """A layer's shifts, all 0 but ``shifts`` by device."""
    own = chip.layers[layer - 1]
    none = {path: np.zeros_like(x) for path, x in own.synapse.items()}
    neuron = {path: np.zeros_like(x) for path, x in own.neuron.items()}
    return LayerShifts(
        none | {path: x for path, x in shifts.items() if path in none},
        neuron | {path: x for path, x in shifts.items() if path in neuron},
    )


def test_a_chip_without_shifts_is_the_nominal_one(
    silicon: Silicon, written: WrittenBiases, sigmas: Sigmas, samples: Tensor
) -> None:
    still = Sigmas({cell: dict.fromkeys(paths, 0.0) for cell, paths in sigmas.cells.items()})
    chip = draw(3, Topology(LAYERS), still)
    for mine, nominal in zip(
        silicon.spike_times(written, chip, samples), silicon.spike_times(written, None, samples), strict=True
    ):
        assert np.array_equal(mine, nominal)


def test_the_nominal_chip_is_the_reference(
    silicon: Silicon, written: WrittenBiases, mapping: Mapping, samples: Tensor
) -> None:
    told = spike_times(silicon.physics, mapping.weights(), samples.numpy())
    for layer, (mine, meant) in enumerate(
        zip(silicon.spike_times(written, None, samples), told, strict=True), start=1
    ):
        # The tables of current over bias and of bias over current are two curves; they meet in the points.
        np.testing.assert_allclose(mine, meant, atol=2e-3)
        np.testing.assert_allclose(
            silicon.weights(written, layer, None), mapping.weights()[layer - 1], rtol=2e-3
        )
    # With the weights as the table reads them it is the same model, and the same numbers.
    exact = [silicon.weights(written, layer, None) for layer in (1, 2)]
    for mine, meant in zip(
        silicon.spike_times(written, None, samples),
        spike_times(silicon.physics, exact, samples.numpy()),
        strict=True,
    ):
        np.testing.assert_allclose(mine, meant, atol=1e-9)


def test_single_precision_tells_the_same(
    silicon: Silicon, written: WrittenBiases, chip: Chip, samples: Tensor
) -> None:
    for fine, coarse in zip(
        silicon.spike_times(written, chip, samples),
        silicon.spike_times(written, chip, samples, torch.float32),
        strict=True,
    ):
        np.testing.assert_allclose(coarse, fine, atol=2e-4)
        assert coarse.dtype == np.float64


def test_a_shift_of_the_memory_is_a_shift_of_its_bias(
    silicon: Silicon, written: WrittenBiases, chip: Chip
) -> None:
    biases = written.layers[0]
    shift = np.random.default_rng(1).normal(0.0, 0.012, biases.bias_V.shape)
    shifted = silicon.current_A(written, 1, with_shift(chip, 1, MNM=shift, MPM=shift))
    gain = np.where(
        biases.positive, silicon.spread.positive.memory_gain.value, silicon.spread.negative.memory_gain.value
    )
    moved = silicon.current_A(written.moved(1, bias_V=biases.bias_V + gain * shift), 1, None)
    np.testing.assert_allclose(shifted, moved, rtol=1e-12)
    assert shifted[1, 2] == 0.0
    assert np.all(shifted >= 0.0)
    # A threshold that is higher carries less.
    on = biases.positive & biases.on
    assert np.array_equal((shifted < silicon.current_A(written, 1, None))[on], (shift > 0)[on])


def test_a_shift_of_the_other_polarity_does_nothing(
    silicon: Silicon, written: WrittenBiases, chip: Chip
) -> None:
    positive = written.layers[0].positive
    shifts = with_shift(chip, 1, MNM=np.where(positive, 0.0, 0.05), MPS=np.where(positive, 0.05, 0.0))
    assert np.array_equal(silicon.current_A(written, 1, shifts), silicon.current_A(written, 1, None))


def test_the_selector_adds_its_slope_and_curvature(
    silicon: Silicon, written: WrittenBiases, chip: Chip
) -> None:
    nominal = silicon.current_A(written, 1, None)
    shifted = silicon.current_A(written, 1, with_shift(chip, 1, MNS=np.full(nominal.shape, 0.02)))
    mine = written.layers[0].on & written.layers[0].positive
    side, ln = silicon.spread.positive, np.log(nominal[mine])
    slope = np.interp(ln, side.ln_current, side.select_slope_per_V)
    added = slope * 0.02 + side.select_curvature_per_V2[0] * 0.02**2
    np.testing.assert_allclose(np.log(shifted[mine]) - ln, added, rtol=1e-9)


def test_neurons_fire_by_the_formula_of_the_spread(
    silicon: Silicon, written: WrittenBiases, chip: Chip
) -> None:
    spread, b = silicon.spread.neuron, silicon.physics[0].discharge
    msb, mdi = np.array([0.0, 0.01, -0.02, 0.01]), np.array([0.0, 0.0, 0.005, -0.01])
    found = silicon.neurons(written, 1, with_shift(chip, 1, MSB=msb, MDI=mdi))
    ln_r = spread.ln_ramp["MDI"].slope.value * mdi + spread.ln_ramp["MDI"].curvature * mdi**2
    theta = 1.0 + sum(
        spread.threshold[path].slope.value * x + spread.threshold[path].curvature * x**2
        for path, x in (("MSB", msb), ("MDI", mdi))
    )
    theta += spread.threshold_with_ramp["MSB"].value * msb * ln_r
    t = torch.tensor([[0.3], [0.9]], dtype=torch.float64)
    meant = (t.numpy() - 1.0 + np.log(1.0 - b * theta) / np.log(1.0 - b)) / np.exp(ln_r)
    np.testing.assert_allclose(found.times(t).numpy(), meant, rtol=1e-12)
    assert found.times(t).numpy()[:, 0] == pytest.approx([0.3, 0.9], abs=1e-15)


def test_trimming_a_discharger_by_its_own_shift_undoes_it(
    silicon: Silicon, written: WrittenBiases, chip: Chip
) -> None:
    shift = chip.layers[0].neuron["MDI"]
    shifts = with_shift(chip, 1, **{"MDI": shift})
    nominal = silicon.neurons(written, 1, None)
    assert np.abs(np.log(silicon.neurons(written, 1, shifts).ramp)).max() > 0.02
    trimmed = silicon.neurons(written.moved(1, trim_V=shift), 1, shifts)
    assert np.array_equal(trimmed.ramp, nominal.ramp)
    assert np.array_equal(trimmed.shift, nominal.shift)
    assert nominal.ramp == pytest.approx(np.ones(4))
    assert nominal.shift == pytest.approx(np.zeros(4), abs=1e-15)
    # More bias, a faster ramp.
    assert np.all(silicon.neurons(written.moved(1, trim_V=np.full(4, 0.01)), 1, None).ramp > 1.2)


def test_late_spikes_do_not_arrive_and_none_is_before_0(
    silicon: Silicon, written: WrittenBiases, chip: Chip, samples: Tensor
) -> None:
    silent = torch.full_like(samples, 2.0)
    slow = replace(chip, layers=(with_shift(chip, 1, MDI=np.full(4, 0.05)), with_shift(chip, 2)))
    first, second = silicon.spike_times(written, slow, silent)
    assert np.all(first > 2.0)
    assert second == pytest.approx(np.full_like(second, 1.0 + silicon.physics[1].spike_delay))
    fast = replace(chip, layers=(with_shift(chip, 1, MDI=np.full(4, -0.05)), chip.layers[1]))
    assert silicon.spike_times(written, fast, samples)[0].min() == 0.0


def test_a_model_without_mismatch_says_what_to_do(chip_model: PhysicalModel) -> None:
    bare = chip_model.model_copy(update={"spread": None})
    with pytest.raises(NoSpread, match=r"set characterize\.draws .* characterise again"):
        Silicon(bare, LAYERS)
