"""Validation on a silicon that is known exactly: every number of the summary has a value that must come out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.circuits.design import Design, Timing
from nonideal.circuits.network.mapping import map_weights
from nonideal.pnn import DataError
from nonideal.pnn.draw import drawn_by_class
from nonideal.postlayout.errors import ValidationError
from nonideal.postlayout.plan import ValidationPlan
from nonideal.postlayout.prediction import decide, unclipped_times
from nonideal.postlayout.stage import Validation, validate
from nonideal.postlayout.summary import ByLayer, DrawnSamples
from nonideal.spice import Cache

Maker = Callable[..., Any]
NOISE_S = 3e-10
"""What the finite search of the scale leaves of a spike time."""


def run(here: Any, folder: Path, **bench: Any) -> Validation:
    return validate(here.plan, replace(here.bench, **bench), folder)


def test_a_silicon_that_is_the_model_has_no_error(setting: Maker, tmp_path: Path) -> None:
    """Weights -> biases -> deck -> spikes -> table: whatever is lost on the way shows here."""
    here = setting()
    found = run(here, tmp_path)
    pnn = found.summary.mappings["pnn"]
    # The parabola through three points 1.5 % apart is what keeps the scale from being exactly 1.
    assert pnn.current_scale.positive == pytest.approx(1.0, abs=5e-4)
    assert pnn.current_scale.negative == pytest.approx(1.0, abs=5e-4)
    assert pnn.spike_time_rmse_s.hidden < NOISE_S
    assert pnn.spike_time_rmse_s.output < NOISE_S
    assert (pnn.missed_spikes, pnn.extra_spikes, pnn.failed_samples, pnn.clipped_weights) == (
        0,
        0,
        0,
        0,
    )
    assert pnn.accuracy_spice == pnn.accuracy_model
    rows = found.spikes
    assert len(rows) == 6 * (3 + 2)
    assert set(rows["kind"]) <= {"pair", "silent"}
    assert pnn.spike_pairs.hidden + pnn.spike_pairs.output == (rows["kind"] == "pair").sum() > 15


def test_the_pins_of_what_was_simulated_are_written(setting: Maker, tmp_path: Path) -> None:
    """Scale and trim included: they are those of the samples' own decks."""
    here = setting()
    found = run(here, tmp_path)
    assert [path.name for path in found.pins] == ["pins_pnn.csv"]
    pins = pd.read_csv(found.pins[0])
    assert tuple(pins["pin"]) == here.plan.circuit.topology.ports
    volts = pins.set_index("pin")["volts_V"]
    weights = [layer.weight.detach().double().numpy() for layer in here.networks["pnn"].linear_layers]
    scale = found.scales["pnn"].pair
    assert scale != (1.0, 1.0)
    for row in map_weights(weights, here.plan.model, scale=scale).table.itertuples():
        assert volts[f"bias_{row.polarity}_{row.layer}_{row.axon}_{row.neuron}"] == pytest.approx(
            row.bias_V, rel=1e-11
        )
    assert volts["vdis_1_0"] == pytest.approx(found.summary.mappings["pnn"].vdis_V, rel=1e-9)


def test_promised_times_in_the_table_are_the_models(setting: Maker, tmp_path: Path) -> None:
    here = setting()
    rows = run(here, tmp_path).spikes
    promised = unclipped_times(here.networks["pnn"], here.plan.dataset.test_x)
    columns = (rows[name].to_numpy() for name in ("layer", "sample", "neuron", "t_model_s"))
    for layer, sample, neuron, t_model_s in zip(*columns, strict=True):
        assert t_model_s == promised[layer - 1][sample, neuron] * 1e-6


@pytest.mark.parametrize("gain", [0.97, 1.05])
def test_a_gain_of_the_silicon_is_taken_out_by_the_scale(setting: Maker, tmp_path: Path, gain: float) -> None:
    pnn = run(setting(gain=gain), tmp_path).summary.mappings["pnn"]
    assert pnn.current_scale.positive * gain == pytest.approx(1.0, abs=1e-3)
    assert pnn.spike_time_rmse_s.output < 1.5e-9
    search = pnn.scale_search
    assert min(search, key=lambda row: row.rmse_s).factor == pytest.approx(1 / gain, abs=0.01)


