"""The bring-up protocol against the Verilog twin, through digital pins alone."""

from __future__ import annotations

import json
import shutil

import pytest

from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.bringup import protocol
from nonideal.tapeout.twin import Twin, chip_facts
from tests.tapeout.conftest import promised

SAMPLES = ((0.0, 150.0, 420.0, 700.0, 980.0), (300.0, None, 10.0, 600.0, 0.0))

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")


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
