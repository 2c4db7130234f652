"""Small run directories whose numbers are nobody's constants."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from nonideal.characterize.fits import firing_time_norm
from nonideal.characterize.model import Branch, Estimate, PhysicalModel
from nonideal.files import sha256_of
from nonideal.postlayout.budget import Budget, Entry, Groups
from nonideal.report import write_report
from nonideal.runs.manifest import Inputs, Manifest

T_CIRC_S = 1e-6
SAMPLES = 10
SEARCH = ((0.985, 5e-9), (1.0, 3e-9), (1.015, 4e-9))
DATA = {"set": "iris", "test_samples": SAMPLES, "split_seed": 3, "encoding": "direct", "bias_axon": True}


def _estimate(value: float, unit: str, stderr: float | None = None) -> Estimate:
    return Estimate(value=value, stderr=abs(value) * 1e-3 if stderr is None else stderr, unit=unit)


def _branch(lambda_per_V: float, bias_V: tuple[float, ...], off_bias_V: float) -> Branch:
    currents = np.geomspace(1e-10, 3e-7, len(bias_V))
    return Branch(
        lambda_per_V=_estimate(lambda_per_V, "1/V", 0.0023),
        lambda_polynomial_per_V=(lambda_per_V, -0.01),
        lambda_polynomial_rms_per_V=4e-4,
        ln_current=tuple(np.log(currents)),
        bias_V=bias_V,
        off_bias_V=off_bias_V,
        linearity_rms=1e-3,
        current_min_A=currents[0],
        current_max_A=currents[-1],
    )


def make_model(lambda_n: float = 0.4137, corner: str = "tt") -> PhysicalModel:
    """A model near the paper's, with numbers of its own."""
    return PhysicalModel(
        corner=corner,
        temperature_C=27.0,
        vdd_V=1.8,
        t_circ_s=T_CIRC_S,
        v_0_V=_estimate(1.3, "V"),
        v_switch_V=_estimate(0.43, "V"),
        sensing_delay_s=_estimate(9.3e-8, "s"),
        membrane_F=_estimate(121.7e-15, "F", 0.05e-15),
        membrane_per_axon_F=_estimate(2e-15, "F"),
        axons=5,
        lambda_dis_per_V=_estimate(0.1763, "1/V"),
        discharge_norm=_estimate(0.154, "1"),
        vdis_V=0.551,
        vsense_V=0.95,
        positive=_branch(lambda_n, tuple(np.linspace(0.2, 0.8, 13)), 0.0),
        negative=_branch(0.7431, tuple(np.linspace(1.6, 0.9, 13)), 1.8),
        valid_V=(0.43, 1.36),
        additivity_error=1e-9,
        provenance={"firing_rms_s": "1.3e-10"},
    )


def make_curves(model: PhysicalModel) -> pd.DataFrame:
    """Straight lines with the model's slopes, and spike times by its formula."""
    frames = []
    volts = np.arange(0.3, 1.71, 0.1)
    for polarity, branch, sign in (("n", model.positive, 1), ("p", model.negative, -1)):
        for bias, ln_current in zip(branch.bias_V, branch.ln_current, strict=True):
            current = np.exp(ln_current) * (1 + sign * branch.lambda_per_V.value * (volts - 1.3))
            frames.append(
                _curve("synapse", polarity=polarity, bias_V=bias, membrane_V=volts, current_A=current)
            )
    for offset in (-0.02, 0.0, 0.02):
        current = 1e-7 * np.exp(offset / 0.04) * (1 + model.lambda_dis_per_V.value * (volts - 1.3))
        frames.append(_curve("discharger", bias_V=model.vdis_V + offset, membrane_V=volts, current_A=current))
    starts = np.linspace(0.5, 1.3, 9)
    times = firing_time_norm((1.3 - starts) / model.v_th_V, model.discharge_norm.value) * T_CIRC_S
    frames.append(_curve("firing", bias_V=model.vdis_V, membrane_V=starts, time_s=times))
    return pd.concat(frames, ignore_index=True)


def _curve(bench: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"bench": bench, "corner": "tt", "polarity": None, **columns})