def test_a_delay_of_a_layer_is_its_error_and_only_its(setting: Maker, tmp_path: Path) -> None:
    """Hidden spikes late by 3 ns, exactly; the other layer's do not move."""
    plain = run(setting(), tmp_path).spikes
    found = run(setting(late_s={1: 3e-9}), tmp_path)
    seen = plain["kind"] == "pair"
    moved = (found.spikes["t_spice_s"] - plain["t_spice_s"])[seen]
    layer = plain["layer"][seen]
    np.testing.assert_allclose(moved[layer == 1], 3e-9, rtol=0, atol=1e-15)
    np.testing.assert_allclose(moved[layer == 2], 0.0, rtol=0, atol=1e-15)
    pnn = found.summary.mappings["pnn"]
    assert pnn.spike_time_mean_error_s.hidden == pytest.approx(3e-9, abs=NOISE_S)
    assert pnn.spike_time_rmse_s.hidden == pytest.approx(3e-9, abs=NOISE_S)
    assert pnn.spike_time_rmse_s.output < NOISE_S


def test_missed_spikes_are_counted_and_enter_no_error(setting: Maker, tmp_path: Path) -> None:
    """Hidden spikes late by half a phase: the late ones are missed, the early ones pairs with 500 ns."""
    here = setting(late_s={1: 0.5e-6})
    promised = unclipped_times(here.networks["pnn"], here.plan.dataset.test_x)[0] * 1e-6
    found = run(here, tmp_path)
    pnn = found.summary.mappings["pnn"]
    window = here.plan.circuit.timeline.window_s
    missed = (promised < 1e-6) & (promised + 0.5e-6 > window)
    assert pnn.missed_spikes == missed.sum() > 3
    assert pnn.spike_pairs.hidden == ((promised < 1e-6) & ~missed).sum() > 3
    assert pnn.spike_time_max_error_s.hidden == pytest.approx(0.5e-6, abs=1e-9)
    assert pnn.extra_spikes == 0
    rows = found.spikes[found.spikes["kind"] == "missed"]
    assert np.isinf(rows["t_spice_s"]).all()


def test_energy_cost_and_floor(setting: Maker, tmp_path: Path) -> None:
    here = setting(floor_s=0.07e-9)
    summary = run(here, tmp_path).summary
    stop = here.plan.circuit.timeline.stop_s
    energy = summary.mappings["pnn"].energy_per_inference_J
    assert energy == pytest.approx((1.8 * 1e-6 + 1.3 * 2e-7) * stop, rel=1e-9, abs=0)
    assert summary.numerical_floor_s == pytest.approx(0.07e-9, rel=1e-3, abs=0)
    assert summary.seconds_per_sample == 0.5


def test_accuracy_is_that_of_the_first_spike(setting: Maker, tmp_path: Path) -> None:
    here = setting(samples=4)
    found = run(here, tmp_path)
    promised = unclipped_times(here.networks["pnn"], here.plan.dataset.test_x[:4])[-1]
    right = decide(promised, 2) == here.plan.dataset.test_y[:4].numpy()
    assert found.summary.mappings["pnn"].accuracy_model == right.mean()
    assert found.summary.mappings["pnn"].accuracy_spice == right.mean()
    assert found.summary.samples == 4
    assert sorted(set(found.spikes["sample"])) == [0, 1, 2, 3]


def test_the_summary_is_json_without_nan(setting: Maker, tmp_path: Path) -> None:
    for silicon in ({}, {"fails": lambda name: True}, {"fails": lambda name: not name.startswith("scale")}):
        json.dumps(run(setting(**silicon), tmp_path).summary.as_json(), allow_nan=False)


