"""The loop: a replica neuron, and the pump that steers the common current until it fires exactly as its phase ends.

The replica ramps once every inference, in the firing phase of the first layer, and is let run on after that phase's end. From its spike
until shortly after the end the control voltage is pumped down, from shortly before the end until its spike up: what is left over is
proportional to the error. The overlap keeps both pulses longer than the gates are slow, or errors of a few nanoseconds would pump nothing.
"""

from __future__ import annotations

from nonideal.circuits.cells.contract import Call, Contract, Device, Neuron
from nonideal.circuits.cells.driver import driver_call
from nonideal.circuits.cells.fet import NFET, PFET
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.port import RAILS, Role, ports
from nonideal.circuits.generator.mirrors import LEGS, leg

RAMP, EARLY, LATE, START = "ramp", "early", "late", "start"
"""The control lines that only the loop has: the replica's own phase, until when a spike pumps down, from when none pumps up, reset of the loop."""


def pump(sizes: GeneratorSizes) -> Contract:
    """Cell ``charge_pump``: a leg either way, always on, led to ``control`` while ``up`` or ``down`` is high and to ``middle`` else.

    ``start`` leads ``control`` to ``middle``.
    """
    n, p, legs = sizes.pump_n, sizes.pump_p, sizes.pump_legs
    return Contract(
        "charge_pump",
        (
            *ports("up up_b down down_b start", Role.CONTROL),
            *ports("control middle", Role.BIAS),
            *LEGS,
            *RAILS,
        ),
        (
            *leg(sizes, "p", "PS", "source", "above", "legs_p", legs),
            Device("up", "MPU", PFET, ("control", "up_b", "above", "vdd"), p, "pump_p"),
            Device("up_idle", "MPI", PFET, ("middle", "up", "above", "vdd"), p, "pump_p"),
            *leg(sizes, "n", "NS", "sink", "below", "legs_n", legs),
            Device("down", "MND", NFET, ("control", "down", "below", "vss"), n, "pump_n"),
            Device("down_idle", "MNI", NFET, ("middle", "down_b", "below", "vss"), n, "pump_n"),
            Device("start", "MST", NFET, ("control", "start", "middle", "vss"), sizes.start, "start"),
            Device(
                "control_capacitor", "MCC", NFET, ("vss", "control", "vss", "vss"), sizes.control_capacitor
            ),
        ),
    )


def loop(sizes: GeneratorSizes, neuron: Neuron) -> Contract:
    """Cell ``phase_loop``: replica, detector and pump. It calls the cells neuron, driver and charge_pump."""
    bound = {
        Role.DENDRITE: "dendrite", Role.SPIKE: "spike", Role.SPIKE_B: "spike_b", Role.RESET_LEVEL: "v0", Role.TRIM: "vdis",
        Role.SENSE: "vsense", "phase": RAMP,
    }  # fmt: skip
    lines = [port.name for port in neuron.having(Role.CONTROL) if port.name != "phase"]
    return Contract(
        "phase_loop",
        (
            *ports(" ".join([*lines, RAMP, EARLY, LATE, START]), Role.CONTROL),
            *neuron.having(Role.RESET_LEVEL),
            *ports("vdis vsense control middle", Role.BIAS),
            *LEGS,
            *RAILS,
        ),
        (
            Call("replica", neuron.cell, neuron.nets(bound)),
            # As a column loads it, so that isolation throws the same charge.
            Device("dendrite_capacitor", "MDC", NFET, ("vss", "dendrite", "vss", "vss"), sizes.dendrite_capacitor),
            _gate("down", EARLY, "spike", "down", "down_b"),
            _gate("open", LATE, RAMP, "open", "open_b"),
            _gate("up", "spike_b", "open", "up", "up_b"),
            Call(
                "pump",
                "charge_pump",
                ("up", "up_b", "down", "down_b", START, "control", "middle", "legs_n", "legs_p", "vdd", "vss"),
            ),
        ),
        {"spike": "spike", "down": "down", "up": "up"},
    )  # fmt: skip


def _gate(path: str, a: str, b: str, out: str, out_b: str) -> Call:
    """out = a and b, by the cell that drives axons."""
    made = driver_call(a, b, out, out_b)
    return Call(path, made.cell, made.nodes)
