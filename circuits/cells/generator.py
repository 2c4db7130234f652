"""What the bias generator is made by: the keys of ``[circuit.generator]``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nonideal.circuits.cells.fet import NFET, NFET_LVT, PFET, PFET_LVT, Fet, Micrometres
from nonideal.sky130_models import IllegalSize, check_size

Count = Annotated[int, Field(ge=1, le=4096)]
Trim = Annotated[int, Field(ge=0, le=6)]
Amperes = Annotated[float, Field(gt=0.0, le=1e-4)]

POLARITIES = ("n", "p")

LOW_THRESHOLD = {"cascode_n": NFET_LVT, "cascode_p": PFET_LVT, "steer": NFET_LVT, "middle": NFET_LVT}
"""Keys whose FETs are of low threshold."""


class GeneratorSizes(BaseModel):
    """Mirrors and the loop; of units, dischargers and sensing sources the sizes are the synapse's and the neuron's own.

    Everything is counted in legs: one leg carries ``reference_A / reference_legs``. ``units_n`` and ``units_p`` are the unit FETs through
    which a layer's line has its current flow, for layers that are given no others (``Generator.units``): a unit of a synapse carries
    ``line_legs / units`` legs, so fewer units are a larger full scale. ``trim_bits`` groups of ``trim_step`` units and twice, four times ...
    as many are switched into each line from outside; ``units`` counts them with all but the largest in. Their pulls are ``trim_l_um`` long:
    short ones leak through a group that is off, of a P line 3 % at 125 degrees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_A: Amperes = 500e-9
    leg_n: Fet = Fet(w_um=1.0, l_um=4.0)
    leg_p: Fet = Fet(w_um=2.0, l_um=4.0)
    cascode_n: Fet = Fet(w_um=2.0, l_um=0.5)
    cascode_p: Fet = Fet(w_um=2.0, l_um=0.5)
    reference_legs: Count = 10
    fixed_legs: Count = 6
    steered_legs: Count = 8
    common_legs: Count = 10
    line_legs: Count = 12
    units_n: Count = 60
    units_p: Count = 50
    trim_bits: Trim = 4
    trim_step: Count = 2
    trim_l_um: Micrometres = 0.5
    dischargers: Count = 10
    discharger_legs: Count = 20
    giver: Fet = Fet(w_um=0.42, l_um=0.15)
    givers_a_neuron: Annotated[float, Field(ge=0.0, le=4.0)] = 0.65
    sensing_sources: Count = 2
    sensing_legs: Count = 4
    steer: Fet = Fet(w_um=2.0, l_um=1.0)
    middle: Fet = Fet(w_um=2.0, l_um=1.0)
    middle_legs: Count = 2
    pump_legs: Count = 2
    pump_n: Fet = Fet(w_um=0.42, l_um=0.5)
    pump_p: Fet = Fet(w_um=0.42, l_um=0.5)
    start: Fet = Fet(w_um=0.42, l_um=0.5)
    control_capacitor: Fet = Fet(w_um=8.4, l_um=17.0)
    dendrite_capacitor: Fet = Fet(w_um=2.0, l_um=1.2)
    decoupling: Fet = Fet(w_um=8.4, l_um=12.0)
    line_capacitor_F: Annotated[float, Field(ge=0.0, le=1e-6)] = 1e-9
    overlap_s: Annotated[float, Field(ge=1e-9, le=1e-7)] = 10e-9

    @property
    def leg_A(self) -> float:
        """What a leg carries with the control voltage in its middle, where ``common_legs`` are as many as the reference's."""
        return self.reference_A / self.reference_legs

    def units(self, polarity: str) -> int:
        """How many unit FETs a line of a polarity (``n``, ``p``) has where its layer is given no others, the trim in its middle."""
        return self.units_n if polarity == "n" else self.units_p

    @property
    def trim_units(self) -> tuple[int, ...]:
        """Units of every trim bit, lowest first."""
        return tuple(self.trim_step << bit for bit in range(self.trim_bits))

    def trimmed_units(self, units: int, code: int | None = None) -> int:
        """Units of a line of ``units`` whose trim stands at ``code``, in the middle unless told. Raises ``ValueError`` for a code that it has not."""
        most = (1 << self.trim_bits) - 1
        code = most // 2 if code is None else code
        if not 0 <= code <= most:
            raise ValueError(
                f"trim code {code}: circuit.generator.trim_bits = {self.trim_bits} has 0 .. {most}"
            )
        return units + self.trim_step * (code - most // 2)

    def check_units(self, key: str, units: int) -> None:
        """Raises ``ValueError`` for a line of so many units that the lowest trim leaves none."""
        least = self.trimmed_units(units, 0)
        if least < 1:
            raise ValueError(
                f"{key} = {units} with trim_bits = {self.trim_bits} and trim_step = {self.trim_step} leaves "
                f"{least} units at the lowest trim: raise it, or lower trim_bits or trim_step"
            )

    def givers(self, neurons: int) -> int:
        """How many FETs give back what the dischargers of so many neurons take from V_dis as their phase begins."""
        return round(self.givers_a_neuron * neurons)

    def control_range(self) -> tuple[float, float]:
        """Least and largest common current against the reference, as the control voltage steers it."""
        return (
            self.fixed_legs / self.reference_legs,
            (self.fixed_legs + self.steered_legs) / self.reference_legs,
        )

    @model_validator(mode="after")
    def _lines_have_units(self) -> GeneratorSizes:
        for polarity in POLARITIES:
            self.check_units(f"circuit.generator.units_{polarity}", self.units(polarity))
        return self

    def illegal_sizes(self) -> list[str]:
        """A line for every size that the process does not have."""
        problems = []
        for key, value in self:
            if isinstance(value, Fet):
                try:
                    check_size(
                        LOW_THRESHOLD.get(key, PFET if key.endswith("_p") else NFET), value.w_um, value.l_um
                    )
                except IllegalSize as error:
                    problems.append(f"circuit.generator.{key}: {error}")
        return problems
