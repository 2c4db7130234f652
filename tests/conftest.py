"""What tests of several rooms share: the real tools where there are any, and one characterisation on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from characterize.column import Column
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


@pytest.fixture
def column() -> Column:
    """A column of round numbers, five axons."""
    from characterize.column import Column, TurnOn
    from characterize.estimate import estimate

    return Column(
        netlist="pex-rc",
        axons=5,
        vdis_V=0.552,
        v_0_V=estimate(1.298, 0.0, "V"),
        v_th_V=estimate(0.9, 2e-4, "V"),
        discharge_norm=estimate(0.157, 1e-3, "1"),
        membrane_F=estimate(130e-15, 2e-17, "F"),
        coupling_F=estimate(0.2e-15, 4e-18, "F"),
        positive=TurnOn(delay_s=estimate(2.5e-10, 4e-11, "s"), charge_C=estimate(-1.8e-17, 5e-18, "C")),
        negative=TurnOn(delay_s=estimate(2e-10, 5e-11, "s"), charge_C=estimate(-2.4e-17, 4e-18, "C")),
        driver_delay_s=estimate(1.4e-10, 1e-13, "s"),
        spike_load_s=estimate(7e-11, 4e-12, "s"),
        firing_rms_s=1.8e-10,
        turn_on_rms_V=8e-5,
        check_rms_s=6e-10,
        check_spikes=12,
    )
