"""The transistors that layouts here can have: each by the gate that marks it, and what lies beside and below that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mos:
    """A transistor of the PDK. ``gate``, ``source_drain`` and ``bulk`` are derived layers of ``connectivity``."""

    model: str
    gate: str
    source_drain: str
    bulk: str


MOS = (
    Mos("sky130_fd_pr__nfet_01v8", "ngate", "nsd", "sub"),
    Mos("sky130_fd_pr__special_nfet_01v8", "ngate_special", "nsd", "sub"),
    Mos("sky130_fd_pr__nfet_01v8_lvt", "ngate_lvt", "nsd", "sub"),
    Mos("sky130_fd_pr__pfet_01v8", "pgate", "psd", "nwell"),
    Mos("sky130_fd_pr__pfet_01v8_lvt", "pgate_lvt", "psd", "nwell"),
    Mos("sky130_fd_pr__pfet_01v8_hvt", "pgate_hvt", "psd", "nwell"),
)
IN_SUBSTRATE = frozenset(one.model for one in MOS if one.bulk == "sub")
SPECIAL_BELOW_UM = 0.42
"""An NMOS of standard cells that is narrower than others may be is the PDK's special_nfet_01v8: the same masks, a name of its own."""
FETS = tuple(one.model for one in MOS)
MIMS = {
    "sky130_fd_pr__cap_mim_m3_1": "sky130_fd_pr__model__cap_mim",
    "sky130_fd_pr__cap_mim_m3_2": "sky130_fd_pr__model__cap_mim_m4",
}
"""Capacitors of the PDK and what LVS calls them."""
