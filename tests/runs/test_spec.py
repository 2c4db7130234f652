from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nonideal.cli.tables import show
from nonideal.experiment.sections import MappingLimits, Spec
from nonideal.postlayout.summary import ValidationSummary
from nonideal.runs.spec import judge_summary as judge
from nonideal.runs.stage import Outcome


def mapping(
    rmse_s: float | None, accuracy: float | None = 0.96, missed: int = 0, extra: int = 0
) -> dict[str, Any]:
    return {
        "spike_time_rmse_s": {"hidden": rmse_s, "output": rmse_s},
        "spike_time_rmse_used_outputs_s": None,
        "spike_time_max_error_s": {"hidden": rmse_s, "output": rmse_s},
        "missed_spikes": missed,
        "extra_spikes": extra,
        "accuracy_model": 0.98,
        "accuracy_spice": accuracy,
        "energy_per_inference_J": 3.2e-12,
        "failed_samples": 0,
    }


def summary(floor_s: float | None = 5e-11, **mappings: dict[str, Any]) -> ValidationSummary:
    told = {
        "samples": 50,
        "netlist": "schematic",
        "corner": "tt",
        "mappings": mappings,
        "numerical_floor_s": floor_s,
        "seconds_per_sample": 1.9,
    }
    return ValidationSummary.model_validate(told)


WHOLE = Spec(
    output_rmse_max_s=4e-9,
    ann_ratio_min=8,
    numerical_floor_max_s=2e-10,
    accuracy_spice_min=0.94,
    missed_and_extra_spikes_max=1,
)


def failed(spec: Spec, measured: ValidationSummary) -> list[str]:
    return [v.parameter for v in judge(spec, measured) if not v.passed]


def test_all_limits_met() -> None:
    good = summary(ann=mapping(33e-9), pnn=mapping(2e-9))
    assert len(judge(WHOLE, good)) == 5
    assert failed(WHOLE, good) == []


@pytest.mark.parametrize(
    ("ann", "pnn", "told"),
    [
        (mapping(40e-9), mapping(4.1e-9), ["pnn: output spike-time RMSE, model against SPICE"]),
        (mapping(15e-9), mapping(2e-9), ["pnn: RMSE of ann over it"]),
        (mapping(33e-9), mapping(2e-9, accuracy=0.92), ["pnn: accuracy in SPICE"]),
        (mapping(33e-9), mapping(2e-9, missed=1, extra=1), ["pnn: missed and extra spikes, all layers"]),
        (mapping(33e-9, missed=9, accuracy=0.1), mapping(2e-9), []),
    ],
)
def test_each_limit_can_fail(ann: dict[str, Any], pnn: dict[str, Any], told: list[str]) -> None:
    assert failed(WHOLE, summary(ann=ann, pnn=pnn)) == told


def test_what_could_not_be_measured_does_not_pass() -> None:
    nothing = summary(None, ann=mapping(33e-9), pnn=mapping(None, accuracy=None))
    assert len(failed(WHOLE, nothing)) == 4


def test_without_the_reference_there_is_no_ratio() -> None:
    assert len(judge(WHOLE, summary(pnn=mapping(2e-9)))) == 4


def test_limits_left_out_are_not_checked() -> None:
    assert judge(Spec(), summary(pnn=mapping(1.0))) == []


@pytest.mark.parametrize(
    ("rmse_s", "told"),
    [
        (0.6e-9, []),
        (0.8e-9, ["bottom_up: hidden spike-time RMSE, model against SPICE"]),
        (3e-9, ["output", "hidden", "ann"]),
    ],
)
def test_a_mapping_may_have_limits_of_its_own(rmse_s: float, told: list[str]) -> None:
    own = MappingLimits(output_rmse_max_s=1e-9, hidden_rmse_max_s=0.7e-9, ann_ratio_min=30)
    measured = summary(ann=mapping(33e-9), pnn=mapping(3e-9), bottom_up=mapping(rmse_s))
    found = failed(WHOLE.model_copy(update={"bottom_up": own}), measured)
    assert len(found) == len(told)
    assert all(parameter.startswith("bottom_up") for parameter in found)
    assert all(words in parameter for words, parameter in zip(told, found, strict=True))
    assert failed(WHOLE, measured) == []


def test_the_validation_table_shows_the_numbers_and_the_verdicts(tmp_path: Path) -> None:
    measured = summary(ann=mapping(33e-9), pnn=mapping(5e-9, missed=2, extra=1))
    limits = tuple(verdict.judged() for verdict in judge(WHOLE, measured))
    measured = measured.model_copy(update={"spec": limits})
    with (tmp_path / "out").open("w") as file:
        console = Console(width=140, record=True, file=file)
        show(console, Outcome("validation", tmp_path, False, 1.0, False, measured))
    text = console.export_text()
    for words in (
        "RMSE, output layer",
        "33 ns",
        "5 ns",
        "96 %",
        "3.2 pJ",
        "0.05 ns",
        "94 %",
        "fail",
        "Specification",
    ):
        assert words in text


@pytest.mark.parametrize(("spice", "told"), [(0.98, False), (0.96, False), (0.94, True), (None, True)])
def test_accuracy_may_be_judged_by_what_spice_loses(spice: float | None, told: bool) -> None:
    """The model decides 98 % right; 0.02 may be lost, not more, and what was not measured does not pass."""
    measured = summary(ann=mapping(33e-9), pnn=mapping(2e-9, accuracy=spice))
    lost = ["pnn: accuracy lost from model to SPICE"] if told else []
    assert failed(Spec(accuracy_loss_max=0.02), measured) == lost
