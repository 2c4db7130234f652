"""The control voltage that a loop's own way points to, and the lambda of a bank."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nonideal.characterize.benches import Grid
from nonideal.characterize.generator import Settled
from nonideal.characterize.lines import _lambda_per_V, _pointed_to


def settled(replica_s: list[float], control_V: list[float]) -> Settled:
    return Settled(
        replica_s=np.array(replica_s), silent_s=np.array(replica_s), control_V=np.array(control_V), current_A={}, static_A=0.0,
        bias_V={}, target_s=1e-6,
    )  # fmt: skip


def test_two_inferences_point_to_where_the_replica_is_on_time() -> None:
    # 10 mV are 50 ns: on time is 30 ns, 6 mV, further.
    found = settled([9e-7, 9.2e-7, 9.7e-7], [0.9, 0.89, 0.88])
    assert _pointed_to(found) == pytest.approx(0.874)
    # A replica that is not seen is late: the loop's own direction, twice as far.
    assert _pointed_to(replace(found, replica_s=np.array([np.inf, np.inf, np.inf]))) == pytest.approx(0.86)
    # Nor further than a tenth of a volt.
    assert _pointed_to(settled([9e-7, 9.0001e-7], [0.9, 0.88])) == pytest.approx(0.78)


def test_lambda_counts_from_the_reset_level() -> None:
    grid = Grid(0.7, 1.25, 0.05)
    current = 1e-8 * (1.0 + 0.2 * (grid.values_V - 1.3))
    assert _lambda_per_V(current, grid, 1.3) == pytest.approx(0.2)
