"""The error budget of a bottom-up prediction: what each of its terms is worth, and what its remaining error is made of.

The prediction comes from the model alone. Spike times of SPICE enter afterwards, as what it is compared with, and where asked
as the hidden spikes that an output layer is given. Three kinds of entry:

- ``term``: something the model describes, switched off. The circuit stays as it is, so every synapse keeps its current;
  only what the model says of it changes.
- ``residual``: what the model's own measurements leave open. These and the remainder make up the error in quadrature.
- ``numerics``: the same physics evaluated as training does.

Times are in T_circ, in results in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial, reduce
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, Physics, column_for, network_physics
from nonideal.characterize.reference import firing_time, membrane
from nonideal.pnn import DSTD, Exact, RCSpikeNetwork, Reversal
from nonideal.postlayout.budget_summary import BudgetSummary, ComparedPairs, EntrySummary, Kind, RmsByGroup
from nonideal.postlayout.comparison import classify
from nonideal.postlayout.terms import capacitance_off, lambda_off, terms_of

if TYPE_CHECKING:
    from nonideal.postlayout.plan import ValidationPlan
    from nonideal.postlayout.stage import Validation

Array = NDArray[np.float64]
Layer: TypeAlias = Callable[[Array], Array]
"""From arriving spikes [samples, axons] to a layer's own before the clip [samples, neurons]; infinity does not arrive."""

DRAWS, SEED = 32, 0
"""Residuals are drawn: how often, and from which seed."""
GRID = DSTD(10)
"""The discretisation that is looked at where a network was trained without one."""


@dataclass(frozen=True, slots=True)
class Groups:
    """One rms for each group of spikes, in s; NaN where a group is empty.

    ``output_given_s``: the output layer given the spikes that SPICE's hidden layer had, not the prediction's own.
    """

    hidden_s: float
    output_s: float
    output_given_s: float

    @property
    def values(self) -> Array:
        return np.array([getattr(self, field.name) for field in fields(self)])

    def summary(self) -> RmsByGroup:
        """What is told of them."""
        values = (value if np.isfinite(value) else None for value in self.values.tolist())
        return RmsByGroup(**dict(zip((field.name for field in fields(self)), values, strict=True)))


