"""The mirrors: the common current from the reference, and what every line has it flow through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.cells.contract import Contract, Device, Neuron
from nonideal.circuits.cells.fet import NFET, NFET_LVT, PFET, PFET_LVT, Fet
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.port import RAILS, VDD, VSS, Port, Role, ports
from nonideal.circuits.errors import CircuitError

LEGS = ports("legs_n legs_p", Role.BIAS)
"""Gate lines inside of the generator: of legs that sink, and of legs that source, the common current."""


def leg(
    sizes: GeneratorSizes, polarity: str, path: str, role: str, drain: str, gate: str, legs: int
) -> tuple[Device, Device]:
    """Legs that sink (polarity ``n``) or source (``p``) their part: a long FET and one of low threshold above it, on the same gate.

    The difference of their thresholds keeps the drain of the long one where it is, whatever the leg's own drain does.
    """
    inner = f"{path.lower()}_x"
    if polarity == "n":
        model, low, rail, size, above = NFET, NFET_LVT, "vss", sizes.leg_n, sizes.cascode_n
    else:
        model, low, rail, size, above = PFET, PFET_LVT, "vdd", sizes.leg_p, sizes.cascode_p
    return (
        Device(role, f"M{path}", model, (inner, gate, rail, rail), size, f"leg_{polarity}", legs),
        Device(f"{role}_cascode", f"M{path}C", low, (drain, gate, inner, rail), above, f"cascode_{polarity}", legs),
    )  # fmt: skip


def reference(sizes: GeneratorSizes) -> Contract:
    """Cell ``reference``: the common current, a fixed part of the reference and one that ``control`` against ``middle`` steers."""
    return Contract(
        "reference",
        (Port("iref", Role.REFERENCE), *ports("control middle", Role.BIAS), *LEGS, *RAILS),
        (
            *leg(sizes, "n", "REF", "reference", "iref", "iref", sizes.reference_legs),
            *leg(sizes, "n", "FIX", "fixed", "legs_p", "iref", sizes.fixed_legs),
            *leg(sizes, "n", "TAIL", "tail", "tail", "iref", sizes.steered_legs),
            Device("steer_in", "MIN", NFET_LVT, ("legs_p", "control", "tail", "vss"), sizes.steer, "steer"),
            Device("steer_out", "MOUT", NFET_LVT, ("vdd", "middle", "tail", "vss"), sizes.steer, "steer"),
            *leg(sizes, "p", "CP", "common_p", "legs_p", "legs_p", sizes.common_legs),
            *leg(sizes, "p", "COPY", "copy", "legs_n", "legs_p", sizes.common_legs),
            *leg(sizes, "n", "CN", "common_n", "legs_n", "legs_n", sizes.common_legs),
            *leg(sizes, "p", "MID", "middle_source", "middle", "legs_p", sizes.middle_legs),
            Device("middle_upper", "MMU", NFET_LVT, ("middle", "middle", "half", "vss"), sizes.middle, "middle"),
            Device("middle_lower", "MML", NFET_LVT, ("half", "half", "vss", "vss"), sizes.middle, "middle"),
            Device("decoupling", "MDEC", NFET, ("vss", "middle", "vss", "vss"), sizes.decoupling),
        ),
    )  # fmt: skip


def phase_nets(depth: int) -> tuple[str, ...]:
    """The phases of all layers, as the network calls them."""
    return tuple(f"phase_{layer}" for layer in range(1, depth + 1))


def firing_bias(sizes: GeneratorSizes, neuron: Neuron, neurons: Sequence[int]) -> Contract:
    """Cell ``firing_bias``: V_dis from dischargers as the neurons have them, V_sense from the source of their sensing stage.

    Where a phase begins, every discharger of a layer takes charge from V_dis at once, for its source falls. FETs that the phase turns on give it
    back: two for three neurons of a layer (``neurons``), one for the replica.
    """
    discharge, enable, source = (
        neuron.device(role).size for role in ("discharge", "discharge_enable", "sense_bias")
    )
    many, sources = sizes.dischargers, sizes.sensing_sources
    phases = ("ramp", *phase_nets(len(neurons)))
    givers = [
        Device(
            f"giver_{phase}",
            f"MG{index}",
            NFET,
            ("vdis", phase, "vdis", "vss"),
            sizes.giver,
            "giver",
            sizes.givers(count),
        )
        for index, (phase, count) in enumerate(zip(phases, (1, *neurons), strict=True))
        if sizes.givers(count)
    ]
    here = [
        port
        for port in ports(" ".join(phases), Role.CONTROL)
        if any(port.name in giver.nodes for giver in givers)
    ]
    return Contract(
        "firing_bias",
        (*LEGS, *here, *ports("vdis vsense", Role.BIAS), *RAILS),
        (
            *leg(sizes, "p", "DS", "discharger_source", "vdis", "legs_p", sizes.discharger_legs),
            Device("discharge", "MDI", NFET, ("vdis", "vdis", "dx", "vss"), discharge, units=many),
            Device("discharge_enable", "MDE", NFET, ("dx", "vdd", "vss", "vss"), enable, units=many),
            *givers,
            *leg(sizes, "n", "SS", "sensing_sink", "vsense", "legs_n", sizes.sensing_legs),
            Device("sense_bias", "MSB", PFET, ("vsense", "vsense", "vdd", "vdd"), source, units=sources),
            # Of low threshold, since V_dis barely turns an ordinary one on.
            Device("decoupling_dis", "MDD", NFET_LVT, ("vss", "vdis", "vss", "vss"), sizes.decoupling, "decoupling"),
            Device("decoupling_sense", "MDV", PFET, ("vdd", "vsense", "vdd", "vdd"), sizes.decoupling, "decoupling"),
        ),
    )  # fmt: skip


def line_cell(polarity: str, layer: int) -> str:
    """The name of the cell of a line."""
    return f"bias_line_{polarity}_{layer}"


def trim_ports(sizes: GeneratorSizes, polarity: str) -> tuple[str, ...]:
    """The trim bits of a line, lowest first; high means smaller units, of a P line's complements low does."""
    name = "trim" if polarity == "n" else "trim_b"
    return tuple(f"{name}_{bit}" for bit in range(sizes.trim_bits))


