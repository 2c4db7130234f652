"""The discharger's bias, where the coarse sweep misleads: the fine one is centred anew, or given up with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.characterize import neuron
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.neuron import calibrate_discharger
from nonideal.characterize.options import CharacterizeOptions
from nonideal.circuits.design import Design


class Bench:
    """Answers benches of neurons with spike times by a formula instead of waveforms."""

    def __init__(self) -> None:
        self.decks: list[str] = []

    def run(self, benches: Any, design: Design, folder: Path) -> list[str]:
        self.decks += [bench.name for bench in benches]
        return [bench.text for bench in benches]


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[float], float]], Bench]:
    def install(time_s: Callable[[float], float]) -> Bench:
        def times(texts: list[str], timeline: Any, vdd_V: float) -> list[float | None]:
            lines = [line.split() for text in texts for line in text.splitlines() if line.startswith("Vdis ")]
            seen = [time_s(float(words[3].rstrip("v"))) for words in lines]
            return [t if t < timeline.window_s else None for t in seen]

        monkeypatch.setattr(neuron, "spike_times_s", times)
        return Bench()

    return install


def starved(bias_V: float) -> float:
    """A ramp that is exponential in its bias, and a sensing stage that takes 300 ns whatever it is."""
    return 0.3e-6 + 0.7e-6 * float(np.exp(-(bias_V - 0.6293) / 0.025))


def test_a_slow_sensing_stage_needs_a_second_centre(faked: Callable[..., Any]) -> None:
    bench = faked(starved)
    found = calibrate_discharger(bench, Design(), CharacterizeOptions(), Path())
    assert found == pytest.approx(0.6293, abs=1e-5)
    assert bench.decks[0] == "discharge_coarse_0"
    assert "discharge_fine_again_1_0" in bench.decks


def test_an_ordinary_ramp_needs_one(faked: Callable[..., Any]) -> None:
    bench = faked(lambda bias_V: 1e-6 * float(np.exp(-(bias_V - 0.5485) / 0.04)))
    assert calibrate_discharger(bench, Design(), CharacterizeOptions(), Path()) == pytest.approx(0.5485)
    assert {name.rpartition("_")[0] for name in bench.decks} == {"discharge_coarse", "discharge_fine"}


def test_a_stage_that_never_gets_there_is_refused(faked: Callable[..., Any]) -> None:
    bench = faked(lambda bias_V: 1e-3)
    with pytest.raises(FitRefused, match="0 of the discharger biases"):
        calibrate_discharger(bench, Design(), CharacterizeOptions(), Path())
    step = faked(lambda bias_V: 0.5e-6 - 0.1e-6 * bias_V if bias_V > 0.5 else 1e-3)
    with pytest.raises(FitRefused, match="no discharger bias around"):
        calibrate_discharger(step, Design(), CharacterizeOptions(), Path())
