"""A run directory as objects: numbers by name, what older versions did not write unknown, what is damaged refused with a way out."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

import nonideal
from nonideal.report import write_report
from nonideal.runs.errors import ResultAltered, ResultUnreadable
from nonideal.runs.results import Results, load_results


def test_numbers_have_names(whole: Any) -> None:
    results = nonideal.load_results(whole.path)
    assert isinstance(results, Results)
    assert results.validation is not None
    pnn = results.validation.mappings["pnn"]
    assert (pnn.spike_time_rmse_s.output, pnn.spike_pairs.hidden, pnn.unpaired_spikes) == (3.1416e-9, 41, 3)
    assert pnn.current_scale is not None
    assert pnn.current_scale.negative == 0.9876
    assert results.validation.test_samples is not None
    assert results.validation.test_samples.classes == ("setosa", "versicolor", "virginica")
    assert results.training is not None
    assert [seed.seed for seed in results.training.variants["ann"].seeds] == [4, 5]


def test_what_an_older_version_did_not_write_is_unknown(builder: Any, row: Any) -> None:
    """Unknown, not zero: in the objects, in the tables, in the verdict."""
    bare = {"spike_time_rmse_s": {"output": 3e-9}}
    builder.characterization().training().validation({"pnn": bare})
    file = builder.path / "validation" / "summary.json"
    told = {
        key: value
        for key, value in json.loads(file.read_text()).items()
        if key in ("samples", "netlist", "mappings")
    }
    file.write_text(json.dumps(told))
    results = load_results(builder.path)
    assert results.validation is not None
    pnn = results.validation.mappings["pnn"]
    unknown = (
        pnn.missed_spikes,
        pnn.unpaired_spikes,
        pnn.clipped_weights,
        pnn.accuracy_spice,
        pnn.spike_time_rmse_s.hidden,
    )
    assert unknown == (None,) * 5
    assert results.validation.failed_samples is None
    assert results.validation.as_json() == told
    assert results.experiment == "tiny"
    with pytest.raises(ResultAltered):
        write_report(builder.path)  # for the file was changed here; it is shown all the same
    lines = (builder.path / "report.md").read_text().splitlines()
    assert "| missed spikes (model only), all layers | none |" in lines
    assert "| samples without a result | none |" in lines


def test_what_a_newer_version_wrote_is_passed_over(builder: Any, row: Any) -> None:
    builder.validation({"pnn": row(3e-9, jitter_s=1e-12)}, weather="fine")
    assert load_results(builder.path).validated["pnn"].spike_time_rmse_s.output == 3e-9


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"samples": None}, r"validation/summary\.json is no ValidationSummary .*samples: .*make it again"),
        ({"mappings": {"pnn": {}}}, r"mappings\.pnn\.spike_time_rmse_s: Field required"),
        ({"mappings": [1]}, r"mappings: Input should be"),
        ({"layers": "5-3"}, r"layers: Input should be"),
    ],
)
def test_what_is_damaged_is_refused_with_its_key(builder: Any, change: dict[str, Any], told: str) -> None:
    builder.validation()
    file = builder.path / "validation" / "summary.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ResultUnreadable, match=told):
        load_results(builder.path)


@pytest.mark.parametrize(
    ("stage", "file", "column"),
    [
        ("training", "ann/metrics.csv", "loss"),
        ("characterization", "curves.parquet", "membrane_V"),
        ("validation", "spikes.parquet", "t_spice_s"),
        ("validation", "worst_pnn.parquet", "volts_V"),
    ],
)
def test_a_table_of_something_else_is_refused_by_its_column(
    whole: Any, stage: str, file: str, column: str
) -> None:
    """Even where a manifest says that its stage made it so, as that of another version may."""
    path = whole.path / stage / file
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    others = {
        f"has no column {column}": table.drop(columns=column),
        f"column {column} holds what is no number": table.assign(**{column: "much"}),
    }
    for told, other in others.items():
        if path.suffix == ".csv":
            other.to_csv(path, index=False)
        else:
            other.to_parquet(path, index=False)
        whole.manifest(stage)
        with pytest.raises(ResultUnreadable, match=f"{path.name} cannot be read .{told}.: remove it"):
            load_results(whole.path)