def mapping_row(rmse_s: float | None, **changes: Any) -> dict[str, Any]:
    """The summary of one mapping."""
    return {
        "spike_time_rmse_s": {"hidden": 2.5e-9, "output": rmse_s},
        "spike_time_max_error_s": {"hidden": 7e-9, "output": 8.125e-9},
        "spike_time_mean_error_s": {"hidden": -1e-10, "output": 3e-10},
        "spike_pairs": {"hidden": 41, "output": 27},
        "missed_spikes": 2,
        "extra_spikes": 1,
        "accuracy_model": 1.0,
        "accuracy_spice": 0.9,
        "current_scale": {"positive": 1.0312, "negative": 0.9876},
        "scale_search": [{"factor": f, "rmse_s": e} for f, e in SEARCH],
        "clipped_weights": 0,
        "energy_per_inference_J": 7.77e-12,
        "failed_samples": 0,
    } | changes


@dataclass(frozen=True)
class Builder:
    """Fills a run directory stage by stage."""

    path: Path

    def manifest(
        self, stage: str, settings: dict[str, Any] | None = None, summary: dict[str, Any] | None = None
    ) -> None:
        """Declare a stage complete."""
        Manifest(
            stage=stage,
            inputs=Inputs(
                settings=settings or {}, seeds={"split": 3}, files={}, tools={"ngspice": "39"}, code="c0de"
            ),
            outputs={
                str(path.relative_to(self.folder(stage))): sha256_of(path)
                for path in self.folder(stage).rglob("*")
                if path.is_file() and path.name != "manifest.json"
            },
            versions={"python": "3.11.7", "ngspice": "39"},
            summary=summary or {},
            passed=True,
            started="2026-01-02T03:04:05+00:00",
            seconds=12.3,
        ).save(self.folder(stage))

    def folder(self, name: str) -> Path:
        """A folder in it."""
        place = self.path / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def characterization(
        self, model: PhysicalModel | None = None, where: str = "characterization", *, curves: bool = False
    ) -> Builder:
        """model.json, manifest, and curves.parquet (whose figures take their time) when asked for."""
        model = model or make_model()
        folder = self.folder(where)
        model.save(folder / "model.json")
        if curves:
            make_curves(model).to_parquet(folder / "curves.parquet")
        if where == "characterization":
            timing = {"t_circ_s": T_CIRC_S, "guard_s": 5e-8, "reset_s": 2e-7, "edge_s": 1e-10}
            self.manifest(where, {"circuit": {"timing": timing}})
        return self

    def training(
        self, accuracy: float = 0.9412, data_set: str = "iris", names: tuple[str, ...] = ("ann", "pnn")
    ) -> Builder:
        """summary.json, metrics of two seeds a variant, manifest."""
        variants = {}
        for name in names:
            seeds = [
                {"seed": s, "test_accuracy": accuracy, "train_accuracy": 0.97, "epochs": 20} for s in (4, 5)
            ]
            variants[name] = {
                "test_accuracy_median": accuracy,
                "test_accuracy_first_seed": accuracy,
                "seeds": seeds,
            }
            for place in (f"training/{name}", f"training/{name}/seed_5"):
                rows = {"epoch": [10, 20], "loss": [1.5, 0.4], "test_accuracy": [0.5, accuracy]}
                pd.DataFrame(rows).to_csv(self.folder(place) / "metrics.csv", index=False)
        summary = {"data_set": data_set, "test_samples": SAMPLES, "variants": variants}
        self.write_json("training/summary.json", summary)
        self.manifest("training", {"data": DATA | {"set": data_set}})
        return self

    def validation(
        self,
        mappings: dict[str, dict[str, Any]] | None = None,
        *,
        failed: tuple[tuple[str, int], ...] = (),
        spec: dict[str, Any] | None = None,
        complete: bool = True,
        **changes: Any,
    ) -> Builder:
        """summary.json, spikes.parquet, waveforms of pnn, and a manifest when complete."""
        mappings = mappings or {"ann": mapping_row(31.4e-9), "pnn": mapping_row(3.1416e-9)}
        self.write_json(
            "validation/summary.json",
            {
                "experiment": "tiny",
                "samples": SAMPLES,
                "test_samples": {
                    "index": list(range(SAMPLES)),
                    "label": [k % 3 for k in range(SAMPLES)],
                    "classes": ["setosa", "versicolor", "virginica"],
                },
                "netlist": "schematic",
                "layers": [5, 2, 3],
                "corner": "tt",
                "t_circ_s": T_CIRC_S,
                "mappings": mappings,
                "numerical_floor_s": 0.0625e-9,
                "seconds_per_sample": 1.375,
                "failed_samples": len(failed),
                "seed": 4,
            }
            | changes,
        )
        folder = self.folder("validation")
        make_spikes(tuple(mappings), failed).to_parquet(folder / "spikes.parquet")
        make_waveforms().to_parquet(folder / "worst_pnn.parquet")
        if complete:
            self.manifest("validation", {"data": DATA} | ({"spec": spec} if spec is not None else {}))
        return self

    def write_json(self, name: str, value: Any) -> None:
        """A JSON file at a path inside."""
        self.folder(str(Path(name).parent))
        (self.path / name).write_text(json.dumps(value), encoding="utf-8")


