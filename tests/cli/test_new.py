"""`nonideal new`: a file that is ready to run, of a name that is free, for the data it is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

from nonideal.cli.main import main
from nonideal.experiment.experiment import Experiment, load_experiment


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["new", *arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_it_is_found_by_its_name_and_is_the_defaults(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "mine")
    assert (code, "run it: nonideal reproduce mine" in out) == (0, True)
    assert load_experiment("mine") == Experiment(name="mine")
    before = (place / "experiments/mine.toml").read_bytes()
    code, _, err = run(capsys, "mine", "--layers", "5,8,3")
    assert (code, "is there already" in err) == (2, True)
    assert (place / "experiments/mine.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a/b"], "a/b"),
        (["../up"], "up"),
        (["my circuit"], "my circuit"),
        (["9"], "must start with a letter"),
        (["iris"], "comes with the package"),
        (["mine", "--layers", "5"], "--layers 5"),
        (["mine", "--layers", "5,x"], "--layers 5,x"),
        (["mine", "--layers", "4,8,3"], "make them [5, 8, 3]"),
        (["mine", "--data", "nowhere.csv"], "no such file"),
        (["mine", "--data", "roses"], "the data sets are iris"),
    ],
)
def test_refusals_write_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())
    assert not list(place.rglob("*.toml"))


def test_for_a_file_of_samples(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = load_iris(return_X_y=True)
    rows = [f"{a},{b},k{label}" for (a, b, *_), label in zip(x[::5], y[::5], strict=True)]
    (place / "my data.csv").write_text("a,b,kind\n" + "\n".join(rows) + "\n")
    code, out, err = run(capsys, "flowers", "--data", "my data.csv", "--json")
    assert code == 0, err
    made = json.loads(out)
    assert (made["layers"], made["data"]) == ([3, 5, 3], "my data")
    found = load_experiment("flowers")
    assert (found.data.test_samples, found.validation.samples) == (20, 20)
    assert found.data.load().check_fits(found.training.layers) is None
    code, out, _ = run(
        capsys, "big", "--data", "my data.csv", "--layers", "3,9,4", "--folder", "sub", "--json"
    )
    assert json.loads(out)["command"] == "nonideal reproduce sub/big.toml"
    assert load_experiment("sub/big.toml").training.layers == (3, 9, 4)
    assert load_experiment("sub/big.toml").data.load().classes == 3


@pytest.mark.parametrize(("name", "layers"), [("wine", (14, 5, 3)), ("mnist", (785, 5, 10))])
def test_for_a_data_set(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, layers: tuple[int, ...]
) -> None:
    assert run(capsys, "mine", "--data", name)[0] == 0
    assert load_experiment("mine").training.layers == layers
