"""Phases: their order is what keeps charge off the membrane."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from nonideal.circuits.design import Timing
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline, control_sources, pulse

POINT = re.compile(r"PWL\((.*)\)")


def points(source: str) -> list[tuple[float, float]]:
    found = POINT.search(source)
    assert found is not None, source
    numbers = [float(word) for word in found[1].split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    guard = draw(st.floats(5e-9, 1e-6))
    return Timing(
        t_circ_s=draw(st.floats(20e-9, 1e-3)),
        guard_s=guard,
        hold_s=guard / 2,
        reset_s=draw(st.floats(20e-9, 1e-5)),
        edge_s=draw(st.floats(1e-11, min(guard / 4, 1e-8))),
    )


@given(timing=timings(), depth=st.integers(1, 6))
def test_the_order_that_keeps_charge_off_the_membrane(timing: Timing, depth: int) -> None:
    """Isolation fully open, then the spikes' reset, then (fully done) the firing phase; edges included."""
    timeline, half = Timeline(timing, depth), timing.edge_s / 2
    spans = timeline.spans()
    for layer in range(1, depth + 1):
        isolated = spans[f"iso_{layer}"][1]
        spikes_reset = spans[f"phase_{layer - 1}"][1]
        fires = spans[f"phase_{layer}"][0]
        assert isolated + half < spikes_reset - half
        assert spikes_reset + half < fires - half
        assert fires == pytest.approx(timeline.firing_s(layer), rel=1e-12, abs=0)


@given(timing=timings(), depth=st.integers(1, 6))
def test_accumulation_lasts_t_circ_between_reset_and_isolation(timing: Timing, depth: int) -> None:
    timeline, half = Timeline(timing, depth), timing.edge_s / 2
    spans = timeline.spans()
    for layer in range(1, depth + 1):
        start = timeline.accumulation_s(layer)
        assert spans[f"reset_{layer}"][1] + half < start
        assert spans[f"iso_{layer}"] == (0.0, pytest.approx(start + timing.t_circ_s, rel=1e-12, abs=0))
        assert start == pytest.approx(timeline.firing_s(layer - 1), rel=1e-12, abs=0)
        assert spans[f"reset_{layer}"][1] >= timing.reset_s
    assert spans["phase_0"][0] + half < timeline.accumulation_s(1)
    assert timeline.stop_s > spans[f"phase_{depth}"][1] + half
    assert timeline.firing_s(depth) + timeline.window_s < timeline.stop_s


@given(timing=timings(), depth=st.integers(1, 4))
def test_every_source_runs_forward_and_has_its_complement(timing: Timing, depth: int) -> None:
    lines = control_sources(
        Timeline(timing, depth), 1.8, Topology((1,) * (depth + 1)).control_ports
    ).splitlines()
    by_node = {line.split()[1]: points(line) for line in lines}
    assert len(by_node) == len(lines) == 1 + 5 * depth
    for wave in by_node.values():
        times = [t for t, _ in wave]
        assert times[0] == 0.0
        assert all(a < b for a, b in pairwise(times))
    for node, wave in by_node.items():
        kind, _, layer = node.rpartition("_")
        if kind in ("reset", "iso"):
            complement = by_node[f"{kind}_b_{layer}"]
            assert [t for t, _ in complement] == [t for t, _ in wave]
            assert all(v + w == pytest.approx(1.8) for (_, v), (_, w) in zip(wave, complement, strict=True))


def test_edges_are_centred_on_the_span() -> None:
    assert points(pulse("x", "x", (1e-6, 3e-6), 1.8, 2e-8)) == [
        (0.0, 0.0), (0.99e-6, 0.0), (1.01e-6, 1.8), (2.99e-6, 1.8), (3.01e-6, 0.0),
    ]  # fmt: skip


def test_a_span_from_the_beginning_starts_high() -> None:
    assert points(pulse("x", "x", (0.0, 1e-6), 1.8, 2e-8)) == [(0.0, 1.8), (0.99e-6, 1.8), (1.01e-6, 0.0)]
    assert points(pulse("x", "x", (0.0, 1e-6), 1.8, 2e-8, inverted=True))[0] == (0.0, 0.0)


def test_a_source_is_named_and_grounded() -> None:
    assert pulse("iso_b_1", "iso_b_1", (0.0, 1e-6), 1.8, 1e-10).startswith("Viso_b_1 iso_b_1 0 PWL(")


@given(at=st.floats(0, 1e-3))
def test_times_keep_their_digits(at: float) -> None:
    """A hundredth of a picosecond in a millisecond: far below the numerical floor."""
    assume(at > 1e-9)
    assert points(pulse("x", "x", (at, at + 1e-6), 1.8, 1e-11))[2][0] == pytest.approx(at + 5e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("guard_s", "hold_s", "edge_s", "said"),
    [
        (5e-8, 5e-9, 5e-9, r"edge_s .* half of timing\.hold_s"),
        (2e-8, 2e-8, 1e-9, r"hold_s .* fit into timing\.guard_s"),
        (5e-9, 5e-9, 1e-10, r"hold_s .* fit into timing\.guard_s"),
    ],
)
def test_edges_that_overlap_in_the_guard_are_refused(
    guard_s: float, hold_s: float, edge_s: float, said: str
) -> None:
    """The isolation switch would still be open while the spikes are reset, or they still fall while the next layer fires."""
    with pytest.raises(ValidationError, match=said):
        Timing(guard_s=guard_s, hold_s=hold_s, edge_s=edge_s)
