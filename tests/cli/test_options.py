"""Options are spelt once: the same name is the same option in every command, and keeps its default."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer.main

from nonideal.cli.main import COMMANDS, app, main
from nonideal.cli.options import OPTIONS, Common, ForceOption, named_experiment, with_common
from nonideal.experiment.errors import BadOption

GROUP: Any = typer.main.get_command(app)
WITHOUT_RUN_DIR = {"doctor", "evaluate", "new", "precheck"}
"""Commands that work on no run directory."""
OF_ITS_OWN = {
    "--out": "a file or a folder",
    "--data": "a folder of images, or a file of samples",
    "--netlist": "which netlist, or a SPICE file",
}
"""Options that mean two things, and say so in their help."""


def test_a_command_has_the_experiment_its_own_options_and_the_common_ones() -> None:
    seen = []

    @with_common
    def weigh(common: Common, *, force: ForceOption = False) -> None:
        """Weigh it."""
        seen.append((common, force))

    parameters = inspect.signature(weigh).parameters
    assert list(parameters) == ["name", "force", "experiment", *OPTIONS]
    assert (weigh.__name__, weigh.__doc__) == ("weigh", "Weigh it.")
    given = {name: p.default for name, p in parameters.items()}
    weigh(**given | {"force": True, "jobs": 3})
    weigh(**given | {"name": "wine"})
    assert seen == [(Common(jobs=3), True), (Common("wine", named=True), False)]


def test_an_experiment_is_given_once() -> None:
    assert named_experiment(None, None) is None
    assert named_experiment("wine", None) == named_experiment(None, "wine") == named_experiment("wine", "wine") == "wine"  # fmt: skip
    with pytest.raises(BadOption, match="iris and --experiment wine: give one"):
        named_experiment("iris", "wine")


def options_of(name: str) -> dict[str, Any]:
    """Its options by their long names."""
    parameters = GROUP.commands[name].params
    return {one.opts[0]: one for one in parameters if one.param_type_name == "option"}


def test_every_command_has_the_same_run_dir_jobs_and_json() -> None:
    for name in GROUP.commands:
        wanted = {"--json", "--debug"}
        if name not in WITHOUT_RUN_DIR:
            wanted |= {"--run-dir", "--jobs", "--experiment", "--corner"}
        assert wanted <= set(options_of(name)), name


def test_an_option_is_the_same_in_every_command() -> None:
    first: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for name in GROUP.commands:
        for option, found in options_of(name).items():
            told = (
                tuple(found.opts),
                tuple(found.secondary_opts),
                found.help,
                found.multiple,
            )
            where, before = first.setdefault(option, (name, told))
            if option not in OF_ITS_OWN:
                assert told == before, f"{option} of {name} is another than that of {where}"


def test_every_command_is_in_a_file_of_its_own_and_called_as_its_example() -> None:
    assert [one.name for one in COMMANDS] == list(GROUP.commands)
    modules = [one.run.__module__ for one in COMMANDS if one.name in WITHOUT_RUN_DIR]
    assert modules == [f"nonideal.cli.commands.{name}" for name in ("new", "doctor", "precheck", "evaluate")]
    for one in COMMANDS:
        assert one.example.startswith(f"nonideal {one.name} ")
        arguments = one.example.split()[2:]
        with GROUP.commands[one.name].make_context(one.name, list(arguments)):
            pass


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["conditions", "--run-dir", ""], "--run-dir"),
        (["train", "--run-dir="], "--run-dir"),
        (["new", "mine", "--folder", ""], "--folder"),
        (["train", ""], "train"),
    ],
)
def test_an_empty_word_is_no_folder(
    words: list[str],
    option: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a path it is the folder that one stands in, which would have become a run directory."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert f"{option}: what follows is empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
