"""What is told of a tile that was run in SPICE through its digital pins."""

from __future__ import annotations

from nonideal.files.record import Record


class TileSample(Record):
    """One sample. ``label`` and decisions by class; None: no output fired.

    ``counts``: what was read out of the tile, clocks by output, None for no spike. ``order_swapped``, ``order_alone``: pairs of neurons that
    the behavioural model fires in another order than SPICE, and spikes that one of them alone has; ``order_apart_s``: how near in time such
    pairs are.
    """

    test_index: int
    label: str
    model_says: str | None
    spice_says: str | None
    verilog_says: str | None
    counts: tuple[int | None, ...]
    order_swapped: int
    order_alone: int
    order_apart_s: float
    cpu_s: float


class LayerErrors(Record):
    """SPICE minus model of a layer's spikes."""

    layer: int
    rmse_s: float | None
    mean_error_s: float | None
    pairs: int
    missed: int
    extra: int


class TileSimulationSummary(Record):
    """A tile in SPICE: network and generator as extracted, its digital side in Icarus.

    ``layers``: against the model of the network as it was trained; ``layers_told``: against the same told what the lines of the tile make of its
    weights, ``gains`` on positive and negative ones by layer, from the lines' levels of the settled generator before any sample runs.
    All samples were simulated column by column under the lines of an inference that nothing reaches. The first was simulated whole too, unless it
    was left out: ``columns_rms_s`` by layer is how far columns are from it (None: a spike in one alone), ``columns_cpu_s`` what they take a
    sample; ``whole_replica_s`` when its replica fired, ``whole_cpu_s`` what it took.
    ``control_V``: where the generator's loop was found to settle, and ``replica_late_s`` how late its replica fires there. ``bias_V`` are
    the lines that it makes.
    """

    top: str
    samples: tuple[TileSample, ...]
    layers: tuple[LayerErrors, ...]
    layers_told: tuple[LayerErrors, ...]
    gains: tuple[tuple[float, float], ...]
    columns_rms_s: tuple[float | None, ...]
    columns_cpu_s: float
    whole_replica_s: float | None = None
    whole_cpu_s: float | None = None
    control_V: float
    replica_late_s: float
    bias_V: dict[str, float]
    supply_A: float
    devices: int
    resistors: int
    capacitors: int

    @property
    def agreeing(self) -> int:
        """Samples that SPICE decides as the model."""
        return sum(one.spice_says == one.model_says for one in self.samples)

    @property
    def verilog_agreeing(self) -> int:
        """Samples that the behavioural model decides as SPICE."""
        return sum(one.spice_says == one.verilog_says for one in self.samples)

    @property
    def same_order(self) -> int:
        """Samples whose spikes the behavioural model has in SPICE's order."""
        return sum(not one.order_swapped and not one.order_alone for one in self.samples)

    @property
    def right(self) -> tuple[int, int]:
        """Samples that model and SPICE decide rightly."""
        return (
            sum(one.model_says == one.label for one in self.samples),
            sum(one.spice_says == one.label for one in self.samples),
        )
