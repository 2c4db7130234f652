"""The generator's benches: what is read from waves of known shape, what is refused, and one loop that closes on real SPICE."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nonideal.characterize.condition import Condition
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.generator import (
    FETS,
    HOME,
    Settled,
    Surroundings,
    check_settled,
    everywhere,
    read_settled,
    settle,
)
from nonideal.characterize.generator_bench import HELD, REPLICA, GeneratorBench
from nonideal.characterize.generator_spread import GeneratorSpread, drawn, line_sigmas_V
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.generator.generator import Generator
from nonideal.sky130_models import Corner
from tests.conftest import WorkbenchMaker

DESIGN = Design.model_validate({"synapse": {"kind": "coded"}})
ALONE = GeneratorSizes(line_capacitor_F=0.0)


def bench(*neurons: int, **changes: Any) -> GeneratorBench:
    return GeneratorBench(Generator.of(ALONE, DESIGN, (5, *(neurons or (1,)))), DESIGN, **changes)


def settled(replica_s: list[float]) -> Settled:
    times = np.array(replica_s)
    current_A = {"n": 10e-9, "p": 9e-9, "dis": 100e-9}
    return Settled(times, times, np.zeros(len(times)), current_A, 4e-6, {"control": 0.8, "middle": 0.9}, 1e-6)


def test_inferences_count_until_the_replica_stays() -> None:
    assert settled([0.9e-6, 1.001e-6, 0.99e-6, 1.0005e-6, 0.9995e-6]).inferences == 3
    assert settled([1e-6, 1e-6]).inferences == 0
    assert settled([1e-6, np.inf]).inferences is None
    assert settled([1e-6]).ratio("n") == pytest.approx(0.1)


def test_a_loop_at_the_end_of_its_range_is_refused() -> None:
    check_settled(settled([1.0004e-6]), 1e-9)
    with pytest.raises(
        FitRefused, match=r"fires -50\.0 ns from 1000 ns, with the control voltage at 0\.800 V"
    ):
        check_settled(settled([0.95e-6]), 1e-9)
    with pytest.raises(FitRefused, match="has not settled after 2 inferences"):
        check_settled(settled([1e-6, np.inf]), 1e-9)


def test_times_and_currents_are_read_where_they_are() -> None:
    """Waves that fire at known times after each inference's firing phase begins; the second replica never does."""
    made, count = bench(), 2
    axis = np.arange(0.0, count * made.period_s, 1e-10)
    since = axis % made.period_s - made.firing_s
    rise = {"replica": 950e-9, "silent": 1010e-9}
    waves = {key: 1.8 * (since > at) for key, at in rise.items()}
    waves["replica"][axis > made.period_s] = 0.0
    values = {
        REPLICA: waves["replica"], "v(spike)": waves["silent"], made.node("control"): 0.8 + 0.01 * (axis > made.period_s),
        made.node("middle"): np.full(axis.shape, 0.9), "v(vdis)": np.full(axis.shape, 0.55), "v(vsense)": np.full(axis.shape, 0.95),
        "v(gate_n_1)": np.full(axis.shape, 0.47), "v(gate_p_1)": np.full(axis.shape, 1.0), "i(vdd)": np.full(axis.shape, -4e-6),
    }  # fmt: skip
    values |= {f"i(v{source})": np.full(axis.shape, -150e-9) for source in HELD.values()}
    result: Any = SimpleNamespace(axis=axis)
    found = read_settled(_with_items(result, values), made, count)
    assert found.replica_s[0] == pytest.approx(950e-9, abs=1e-10)
    assert found.replica_s[1] == np.inf
    assert found.silent_s == pytest.approx([1010e-9, 1010e-9], abs=1e-10)
    assert found.control_V == pytest.approx([0.8, 0.81])
    # A synapse of the largest code is held, and one discharger.
    assert found.current_A == pytest.approx({"n": 10e-9, "p": 10e-9, "dis": 150e-9})
    assert found.static_A == pytest.approx(4e-6)


def _with_items(result: Any, values: dict[str, Any]) -> Any:
    class Waves:
        axis = result.axis

        def __getitem__(self, vector: str) -> Any:
            return values[vector]

    return Waves()


