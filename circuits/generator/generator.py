"""The generator of a network: all its cells, and the cell ``generator`` that a network's lines come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nonideal.circuits.cells.contract import Call, Contract, Neuron, Synapse
from nonideal.circuits.cells.generator import POLARITIES, GeneratorSizes
from nonideal.circuits.cells.port import RAILS, VDD, VSS, Port, Role, ports
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.loop import RAMP, loop, pump
from nonideal.circuits.generator.mirrors import Bank, firing_bias, line, line_cell, reference


def line_net(polarity: str, layer: int) -> str:
    """The gate line of all units of a polarity of a layer (from 1), as the network calls it."""
    return f"gate_{polarity}_{layer}"


def trim_nets(sizes: GeneratorSizes, polarity: str, layer: int) -> tuple[str, ...]:
    """The trim bits of a line, lowest first: ``trim_n_<layer>_<bit>``, ``trim_p_b_<layer>_<bit>``."""
    name = "trim_n" if polarity == "n" else "trim_p_b"
    return tuple(f"{name}_{layer}_{bit}" for bit in range(sizes.trim_bits))


@dataclass(frozen=True, slots=True)
class Generator:
    """The generator of a network whose layers have so many ``neurons``, of ``neuron`` and ``synapse``.

    ``given_units`` by (polarity, layer): the unit FETs of lines whose full scale is not that of the sizes; see ``units_for``.

    Raises ``CircuitError`` for units that no line can have, and for what it cannot make replicas of: a neuron without the devices
    ``discharge``, ``discharge_enable`` and ``sense_bias``, a synapse without units.
    """

    sizes: GeneratorSizes
    neuron: Neuron
    synapse: Synapse
    neurons: tuple[int, ...]
    given_units: Mapping[tuple[str, int], int] = field(default_factory=dict)
    contract: Contract = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.neurons or min(self.neurons) < 1:
            raise CircuitError(
                f"a generator for layers of {list(self.neurons)} neurons: a network has at least one of at least one"
            )
        if strange := [one for one in self.given_units if one not in self.lines]:
            raise CircuitError(
                f"units are given for lines {strange}; a generator of {self.depth} layers has {list(self.lines)}"
            )
        for (polarity, layer), units in self.given_units.items():
            try:
                self.sizes.check_units(f"units of line {polarity} of layer {layer}", units)
            except ValueError as error:
                raise CircuitError(str(error)) from error
        object.__setattr__(self, "contract", self._contract())

    @property
    def depth(self) -> int:
        """How many layers the network has."""
        return len(self.neurons)

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        """(polarity, layer) of every line, in order."""
        return tuple((polarity, layer) for layer in range(1, self.depth + 1) for polarity in POLARITIES)

    def units(self, polarity: str, layer: int) -> int:
        """The unit FETs of a line, the trim in its middle."""
        return self.given_units.get((polarity, layer), self.sizes.units(polarity))

    def unit_legs(self, polarity: str, layer: int, code: int | None = None) -> float:
        """The current of a unit in legs, as it is drawn. Raises ``ValueError`` for a trim code that the line has not."""
        return self.sizes.line_legs / self.sizes.trimmed_units(self.units(polarity, layer), code)

    def units_for(self, polarity: str, factor: float) -> int:
        """The units of a line whose full scale is to be ``factor`` times that of the sizes, to the nearest that can be drawn.

        Raises ``CircuitError`` where a line of so few units cannot be trimmed.
        """
        units = round(self.sizes.units(polarity) / factor)
        try:
            self.sizes.check_units(f"units of a line {polarity} of {factor:g} times the full scale", units)
        except ValueError as error:
            raise CircuitError(str(error)) from error
        return units

    @property
    def cells(self) -> tuple[Contract, ...]:
        """All its cells, called ones first; cells neuron and driver, which the loop calls too, are the network's."""
        banks = {polarity: Bank.of(self.synapse, polarity) for polarity in POLARITIES}
        lines = (line(self.sizes, banks[one[0]], one[1], self.units(*one)) for one in self.lines)
        loops = (pump(self.sizes), loop(self.sizes, self.neuron))
        return (
            reference(self.sizes),
            firing_bias(self.sizes, self.neuron, self.neurons),
            *lines,
            *loops,
            self.contract,
        )

    @classmethod
    def of(
        cls,
        sizes: GeneratorSizes,
        design: Design,
        layers: Sequence[int],
        given_units: Mapping[tuple[str, int], int] | None = None,
    ) -> Generator:
        """The generator of a network of a design's cells, of these layers (inputs first); ``given_units`` as the class has them."""
        contracts = design.contracts
        return cls(sizes, contracts.neuron, contracts.synapse, tuple(layers[1:]), given_units or {})

    def text(self) -> str:
        """All its cells as SPICE."""
        return "\n".join(one.text() for one in self.cells)

    def trim_levels(self, codes: Mapping[tuple[str, int], int] | None = None) -> dict[str, str]:
        """The rail that every trim bit is on. ``codes`` by (polarity, layer), in the middle unless given.

        Raises ``ValueError`` for a code that a line has not.
        """
        levels = {}
        for polarity, layer in self.lines:
            code = (codes or {}).get((polarity, layer))
            units = self.units(polarity, layer)
            more = self.sizes.trimmed_units(units, code) - self.sizes.trimmed_units(units, 0)
            code = more // self.sizes.trim_step
            for bit, net in enumerate(trim_nets(self.sizes, polarity, layer)):
                levels[net] = VDD if bool(code >> bit & 1) == (polarity == "n") else VSS
        return levels

    def _contract(self) -> Contract:
        inner = loop(self.sizes, self.neuron)
        trims = [net for one in self.lines for net in trim_nets(self.sizes, *one)]
        outs = [line_net(*one) for one in self.lines]
        firing = firing_bias(self.sizes, self.neuron, self.neurons)
        phases = tuple(port.name for port in firing.having(Role.CONTROL) if port.name != RAMP)
        calls = [
            Call("reference", "reference", ("iref", "control", "middle", "legs_n", "legs_p", VDD, VSS)),
            Call("firing", firing.cell, firing.names),
            Call("loop", inner.cell, inner.names),
        ]
        for one in self.lines:
            gate = "legs_p" if one[0] == "n" else "legs_n"
            nodes = (gate, line_net(*one), *trim_nets(self.sizes, *one), VDD, VSS)
            calls.append(Call(line_cell(*one), line_cell(*one), nodes))
        return Contract(
            "generator",
            (
                Port("iref", Role.REFERENCE),
                *inner.having(Role.RESET_LEVEL),
                *inner.having(Role.CONTROL),
                *ports(" ".join(phases), Role.CONTROL),
                *ports(" ".join(trims), Role.SETTING),
                *ports(" ".join(["vdis", "vsense", *outs]), Role.BIAS),
                *RAILS,
            ),
            tuple(calls),
            {"control": "control", "middle": "middle", "legs_n": "legs_n", "legs_p": "legs_p"},
        )
