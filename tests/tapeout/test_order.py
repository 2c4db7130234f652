"""The order of spikes of two runs."""

from __future__ import annotations

import math

from nonideal.tapeout.order import first_of, order_difference, rises_ns


def test_the_first_rise_of_each_pin_counts() -> None:
    edges = [(1.0, "a", 0), (2.0, "a", 1), (3.0, "b", 1), (4.0, "b", 0), (5.0, "b", 1)]
    assert rises_ns(edges, ("b", "a", "c")) == (3.0, 2.0, math.inf)
    assert first_of((3.0, 2.0, math.inf)) == 1
    assert first_of((math.inf, math.inf)) is None


def test_pairs_that_come_in_another_order_are_told_with_their_distance() -> None:
    same = order_difference((1.0, 2.0, math.inf), (10.0, 30.0, math.inf))
    assert same.same
    assert same.apart_ns == 0.0
    other = order_difference((1.0, 2.0, 9.0), (30.0, 10.0, 5.0))
    # 0 and 1 are 1 apart in the first run, 1 and 2 are 5 apart in the second, 0 and 2 are 8 apart in the first.
    assert (other.swapped, other.alone, other.apart_ns) == (3, 0, 8.0)


def test_a_spike_that_one_run_alone_has_is_a_difference() -> None:
    found = order_difference((1.0, math.inf), (1.0, 7.0))
    assert (found.swapped, found.alone) == (0, 1)
    assert not found.same
