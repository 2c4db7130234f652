"""A blind mapping: what is built and what is promised stand before anything is simulated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import network_physics
from nonideal.pnn import RCSpikeNetwork, Reversal
from nonideal.postlayout.budget import budget_of
from nonideal.postlayout.stage import Validation, validate
from nonideal.postlayout.summary import CurrentScale
from nonideal.spice import Deck
from nonideal.stages.validation import write_budget

SIZES = (4, 3, 2)


@pytest.fixture
def blind(
    setting: Callable[..., Any],
    model: PhysicalModel,
    column: Column,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., tuple[Validation, dict[str, Deck], Any]]:
    """Validates ``bottom_up`` on an extracted netlist and a silicon of one's own: the result and every deck that was run."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("nothing is fitted for bottom_up")

    for name in ("trim_discharger", "model_scale", "refine", "mapping_rmse"):
        monkeypatch.setattr(f"nonideal.postlayout.fitting.{name}", refuse)

    def run(name: str, **silicon: Any) -> tuple[Validation, dict[str, Deck], Any]:
        here = setting(sizes=SIZES, **silicon)
        measured = model.model_copy(update={"columns": (column,)})
        physics = network_physics(measured, SIZES)
        network = RCSpikeNetwork(SIZES, Reversal.of(physics[0]), physics=physics)
        network.load_state_dict(here.networks["pnn"].state_dict())
        plan = replace(here.plan, model=measured, networks={"bottom_up": network}, netlist="pex-rc")
        decks: dict[str, Deck] = {}

        def run_many(given: list[Deck], **more: Any) -> Any:
            decks.update({deck.name: deck for deck in given})
            return here.silicon.run_many(given, **more)

        monkeypatch.setattr("nonideal.postlayout.runner.run_many", run_many)
        return validate(plan, here.bench, tmp_path / name), decks, plan

    return run


def test_another_silicon_changes_neither_the_circuit_nor_the_promise(blind: Any) -> None:
    one, decks, plan = blind("one", gain=1.0)
    other, others, _ = blind("other", gain=1.1, late_s={1: 4e-9, 2: 2e-9})
    assert np.nanmean(np.abs(one.spikes["t_spice_s"] - other.spikes["t_spice_s"])) > 1e-9, "they do differ"
    assert decks.keys() == others.keys()
    assert sum(name.startswith("bottom_up_") for name in decks) == plan.samples
    for name, deck in decks.items():
        assert deck.text == others[name].text, "inputs, supplies, discharger"
        assert deck.includes == others[name].includes, "network and biases"
    assert (one.spikes["t_model_s"] == other.spikes["t_model_s"]).all()
    for found in (one, other):
        row = found.summary.mappings["bottom_up"]
        assert row.current_scale == CurrentScale(positive=1.0, negative=1.0)
        assert row.scale_search == ()
        assert row.vdis_V == plan.model.columns[0].vdis_V


def test_the_discharger_is_the_columns(blind: Any) -> None:
    _, decks, plan = blind("one")
    wanted = plan.model.columns[0].vdis_V
    for deck in decks.values():
        cards = [card.split() for card in deck.cards() if card.startswith("Vvdis")]
        assert [card[1] for card in cards] == list(plan.circuit.topology.vdis_ports)
        assert {float(card[3]) for card in cards} == {wanted}


def test_the_budget_of_a_validation_is_of_its_spikes(blind: Any) -> None:
    found, _, plan = blind("one", floor_s=1e-10, fails=lambda name: name == "bottom_up_0002")
    budget = budget_of(plan, found, "bottom_up")
    row = found.summary.mappings["bottom_up"]
    assert budget is not None
    assert budget.pairs == (row.spike_pairs.hidden, row.spike_pairs.output)
    trained = next(e for e in budget.entries if e.name == "training_exact")
    assert trained.rmse.output_s == pytest.approx(row.spike_time_rmse_s.output, rel=1e-6)
    assert trained.rmse.hidden_s == pytest.approx(row.spike_time_rmse_s.hidden, rel=1e-6)
    floor = next(e for e in budget.entries if e.name == "numerical_floor")
    assert floor.change.output_s == found.summary.numerical_floor_s


def test_the_budget_is_written(blind: Any, tmp_path: Path) -> None:
    found, _, plan = blind("one")
    (file,), summary = write_budget(plan, found, tmp_path)
    table, told = pd.read_csv(file), summary.mappings["bottom_up"].error_budget
    assert told is not None
    assert list(table["name"]) == [*(e.name for e in told.entries), "all_terms"]
    assert set(table["mapping"]) == {"bottom_up"}
    numbers = [name for name in table.columns if name not in ("name", "kind", "mapping")]
    assert all(name.endswith("_s") for name in numbers)
    assert table["change_output_s"].iloc[0] == pytest.approx(told.entries[0].change.output_s)
    json.dumps(summary.as_json(), allow_nan=False)


def test_without_a_result_there_is_no_budget(blind: Any, tmp_path: Path) -> None:
    nothing, _, plan = blind("one", fails=lambda name: name.startswith("bottom_up"))
    assert budget_of(plan, nothing, "bottom_up") is None
    assert write_budget(plan, nothing, tmp_path) == ((), nothing.summary)
