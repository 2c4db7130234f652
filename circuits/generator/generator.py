"""The generator of a network: all its cells, and the cell ``generator`` that a network's lines come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nonideal.circuits.cells.contract import Call, Contract, Neuron, Synapse
from nonideal.circuits.cells.port import RAILS, VDD, VSS, Port, Role, ports
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.loop import loop, pump
from nonideal.circuits.generator.mirrors import Bank, firing_bias, line, line_cell, reference
from nonideal.circuits.generator.sizes import POLARITIES, GeneratorSizes


def line_net(polarity: str, layer: int) -> str:
    """The gate line of all units of a polarity of a layer (from 1), as the network calls it."""
    return f"gate_{polarity}_{layer}"


def trim_nets(sizes: GeneratorSizes, polarity: str, layer: int) -> tuple[str, ...]:
    """The trim bits of a line, lowest first: ``trim_n_<layer>_<bit>``, ``trim_p_b_<layer>_<bit>``."""
    name = "trim_n" if polarity == "n" else "trim_p_b"
    return tuple(f"{name}_{layer}_{bit}" for bit in range(sizes.trim_bits))


@dataclass(frozen=True, slots=True)
class Generator:
    """The generator of a network of ``depth`` layers of ``neuron`` and ``synapse``.

    Raises ``CircuitError`` for those that it cannot make replicas of: a neuron without the devices ``discharge``, ``discharge_enable`` and
    ``sense_bias``, a synapse without units.
    """

    sizes: GeneratorSizes
    neuron: Neuron
    synapse: Synapse
    depth: int
    contract: Contract = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise CircuitError(f"a generator of {self.depth} layers: a network has at least one")
        object.__setattr__(self, "contract", self._contract())

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        """(polarity, layer) of every line, in order."""
        return tuple((polarity, layer) for layer in range(1, self.depth + 1) for polarity in POLARITIES)

    @property
    def cells(self) -> tuple[Contract, ...]:
        """All its cells, called ones first; cells neuron and driver, which the loop calls too, are the network's."""
        banks = {polarity: Bank.of(self.synapse, polarity) for polarity in POLARITIES}
        lines = (line(self.sizes, banks[polarity], layer) for polarity, layer in self.lines)
        loops = (pump(self.sizes), loop(self.sizes, self.neuron))
        return (reference(self.sizes), firing_bias(self.sizes, self.neuron), *lines, *loops, self.contract)

    @classmethod
    def of(cls, sizes: GeneratorSizes, design: Design, depth: int) -> Generator:
        """The generator of a network of a design's cells."""
        return cls(sizes, design.contracts.neuron, design.contracts.synapse, depth)

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
            units = self.sizes.trimmed_units(polarity, layer, code)
            code = (units - self.sizes.trimmed_units(polarity, layer, 0)) // self.sizes.trim_step
            for bit, net in enumerate(trim_nets(self.sizes, polarity, layer)):
                levels[net] = VDD if bool(code >> bit & 1) == (polarity == "n") else VSS
        return levels

    def _contract(self) -> Contract:
        inner = loop(self.sizes, self.neuron)
        trims = [net for one in self.lines for net in trim_nets(self.sizes, *one)]
        outs = [line_net(*one) for one in self.lines]
        calls = [
            Call("reference", "reference", ("iref", "control", "middle", "legs_n", "legs_p", VDD, VSS)),
            Call("firing", "firing_bias", ("legs_n", "legs_p", "vdis", "vsense", VDD, VSS)),
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
                *ports(" ".join(trims), Role.SETTING),
                *ports(" ".join(["vdis", "vsense", *outs]), Role.BIAS),
                *RAILS,
            ),
            tuple(calls),
            {"control": "control", "middle": "middle", "legs_n": "legs_n", "legs_p": "legs_p"},
        )