@pytest.mark.parametrize("sizes", [(5, 3), (4, 6, 3), (3, 4, 3, 2), (1, 2)])
def test_any_depth_and_width(setting: Maker, tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """Layers of other widths have another membrane capacitance and unit current; without hidden layer its numbers are null."""
    found = run(setting(sizes=sizes), tmp_path)
    pnn = found.summary.mappings["pnn"]
    assert pnn.current_scale.positive == pytest.approx(1.0, abs=1e-3)
    assert pnn.spike_time_rmse_s.output < 1e-9
    assert len(found.spikes) == 6 * sum(sizes[1:])
    if len(sizes) == 2:
        assert pnn.spike_time_rmse_s.hidden is None
        assert pnn.spike_time_max_error_s.hidden is None
        assert pnn.spike_pairs.hidden == 0
    else:
        assert pnn.spike_time_rmse_s.hidden < 1e-9
    assert [path.suffix for path in found.waveforms] == [".raw", ".parquet"]


def test_two_mappings_are_kept_apart(setting: Maker, tmp_path: Path) -> None:
    """The ideal network's weights on bent silicon: its own scale, and errors that the physical network has not."""
    found = run(setting(mappings=("ann", "pnn")), tmp_path)
    ann, pnn = (found.summary.mappings[name] for name in ("ann", "pnn"))
    assert ann.spike_time_rmse_s.output > 20 * pnn.spike_time_rmse_s.output
    assert ann.current_scale.positive > 1.05
    assert set(found.spikes["mapping"]) == {"ann", "pnn"}
    assert len(found.spikes) == 2 * 6 * 5


def test_a_failed_sample_is_marked_counted_and_left_out(setting: Maker, tmp_path: Path) -> None:
    clean = run(setting(), tmp_path / "clean")
    here = setting(fails=lambda name: name == "pnn_0002")
    found = run(here, tmp_path / "failed")
    rows = found.spikes
    failed = rows[rows["sample"] == 2]
    assert (failed["kind"] == "failed").all()
    assert failed["t_spice_s"].isna().all()
    assert failed["t_model_s"].notna().all()
    assert len(rows) == len(clean.spikes)
    assert [f.name for f in found.failures] == ["pnn_0002"]
    pnn = found.summary.mappings["pnn"]
    assert pnn.failed_samples == found.summary.failed_samples == 1
    others = clean.spikes[clean.spikes["sample"] != 2]
    pairs = others[(others["kind"] == "pair") & (others["layer"] == 2)]
    assert pnn.spike_pairs.output == len(pairs)
    error = (pairs["t_spice_s"] - pairs["t_model_s"]).to_numpy()
    assert pnn.spike_time_rmse_s.output == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9, abs=0)
    assert pnn.missed_spikes == 0, "a failed sample is no missed spike"
    right = decide(unclipped_times(here.networks["pnn"], here.plan.dataset.test_x)[-1], 2)
    kept = [0, 1, 3, 4, 5]
    assert pnn.accuracy_spice == np.mean((right == here.plan.dataset.test_y.numpy())[kept])


def test_when_all_samples_fail_there_are_no_numbers_but_there_are_tables(
    setting: Maker, tmp_path: Path
) -> None:
    found = run(setting(fails=lambda name: name.startswith("pnn_")), tmp_path)
    pnn = found.summary.mappings["pnn"]
    assert (found.spikes["kind"] == "failed").all()
    assert pnn.spike_time_rmse_s == ByLayer(hidden=None, output=None)
    assert pnn.accuracy_spice is None
    assert pnn.energy_per_inference_J is None
    assert pnn.failed_samples == 6
    assert found.summary.numerical_floor_s is None
    assert found.summary.seconds_per_sample is None
    assert len(found.failures) == 6


def test_a_mapping_without_scale_does_not_take_the_others_with_it(setting: Maker, tmp_path: Path) -> None:
    found = run(setting(mappings=("ann", "pnn"), fails=lambda name: name.startswith("scale_ann")), tmp_path)
    ann, pnn = (found.summary.mappings[name] for name in ("ann", "pnn"))
    assert ann.current_scale is None
    assert ann.failed_samples == 6
    assert pnn.spike_time_rmse_s.output < NOISE_S
    assert all(f.name.startswith("scale_ann") for f in found.failures)
    assert set(found.spikes.loc[found.spikes["mapping"] == "ann", "kind"]) == {"failed"}


