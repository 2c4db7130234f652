"""A transistor as every cell draws it: the PDK's subcircuit with drawn size and junction geometry."""

from __future__ import annotations

from PySpice.Spice.Netlist import SubCircuit

from nonideal.circuits.design import Design, Fet
from nonideal.sky130_models import IllegalSize, check_size

NFET = "sky130_fd_pr__nfet_01v8"
NFET_LVT = "sky130_fd_pr__nfet_01v8_lvt"
PFET = "sky130_fd_pr__pfet_01v8"
PFET_HVT = "sky130_fd_pr__pfet_01v8_hvt"
MIM = "sky130_fd_pr__cap_mim_m3_2"

DIFFUSION_UM = 0.29
"""Length of a contacted source or drain region: 0.055 poly to contact + 0.17 contact + 0.06 enclosure, rounded to 10 nm."""


def add_fet(cell: SubCircuit, name: str, device: str, nodes: tuple[str, str, str, str], size: Fet) -> None:
    """Add transistor ``name`` to ``cell``; ``nodes`` are drain, gate, source, bulk.

    Junction areas (um^2) and perimeters (um) are those of a contacted diffusion that nothing shares.
    """
    area = round(size.w_um * DIFFUSION_UM, 6)
    perimeter = round(2 * (size.w_um + DIFFUSION_UM), 6)
    # "M" after the "X" keeps the name the extracted devices carry.
    cell.X(
        name, device, *nodes, w=size.w_um, l=size.l_um, ad=area, **{"as": area}, pd=perimeter, ps=perimeter
    )


SPECIAL = {("neuron", "sense_n"): NFET_LVT, ("neuron", "sense_p"): PFET_HVT}
PLAIN_P = {("neuron", "sense_bias")}


def device_of(cell: str, key: str) -> str:
    """The PDK device of a transistor of the design: ``device_of("synapse", "memory_n")``."""
    plain = PFET if key.endswith("_p") or (cell, key) in PLAIN_P else NFET
    return SPECIAL.get((cell, key), plain)


def illegal_sizes(design: Design) -> list[str]:
    """A line for every size of the design that the process does not have; cells of the user's own carry their own sizes."""
    problems = []
    for cell in ("synapse", "driver", "neuron"):
        if cell in design.cells:
            continue
        sizes = getattr(design, cell)
        drawn = {
            key: (device_of(cell, key), fet.w_um, fet.l_um) for key, fet in sizes if isinstance(fet, Fet)
        }
        if cell == "neuron":
            drawn["mim_w_um x mim_l_um"] = (MIM, sizes.mim_w_um, sizes.mim_l_um)
        for key, size in drawn.items():
            try:
                check_size(*size)
            except IllegalSize as error:
                problems.append(f"circuit.{cell}.{key}: {error}")
    return problems
