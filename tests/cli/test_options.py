"""The options that commands share come with every one of them, and keep their defaults."""

from __future__ import annotations

import inspect
from dataclasses import fields

from nonideal.cli.main import app
from nonideal.cli.options import Common, ForceOption, with_common


def test_a_command_has_its_own_options_and_the_common_ones() -> None:
    seen = []

    @with_common
    def weigh(common: Common, *, force: ForceOption = False) -> None:
        """Weigh it."""
        seen.append((common, force))

    parameters = inspect.signature(weigh).parameters
    assert list(parameters) == ["force", *(f.name for f in fields(Common))]
    assert (weigh.__name__, weigh.__doc__) == ("weigh", "Weigh it.")
    weigh(**{name: p.default for name, p in parameters.items()} | {"force": True, "jobs": 3})
    assert seen == [(Common(jobs=3), True)]


def test_every_command_on_a_run_directory_has_them() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        names = set(inspect.signature(command.callback).parameters)
        if command.callback.__name__ != "doctor":
            assert {f.name for f in fields(Common)} <= names
