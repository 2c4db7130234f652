"""A transistor as every cell has it: its drawn size, and the PDK's subcircuit with that and its junctions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from PySpice.Spice.Netlist import SubCircuit

NFET = "sky130_fd_pr__nfet_01v8"
NFET_LVT = "sky130_fd_pr__nfet_01v8_lvt"
PFET = "sky130_fd_pr__pfet_01v8"
PFET_LVT = "sky130_fd_pr__pfet_01v8_lvt"
PFET_HVT = "sky130_fd_pr__pfet_01v8_hvt"
MIM = "sky130_fd_pr__cap_mim_m3_2"
MIM_MET4 = "sky130_fd_pr__cap_mim_m3_1"
"""Between metals 3 and 4; the other is between 4 and 5."""

DIFFUSION_UM = 0.29
"""Length of a contacted source or drain region: 0.055 poly to contact + 0.17 contact + 0.06 enclosure, rounded to 10 nm."""

SHARED_UM = 0.29
"""Length of a contacted region between two gates, which both share: as that of one by itself, for 0.055 um is no multiple of the 10 nm grid."""

Micrometres = Annotated[float, Field(gt=0.0, le=100.0)]


class Fet(BaseModel):
    """Drawn width and length of a transistor in um."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    w_um: Micrometres
    l_um: Micrometres


def add_fet(
    cell: SubCircuit,
    name: str,
    device: str,
    nodes: tuple[str, ...],
    size: Fet,
    units: int | None = None,
) -> None:
    """Add transistor ``name`` to ``cell``; ``nodes`` are drain, gate, source, bulk.

    Junction areas (um^2) and perimeters (um) are those of a contacted diffusion that nothing shares. ``units``: so many of this size in
    parallel, in a row in which each shares drain and source with its neighbours.
    """
    many = {}
    if units is None:
        area, perimeter = size.w_um * DIFFUSION_UM, 2 * (size.w_um + DIFFUSION_UM)
    else:
        # Half of what lies between two gates. The library multiplies nothing by `mult`; simulators do by `m`.
        area, perimeter, many = size.w_um * SHARED_UM / 2, size.w_um + SHARED_UM, {"m": units}
    area, perimeter = round(area, 6), round(perimeter, 6)
    # "M" after the "X" keeps the name the extracted devices carry.
    cell.X(
        name, device, *nodes,
        w=size.w_um, l=size.l_um, ad=area, **{"as": area}, pd=perimeter, ps=perimeter, **many,
    )  # fmt: skip
