"""Mismatch measured on real SPICE, small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize import library_check
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.spread_stage import measure_spread
from nonideal.characterize.stage import Characterization, characterize
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.spice import Cache

pytestmark = pytest.mark.spice


@pytest.mark.slow
def test_known_shifts_explain_drawn_circuits(
    make_workbench: Callable[..., Workbench],
    characterization: Characterization,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """50 synapses and neurons; fewer devices of the library than the stage draws."""
    monkeypatch.setattr(library_check, "DRAWS", 200)
    model, options = characterization.model, CharacterizeOptions(draws=50)
    bench = make_workbench(cache=Cache(tmp_path / "cache"))
    found = measure_spread(bench, Design(), options, model, tmp_path / "one")
    unit_A = model.unit_current_A()
    for one, expected in ((found.positive, 0.26), (found.negative, 0.18)):
        sigma = one.sigma_at(unit_A)
        assert sigma.value == pytest.approx(expected, rel=5 / np.sqrt(98))
        assert sigma.stderr == pytest.approx(sigma.value / np.sqrt(98))
        assert one.memory_gain.value == pytest.approx(-1.0, abs=0.05)
        weight = np.exp(one.ln_current) / unit_A
        assert weight[[0, -1]] == pytest.approx([0.02, 3.0], rel=0.05)
        inside = (weight >= 0.1) & (weight <= 2.0)
        assert np.all(np.array(one.residual_ln_current)[inside] < 3e-3)
    neuron = found.neuron
    assert neuron.residual_s < 2e-9
    assert (neuron.draws, neuron.left_out) == (50, 0)
    assert neuron.sigma_ln_ramp.value == pytest.approx(0.155, rel=5 / np.sqrt(98))
    # The discharger works in weak inversion: 22 per volt; it alone makes the ramp.
    assert neuron.ln_ramp["MDI"].slope.value == pytest.approx(-22.0, rel=0.05)
    assert found.sigmas["neuron"]["MDI"] * 22.0 == pytest.approx(0.155, rel=0.05)
    assert {"MDI", "MSN", "MSB"} <= neuron.threshold.keys()
    assert all(check.agrees for check in found.library)
    assert len(found.library) == 14
    assert measure_spread(bench, Design(), options, model, tmp_path / "two") == found


def test_own_cells_are_refused_before_anything_runs(
    make_workbench: Callable[..., Workbench], tmp_path: Path
) -> None:
    with pytest.raises(CircuitError, match=r"characterize\.draws = 0"):
        characterize(
            make_workbench(),
            Design(cells={"neuron": "* mine\n"}),
            CharacterizeOptions(draws=50),
            tmp_path / "decks",
        )
    assert not (tmp_path / "decks").exists()