def make_spikes(mappings: tuple[str, ...], failed: tuple[tuple[str, int], ...] = ()) -> pd.DataFrame:
    """Two hidden, three output neurons; output ``sample % 3`` fires first, ``sample`` ns late."""
    rows = []
    for mapping in mappings:
        for sample in range(SAMPLES):
            for layer, neurons in ((1, 2), (2, 3)):
                for neuron in range(neurons):
                    model_s = 2e-7 if neuron == sample % 3 else 6e-7 + 1e-8 * neuron
                    lost = (mapping, sample) in failed
                    spice_s = np.nan if lost else model_s + sample * 1e-9
                    kind = "failed" if lost else "pair"
                    rows.append((sample, layer, neuron, mapping, model_s, spice_s, kind))
    columns = ["sample", "layer", "neuron", "mapping", "t_model_s", "t_spice_s", "kind"]
    return pd.DataFrame(rows, columns=columns)


def make_waveforms() -> pd.DataFrame:
    """Ramps for every net of a 5-2-3 network."""
    time_s = np.linspace(0, 3.45e-6, 60)
    frames = []
    for layer, neurons in ((1, 2), (2, 3)):
        for neuron in range(neurons):
            for source in ("spice", "model"):
                volts = 1.3 - 2e5 * time_s * (1 + 0.1 * neuron)
                frames.append(_wave(f"membrane_{layer}_{neuron}", volts, time_s, source))
            frames.append(_wave(f"spike_{layer}_{neuron}", 1.8 * (time_s > 2e-6), time_s, "spice"))
    return pd.concat(frames, ignore_index=True).assign(sample=9)


def _wave(net: str, volts: Any, time_s: Any, source: str) -> pd.DataFrame:
    return pd.DataFrame({"time_s": time_s, "net": net, "volts_V": volts, "source": source})


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """An empty run directory called ``tiny``."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    return Builder(folder)


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Makes the summary of a mapping: ``row(rmse_s, **changes)``."""
    return mapping_row


@pytest.fixture
def model() -> Callable[..., PhysicalModel]:
    """Makes a model: ``model(lambda_n, corner)``."""
    return make_model


@pytest.fixture
def whole(builder: Builder) -> Builder:
    """All stages run, with all that can be drawn."""
    return builder.characterization(curves=True).training().validation()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run directory with its report, for tests that only read it."""
    folder = tmp_path_factory.mktemp("written") / "tiny"
    builder = Builder(folder).characterization(curves=True).training().validation()
    builder.write_json("layout/drc.json", {"violations": 0, "rules_checked": 145})
    builder.write_json("layout/lvs.json", {"matched": True, "nets": 347})
    Figure(figsize=(1, 1)).savefig(folder / "layout" / "layout.png")
    write_report(folder)
    return folder


def entry(name: str, kind: Any, change_s: float, rmse_s: float) -> Entry:
    """Hidden, output and given output apart by factors, so that no number stands for another."""
    return Entry(
        name,
        kind,
        Groups(1.1 * change_s, change_s, 1.2 * change_s),
        Groups(1.3 * rmse_s, rmse_s, 1.4 * rmse_s),
    )


@pytest.fixture
def budget() -> Budget:
    entries = (
        entry("spike_load", "term", 0.2e-9, 0.555e-9),
        entry("membrane_capacitance", "term", 21.7e-9, 22.3e-9),
        entry("coupling", "term", 0.0, 0.311e-9),
        entry("firing_fit", "residual", 0.123e-9, 0.45e-9),
        entry("numerical_floor", "residual", 0.0625e-9, 0.45e-9),
        entry("training_grid", "numerics", 0.321e-9, 0.654e-9),
    )
    whole = Groups(0.58e-9, 0.417e-9, 0.39e-9)
    return Budget(whole, entries, entry("all_terms", "term", 27.1e-9, 28.9e-9), (41, 27), grid_intervals=7)
