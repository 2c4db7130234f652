"""What is told of chips that were simulated."""

from __future__ import annotations

from nonideal.files.record import Record


class LayerAgreement(Record):
    """One layer's spikes (times in s): the fast model against SPICE, and how far the same spike spreads over chips in each; None where too few
    chips have it.
    """

    rmse_s: float | None
    median_error_s: float | None
    pairs: int
    missed: int
    extra: int
    spread_spice_s: float | None
    spread_model_s: float | None


class FailedSimulation(Record):
    """A simulation without a result, and where its log lies."""

    name: str
    message: str
    folder: str


class SpotSummary(Record):
    """The fast model against SPICE on ``chips`` chips; ``layers`` by number. ``decisions_differ``: samples; None where nothing is classified."""

    chips: int
    samples: int
    layers: dict[str, LayerAgreement]
    rmse_s: float | None
    missed: int
    extra: int
    failed_chips: int
    failures: tuple[FailedSimulation, ...] = ()
    decisions_differ: int | None = None
    netlist: str | None = None
