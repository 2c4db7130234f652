"""Supplies that are off from what the circuit was designed and written for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

NAMES = {"vdd_V": "V_dd", "v0_V": "V_0", "vsense_V": "V_sense"}
"""Supply -> its name for people."""


@dataclass(frozen=True, slots=True)
class SupplyOffsets:
    """By how much each supply is off, V; the others are as designed: none follows another."""

    vdd_V: float = 0.0
    v0_V: float = 0.0
    vsense_V: float = 0.0

    @property
    def given(self) -> dict[str, float]:
        """Those that are not 0."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def name(self) -> str:
        """For files, to be appended: ``_vdd-180mV``, nothing where nothing is off."""
        return "".join(f"_{name.removesuffix('_V')}{1e3 * by:+g}mV" for name, by in self.given.items())

    @property
    def label(self) -> str:
        """For people, to be appended: ``, V_dd -180 mV``."""
        return "".join(f", {NAMES[name]} {1e3 * by:+g} mV" for name, by in self.given.items())


AS_DESIGNED = SupplyOffsets()
