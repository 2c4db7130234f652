from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.network.mapping import read_biases
from nonideal.cli.main import app, main
from nonideal.pnn.checkpoint import load_header, load_network
from nonideal.runs.rundir import RunDir

COMMANDS = [
    command.name or command.callback.__name__.replace("_", "-")
    for command in app.registered_commands
    if command.callback
]
TOML = """
name = "tiny"
[training]
layers = [5, 3, 3]
variants = ["ann", "pnn"]
seeds = [1, 2]
epochs = 3
tensorboard = false
[netlist]
clip = true
[validation]
samples = 5
mappings = ["ann", "pnn"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paper_model: PhysicalModel) -> Path:
    """A folder with an experiment and its model: as after `nonideal characterize`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TOML)
    folder = RunDir(tmp_path / "runs" / "tiny").stage("characterization")
    paper_model.save(folder / "model.json")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the command line, in this process."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert f"Example: nonideal {command}" in result.output
    assert "--json" in result.output


def test_help_names_the_commands_and_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    for command in COMMANDS:
        assert command in result.output
    assert "130 interrupted" in result.output


def test_train_then_netlist(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "train", "-e", "tiny.toml", "--jobs", "1", "--json")
    assert code == 0
    (stage,) = json.loads(out)["stages"]
    assert (stage["stage"], stage["skipped"]) == ("training", False)
    assert stage["summary"]["variants"].keys() == {"ann", "pnn"}
    assert [s["seed"] for s in stage["summary"]["variants"]["pnn"]["seeds"]] == [1, 2]
    assert "training" in err
    assert (place / "runs/tiny/training/pnn/seed_2/weights.safetensors").is_file()

    code, out, _ = run(capsys, "train", "-e", "tiny.toml", "--json")
    assert (code, json.loads(out)["stages"][0]["skipped"]) == (0, True)

    code, out, _ = run(capsys, "netlist", "-e", "tiny.toml")
    assert code == 0
    assert "5-3-3" in out
    model = PhysicalModel.load(place / "runs/tiny/characterization/model.json")
    network = load_network(place / "runs/tiny/training/pnn/weights.safetensors")
    text = (place / "runs/tiny/netlist/pnn/network.spice").read_text()
    head = text.partition(".subckt")[0]
    assert all(line.startswith("*") for line in head.splitlines())
    for told in (
        "corner tt",
        "sky130.lib.spice> tt",
        ".include network.models.spice",
        "ngspice -b -r out.raw",
    ):
        assert told in head
    for read, layer in zip(read_biases(text, model), network.linear_layers, strict=True):
        assert read == pytest.approx(layer.weight.detach().numpy(), rel=1e-5, abs=1e-4)
    table = pd.read_csv(place / "runs/tiny/netlist/pnn/mapping.csv")
    assert list(table.columns) == [
        "layer",
        "axon",
        "neuron",
        "weight",
        "polarity",
        "current_A",
        "bias_V",
        "clipped",
    ]
    assert len(table) == 5 * 3 + 3 * 3


def test_a_model_that_ships_trains_where_nothing_was_characterised(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a command that lacks the experiment's own model tells how."""
    (place / "runs/tiny/characterization/model.json").unlink()
    code, _, err = run(capsys, "train", "tiny.toml", "-j", "1")
    assert code == 2
    told = re.search(r"or do without it: `(.*)`", err)
    assert told is not None
    assert told[1] == "nonideal train --experiment tiny.toml --preset sky130_tt"
    code, out, _ = run(capsys, *shlex.split(told[1])[1:], "-j", "1", "--json")
    assert code == 0
    assert json.loads(out)["stages"][0]["summary"]["variants"].keys() == {"ann", "pnn"}
    header = load_header(place / "runs/tiny/training/pnn/weights.safetensors")
    assert header.provenance.model_sha256 == "preset sky130_tt"


@pytest.mark.parametrize(
    ("experiment", "name", "told"),
    [
        ("tiny.toml", "sky131", "no such physical model ships with the package; there are sky130_tt"),
        ("iris_fixed_bias", "sky130_tt", "it does not know the conditions of [training.variation]"),
    ],
)
def test_a_preset_that_cannot_be_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], experiment: str, name: str, told: str
) -> None:
    code, _, err = run(capsys, "train", experiment, "--preset", name)
    assert code == 2
    assert f"--preset {name}: {told}" in err
    assert not (place / "runs/iris_fixed_bias/training").exists()


