"""The bring-up protocol against the Verilog twin, through digital pins alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from nonideal.circuits.network.netlist import Topology
from nonideal.experiment.experiment import load_experiment
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.behaviour import weights_of
from nonideal.tapeout.bringup import protocol
from nonideal.tapeout.twin import Twin, chip_facts

EXPERIMENT = load_experiment("iris_tile")
SAMPLES = ((0.0, 150.0, 420.0, 700.0, 980.0), (300.0, None, 10.0, 600.0, 0.0))

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")


@pytest.fixture(scope="module")
def chip() -> Chip:
    drawn = np.random.default_rng(11)

    def synapse() -> frozenset[str]:
        code, polarity = int(drawn.integers(0, 5)), "nnp"[int(drawn.integers(0, 3))]
        return frozenset(f"{polarity}{bit}" for bit in range(4) if code >> bit & 1)

    mask = tuple(tuple(tuple(synapse() for _ in range(5)) for _ in range(5)) for _ in range(2))
    assert EXPERIMENT.tapeout is not None
    topology = replace(Topology.of((5, 5, 5), EXPERIMENT.circuit), mask=mask)
    return Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, topology)


def promised(chip: Chip, inputs: tuple[float | None, ...]) -> np.ndarray:
    """Times of the outputs in T_circ, from the codes."""
    times = np.array([np.inf if at is None else at / 1000.0 for at in inputs])
    for weights in weights_of(chip):
        reached = np.where(np.isfinite(times), 1.0 - times, 0.0)
        found = np.maximum(1.0 - np.array(weights) @ reached, 0.0)
        times = np.where(found <= 1.0, found, np.inf)
    return times


def test_a_tile_is_reset_configured_run_and_read(chip: Chip) -> None:
    facts = json.loads(json.dumps(chip_facts(chip)))
    twin = Twin(chip)
    protocol.reset(twin, facts)
    for inputs in SAMPLES:
        counts = protocol.infer(twin, facts, inputs)
        want = promised(chip, inputs)
        for count, at in zip(counts, want, strict=True):
            if at < 0.97:
                # The spike goes through two flip-flops, as the phase does.
                assert abs(count - 50 * at) <= 1.5, (counts, want)
            else:
                assert count is None or count >= 48
        first = protocol.decide(counts)
        assert first is None or want[first] <= want.min() + 0.04


def test_the_configuration_comes_back_as_it_was_drawn(chip: Chip) -> None:
    facts, twin = chip_facts(chip), Twin(chip)
    protocol.reset(twin, facts)
    before = protocol.configure(twin, facts, {"direct": 1})
    assert before == facts["register"]
    assert twin.get("uio_oe[0]") == 0


def test_counts_are_those_of_the_control(chip: Chip) -> None:
    facts = chip_facts(chip)
    for code in range(0, 63):
        assert protocol.count_of(facts, code) == chip.control.count_of(code)
    assert protocol.decide([None, 7, 3, None]) == 2
    assert protocol.decide([None, None]) is None
