"""A layer of the silicon in the normalised units of training, as its column was measured.

The bridge from ``PhysicalModel`` (SI units, one circuit) to whoever evaluates a network: time in T_circ, voltage in V_th below
the reset level, weight in the unit current of the layer's own number of axons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nonideal.characterize.column import Column, TurnOn
from nonideal.characterize.errors import NoColumn
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import Branch, PhysicalModel

MOST_AXONS, MOST_DRAWN_AXONS = 16, 256
"""Of a column that is measured, as designed or as drawn: the first is simulated as a whole, which costs ever more; the other neuron by neuron.
A larger layer takes this one, its C_m carried on by what a further axon adds."""


LEAST_LEAK = 1e-4
"""In T_circ: a tenth of a nanosecond of a microsecond. Less is not told, so that evaluations need not ask for it at room temperature."""


@dataclass(frozen=True, slots=True)
class Physics:
    """What one layer does.

    A spike at t on a synapse of weight w >= 0 contributes ``dv/dt = w (1 - beta(w) v)`` from ``t + delay`` on, less the charge
    ``charge_positive`` once (w < 0: plus ``charge_negative``), and less ``lag w + skew |w|``: a delay that is none, for it is a charge at
    once, so that spikes at the very end feel it too, and half of what it differs by for both signs; ``beta`` is a polynomial in |w|, held
    outside its range. Where w is 0 it takes off ``charge_zero``; whatever w, the axon's ``axon_charge`` and the neuron's ``neuron_charge``
    (empty: none has any). All the while ``leak`` is added to dv/dt, and for each synapse of either sign before its spike ``leak_positive``,
    ``leak_negative``, and after it ``leak_on_positive``, ``leak_on_negative``. Each membrane takes the fraction ``coupling`` of either
    neighbour's swing. The neuron fires at ``1 - ln(1 - discharge v) / ln(1 - discharge) + spike_delay``, and its own ``spike_lag`` later
    (empty: none).
    """

    beta_positive: tuple[float, ...]
    beta_negative: tuple[float, ...]
    positive_range: tuple[float, float]
    negative_range: tuple[float, float]
    discharge: float
    delay: float
    charge_positive: float
    charge_negative: float
    coupling: float
    spike_delay: float
    skew: float = 0.0
    lag: float = 0.0
    charge_zero: float = 0.0
    axon_charge: tuple[float, ...] = ()
    neuron_charge: tuple[float, ...] = ()
    spike_lag: tuple[float, ...] = ()
    leak: float = 0.0
    leak_positive: float = 0.0
    leak_negative: float = 0.0
    leak_on_positive: float = 0.0
    leak_on_negative: float = 0.0


@dataclass(frozen=True, slots=True)
class BottomUp:
    """A physical model as write-back sees it where weights are realised as the columns were measured, with no factor on top."""

    model: PhysicalModel

    @property
    def positive(self) -> Branch:
        return self.model.positive

    @property
    def negative(self) -> Branch:
        return self.model.negative

    @property
    def vdis_V(self) -> float:
        """The bias of all dischargers, which all columns share."""
        return column_for(self.model, self.model.columns[0].axons if self.model.columns else 1).vdis_V

    def unit_current_A(self, axons: int | None = None) -> float:
        """Synaptic current of weight 1 on a dendrite with ``axons`` pairs: C_m V_th / T_circ."""
        column = column_for(self.model, self.model.axons if axons is None else axons)
        return column.membrane_F.value * column.v_th_V.value / self.model.t_circ_s


def columns_of(layers: Sequence[int], most_axons: int = MOST_AXONS) -> tuple[int, ...]:
    """The numbers of axons of the columns to measure for a network with these sizes, inputs first."""
    return tuple(sorted({min(axons, most_axons) for axons in layers[:-1]}))


def column_for(model: PhysicalModel, axons: int) -> Column:
    """The column with ``axons`` pairs: as measured, or the nearest one with its capacitance carried on by C_m per axon.

    Raises ``NoColumn`` where none was measured.
    """
    if not model.columns:
        raise NoColumn(
            "the physical model holds no column (it is of version 1): characterise again, or train the variant pnn"
        )
    nearest = min(model.columns, key=lambda column: abs(column.axons - axons))
    if nearest.axons == axons:
        return nearest
    per_axon, c_m = model.membrane_per_axon_F, nearest.membrane_F
    more = axons - nearest.axons
    carried = Estimate(
        value=c_m.value + more * per_axon.value,
        stderr=float((c_m.stderr**2 + (more * per_axon.stderr) ** 2) ** 0.5),
        unit=c_m.unit,
    )
    return nearest.model_copy(update={"axons": axons, "membrane_F": carried})


def layer_physics(
    model: PhysicalModel,
    axons: int,
    *,
    neurons: int = 0,
    fan_out: int = 0,
    driven: bool = False,
    full_scale: float | None = None,
) -> Physics:
    """The layer whose dendrites carry ``axons`` pairs and whose spikes drive ``fan_out`` neurons each; of so many ``neurons``, where what sets
    one apart from the others is to count.

    ``driven``: its axons are driven from input pins, so that spike times count from the pins. ``full_scale``: of a layer of codes, the weight of
    the largest (None: the one that columns were measured at). Raises ``NoColumn``.
    """
    column = column_for(model, axons)
    v_th, t_circ, c_m = column.v_th_V.value, model.t_circ_s, column.membrane_F.value
    unit_A = c_m * v_th / t_circ
    watched_A = model.unit_current_A(
        min((one.axons for one in model.columns), key=lambda one: abs(one - axons))
    )

    def beta(branch: Branch, sign: float) -> tuple[float, ...]:
        # The branch's polynomial counts currents in units of its own; here they are weights of this layer.
        ratio = unit_A / model.unit_current_A()
        if model.codes is not None:
            # All codes of a layer have one lambda; it goes with the current of a unit.
            wanted = model.codes.full_scale if full_scale is None else full_scale
            at = model.codes.lambda_ratio("positive" if sign > 0 else "negative", wanted * ratio)
            return tuple(sign * v_th * c * at for c in branch.lambda_polynomial_per_V)
        return tuple(sign * v_th * c * ratio**k for k, c in enumerate(branch.lambda_polynomial_per_V))

    def span(branch: Branch) -> tuple[float, float]:
        return branch.current_min_A / unit_A, branch.current_max_A / unit_A

    positive, negative = column.positive, column.negative

    def late_s(turn_on: TurnOn) -> float:
        """The charge that goes with the weight, as a delay. Of codes it is one of units: the less each carries, the more of them are one current."""
        if model.codes is None or not turn_on.unit_C:
            return turn_on.delay_s.value
        wanted = model.codes.full_scale if full_scale is None else full_scale
        # Units were watched at the currents that the cells alone promised; a layer's are those of its column's own C_m.
        current = wanted * unit_A / watched_A
        at = min(max(current, model.codes.lowest), model.codes.highest) / model.codes.full_scale
        unit_C = np.polynomial.polynomial.polyval(np.log(at), turn_on.unit_C)
        return float(unit_C) * model.codes.largest / (wanted * unit_A)

    late, coded = (late_s(positive) + late_s(negative)) / 2, model.codes is not None
    delay_s = (0.0 if coded else late) + (column.driver_delay_s.value if driven else 0.0)
    edge, ends, first = column.edge, [0.0] * axons, [0.0] * neurons
    if edge is not None:
        ends[0] += edge.first_axon_C.value
        ends[-1] += edge.last_axon_C.value
        if neurons and driven:
            first[0] = edge.first_neuron_C.value
    leave = np.array(fan_out_delay_s(model, column, neurons, fan_out)) / t_circ
    return Physics(
        beta_positive=beta(model.positive, 1.0),
        beta_negative=beta(model.negative, -1.0),
        positive_range=span(model.positive),
        negative_range=span(model.negative),
        discharge=column.discharge_norm.value,
        delay=delay_s / t_circ,
        charge_positive=positive.charge_C.value / (c_m * v_th),
        charge_negative=negative.charge_C.value / (c_m * v_th),
        coupling=column.coupling_F.value / c_m,
        spike_delay=float(leave.mean()),
        spike_lag=tuple(float(one) for one in leave - leave.mean()) if np.ptp(leave) > 0.0 else (),
        skew=(late_s(positive) - late_s(negative)) / (2 * t_circ) if coded else 0.0,
        lag=late / t_circ if coded else 0.0,
        charge_zero=0.0 if edge is None else edge.charge_C.value / (c_m * v_th),
        axon_charge=tuple(charge_C / (c_m * v_th) for charge_C in ends) if any(ends) else (),
        neuron_charge=tuple(charge_C / (c_m * v_th) for charge_C in first) if any(first) else (),
        **_leaks(column, unit_A),
    )


def _leaks(column: Column, unit_A: float) -> dict[str, float]:
    """Leakage in unit currents; none where a phase of all of it moves a spike by less than ``LEAST_LEAK``."""
    found = column.leakage
    if found is None:
        return {}
    leaks = {
        "leak": found.idle_A,
        "leak_positive": found.positive_A,
        "leak_negative": found.negative_A,
        "leak_on_positive": found.on_positive_A,
        "leak_on_negative": found.on_negative_A,
    }
    if not found.counts(column.axons, LEAST_LEAK * unit_A):
        return {}
    return {name: value / unit_A for name, value in leaks.items()}


def fan_out_delay_s(model: PhysicalModel, column: Column, neurons: int, fan_out: int) -> tuple[float, ...]:
    """How late the spikes of these neurons leave, each of which drives ``fan_out`` others: by neuron, or one value for all."""
    for one in model.fan_outs:
        if (one.neurons, one.driven) == (neurons, fan_out):
            return one.delay_s
    return (fan_out * column.spike_load_s.value,)


def network_physics(
    model: PhysicalModel, layers: Sequence[int], full_scales: Sequence[float] = ()
) -> tuple[Physics, ...]:
    """The physics of every layer of a network with these sizes, inputs first; ``full_scales`` of layers of codes. Raises ``NoColumn``."""
    return tuple(
        layer_physics(
            model,
            layers[index],
            neurons=layers[index + 1],
            fan_out=layers[index + 2] if index + 2 < len(layers) else 0,
            driven=index == 0,
            full_scale=full_scales[index] if full_scales else None,
        )
        for index in range(len(layers) - 1)
    )
