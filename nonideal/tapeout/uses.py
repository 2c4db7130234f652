"""What the pins of a network's tile are for: the digital side's, and the analog pins of its generator."""

from __future__ import annotations

from nonideal.circuits.digital.control import (
    DONE,
    GO,
    PINS,
    REGISTER_OUT,
    SERIAL_CLOCK,
    SERIAL_DATA,
    TIMES,
    Control,
)
from nonideal.circuits.generator.generator import Generator, line_net
from nonideal.tapeout.pins import PAD_ESD, Use

RESET_LEVEL = "v0"
REFERENCE = "iref"


def digital_uses(control: Control) -> dict[str, Use]:
    """By pin; the control calls its ports as the tile calls its pins."""
    told = {
        "clk": "clock: the phases are counted in its periods",
        "rst_n": "reset, low: idle, the configuration as it was drawn",
        "ena": "the design is chosen",
    }
    outputs = control.layers[-1]
    told |= {
        pin: f"spike of input {j}: a rise, held until the phase ends"
        for j, pin in enumerate(control.input_pins)
    }
    told[f"ui_in[{SERIAL_DATA}]"] = "serial data: configuration, highest bit last"
    told[f"ui_in[{SERIAL_CLOCK}]"] = (
        "serial clock: a rise moves the configuration while go is low, the times while it is high"
    )
    told[f"ui_in[{GO}]"] = "go: a rise begins one inference"
    told |= {f"uo_out[{k}]": f"spike of output {k}, as it happens" for k in range(outputs)}
    told[f"uo_out[{TIMES}]"] = "times of the outputs' spikes, serial, the last output's first"
    told[f"uo_out[{DONE}]"] = "the inference is done and its times can be read"
    told[f"uo_out[{REGISTER_OUT}]"] = "serial out of the configuration"
    told |= {f"uio_in[{k}]": f"direct: {line}" for k, line in enumerate(control.direct_pins)}
    told |= {pin: f"spike of hidden neuron {k}, as it happens" for k, pin in enumerate(control.hidden_pins)}
    if control.on_both:
        return {pin: Use(pin, text) for pin, text in told.items()}
    told |= {
        "uio_out[5]": "busy",
        "uio_out[6]": "phase of layer 1",
        "uio_out[7]": f"phase of layer {control.depth}",
    }
    told |= {f"uio_oe[{k}]": "high unless direct" for k in range(PINS)}
    return {pin: Use(pin, text) for pin, text in told.items()}


def analog_uses(generator: Generator) -> dict[str, Use]:
    """``ua[0]`` on: the reference current, the reset level, and every gate line."""
    nets = {
        REFERENCE: (
            f"reference current into the chip, {generator.sizes.reference_A * 1e6:g} uA",
            "gate and drain of NMOS in a diode",
        ),
        RESET_LEVEL: ("reset level of the membranes", "sources of the reset switches"),
    }
    for polarity, layer in generator.lines:
        rail = "ground" if polarity == "n" else "the supply"
        farad = generator.sizes.line_capacitor_F
        nets[line_net(polarity, layer)] = (
            f"gate line of {polarity.upper()} units of layer {layer}: {farad * 1e9:g} nF to {rail}",
            "gates of units, and drains of those in a diode",
        )
    return {
        f"ua[{k}]": Use(net, text, f"{PAD_ESD}; it ends on {ends}")
        for k, (net, (text, ends)) in enumerate(nets.items())
    }