def test_a_report_that_is_out_of_date_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "older" not in run(capsys, "train", "-e", "tiny.toml", "-j", "1")[2]
    assert run(capsys, "report", "-e", "tiny.toml")[0] == 0
    err = run(capsys, "train", "-e", "tiny.toml", "-j", "1", "--force")[2]
    assert "made by `nonideal train --experiment tiny.toml`" in err
    assert "runs/tiny/report.html is older than these results" in err
    assert "`nonideal report --experiment tiny.toml`" in err
    assert run(capsys, "report", "-e", "tiny.toml")[0] == 0
    page = (place / "runs/tiny/report.html").read_text()
    assert "nonideal train --experiment tiny.toml" in page
    assert "nonideal netlist --experiment tiny.toml" in page


def test_two_jobs_train_the_same_weights(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for jobs in ("1", "2"):
        folder = place / f"run{jobs}"
        RunDir(folder).stage("characterization").joinpath("model.json").write_bytes(
            (place / "runs/tiny/characterization/model.json").read_bytes()
        )
        assert run(capsys, "train", "-e", "tiny.toml", "-j", jobs, "--run-dir", str(folder))[0] == 0
    for weights in (place / "run1" / "training").rglob("weights.safetensors"):
        other = place / "run2" / weights.relative_to(place / "run1")
        assert weights.read_bytes() == other.read_bytes()


def test_other_networks_train_but_have_no_circuit(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "ttfs.toml").write_text(
        """
name = "ttfs"
[training]
preset = "sky130_tt"
variants = ["pnn"]
seeds = [1]
epochs = 2
method = "dstd"
firing_promotion = 1e-5
tensorboard = false
network = { neuron = "ttfs", layers = [6, 3] }
[training.loss]
t_ref = 3.2
[validation]
mappings = ["pnn"]
"""
    )
    code, out, _ = run(capsys, "train", "ttfs.toml", "--accelerator", "cpu", "--devices", "1", "--json")
    assert code == 0
    (seed,) = json.loads(out)["stages"][0]["summary"]["variants"]["pnn"]["seeds"]
    assert seed["membrane_range_norm"] == []
    assert len(seed["largest_weight"]) == 2
    assert run(capsys, "report", "-e", "ttfs.toml")[0] == 0
    for command in ("netlist", "layout", "validate-post-layout", "reproduce"):
        code, _, err = run(capsys, command, "-e", "ttfs.toml")
        assert code == 2
        assert "there is a circuit for fully connected RC-Spike layers" in " ".join(err.split())
    weights = str(place / "runs/ttfs/training/pnn/weights.safetensors")
    model = str(place / "runs/tiny/characterization/model.json")
    given = ("--weights", weights, "--model", model, "--out", "n.spice")
    code, _, err = run(capsys, "netlist", "-e", "tiny.toml", *given)
    assert code == 2
    assert "holds a network of convolutions or TTFS neurons" in " ".join(err.split())


def test_any_checkpoint_becomes_a_netlist(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "train", "-e", "tiny.toml", "--jobs", "1")
    weights = "runs/tiny/training/ann/weights.safetensors"
    arguments = (
        "netlist",
        "-e",
        "tiny.toml",
        "--weights",
        weights,
        "--out",
        "sub/mine.spice",
        "--clip",
        "--json",
    )
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert json.loads(out)["synapses"] == 24
    assert ".subckt network" in (place / "sub/mine.spice").read_text().lower()
    assert len(pd.read_csv(place / "sub/mine.csv")) == 24
    for folder in (".", "..", "/", "sub"):
        code, _, err = run(capsys, *arguments[:6], folder)
        assert (code, "is a folder; name the file to write" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["train", "-e", "irsi"], 2, "did you mean 'iris'"),
        (["train", "-e", "tiny.toml", "--jobs", "0"], 2, "--jobs 0"),
        (["train", "-e", "tiny.toml", "--corner", "tf"], 2, "--corner tf"),
        (["train", "-e", "tiny.toml", "--corner", "ff"], 2, "nonideal characterize"),
        (["train", "mnist", "--data", "nowhere", "--accelerator", "tpu"], 2, "tpu"),
        (["train", "tiny.toml", "--devices", "51", "-j", "1"], 2, "devices = 51 cannot share a batch of 50"),
        (["netlist", "-e", "tiny.toml"], 2, "nonideal train"),
        (["report", "-e", "tiny.toml", "--run-dir", "empty"], 2, "empty"),
        (["netlist", "-e", "tiny.toml", "--weights", "w"], 2, "--out"),
        (
            ["netlist", "-e", "tiny.toml", "--weights", "w", "--out", "n.spice"],
            2,
            "--weights w: no such file",
        ),
        (["netlist", "-e", "tiny.toml", "--model", "m"], 2, "--model belongs to"),
        (["train", "--no-such-option"], 2, "No such option"),
        (["trian"], 2, "No such command"),
    ],
)
def test_bad_input(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert told in re.sub(r"\s+", " ", err)
    assert "Traceback" not in err


def test_errors_as_json_and_with_traceback(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", "-e", "irsi", "--json")
    assert json.loads(out)["error"]["exit_code"] == code == 2
    assert "Traceback" in run(capsys, "train", "-e", "irsi", "--debug")[2]


@pytest.mark.parametrize("command", ["characterize"])
def test_a_missing_simulator_is_exit_3(
    command: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, _, err = run(capsys, command, "-e", "tiny.toml")
    assert code == 3
    assert "apt-get install ngspice" in err


def test_a_missing_pdk_is_exit_3(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PDK_ROOT", str(place / "nowhere"))
    code, _, err = run(capsys, "characterize", "-e", "tiny.toml")
    assert code == 3
    assert "nowhere" in err


def test_a_defect_shows_its_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("nonideal.cli.session.load_experiment", broken)
    code, _, err = run(capsys, "train")
    assert code == 4
    assert "Traceback" in err
    assert "report it" in err


def test_ctrl_c_is_130(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nonideal.cli.session.load_experiment", interrupted)
    code, out, err = run(capsys, "train", "--json")
    assert code == 130
    assert json.loads(out)["error"]["exit_code"] == 130
    assert "the same command goes on" in err


def test_layers_that_do_not_fit_the_data_are_refused_before_anything_runs(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "wide.toml").write_text('name = "wide"\n[training]\nlayers = [7, 6, 3]\n')
    code, _, err = run(capsys, "reproduce", "-e", "wide.toml")
    assert code == 2
    assert "layers = [5, 6, 3]" in err
    assert not (place / "runs" / "wide" / "characterization").exists()


def test_reproduce_refuses_what_cannot_be_drawn_or_extracted_before_anything_runs(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PDK_ROOT", raising=False)
    (place / "wide.toml").write_text('name = "wide"\n[training]\nlayers = [5, 1000, 3]\n')
    code, _, err = run(capsys, "reproduce", "-e", "wide.toml")
    assert code == 2
    assert "need no layout" in err
    code, _, err = run(capsys, "reproduce", "-e", "tiny.toml", "--extractor", "magic")
    assert code == 3
    assert "PDK_ROOT" in err
    code, _, err = run(
        capsys, "reproduce", "-e", "tiny.toml", "--extractor", "magic", "--netlist", "schematic"
    )
    assert code == 2
    assert not (place / "runs" / "wide" / "characterization").exists()


def test_help_loads_nothing_heavy() -> None:
    """What makes it slow is what it imports: time itself belongs to the machine's other work as well."""
    heavy = ("torch", "numpy", "scipy", "PySpice", "pandas", "klayout", "gdstk", "plotly")
    code = (
        "import contextlib, io, sys\nfrom nonideal.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        f"print('usage' in out.getvalue().lower(), [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_as_a_process(place: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "nonideal.cli.main", "netlist", "-e", "tiny.toml", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=place)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "StageInputMissing"
    assert done.stderr.splitlines()[-1].startswith("error: netlist needs ")
