"""The artifact of mismatch, what training reads of it, and the benches as decks, without a simulator."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from nonideal.characterize.benches import Bench, Grid
from nonideal.characterize.errors import FitRefused, NoSpread
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.responses import total
from nonideal.characterize.spread import NeuronSpread, Spread, SynapseSpread
from nonideal.characterize.spread_bench import (
    LEVELS,
    NeuronLoad,
    branches_of,
    drawn_neuron_bench,
    drawn_synapses_bench,
)
from nonideal.characterize.spread_stage import check_cells
from nonideal.characterize.variation import layer_variation
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.spice import Deck, SimulatorOptions


def test_a_model_with_its_spread_survives_its_file(drawn_model: PhysicalModel, tmp_path: Any) -> None:
    drawn_model.save(tmp_path / "model.json")
    assert PhysicalModel.load(tmp_path / "model.json") == drawn_model


def test_a_file_without_the_newer_keys_is_read(spread: Spread) -> None:
    values = spread.neuron.model_dump()
    for key in ("threshold_with_ramp", "left_out"):
        values.pop(key)
    found = NeuronSpread.model_validate(values)
    assert (found.threshold_with_ramp, found.left_out) == ({}, 0)


def test_tables_of_different_lengths_are_refused(spread: Spread) -> None:
    values = spread.positive.model_dump()
    values["select_slope_per_V"] = values["select_slope_per_V"][:-1]
    with pytest.raises(ValidationError, match="need one length"):
        SynapseSpread.model_validate(values)


def test_the_spread_at_a_current_lies_on_the_table(spread: Spread) -> None:
    for ln_current, one in zip(spread.positive.ln_current, spread.positive.sigma_ln_current, strict=True):
        assert spread.positive.sigma_at(math.exp(ln_current)).value == pytest.approx(one.value)


def test_training_reads_the_law_of_the_spread(drawn_model: PhysicalModel) -> None:
    """The fixture's spreads are 0.3 / sqrt(1 + |w| / 4) and 0.2 / sqrt(1 + |w| / 20)."""
    found = layer_variation(drawn_model, 5)
    assert (found.positive.weak, found.positive.bend) == pytest.approx((0.3, 4.0), rel=1e-6)
    assert (found.negative.weak, found.negative.bend) == pytest.approx((0.2, 20.0), rel=1e-6)
    assert found.positive.sigma(-1.0) == pytest.approx(0.3 / math.sqrt(1.25))
    assert (found.ln_ramp, found.threshold, found.discharge) == (0.15, 0.02, 0.154)
    # More pairs on a dendrite: more capacitance, more current for the same weight.
    assert layer_variation(drawn_model, 50).positive.bend < found.positive.bend


def test_ramp_and_threshold_go_together_as_far_as_devices_move_both(
    spread: Spread, chip_model: PhysicalModel
) -> None:
    """In closed form, beside chips drawn device by device."""
    assert spread.neuron.correlation(spread.sigmas["neuron"]) == 0.0  # no device moves both
    found = layer_variation(chip_model, 5).correlation
    assert chip_model.spread is not None
    neuron, sigmas = chip_model.spread.neuron, chip_model.spread.sigmas["neuron"]
    generator, count = np.random.default_rng(1), 200_000
    shifts = {path: sigma * generator.standard_normal(count) for path, sigma in sigmas.items()}
    ln_ramp = total(neuron.ln_ramp, shifts)
    theta = total(neuron.threshold, shifts, neuron.threshold_with_ramp, ln_ramp)
    assert found == pytest.approx(np.corrcoef(ln_ramp, theta)[0, 1], abs=4 / math.sqrt(count))
    assert 0.2 < found < 0.35


def test_a_neuron_without_responses_has_no_correlation(spread: Spread) -> None:
    still = spread.neuron.model_copy(update={"ln_ramp": {}})
    assert still.correlation(spread.sigmas["neuron"]) == 0.0


def test_a_model_without_spread_says_what_to_do(model: PhysicalModel) -> None:
    with pytest.raises(NoSpread, match=r"set characterize\.draws"):
        layer_variation(model, 5)