def test_every_control_line_of_the_bench_has_a_source() -> None:
    made = bench(1, 1)
    for text, vectors, stop_s in (made.inferences(3), made.kick("p", (15, 3)), made.start(1e-3)):
        sources = {line.split()[1].lower() for line in text.splitlines() if line.startswith("V")}
        wanted = {port.name for port in made.generator.contract.ports if port.role in (Role.CONTROL, Role.SETTING, Role.RESET_LEVEL)}  # fmt: skip
        assert wanted <= sources
        assert all(vector in text for vector in vectors)
        assert stop_s > 0


def test_a_given_control_voltage_is_an_initial_condition() -> None:
    body, _, stop_s = bench().inferences(1, control_V=0.812)
    assert ".ic v(xgenerator.control)=0.812" in body
    assert stop_s == pytest.approx(bench().period_s)


def test_places_are_twenty_conditions_and_the_supply_a_tenth_off() -> None:
    places = everywhere()
    assert places[0] == HOME
    at_home = [place for place in places if place.vdd_V == HOME.vdd_V]
    assert len({place.condition for place in at_home if place.condition.corner in FETS}) == 20
    assert {1.62, 1.8, 1.98} == {place.vdd_V for place in places if place.condition == HOME.condition}
    low = Surroundings(Condition(Corner.ss, -40.0), 1.62).design(DESIGN)
    assert low.supplies.v0_V == pytest.approx(1.165)
    assert low.synapse == DESIGN.synapse


@pytest.mark.slow
@pytest.mark.spice
def test_the_loop_closes(make_workbench: WorkbenchMaker, tmp_path: Path) -> None:
    """Cold silicon of the slow corner, from the loop's reset: the replica ends at its target, another neuron with it; a target moves both."""
    workbench = make_workbench(Corner.ss, timeout_s=600.0)
    cold = Surroundings(Condition(Corner.ss, -40.0), 1.8).design(DESIGN)
    made = replace(bench(), design=cold)
    found = settle(workbench, made, tmp_path, count=16)
    check_settled(found, 2e-9)
    assert abs(found.silent_s[-1] - found.replica_s[-1]) < 1e-9
    # It came from somewhere: mirrors alone are off.
    assert abs(found.replica_s[0] - 1e-6) > 10e-9
    assert found.current_A["n"] / found.current_A["p"] == pytest.approx(1.0, abs=0.1)
    assert found.static_A < 15e-6
    moved = settle(
        workbench,
        replace(made, target_norm=0.97),
        tmp_path,
        count=6,
        control_V=float(found.control_V[-1]),
        name="moved",
    )
    assert moved.silent_s[0] == pytest.approx(1e-6, abs=3e-9)
    assert np.all(np.diff(moved.silent_s) < 0)
    assert moved.silent_s[-1] < 0.99e-6


@pytest.mark.spice
def test_every_fet_of_a_drawn_generator_has_a_shift_of_its_own(make_workbench: WorkbenchMaker) -> None:
    """As wide as the statistics of its row: 16 units in parallel spread half as much as 4."""
    pdk = make_workbench().pdk
    text = bench(1, 1).generator.text()
    sigmas_V = line_sigmas_V(text, pdk, Corner.tt)
    draws = [drawn(text, sigmas_V, np.random.default_rng(seed)) for seed in range(200)]
    assert re.sub(r" dvt=\S+", "", draws[0]) == text.rstrip("\n") + "\n"
    assert draws[0].count("dvt=") == text.count("sky130_fd_pr__")

    def shifts(device: str) -> float:
        found = [re.findall(rf"^{device} .* dvt=(\S+)$", one, re.M) for one in draws]
        return float(np.std([float(value) for values in found for value in values[:1]]))

    # Units of bits 1 and 3 of the first line: 4 and 16.
    assert shifts("XMU2") / shifts("XMU4") == pytest.approx(2.0, rel=0.25)


def test_a_spread_is_of_what_the_loop_leaves() -> None:
    common = np.array([0.1, -0.2, 0.3])
    found = GeneratorSpread({"n": common + [0.01, 0.0, -0.01], "p": common, "dis": common})
    assert found.sigma_ratio("n") == pytest.approx(0.01)
    assert found.sigma_ratio("p") == 0.0
    assert found.sigma_common() == pytest.approx(float(np.std(common, ddof=1)))