@dataclass(frozen=True, slots=True)
class Bank:
    """The units of a synapse of one polarity: what they are, and what pulls the source of ``units`` of them."""

    polarity: str
    unit: Device
    pull: Device
    units: int

    @classmethod
    def of(cls, synapse: Contract, polarity: str) -> Bank:
        """Of a synapse. Raises ``CircuitError`` for one whose weights are no units, by the roles of its devices."""
        units = [device for device in synapse.devices if device.role == f"unit_{polarity}"]
        pulls = [device for device in synapse.devices if device.role == f"pull_{polarity}"]
        if not units or len(pulls) != 1:
            raise CircuitError(
                f"cell {synapse.cell}: it has no units for the bias generator to replicate (devices unit_{polarity}, pull_{polarity}); "
                'synapses of circuit.synapse.kind = "coded" have'
            )
        return cls(polarity, units[0], pulls[0], sum(device.units or 1 for device in units))

    @property
    def rail(self) -> str:
        """What the source is pulled to."""
        return VSS if self.polarity == "n" else VDD

    @property
    def on(self) -> str:
        """What the gate of the pull is on while the units conduct."""
        return VDD if self.polarity == "n" else VSS


def line(sizes: GeneratorSizes, bank: Bank, layer: int, units: int) -> Contract:
    """Cell ``bias_line_<polarity>_<layer>``: ``units`` unit FETs as the synapses have them, in a diode that the layer's line is the gate of.

    Every group has a source of its own, as in a synapse, which a trim bit turns off. The drains of P units stand above their gates by what a
    FET of low threshold takes, so that the voltage across them does not follow their threshold over temperature; it is the units' own
    output conductance that would make a ratio of it.
    """
    polarity = bank.polarity
    drain = "line" if polarity == "n" else "drain"
    legs, gate = ("p", "legs_p") if polarity == "n" else ("n", "legs_n")
    groups = [(sizes.trimmed_units(units, 0), bank.on, "fixed")]
    groups += [
        (many, port, f"trim_{bit}")
        for bit, (many, port) in enumerate(zip(sizes.trim_units, trim_ports(sizes, polarity), strict=True))
    ]
    parts = list(leg(sizes, legs, "LEG", "leg", "line", gate, sizes.line_legs))
    if polarity == "p":
        parts.append(
            Device(
                "drain_cascode",
                "MUC",
                PFET_LVT,
                ("line", "line", drain, VDD),
                sizes.cascode_p,
                "cascode_p",
                sizes.line_legs,
            )
        )
    for index, (many, turned_on, role) in enumerate(groups):
        inner, pulls = f"s{index}", -(-many // bank.units)
        unit, pull = bank.unit, bank.pull
        length_um = max(pull.size.l_um, sizes.trim_l_um if index else 0.0)
        size = Fet(w_um=pull.size.w_um, l_um=length_um)
        parts += [
            Device(f"unit_{role}", f"MU{index}", unit.model, (drain, "line", inner, bank.rail), unit.size, unit.role, many),
            Device(f"pull_{role}", f"MS{index}", pull.model, (inner, turned_on, bank.rail, bank.rail), size, pull.role, pulls),
        ]  # fmt: skip
    return Contract(
        line_cell(polarity, layer),
        (
            Port(gate, Role.BIAS),
            Port("line", Role.BIAS),
            *ports(" ".join(trim_ports(sizes, polarity)), Role.SETTING),
            *RAILS,
        ),
        tuple(parts),
    )