@dataclass(frozen=True, slots=True)
class Entry:
    """``change``: rms by which predicted spike times move. ``rmse``: what their RMSE against SPICE then is."""

    name: str
    kind: Kind
    change: Groups
    rmse: Groups

    def summary(self) -> EntrySummary:
        """What is told of it."""
        return EntrySummary(
            name=self.name, kind=self.kind, change=self.change.summary(), rmse=self.rmse.summary()
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """``rmse`` of the whole model against SPICE; ``together``: every term switched off at once.

    All figures are of the same spikes: those that both the whole model and SPICE have (``pairs``: hidden, output).
    """

    rmse: Groups
    entries: tuple[Entry, ...]
    together: Entry
    pairs: tuple[int, int]
    grid_intervals: int | None = None

    def quadrature(self, kind: Kind) -> Groups:
        """Root of the sum of squares of the changes of one kind."""
        changes = [entry.change.values for entry in self.entries if entry.kind == kind]
        return Groups(*np.sqrt(np.sum(np.square(changes), axis=0)).tolist())

    def remainder(self) -> Groups:
        """What no residual explains: zero where they explain more than there is."""
        left = self.rmse.values**2 - self.quadrature("residual").values ** 2
        return Groups(*np.sqrt(left.clip(min=0.0)).tolist())

    def table(self) -> pd.DataFrame:
        """One row an entry."""
        return pd.DataFrame(
            [
                {"name": entry.name, "kind": entry.kind}
                | {f"change_{group}": value for group, value in entry.change.summary()}
                | {f"rmse_{group}": value for group, value in entry.rmse.summary()}
                for entry in (*self.entries, self.together)
            ]
        )

    def summary(self) -> BudgetSummary:
        """What ``summary.json`` holds of it."""
        return BudgetSummary(
            rmse=self.rmse.summary(),
            pairs=ComparedPairs(hidden=self.pairs[0], output=self.pairs[1]),
            entries=tuple(entry.summary() for entry in self.entries),
            terms_quadrature=self.quadrature("term").summary(),
            terms_together=self.together.summary(),
            residuals_quadrature=self.quadrature("residual").summary(),
            remainder=self.remainder().summary(),
            grid_intervals=self.grid_intervals,
        )


# -- evaluation ------------------------------------------------------------------------------------------------------------------


def _evaluate(physics: Physics, weight: Array, arriving: Array) -> Array:
    return np.maximum(firing_time(physics, membrane(physics, weight, arriving)), 0.0)


def _sizes(weights: Sequence[Array]) -> tuple[int, ...]:
    return weights[0].shape[1], *(len(weight) for weight in weights)


def _layers(
    model: PhysicalModel, weights: Sequence[Array], circuit: PhysicalModel, scales: Sequence[float]
) -> list[Layer]:
    """The network by ``model``; its weights are currents of a circuit that ``circuit`` realised, ``scales`` the full ones of codes."""
    layers: list[Layer] = []
    for physics, weight in zip(network_physics(model, _sizes(weights), scales), weights, strict=True):
        axons = weight.shape[1]
        same_current = BottomUp(circuit).unit_current_A(axons) / BottomUp(model).unit_current_A(axons)
        layers.append(partial(_evaluate, physics, weight * same_current))
    return layers


def _trained(
    model: PhysicalModel, weights: Sequence[Array], method: Exact | DSTD, scales: Sequence[float]
) -> list[Layer]:
    """The network as training evaluates it."""
    sizes = _sizes(weights)
    physics = network_physics(model, sizes, scales)
    network = RCSpikeNetwork(sizes, Reversal.of(physics[0]), physics=physics).double()

    def evaluate(index: int, arriving: Array) -> Array:
        weight = torch.from_numpy(weights[index])
        found = network.linear_layers[index].evaluate(
            torch.from_numpy(arriving.clip(max=1.0)), weight, method
        )
        return np.asarray(found.unclipped.clamp(min=0.0).numpy())

    with torch.no_grad():
        return [partial(evaluate, index) for index in range(len(weights))]


def _noisy_firing(
    model: PhysicalModel, weights: Sequence[Array], generator: np.random.Generator, scales: Sequence[float]
) -> list[Layer]:
    """Every spike off by a draw of the firing formula's residual."""

    def noisy(layer: Layer, rms: float, arriving: Array) -> Array:
        times = layer(arriving)
        return np.asarray(times + generator.normal(0.0, rms, times.shape))

    return [
        partial(noisy, layer, column_for(model, weight.shape[1]).firing_rms_s / model.t_circ_s)
        for layer, weight in zip(_layers(model, weights, model, scales), weights, strict=True)
    ]


def _noisy_charges(
    model: PhysicalModel, weights: Sequence[Array], generator: np.random.Generator, scales: Sequence[float]
) -> list[Layer]:
    """Every arrival's charge off by a draw of its own residual."""

    def noisy(physics: Physics, weight: Array, rms: float, arriving: Array) -> Array:
        v = membrane(physics, weight, arriving)
        arrivals = (arriving < 1.0).astype(float) @ (weight != 0.0).astype(float).T
        return np.maximum(
            firing_time(physics, v + generator.normal(0.0, 1.0, v.shape) * rms * np.sqrt(arrivals)), 0.0
        )

    layers: list[Layer] = []
    for physics, weight in zip(network_physics(model, _sizes(weights), scales), weights, strict=True):
        column = column_for(model, weight.shape[1])
        layers.append(partial(noisy, physics, weight, column.turn_on_rms_V / column.v_th_V.value))
    return layers


@dataclass(frozen=True, slots=True)
class _Compared:
    """Predictions on one set of inputs, held against SPICE over one set of pairs."""

    inputs: Array
    spice: list[Array]
    pairs: list[NDArray[np.bool_]]
    t_circ_s: float

    def times(self, layers: Iterable[Layer]) -> list[Array]:
        """Of every layer in turn, then of the last one given the spikes of SPICE before it."""
        arriving, found = self.inputs, []
        for index, layer in enumerate(layers):
            found.append(layer(arriving))
            if index == len(self.spice) - 1:
                before = self.spice[index - 1] if index else self.inputs
                found.append(layer(np.where(before < 1.0, before, np.inf)))
            arriving = np.where(found[-1] < 1.0, found[-1], np.inf)
        return found

    def rms(self, these: list[Array], those: list[Array]) -> Groups:
        """Of the difference of times as ``times`` gives them."""
        masks = [*self.pairs, self.pairs[-1]]
        apart = [(a - b)[mask] for a, b, mask in zip(these, those, masks, strict=True)]
        groups = (np.concatenate([np.empty(0), *apart[:-2]]), apart[-2], apart[-1])
        return Groups(*(self.t_circ_s * _root_mean_square(group) for group in groups))

    def entry(self, name: str, kind: Kind, told: list[Array], base: list[Array]) -> Entry:
        return Entry(name, kind, self.rms(told, base), self.rms(told, [*self.spice, self.spice[-1]]))

    def drawn(self, name: str, layers: list[Layer], base: list[Array]) -> Entry:
        """A residual that every spike draws for itself: the rms over ``DRAWS`` draws."""
        draws = [self.entry(name, "residual", self.times(layers), base) for _ in range(DRAWS)]

        def over(groups: Iterable[Groups]) -> Groups:
            return Groups(*np.sqrt(np.mean([group.values**2 for group in groups], axis=0)).tolist())

        return Entry(name, "residual", over(d.change for d in draws), over(d.rmse for d in draws))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def error_budget(
    model: PhysicalModel,
    weights: Sequence[Array],
    inputs: Array,
    spice: Sequence[Array],
    *,
    window: float,
    floor_s: float | None = None,
    grid: DSTD | None = None,
    full_scales: Sequence[float] = (),
) -> Budget:
    """The budget of a network that ``model`` realised and predicts.

    ``weights`` by layer [neurons, axons]; ``inputs`` and ``spice`` (by layer) spike times in T_circ, infinity for none;
    ``window``: until when SPICE sees spikes. ``floor_s``: rms change of spike times by a finer simulation. ``grid``: the
    discretisation to look at. ``full_scales``: of layers of codes. Raises ``NoColumn``.
    """
    layers = _layers(model, weights, model, full_scales)
    apart = _Compared(inputs, list(spice), [], model.t_circ_s)
    base = apart.times(layers)
    pairs = [classify(told, seen, 1.0, window) == "pair" for told, seen in zip(base[:-1], spice, strict=True)]
    apart = _Compared(inputs, list(spice), pairs, model.t_circ_s)
    terms = terms_of(model)

    def by(changed: PhysicalModel) -> list[Array]:
        return apart.times(_layers(changed, weights, model, full_scales))

    entries = [apart.entry(name, "term", by(off(model)), base) for name, off in terms.items()]
    entries.append(apart.entry("lambda_fit", "residual", by(lambda_off(model)), base))
    entries.append(apart.entry("capacitance_fit", "residual", by(capacitance_off(model)), base))
    generator = np.random.default_rng(SEED)
    entries.append(apart.drawn("firing_fit", _noisy_firing(model, weights, generator, full_scales), base))
    entries.append(apart.drawn("turn_on_fit", _noisy_charges(model, weights, generator, full_scales), base))
    whole = apart.rms(base, [*spice, spice[-1]])
    if floor_s is not None:
        floor = Groups(*np.where(np.isnan(whole.values), np.nan, floor_s).tolist())
        entries.append(Entry("numerical_floor", "residual", floor, whole))
    trained = apart.times(_trained(model, weights, Exact(), full_scales))
    entries.append(apart.entry("training_exact", "numerics", trained, base))
    if grid is not None:
        on_grid = apart.times(_trained(model, weights, grid, full_scales))
        entries.append(apart.entry("training_grid", "numerics", on_grid, trained))
    bare = reduce(lambda so_far, off: off(so_far), terms.values(), model)
    together = apart.entry("all_terms", "term", by(bare), base)
    counts = (int(sum(mask.sum() for mask in pairs[:-1])), int(pairs[-1].sum()))
    return Budget(whole, tuple(entries), together, counts, None if grid is None else grid.steps)


def budget_of(plan: ValidationPlan, found: Validation, mapping: str) -> Budget | None:
    """The budget of a validated mapping; None where no sample of it gave a result.

    The grid is the one that its network was trained on, or ``GRID`` after an exact training.
    """
    rows = found.spikes[(found.spikes["mapping"] == mapping) & (found.spikes["kind"] != "failed")]
    if rows.empty:
        return None
    t_circ_s = plan.model.t_circ_s
    seen = rows.pivot(index="sample", columns=["layer", "neuron"], values="t_spice_s")
    seen = seen.sort_index().sort_index(axis=1)
    layers = plan.networks[mapping].linear_layers
    method = layers[0].method
    return error_budget(
        plan.model,
        [layer.weight.detach().double().numpy() for layer in layers],
        plan.inputs[seen.index.tolist()].double().numpy(),
        [seen[layer].to_numpy(float) / t_circ_s for layer in range(1, len(layers) + 1)],
        window=plan.circuit.timeline.window_s / t_circ_s,
        floor_s=found.summary.numerical_floor_s,
        grid=method if isinstance(method, DSTD) else GRID,
        full_scales=[float(layer.codes.full_scale) for layer in layers if layer.codes is not None],
    )