@pytest.mark.parametrize(
    ("draws", "told"), [(1, "at least 50, or 0"), (49, "at least 50, or 0"), (4097, "less than or equal")]
)
def test_too_few_or_many_draws_are_refused(draws: int, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CharacterizeOptions(draws=draws)


PAIR = """\
.subckt synapse axon axon_b dendrite bias_n bias_p vdd vss
XA dendrite bias_n xn vss sky130_fd_pr__nfet_01v8 w=2 l=0.25
XB xn axon vss vss sky130_fd_pr__nfet_01v8 w=1 l=0.25
XC dendrite bias_p xp vdd sky130_fd_pr__pfet_01v8 w=2 l=0.25
XD xp axon_b vdd vdd sky130_fd_pr__pfet_01v8 w=1 l=0.25
R1 dendrite vss 1g
.ends
"""


def test_roles_of_an_own_pair_are_found_by_what_the_gates_are_on() -> None:
    roles = branches_of(elements(Design(cells={"synapse": PAIR}))["synapse"], Design().contracts.synapse)
    assert [(one.memory, one.select) for one in roles.values()] == [("A", "B"), ("C", "D")]
    ours = branches_of(elements(Design())["synapse"], Design().contracts.synapse)
    assert [(one.memory, one.select) for one in ours.values()] == [("MNM", "MNS"), ("MPM", "MPS")]
    check_cells(Design(cells={"synapse": PAIR}), 50)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"synapse": PAIR.replace("xn axon", "xn bias_n")}, r"circuit\.cells\.synapse: 2 FETs .* on bias_n.*draws = 0"),
        ({"synapse": PAIR.replace("R1", "XE dendrite xn vss vss sky130_fd_pr__nfet_01v8 w=1 l=1\nR1")}, r"synapse: E: .*draws = 0"),
        ({"synapse": PAIR.replace("R1", "D1 vss dendrite d\nR1") + ".model d d(is=1f)\n"}, r"synapse: synapse_model_1 .*draws = 0"),
        ({"neuron": "* mine\n"}, r"circuit\.cells\.neuron: .*draws = 0"),
    ],
)  # fmt: skip
def test_mismatch_of_cells_without_known_roles_is_refused_with_the_way_out(cells: Any, told: str) -> None:
    with pytest.raises(CircuitError, match=told):
        check_cells(Design(cells=cells), 50)
    with pytest.raises(CircuitError, match=r"; take our cells$"):
        check_cells(Design(cells=cells), 50, "take our cells")
    check_cells(Design(cells=cells), 0)


def deck_of(bench: Bench) -> Deck:
    options = SimulatorOptions()
    tail = options.lines() + ("" if bench.t_stop_s is None else options.tran(bench.t_stop_s))
    return Deck(bench.name, f"* bench\n{bench.text}{tail}.end\n", {}, bench.vectors, bench.t_stop_s)


def test_drawn_synapses_stand_beside_an_undisturbed_one() -> None:
    shifts = {path: np.array([0.01, -0.02]) for path in ("MNM", "MNS", "MPM", "MPS")}
    bench = drawn_synapses_bench(
        Design(), elements(Design())["synapse"], "p", shifts, Grid(0.5, 1.5, 0.1), Grid(1.0, 1.3, 0.05)
    )
    deck = deck_of(bench)
    assert len(deck.analyses()) == 1
    assert bench.vectors == ("i(vd_0)", "i(vd_1)", "i(vd_2)")
    assert len(re.findall(r"^Xsynapse_\d_M", bench.text, re.M)) == 12
    assert re.findall(r"^Xsynapse_(\d)_(\w+) .* dvt=(\S+)$", bench.text, re.M) == [
        (k, path, shift)
        for k, shift in (("1", "0.01"), ("2", "-0.02"))
        for path in ("MNM", "MNS", "MPM", "MPS")
    ]


def test_a_drawn_neuron_has_its_shifts_and_loses_its_charge() -> None:
    design, parts = Design(), elements(Design())["neuron"]
    bench = drawn_neuron_bench(
        design, parts, "neuron", {"MDI": 0.01, "CM": -0.02}, NeuronLoad(0.55, 5e-15, 5e-14)
    )
    deck_of(bench)
    assert bench.vectors == ("v(spike)",)
    assert re.findall(r"^X(\S+) .* (dvt|dc)=(\S+)$", bench.text, re.M) == [
        ("neuron_CM", "dc", "-0.02"),
        ("neuron_MDI", "dvt", "0.01"),
    ]
    as_designed = drawn_neuron_bench(design, parts, "neuron", {}, NeuronLoad(0.55, 5e-15, 0.0)).text
    assert "dvt=" not in as_designed
    assert "Iinject" not in as_designed
    (current,) = re.findall(r"^Iinject dendrite 0 PWL\((.*)\)$", bench.text, re.M)
    points = np.array(current.split(), float).reshape(-1, 2)
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(5e-14, rel=1e-6)
    assert LEVELS[0] == 0.0


def test_a_level_spread_has_no_bend_and_one_that_rises_too_steeply_is_refused(
    drawn_model: PhysicalModel,
) -> None:
    assert drawn_model.spread is not None
    measured = drawn_model.spread.positive

    def with_sigma(values: list[float]) -> PhysicalModel:
        sigma = [
            one.model_copy(update={"value": v})
            for one, v in zip(measured.sigma_ln_current, values, strict=True)
        ]
        positive = measured.model_copy(update={"sigma_ln_current": tuple(sigma)})
        spread = drawn_model.spread.model_copy(update={"positive": positive})  # type: ignore[union-attr]
        return drawn_model.model_copy(update={"spread": spread})

    count = len(measured.sigma_ln_current)
    level = layer_variation(with_sigma([0.2] * count), 5).positive
    assert level.sigma(10.0) == pytest.approx(0.2, rel=1e-4)
    with pytest.raises(FitRefused, match=r"too steeply.*characterize.draws"):
        layer_variation(with_sigma([10.0 / 8.0**k for k in range(count)]), 5)
