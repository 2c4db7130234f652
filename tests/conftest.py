"""What tests of several rooms share: the real tools where there are any, and one characterisation on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from characterize.stage import Characterization
    from characterize.workbench import Workbench

WorkbenchMaker = Callable[..., "Workbench"]


@pytest.fixture(scope="session")
def make_workbench() -> WorkbenchMaker:
    """A workbench on the installed simulator and PDK, tt unless told; skips where one is missing."""
    from characterize.workbench import Workbench
    from sky130_models import Corner, PdkMissing, find_pdk
    from spice import Cache, SimulatorMissing, SimulatorOptions, find_ngspice

    try:
        find_ngspice()
        pdk = find_pdk()
    except (SimulatorMissing, PdkMissing) as error:
        pytest.skip(str(error))

    def make(corner: Corner = Corner.tt, cache: Path | None = None, timeout_s: float = 120.0) -> Workbench:
        jobs = min(2, os.cpu_count() or 1)
        known = None if cache is None else Cache(cache)
        return Workbench(pdk, corner, SimulatorOptions(), jobs, timeout_s, cache=known)

    return make


@pytest.fixture(scope="session")
def characterization(
    make_workbench: WorkbenchMaker, tmp_path_factory: pytest.TempPathFactory
) -> Characterization:
    """The default design at tt on real SPICE, swept more coarsely than the stage does."""
    from characterize.options import CharacterizeOptions
    from characterize.stage import characterize
    from circuits.design import Design

    options = CharacterizeOptions(bias_step_V=0.025, membrane_step_V=0.05)
    return characterize(
        make_workbench(), Design(), options, tmp_path_factory.mktemp("characterization") / "decks"
    )