def test_a_lost_calibration_sample_is_said_and_recorded(setting: Maker, tmp_path: Path) -> None:
    here = setting(fails=lambda name: name.startswith("scale_pnn") and name.endswith("_0001"))
    told: list[str] = []
    found = validate(here.plan, here.bench, tmp_path, say=told.append)
    assert any("1 of 4 calibration samples failed" in line for line in told)
    assert len(found.failures) == 3
    assert found.summary.mappings["pnn"].current_scale.positive == pytest.approx(1.0, abs=1e-3)
    assert found.summary.failed_samples == 0


def test_a_lost_floor_run_is_recorded(setting: Maker, tmp_path: Path) -> None:
    found = run(setting(floor_s=1e-10, fails=lambda name: name == "floor_pnn_0001"), tmp_path)
    assert [f.name for f in found.failures] == ["floor_pnn_0001"]
    assert found.summary.numerical_floor_s == pytest.approx(1e-10, rel=1e-3, abs=0)


def test_a_second_run_starts_nothing_but_the_waveforms_and_gives_the_same(
    setting: Maker, tmp_path: Path
) -> None:
    first = setting()
    cache = Cache(tmp_path / "cache")
    before = run(first, tmp_path / "a", cache=cache)
    again = setting()
    after = run(again, tmp_path / "b", cache=cache)
    assert again.silicon.started == ["worst_pnn"]
    pd.testing.assert_frame_equal(before.spikes, after.spikes, check_exact=True)
    assert before.summary == after.summary


def test_an_interrupted_run_goes_on_and_ends_with_the_same_tables(setting: Maker, tmp_path: Path) -> None:
    whole = run(setting(), tmp_path / "whole")
    cache = Cache(tmp_path / "cache")
    cut = setting()

    def killed(name: str) -> bool:
        if name == "pnn_0003":
            raise KeyboardInterrupt
        return False

    cut.silicon.fails = killed
    with pytest.raises(KeyboardInterrupt):
        run(cut, tmp_path / "cut", cache=cache)
    resumed = setting()
    found = run(resumed, tmp_path / "cut", cache=cache)
    finished = {"pnn_0000", "pnn_0001", "pnn_0002"}
    assert finished <= set(cut.silicon.started)
    assert not finished & set(resumed.silicon.started)
    assert not any(name.startswith("scale") for name in resumed.silicon.started)
    pd.testing.assert_frame_equal(found.spikes, whole.spikes, check_exact=True)
    assert found.summary == whole.summary


