"""What a stage reads of other stages: refused where it is missing, altered, damaged or made otherwise, by name and with the way out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nonideal.circuits.design import Design, Fet, SynapseSizes
from nonideal.experiment.experiment import Experiment
from nonideal.files import sha256_of
from nonideal.files.record import Document
from nonideal.runs.context import Context
from nonideal.runs.errors import StageInputAltered, StageInputStale
from nonideal.runs.manifest import Inputs, Manifest
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Stage, run_stage
from nonideal.stages.table import STAGES


def finished(folder: Path, experiment: Experiment, stage: str, files: dict[str, str], **options: Any) -> None:
    """A stage folder as a run with this experiment leaves it."""
    settings = {name: experiment.section(name) for name in STAGES[stage].sections}
    settings |= {f"--{name}": value for name, value in options.items()}
    inputs = Inputs(settings=settings, seeds={}, files=files, tools={"pdk_sha256": "that PDK"}, code="")
    outputs = {str(p.relative_to(folder)): sha256_of(p) for p in folder.rglob("*") if p.is_file()}
    Manifest(
        stage=stage, inputs=inputs, outputs=outputs, versions={}, summary={"calls": 1}, passed=True, started="", seconds=0.0
    ).save(folder)  # fmt: skip


@pytest.fixture
def validation() -> Stage:
    """The real stage's needs, without its tools."""
    return replace(STAGES["validation"], summary=Document, run=lambda work: Done((), Document()), tools=dict)


@pytest.fixture
def run(tiny: Experiment, tmp_path: Path) -> RunDir:
    """A run directory whose network was laid out and extracted with capacitance only."""
    run = RunDir(tmp_path / "run")
    for path in (
        run.model,
        run.weights("ann"),
        run.weights("pnn"),
        run.path / "layout" / "network.pex.spice",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    finished(run.path / "characterization", tiny, "characterization", {})
    finished(run.path / "training", tiny, "training", {"model": sha256_of(run.model)})
    finished(run.path / "layout", tiny, "layout", {}, netlist="pex-c", override=False)
    return run


def test_capacitance_alone_does_not_pass_for_an_rc_netlist(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    assert not run_stage(validation, tiny, run, context, {"netlist": "pex-c"}).skipped
    with pytest.raises(
        StageInputStale, match=r"network\.pex\.spice.*--netlist.*layout --experiment tiny .*--netlist pex-rc`"
    ):
        run_stage(validation, tiny, run, context, {"netlist": "pex-rc"})


def test_an_extraction_that_was_cut_off_is_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "layout" / "manifest.json").unlink()
    with pytest.raises(StageInputStale, match="did not end well"):
        run_stage(validation, tiny, run, context, {"netlist": "pex-c"})


def test_results_of_another_circuit_are_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    small = SynapseSizes(select_n=Fet(w_um=0.42, l_um=0.15))
    other = tiny.model_copy(update={"circuit": Design(synapse=small)})
    told = r"model\.json.*circuit.*`nonideal characterize --experiment tiny --run-dir .* --characterize-on schematic`"
    with pytest.raises(StageInputStale, match=told):
        run_stage(validation, other, run, context, {"netlist": "schematic"})


def test_weights_of_another_model_are_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    run.model.write_text("characterised again")
    (run.path / "characterization" / "manifest.json").unlink()
    finished(run.path / "characterization", tiny, "characterization", {})
    with pytest.raises(
        StageInputStale, match=r"weights\.safetensors.*made otherwise \(model\).*nonideal train"
    ):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


@pytest.mark.parametrize("name", ["characterization/model.json", "training/pnn/weights.safetensors"])
def test_an_altered_input_is_refused_by_name(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context, name: str
) -> None:
    path, stage = run.path / name, name.partition("/")[0]
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    command = "characterize" if stage == "characterization" else "train"
    told = rf"{name}, which was altered or damaged.*{stage}/manifest\.json\): run `nonideal {command} "
    with pytest.raises(StageInputAltered, match=told):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


def test_a_file_that_the_manifest_does_not_know_is_not_its_stages(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "characterization" / "manifest.json").unlink()
    content = run.model.read_text()
    run.model.unlink()
    finished(run.path / "characterization", tiny, "characterization", {})
    run.model.write_text(content)
    with pytest.raises(StageInputAltered, match=r"model\.json"):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


@pytest.mark.parametrize("what", ["garbage", "cut off"])
def test_what_no_readable_manifest_vouches_for_is_refused(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context, what: str
) -> None:
    made = run.path / "characterization" / "manifest.json"
    if what == "garbage":
        made.write_bytes(b"\xff{")
        told = "manifest.json beside it cannot be read"
    else:
        made.rename(made.with_name("started.json"))
        told = "its stage did not end well"
    with pytest.raises(StageInputStale, match=told):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


def test_a_model_of_the_users_own_is_taken_as_it_is(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "characterization" / "manifest.json").unlink()
    assert not run_stage(validation, tiny, run, context, {"netlist": "schematic"}).skipped


def test_another_pdk_is_not_mixed_in(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    same, other = (replace(validation, tools=lambda name=name: {"pdk_sha256": name}) for name in ("that PDK", "V_th + 50 mV"))  # fmt: skip
    run_stage(same, tiny, run, context, {"netlist": "schematic"})
    with pytest.raises(StageInputStale, match=r"model\.json, which was made otherwise \(the PDK\)"):
        run_stage(other, tiny, run, context, {"netlist": "schematic"})
