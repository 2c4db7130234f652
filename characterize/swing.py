"""What a lone synapse does to a column's membranes, as read from its deck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.branch import Family
from nonideal.characterize.column_bench import INNER, ColumnBench, Lone
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.leakage import Drift
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.network.inference import Inference
from nonideal.circuits.network.mapping import bias_for_current

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Levels:
    """Membrane potentials of an inner neuron without spikes: once reset ends, before and after the isolation switch opens."""

    reset_V: float
    end_V: Array
    held_V: Array

    def before_isolation_V(self, held_V: float) -> float:
        """The potential before the switch opened, from the one after: the step depends on the potential alone."""
        order = np.argsort(self.held_V)
        step = np.interp(held_V, self.held_V[order], (self.end_V - self.held_V)[order])
        return float(held_V + step)


@dataclass(frozen=True, slots=True)
class Swing:
    """A lone synapse's deck, read: when its axon's edge came, the inner trace from there to isolation, drops of all three.

    ``waited_V``: how far the inner membrane dropped in the ``waited_s`` before. ``idle_V_per_s``: how fast it leaks afterwards, of which ``drop_V``
    is free.
    """

    lone: Lone
    arrival_s: float
    driver_delay_s: float
    time_s: Array
    membrane_V: Array
    drop_V: tuple[float, float, float]
    waited_s: float
    waited_V: float
    idle_V_per_s: float = 0.0

    def meant_V(self, time_s: Array) -> Array:
        """The inner membrane at these times, had it not leaked since the arrival."""
        leaked_V = self.idle_V_per_s * (time_s - self.arrival_s)
        return np.asarray(np.interp(time_s, self.time_s, self.membrane_V) + leaked_V)


def without_leakage(swing: Swing, drift: Drift) -> Swing:
    """The same with what leaked taken out of its drops."""
    lone, (left, inner, right) = swing.lone, swing.drop_V
    idle_V = drift.idle * (swing.waited_s + swing.time_s[-1] - swing.arrival_s)
    inner_V = idle_V + drift.waiting(lone.weight) * swing.waited_s
    outer_V = inner_V if lone.along else idle_V
    drops = (left - outer_V, inner - inner_V, right - outer_V)
    return replace(swing, drop_V=drops, idle_V_per_s=drift.idle)


def read_swing(column: ColumnBench, lone: Lone, result: Inference, levels: Levels) -> Swing:
    arrival_s = column.axon_arrival_s(result, lone.axon)
    if arrival_s is None:
        raise FitRefused(
            f"{lone.name}: axon {lone.axon} never spikes: check the driver and the netlist",
            ("widen", "circuit.driver.inverter_n.w_um"),
            ("widen", "circuit.driver.inverter_p.w_um"),
        )
    due_s = column.begin_s() + lone.arrival_norm * column.circuit.design.timing.t_circ_s
    traces, end_s = column.membranes_V(result), column.end_s()
    inner = traces[INNER]
    inside = inner.time_s[(inner.time_s > arrival_s) & (inner.time_s < end_s)]
    time_s = np.concatenate([[arrival_s], inside, [end_s]])
    before = [trace.value_at(column.begin_s()) for trace in traces]
    after = [levels.before_isolation_V(trace.value_at(column.held_s())) for trace in traces]
    drops = [b - a for b, a in zip(before, after, strict=True)]
    # Until just before the edge on its pin.
    waited_s = due_s - column.circuit.design.timing.edge_s - column.begin_s()
    return Swing(
        lone, arrival_s, arrival_s - due_s, time_s, inner.at(time_s), (drops[0], drops[1], drops[2]),
        waited_s=waited_s, waited_V=before[INNER] - inner.value_at(column.begin_s() + waited_s),
    )  # fmt: skip


def current_A(
    column: ColumnBench, lone: Lone, model: PhysicalModel, families: Mapping[str, Family], membrane_V: Array
) -> Array:
    """What a lone synapse carries at these membrane potentials, A, positive."""
    polarity, branch = ("n", model.positive) if lone.weight > 0 else ("p", model.negative)
    curve_A, share = column.carried(lone)
    bias_V = float(bias_for_current(branch, np.array([curve_A]))[0])
    return np.asarray(share * families[polarity].current_at_A(bias_V, membrane_V))


def charge_C(
    column: ColumnBench, swing: Swing, model: PhysicalModel, families: Mapping[str, Family]
) -> Array:
    """What has flowed since the arrival, at ``swing.time_s``, C, positive."""
    current = current_A(column, swing.lone, model, families, swing.membrane_V)
    return np.concatenate([[0.0], np.cumsum((current[1:] + current[:-1]) / 2 * np.diff(swing.time_s))])
