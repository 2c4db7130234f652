"""The control as Verilog: one module that ties the parts together."""

from __future__ import annotations

from nonideal.circuits.digital.control import (
    DIRECT,
    DONE,
    GO,
    PARTS,
    PINS,
    REGISTER_OUT,
    SERIAL_CLOCK,
    SERIAL_DATA,
    TAPS,
    TIMES,
    WITH_COMPLEMENT,
    Control,
    part_text,
)
from nonideal.circuits.generator.loop import LATE

TOP = "control"
SHUTTLE_IN = ("clk", "rst_n", "ena", "ui_in", "uio_in")
SHUTTLE_OUT = ("uo_out", "uio_out", "uio_oe")
SINGLE = ("clk", "rst_n", "ena")


def shuttle_out(control: Control) -> tuple[str, ...]:
    """The tile's outputs that the control drives: where inputs take uio_in, uio_out and uio_oe stay at ground."""
    return SHUTTLE_OUT[:1] if control.on_both else SHUTTLE_OUT


def verilog(control: Control) -> str:
    """The module ``control`` and all it is made of, as one file for synthesis or simulation (without ``line_driver``)."""
    return "\n".join([*(part_text(name) for name in PARTS), top(control)])


def top(control: Control) -> str:
    """The module ``control``."""
    parts = [
        _ports(control),
        _serial_port(control),
        _sequencer(control),
        _lines(control),
        _read_out(control),
        _pins(control),
    ]
    return "\n".join([*parts, "endmodule"]) + "\n"


def _ports(control: Control) -> str:
    ports = [f"input wire {_wide(name)}{name}" for name in SHUTTLE_IN]
    ports += [f"output wire {_wide(name)}{name}" for name in shuttle_out(control)]
    ports += [f"output wire {name}" for name in control.outputs]
    ports += [f"input wire {name}" for name in control.spikes]
    listed = ",\n    ".join(ports)
    return f"module {TOP} (\n    {listed}\n);"


def _wide(name: str) -> str:
    return "" if name in SINGLE else f"[{PINS - 1}:0] "


def _serial_port(control: Control) -> str:
    names = list(control.register)
    bits = len(names)
    reset = "".join(str(int(control.register[name])) for name in reversed(names))
    taken = "\n".join(
        f"    {'wire ' if name == DIRECT else 'assign '}{name} = register[{index}];"
        for index, name in enumerate(names)
    )
    return f"""
    // The reset of the shuttle: at once when it begins, at a clock when it ends.
    reg [1:0] awake;
    always @(posedge clk or negedge rst_n)
        if (!rst_n) awake <= 2'b00;
        else awake <= {{awake[0], ena}};
    wire reset_n = awake[1];

    // The serial port: a rise of its clock moves the configuration while `go` is low, the times of spikes while it is high.
    wire go, went, shift, unused_level;
    rise of_go (.clk(clk), .reset_n(reset_n), .d(ui_in[{GO}]), .level(go), .pulse(went));
    rise of_shift (.clk(clk), .reset_n(reset_n), .d(ui_in[{SERIAL_CLOCK}]), .level(unused_level), .pulse(shift));
    reg [{bits - 1}:0] register;
    always @(posedge clk or negedge reset_n)
        if (!reset_n) register <= {bits}'b{reset};
        else if (shift & ~go) register <= {{register[{bits - 2}:0], ui_in[{SERIAL_DATA}]}};
{taken}"""


def _sequencer(control: Control) -> str:
    bits = control.stop.bit_length()
    return f"""
    // One inference: t counts its clocks; lines follow t by one clock.
    reg busy, done;
    reg [{bits - 1}:0] t;
    wire last = t == {control.stop - 1};
    always @(posedge clk or negedge reset_n)
        if (!reset_n) begin
            busy <= 1'b0;
            done <= 1'b0;
            t <= 0;
        end else begin
            busy <= busy ? ~last : went;
            done <= go & (done & ~went | busy & last);
            if (busy) t <= last ? 0 : t + 1;
        end"""


def _lines(control: Control) -> str:
    bits = control.stop.bit_length()
    pins = {line: f"uio_in[{index}]" for index, line in enumerate(control.direct_pins)}
    text = []
    for line, (start, end) in control.spans.items():
        kind, _, layer = line.partition("_")
        text += [
            f"    wire timed_{line};",
            f"    line #(.BITS({bits}), .START({start // 2}), .END({end // 2}), .START_HALF({start % 2}), .END_HALF({end % 2}))",
            f"        of_{line} (.clk(clk), .reset_n(reset_n), .t(t), .q(timed_{line}));",
        ]
        chosen = f"timed_{line}"
        if pins:
            named = {"reset": "reset", "in": "phase_0"}.get(kind, line)
            pin = pins.get(named) or f"({pins['phase_1']} | {pins[LATE]})"
            chosen = f"{DIRECT} ? {pin} : timed_{line}"
        if kind in WITH_COMPLEMENT:
            text.append(f"    line_driver drive_{line} (.a({chosen}), .x({line}), .x_b({kind}_b_{layer}));")
        else:
            text.append(f"    assign {line} = {chosen};")
    text += [f"    assign in_{j} = {pin};" for j, pin in enumerate(control.input_pins)]
    return "\n    // Control lines: in time, or from pins.\n" + "\n".join(text)


def _read_out(control: Control) -> str:
    depth, bits = control.depth, control.counter_bits
    taps = sum(1 << (tap - 1) for tap in TAPS[bits])
    text = [
        "    wire counted;",
        f"    synchroniser of_phase (.clk(clk), .d(timed_phase_{depth}), .q(counted));",
    ]
    chain = "1'b0"
    for k in range(control.layers[-1]):
        text += [
            f"    wire fired_{k}, times_{k};",
            f"    synchroniser of_spike_{k} (.clk(clk), .d(spike_{depth}_{k}), .q(fired_{k}));",
            f"    time_counter #(.BITS({bits}), .TAPS({bits}'d{taps})) of_time_{k}",
            f"        (.clk(clk), .clear(busy & timed_reset_1), .count(counted & ~fired_{k}), .read(shift & done),",
            f"         .serial_in({chain}), .serial_out(times_{k}));",
        ]
        chain = f"times_{k}"
    return "\n    // Times of the outputs' spikes; the last output's is read first.\n" + "\n".join(text)


def _pins(control: Control) -> str:
    depth = control.depth
    # A pin that a smaller network leaves over repeats another: the library's tie cells are not used.
    uo = dict.fromkeys(range(PINS), "done")
    uo |= {k: f"spike_{depth}_{k}" for k in range(control.layers[-1])}
    uo |= {
        TIMES: f"times_{control.layers[-1] - 1}",
        DONE: "done",
        REGISTER_OUT: f"register[{len(control.register) - 1}]",
    }
    text = [f"    assign uo_out[{index}] = {net};" for index, net in uo.items()]
    if control.on_both:
        return "\n    // The tile's pins.\n" + "\n".join(text)
    uio = dict.fromkeys(range(PINS), "busy")
    uio |= {k: f"spike_1_{k}" for k in range(control.layers[1])}
    uio |= {5: "busy", 6: "timed_phase_1", 7: f"timed_phase_{depth}"}
    text += [f"    assign uio_out[{index}] = {net};" for index, net in uio.items()]
    text.append(f"    assign uio_oe = {{{PINS}{{~{DIRECT}}}}};")
    return "\n    // The tile's pins.\n" + "\n".join(text)
