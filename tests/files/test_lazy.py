"""Packages whose names are imported when they are asked for."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest

import nonideal
import nonideal.pnn
import nonideal.report
import nonideal.spice

if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = (nonideal, nonideal.pnn, nonideal.report, nonideal.spice)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one.__name__)
def test_every_name_is_there_and_told(package: ModuleType) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one.__name__)
def test_no_name_is_that_of_a_module(package: ModuleType) -> None:
    """Python makes an imported module an attribute of its package: the name would mean one or the other."""
    assert not set(package.__all__) & {one.name for one in pkgutil.iter_modules(package.__path__)}


def test_a_name_is_the_object_itself() -> None:
    trainer = importlib.import_module("nonideal.pnn.trainer")
    assert nonideal.train is nonideal.pnn.train is trainer.train


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(AttributeError, match=r"'nonideal.spice' has no attribute 'runs'; it has .*run_many"):
        _ = nonideal.spice.runs  # type: ignore[attr-defined]
