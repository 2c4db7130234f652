"""Designs to compare: which there are, what each changes, what its synapses take; failures keep their reason."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from nonideal.characterize.errors import FitRefused
from nonideal.chips.design_plot import design_figure
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.layout.network import leaf_cells
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.pnn.errors import TrainingDiverged
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Work
from nonideal.stages import designs as trade
from nonideal.stages.designs import compare_designs, designs, synapse_area_um2, with_design


def experiment(**chips: Any) -> Experiment:
    return parse_experiment({"name": "tiny", "chips": chips}, "tiny.toml")


def test_the_present_design_comes_first_with_every_hidden_size() -> None:
    assert [(one.name, size) for one, size in designs(experiment(hidden=[5, 10]))] == [
        ("present", 5),
        ("present", 10),
    ]
    found = designs(experiment(vary={"synapse.memory_n.l_um+synapse.memory_p.l_um": [0.25, 0.5]}))
    # 0.25 um is what is drawn anyway: one design, not two.
    assert [(one.name, size) for one, size in found] == [("present", 5), ("choice_1", 5)]
    assert found[1][0].applied(Design()).synapse.memory_p.l_um == 0.5


def test_a_network_without_a_hidden_layer_is_compared_too() -> None:
    flat = parse_experiment({"name": "tiny", "training": {"layers": [5, 3]}}, "tiny.toml")
    ((present, hidden),) = designs(flat)
    assert (present.name, hidden) == ("present", None)
    assert with_design(flat, Design(), None).training.layers == (5, 3)
    asked = flat.changed({"chips": {"hidden": (4,)}})
    with pytest.raises(ExperimentError, match="has no hidden layer"):
        designs(asked)


def test_choices_that_cannot_be_are_refused() -> None:
    with pytest.raises(CircuitError, match="did you mean"):
        designs(experiment(vary={"synapse.memory_n.l": [0.5]}))


def test_what_all_are_held_against_has_to_be_drawable() -> None:
    """Told before any chip, not after all of them."""
    broad = {"name": "tiny", "circuit": {"synapse": {"memory_n": {"w_um": 100.0, "l_um": 0.25}}}}
    assert len(designs(parse_experiment(broad, "tiny.toml"))) == 1, "nothing to compare"
    with pytest.raises(CircuitError, match="make them narrower"):
        designs(parse_experiment(broad | {"chips": {"hidden": [5, 10]}}, "tiny.toml"))


def test_a_design_is_trained_once_on_its_own_model() -> None:
    circuit = Design(synapse={"memory_n": {"w_um": 2.0, "l_um": 0.25}})
    given = parse_experiment({"name": "tiny", "training": {"preset": "sky130_tt"}}, "tiny.toml")
    found = with_design(given, circuit, 9)
    assert found.training.layers == (5, 9, 5)
    assert (found.training.variants, found.training.seeds) == (("bottom_up",), (1,))
    assert found.training.preset is None
    assert found.circuit.synapse.memory_n.w_um == 2.0
    assert given.training.layers == (5, 5, 5)


def test_the_area_is_that_of_the_drawn_pairs() -> None:
    cells = leaf_cells(Design())
    layers = (5, 3, 2)
    pairs = sum(m * n for m, n in pairwise(layers))
    assert synapse_area_um2(Design(), layers) == pytest.approx(pairs * cells.pitch * cells.row_height)
    larger = Design(synapse={"memory_n": {"w_um": 1.0, "l_um": 2.0}, "memory_p": {"w_um": 1.0, "l_um": 2.0}})
    assert synapse_area_um2(larger, layers) > synapse_area_um2(Design(), layers)


def measured(area: float, yields: tuple[float, float]) -> dict[str, Any]:
    row: dict[str, Any] = {"synapse_area_um2": area, "problem": ""}
    for side, value in zip(("as_written", "trimmed"), yields, strict=True):
        row |= {f"yield_{side}": value, f"low_{side}": 0.9 * value, f"high_{side}": min(1.0, 1.1 * value)}
    return row


def test_a_design_that_fails_keeps_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [
        measured(100.0, (0.1, 1.0)),
        FitRefused("it is flat"),
        TrainingDiverged("it diverged", epoch=1, batch=0, layer=None),
    ]

    def answer(*given: Any) -> dict[str, Any]:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return dict(found)

    monkeypatch.setattr(trade, "_measured", answer)
    asked = experiment(vary={"neuron.mim_w_um+neuron.mim_l_um": [5.0, 9.0]})
    (tmp_path / "yield").mkdir()
    context = Context(jobs=1, console=Console(file=io.StringIO()))
    rows, files = compare_designs(Work(asked, RunDir(tmp_path), context, tmp_path / "yield", {}))
    assert [(one.name, one.problem) for one in rows] == [
        ("present-5", ""), ("choice_0-5", "it is flat"), ("choice_1-5", "it diverged"),
    ]  # fmt: skip
    assert [file.name for file in files] == ["designs.csv", "designs.png", "designs.svg"]
    table = pd.read_csv(files[0])
    assert list(table["yield_trimmed"].isna()) == [False, True, True]
    assert "neuron.mim_w_um=9 neuron.mim_l_um=9" in table["overrides"].iloc[2]


@pytest.mark.filterwarnings("error")
def test_the_figure_names_designs_and_has_both_yields() -> None:
    rows = [
        measured(100.0, (0.0, 1.0)) | {"name": "present-5"},
        measured(400.0, (0.4, 0.98)) | {"name": "wide-5"},
    ]
    (ax,) = design_figure(pd.DataFrame(rows)).axes
    assert [text.get_text() for text in ax.texts] == ["present-5", "wide-5"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["as written", "trimmed"]
    points = ax.lines[0]
    assert list(points.get_xdata()) == [100.0, 400.0]  # type: ignore[arg-type]
    assert list(points.get_ydata()) == [0.0, 40.0]  # type: ignore[arg-type]