def test_failed_samples_are_tried_again_and_only_they(setting: Maker, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    whole = run(setting(), tmp_path / "whole")
    run(setting(fails=lambda name: name == "pnn_0002"), tmp_path / "a", cache=cache)
    healed = setting()
    found = run(healed, tmp_path / "a", cache=cache)
    assert "pnn_0002" in healed.silicon.started
    assert not [n for n in healed.silicon.started if n.startswith("pnn_") and n != "pnn_0002"]
    pd.testing.assert_frame_equal(found.spikes, whole.spikes, check_exact=True)


def test_silent_networks_have_no_worst_sample(setting: Maker, tmp_path: Path) -> None:
    """Nothing fires on the test samples, though something does on the training samples: no error, no crash, no number."""
    here = setting()
    silent = replace(here.plan.dataset, test_x=torch.full((6, 4), math.inf, dtype=torch.float64))
    here.plan = replace(here.plan, dataset=silent)
    found = run(here, tmp_path)
    pnn = found.summary.mappings["pnn"]
    assert set(found.spikes["kind"]) == {"silent"}
    assert pnn.spike_time_rmse_s == ByLayer(hidden=None, output=None)
    assert pnn.accuracy_spice == 0.0
    assert found.waveforms == ()
    json.dumps(found.summary.as_json(), allow_nan=False)


PLANS: list[tuple[Callable[[ValidationPlan], dict[str, Any]], str]] = [
    (lambda p: {"samples": 0}, r"samples = 0: the test set has 6"),
    (lambda p: {"samples": 7}, r"choose 1 \.\. 6"),
    (lambda p: {"networks": {}}, "no mapping"),
    (lambda p: {"calibration_samples": 0}, "calibration_samples = 0"),
    (lambda p: {"scale_low": 1.3, "scale_high": 1.2}, "is not a range"),
    (lambda p: {"model": p.model.model_copy(update={"t_circ_s": 2e-6})}, "characterised at T_circ = 2e-06 s"),
]


@pytest.mark.parametrize(("change", "said"), PLANS)
def test_plans_that_cannot_be_carried_out(
    setting: Maker, change: Callable[[ValidationPlan], dict[str, Any]], said: str
) -> None:
    plan = setting().plan
    with pytest.raises(ValidationError, match=said):
        replace(plan, **change(plan))


def test_a_network_of_other_sizes_is_refused_before_anything_runs(setting: Maker) -> None:
    plan, other = setting().plan, setting(sizes=(4, 2, 2))
    with pytest.raises(
        ValidationError, match=r"mapping pnn: its network has layers \[4, 2, 2\], the circuit \[4, 3, 2\]"
    ):
        replace(plan, networks=other.networks)
    with pytest.raises(DataError, match="4 axons, but layer_sizes"):
        replace(setting(sizes=(5, 3)).plan, dataset=plan.dataset)


def test_another_guard_moves_the_window_not_the_times(setting: Maker, tmp_path: Path) -> None:
    here = setting()
    design = Design(timing=Timing(guard_s=200e-9, reset_s=100e-9))
    circuit = replace(here.plan.circuit, design=design)
    here.plan, here.silicon.timeline = replace(here.plan, circuit=circuit), circuit.timeline
    pnn = run(here, tmp_path).summary.mappings["pnn"]
    assert pnn.spike_time_rmse_s.output < NOISE_S


def test_few_samples_are_of_all_classes(setting: Maker, tmp_path: Path) -> None:
    """Test labels 0 0 0 0 1 1: three samples are 0, 1 and the next 0; what is told of a sample is of that one."""
    here = setting()
    labels = torch.tensor([0, 0, 0, 0, 1, 1])
    plan = replace(here.plan, dataset=replace(here.plan.dataset, test_y=labels), samples=3)
    found = validate(plan, here.bench, tmp_path)
    assert found.summary.test_samples == DrawnSamples(index=(0, 1, 4), label=(0, 0, 1), classes=("0", "1"))
    inputs = here.plan.dataset.test_x[[0, 1, 4]]
    promised = unclipped_times(here.networks["pnn"], inputs)
    rows = found.spikes
    for layer, sample, neuron, t_model_s in zip(
        *(rows[name] for name in ("layer", "sample", "neuron", "t_model_s")), strict=True
    ):
        assert t_model_s == promised[layer - 1][sample, neuron] * 1e-6
    right = decide(promised[-1], 2) == np.array([0, 0, 1])
    assert found.summary.mappings["pnn"].accuracy_model == right.mean()


def test_calibration_samples_are_of_all_classes(setting: Maker, tmp_path: Path) -> None:
    """Training labels 0 ... 0 1: both classes are among two calibration samples."""
    here = setting()
    train_y = torch.tensor([0] * 9 + [1])
    plan = replace(here.plan, dataset=replace(here.plan.dataset, train_y=train_y), calibration_samples=2)
    validate(plan, here.bench, tmp_path)
    scales = {name.rsplit("_", 1)[0] for name in here.silicon.started if name.startswith("scale_")}
    assert sum(name.startswith("scale_") for name in here.silicon.started) == 2 * len(scales)
    assert plan.dataset.train_y[drawn_by_class(train_y, 2)].tolist() == [0, 1]
