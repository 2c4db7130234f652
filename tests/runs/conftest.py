"""Where stages of tests say what they do."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from nonideal.runs.context import Context


@pytest.fixture
def context() -> Context:
    return Context(jobs=1, console=Console(file=io.StringIO(), width=200))
