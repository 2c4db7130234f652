"""Verdicts: limits, what was measured, and what was not run."""

from __future__ import annotations

from typing import Any

import pytest

from nonideal.report import verdicts
from nonideal.runs.results import load_results
from nonideal.runs.spec import LIMITS, State, Verdict, primary

RMSE = "pnn: output spike-time RMSE, model against SPICE"
RATIO = "pnn: RMSE of ann over it"
FLOOR = "numerical floor of the simulator"
FAILED = "samples without a result, all mappings"
ACCURACY = "pnn: test accuracy of the model, median of seeds"
LAMBDA_N = "λ of the NMOS (positive weights)"


def by_name(builder: Any) -> dict[str, Verdict]:
    return {v.parameter: v for v in verdicts(builder.path)}


def test_a_good_run_passes_every_limit(whole: Any) -> None:
    found = by_name(whole)
    assert {v.state for v in found.values()} == {State.passed}
    assert found[RMSE].measured == 3.1416e-9
    assert found[RATIO].measured == pytest.approx(31.4 / 3.1416)
    assert found[FLOOR].measured == 0.0625e-9
    assert found[ACCURACY].measured == 0.9412
    assert found[LAMBDA_N].measured == 0.4137


@pytest.mark.parametrize(
    ("ann_s", "pnn_s", "states"),
    [
        (32e-9, 4e-9, (State.passed, State.passed)),  # on both limits
        (40e-9, 4.01e-9, (State.failed, State.passed)),
        (23.9e-9, 3e-9, (State.passed, State.failed)),
        (None, 3e-9, (State.passed, State.failed)),  # nothing to compare with
        (30e-9, None, (State.failed, State.failed)),  # no output neuron fired
    ],
)
def test_rmse_and_ratio(builder: Any, row: Any, ann_s: Any, pnn_s: Any, states: Any) -> None:
    found = by_name(builder.validation({"ann": row(ann_s), "pnn": row(pnn_s)}))
    assert (found[RMSE].state, found[RATIO].state) == states


def test_a_failed_sample_does_not_pass(builder: Any) -> None:
    found = by_name(builder.validation(failed=(("pnn", 3),)))
    assert found[FAILED].state is State.failed
    assert found[FAILED].measured == 1


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("numerical_floor_s", 0.21e-9, FLOOR),
        ("numerical_floor_s", None, FLOOR),
    ],
)
def test_out_of_spec(builder: Any, key: str, value: float | None, name: str) -> None:
    found = by_name(builder.validation(**{key: value}))
    assert found[name].state is State.failed
    assert not found[name].passed


@pytest.mark.parametrize(
    ("lambda_n", "state"), [(0.3896, State.passed), (0.389, State.failed), (0.431, State.failed)]
)
def test_lambda_within_five_percent(builder: Any, model: Any, lambda_n: float, state: State) -> None:
    assert by_name(builder.characterization(model(lambda_n)))[LAMBDA_N].state is state


def test_lambda_of_another_corner_is_shown_and_not_judged(builder: Any, model: Any) -> None:
    verdict = by_name(builder.characterization(model(0.6, "ff")))[LAMBDA_N]
    assert (verdict.state, verdict.measured) == (State.unlimited, 0.6)


def test_what_was_not_run_does_not_pass(builder: Any) -> None:
    found = by_name(builder.characterization())
    assert {found[name].state for name in (RMSE, RATIO, FLOOR, FAILED, ACCURACY)} == {State.not_run}
    assert found[LAMBDA_N].passed
    assert not any(found[name].passed for name in (RMSE, RATIO, FLOOR, FAILED, ACCURACY))


def test_accuracy_below_the_limit_fails(builder: Any) -> None:
    assert by_name(builder.training(0.9399))[ACCURACY].state is State.failed


def test_accuracy_of_another_data_set_has_no_limit(builder: Any) -> None:
    assert by_name(builder.training(0.5, "wine"))[ACCURACY].state is State.unlimited


def test_the_experiments_own_limits_are_the_limits(builder: Any) -> None:
    spec = {"output_rmse_max_s": 3e-9, "ann_ratio_min": None, "accuracy_spice_min": 0.85}
    found = by_name(builder.validation(spec=spec))
    assert found[RMSE].maximum == 3e-9
    assert found[RMSE].state is State.failed
    assert found[RATIO].state is State.unlimited
    assert found["pnn: accuracy in SPICE"].state is State.passed


def test_every_mapping_but_the_reference_is_judged(builder: Any, row: Any) -> None:
    rows = {"ann": row(30e-9), "bottom_up": row(9e-9), "pnn": row(3e-9)}
    found = by_name(builder.validation(rows))
    assert found["bottom_up: output spike-time RMSE, model against SPICE"].state is State.failed
    assert found[RMSE].passed
    assert not any(name.startswith("ann:") for name in found)


@pytest.mark.parametrize("names", [("bottom_up",), ("ann", "pnn", "bottom_up")])
def test_bottom_up_stands_for_a_run_where_it_was_trained(builder: Any, names: tuple[str, ...]) -> None:
    builder.training(0.95, names=names)
    assert by_name(builder)["bottom_up: test accuracy of the model, median of seeds"].passed
    assert by_name(builder)[RMSE.replace("pnn", "bottom_up")].state is State.not_run
    assert RMSE not in by_name(builder)
    assert (ACCURACY in by_name(builder)) is ("pnn" in names)


def test_what_was_not_trained_is_not_judged(builder: Any, row: Any) -> None:
    builder.training(names=("bottom_up",)).validation({"bottom_up": row(3e-9)})
    assert not any(name.startswith("pnn:") for name in by_name(builder))


def test_pnn_stands_for_a_validation_without_bottom_up(builder: Any) -> None:
    builder.training(names=("ann", "pnn", "bottom_up")).validation()
    assert primary(load_results(builder.path)) == "pnn"


def test_a_busy_machine_is_no_reason_to_fail(builder: Any) -> None:
    """How long a simulation took says nothing of its result; the report tells it all the same."""
    slow = by_name(builder.validation(netlist="pex-rc", seconds_per_sample=1000.0))
    assert [(v.parameter, v.state) for v in slow.values()] == [
        (v.parameter, v.state)
        for v in by_name(builder.validation(netlist="pex-rc", seconds_per_sample=1.0)).values()
    ]
    assert not any("CPU" in name for name in slow)


DRC, LVS = "violations of design rules", "layout matches the schematic (1: yes)"


def test_a_layout_is_judged_where_there_is_one(builder: Any) -> None:
    builder.validation()
    assert DRC not in by_name(builder)
    builder.write_json("layout/drc.json", {"violations": 1})
    builder.write_json("layout/lvs.json", {"matched": False})
    found = by_name(builder)
    assert (found[DRC].state, found[LVS].state) == (State.failed, State.failed)


def test_an_extracted_netlist_without_checks_does_not_pass(builder: Any) -> None:
    found = by_name(builder.validation(netlist="pex-rc"))
    assert not found[DRC].passed
    assert not found[LVS].passed


def test_limits_are_frozen() -> None:
    with pytest.raises(AttributeError):
        LIMITS[0].maximum = 1.0  # type: ignore[misc]
