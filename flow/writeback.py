"""Write-back: a trained checkpoint as a SPICE network and the table of its biases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from characterize.model import PhysicalModel
from characterize.physics import BottomUp
from files import sha256_of, write_csv, write_text
from flow.belonging import check_model
from flow.experiment import Experiment
from flow.stage import Done, Work

BY_HAND = """\
*
* Devices are plain sky130, sizes in um. A deck includes one device library before this file, either
*   .lib <path of sky130.lib.spice> {corner}   the whole one (`nonideal doctor` says where it lies), or
*   .include models.spice   the few models that are needed, from the folder of decks below.
* There are cells here, `network` and `biases` (currents at scale 1), and no sources. The command validate-post-layout
* leaves a deck for every sample in validation/decks, with all that it includes. In that folder, by hand:
*   ngspice -b -r out.raw <mapping>_0000.cir
* To run this file instead: copy the deck, put this file for network.spice, drop the line that includes biases_<mapping>.spice.
*
"""
"""What stands at the top of a netlist: what it needs, and how it is run without this program."""


def write_netlists(work: Work) -> Done:
    """The netlist and the table of every mapping, in a folder of its own."""
    outputs: list[Path] = []
    summary: dict[str, Any] = {}
    for name in work.experiment.validation.mappings:
        folder = work.folder / name
        paths = (folder / "network.spice", folder / "mapping.csv")
        summary[name] = write_netlist(
            work.rundir.weights(name),
            work.rundir.model,
            work.experiment,
            *paths,
            clip=work.experiment.netlist.clip or bool(work.options.get("clip")),
        )
        outputs += paths
    return Done(tuple(outputs), {"mappings": summary})


def write_netlist(
    weights: Path, model_path: Path, experiment: Experiment, netlist: Path, table: Path, *, clip: bool
) -> dict[str, Any]:
    """Any trained weights -> network as SPICE and table of the mapping; read back before it is written.

    Weights that were trained on columns (``bottom_up``) are realised as the columns were measured, others as the bench was.
    """
    import numpy as np

    from circuits.errors import MappingError
    from circuits.mapping import bias_sources, map_weights, read_biases
    from circuits.network import schematic
    from pnn.checkpoint import load_dense

    network = load_dense(weights)
    matrices = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    model = PhysicalModel.load(model_path)
    unknown = check_model(model, model_path, experiment)
    realised = BottomUp(model) if network.physics else model
    mapping = map_weights(matrices, realised, clip=clip)
    head = (
        f"* network {'-'.join(map(str, mapping.topology.layers))} of experiment {experiment.name}, "
        f"corner {model.corner}\n"
        f"* weights {sha256_of(weights)}\n* model {sha256_of(model_path)}\n* {_realisation(realised)}\n"
        + BY_HAND.format(corner=model.corner)
    )
    text = head + schematic(mapping.topology, experiment.circuit) + "\n" + bias_sources(mapping, realised)
    for layer, (back, meant) in enumerate(
        zip(read_biases(text, realised), mapping.weights(), strict=True), start=1
    ):
        if not np.allclose(back, meant, rtol=1e-6, atol=1e-9):
            worst = float(np.max(np.abs(back - meant)))
            raise MappingError(
                f"layer {layer}: the netlist reads back with weights off by up to {worst:.3g}; "
                "nothing was written"
            )
    write_text(netlist, text)
    write_csv(table, mapping.table)
    return {
        "realised": _realisation(realised),
        "vdis_V": realised.vdis_V,
        "layers": list(mapping.topology.layers),
        "synapses": len(mapping.table),
        "clipped": mapping.clipped,
        "off": mapping.off,
        "largest_current_A": float(mapping.table["current_A"].max()),
        "circuit_unknown": unknown,
    }


def _realisation(model: PhysicalModel | BottomUp) -> str:
    """What the currents are made by, and the bias that all dischargers get with them."""
    how = (
        f"currents as the columns were measured ({model.model.columns[0].netlist}), scale 1"
        if isinstance(model, BottomUp)
        else "currents as the bench was measured (schematic), at scale 1: the command validate-post-layout finds the scale"
    )
    return f"{how}; bias of every discharger (vdis_<layer>_<neuron>) {model.vdis_V:.6g} V"
