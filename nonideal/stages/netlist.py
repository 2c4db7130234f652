"""Write-back: a trained checkpoint as a SPICE network and the table of its biases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.circuits.design import Design
from nonideal.circuits.network.netlist import Topology
from nonideal.experiment.belonging import check_model
from nonideal.experiment.experiment import Experiment
from nonideal.files import sha256_of, write_csv, write_text
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.netlist import NetlistSummary, WriteBackSummary

BY_HAND = """\
*
* Devices are plain sky130, sizes in um. There are cells here, `network` and `biases` (currents at scale 1), and no sources; what drives
* each pin is in {pins}. A deck includes one device library before this file, either
*   .lib <path of sky130.lib.spice> {corner}   the whole one (`nonideal doctor` says where it lies), or
*   .include {models}   the few models that are needed.
{deck}
*
"""
"""What stands at the top of a netlist: what it needs, and how it is run without this program."""
WITH_DECK = """\
* {deck} is a deck of one inference with them: every input spikes in the middle of its phase. In this folder, by hand:
*   ngspice -b -r out.raw {deck}"""
WITHOUT_DECK = """\
* Neither models nor a deck lie beside it, for no sky130 PDK was found when it was written (`nonideal doctor` tells)."""
MIDDLE = 0.5
"""When every input of the example deck spikes, T_circ."""


@dataclass(frozen=True, slots=True)
class NetlistFiles:
    """Where a netlist and what belongs to it are written; ``models`` and ``deck`` only where there is a PDK."""

    netlist: Path
    table: Path
    pins: Path
    deck: Path
    models: Path

    @classmethod
    def beside(cls, netlist: Path) -> NetlistFiles:
        """Named after the netlist."""
        endings = (".csv", ".pins.csv", ".cir", ".models.spice")
        return cls(netlist, *(netlist.with_suffix(ending) for ending in endings))

    @classmethod
    def inside(cls, folder: Path) -> NetlistFiles:
        """As a stage names them."""
        names = ("network.spice", "mapping.csv", "pins.csv", "network.cir", "network.models.spice")
        return cls(*(folder / name for name in names))

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.netlist, self.table, self.pins, self.deck, self.models)


def write_netlists(work: Work) -> Done:
    """The netlist and the table of every mapping, in a folder of its own."""
    outputs: list[Path] = []
    mappings: dict[str, NetlistSummary] = {}
    for name in work.experiment.mappings:
        files = NetlistFiles.inside(work.folder / name)
        mappings[name] = write_netlist(
            work.rundir.weights(name),
            work.rundir.model,
            work.experiment,
            files,
            of=f"mapping {name} of experiment {work.experiment.name}",
            clip=work.experiment.netlist.clip or bool(work.options.get("clip")),
        )
        outputs += [path for path in files.all if path.is_file()]
    return Done(tuple(outputs), WriteBackSummary(mappings=mappings))


def write_netlist(
    weights: Path, model_path: Path, experiment: Experiment, files: NetlistFiles, *, of: str, clip: bool
) -> NetlistSummary:
    """Any weights -> network as SPICE, tables of mapping and pins, and a deck that runs it; read back before anything is written.

    ``of`` says in the netlist what it is a network of. Weights that were trained on columns (``bottom_up``) are realised as the columns
    were measured, all others as the bench was.
    """
    import numpy as np

    from nonideal.circuits.errors import MappingError
    from nonideal.circuits.network.mapping import bias_sources, map_weights, read_biases
    from nonideal.circuits.network.netlist import schematic
    from nonideal.circuits.network.pins import pins_table
    from nonideal.pnn.matrices import load_matrices

    given = load_matrices(weights)
    model = PhysicalModel.load(model_path)
    unknown = check_model(model, model_path, experiment)
    realised = BottomUp(model) if given.physics else model
    design = experiment.circuit
    mapping = map_weights(given.values, realised, clip=clip, design=design, steps=given.steps)
    biases, topology = bias_sources(mapping), mapping.topology
    circuit = schematic(topology, design)
    example = _example(topology, design, circuit, biases, realised.vdis_V, model.corner, files)
    told = WITHOUT_DECK if example is None else WITH_DECK.format(deck=files.deck.name)
    head = (
        f"* network {'-'.join(map(str, topology.layers))}: {of}, corner {model.corner}\n"
        f"* weights {sha256_of(weights)}\n* model {sha256_of(model_path)}\n* {_realisation(realised)}\n"
        + BY_HAND.format(corner=model.corner, pins=files.pins.name, models=files.models.name, deck=told)
    )
    text = head + circuit + "\n" + biases
    for layer, (back, meant) in enumerate(
        zip(read_biases(text, realised, design=design), mapping.weights(), strict=True), start=1
    ):
        if not np.allclose(back, meant, rtol=1e-6, atol=1e-9):
            worst = float(np.max(np.abs(back - meant)))
            raise MappingError(
                f"layer {layer}: the netlist reads back with weights off by up to {worst:.3g}; "
                "nothing was written"
            )
    write_text(files.netlist, text)
    table = mapping.table
    write_csv(files.table, table)
    write_csv(files.pins, pins_table(topology, design, lambda layer, k: realised.vdis_V, text))
    for path, content in (example or {}).items():
        write_text(path, content)
    return NetlistSummary(
        realised=_realisation(realised),
        vdis_V=realised.vdis_V,
        layers=topology.layers,
        synapses=len(table),
        clipped=mapping.clipped,
        off=mapping.off,
        largest_current_A=float(table["current_A"].max()),
        circuit_unknown=unknown,
        order=None if given.own else tuple(given.names),
        left_out=tuple(given.left_out),
        deck=None if example is None else str(files.deck),
    )


def _example(
    topology: Topology,
    design: Design,
    circuit: str,
    biases: str,
    vdis_V: float,
    corner: str,
    files: NetlistFiles,
) -> dict[Path, str] | None:
    """A deck that runs the netlist, and the models it includes; None where there is no PDK to take them from."""
    import numpy as np

    from nonideal.circuits.cells.leaf_cells import cells_text
    from nonideal.circuits.network.testbench import Biases, Circuit
    from nonideal.sky130_models import Corner, PdkMissing, find_pdk, lean_library
    from nonideal.spice import SimulatorOptions

    try:
        pdk = find_pdk()
    except PdkMissing:
        return None
    models = lean_library(pdk, Corner(corner), cells_text(design))
    sample = np.full(topology.layers[0], MIDDLE)
    deck = Circuit(topology, design, circuit, models, vdis_V).deck(
        "example", Biases("example", biases, topology.mask), sample, SimulatorOptions()
    )
    includes = (
        f'.include "{files.models.name}"\n.include "{files.netlist.name}"\n'
        "* every input spikes in the middle of its phase; what each source drives is in the table of pins\n"
    )
    body = deck.text.partition(".include biases_example.spice\n")[2]
    return {files.models: models, files.deck: f"* one inference of {files.netlist.name}\n{includes}{body}"}


def _realisation(model: PhysicalModel | BottomUp) -> str:
    """What the currents are made by, and the bias that all dischargers get with them."""
    how = (
        f"currents as the columns were measured ({model.model.columns[0].netlist}), scale 1"
        if isinstance(model, BottomUp)
        else "currents as the bench was measured (schematic), at scale 1: the command validate-post-layout finds the scale"
    )
    return f"{how}; bias of every discharger (vdis_<layer>_<neuron>) {model.vdis_V:.6g} V"
