"""The shuttle's demo board, under MicroPython with the shuttle's own package ``ttboard``: the pins that ``protocol`` speaks to.

    import json, board, protocol
    chip = json.load(open("chip.json"))
    pins = board.Pins(chip)
    protocol.reset(pins, chip)
    print(protocol.infer(pins, chip, (0, 150, 420, None, 980)))

Not tried on a board. Inputs are raised by a loop of MicroPython, which is good to some microseconds: enough to see that the tile answers,
not to reach its accuracy. For that the events of ``spikes`` have to come from the processor's state machines (``rp2.PIO``), or from an
instrument.
"""

import time

from ttboard.demoboard import DemoBoard


class Pins:
    """Digital pins of the design that the board has chosen."""

    def __init__(self, chip):
        self.chip = chip
        self.board = DemoBoard.get()
        getattr(self.board.shuttle, chip["top"]).enable()
        # Of the bidirectional pins the processor drives those that are inputs of the network, and no other.
        ours = [pin for pin in chip["input_pins"] if pin.startswith("uio_in")]
        self.board.uio_oe_pico.value = sum(1 << int(pin[len("uio_in[") : -1]) for pin in ours)
        self.board.clock_project_PWM(round(1e9 / chip["clock_ns"]))

    def set(self, name, bit):
        if name == "ena":
            return  # the shuttle's multiplexer has it
        if name == "rst_n":
            self.board.reset_project(not bit)
            return
        bus, index = name[:-1].split("[")
        getattr(self.board, bus)[int(index)] = bit

    def get(self, name):
        bus, index = name[:-1].split("[")
        return int(getattr(self.board, bus)[int(index)])

    def wait_ns(self, time_ns):
        time.sleep(1e-6 + time_ns * 1e-9)

    def spikes(self, times_ns):
        self.set("ui_in[7]", 1)
        inputs = self.chip["input_pins"]
        rises = [(at, inputs[k]) for k, at in enumerate(times_ns[: len(inputs)]) if at is not None]
        for _, name in sorted(rises):
            self.set(name, 1)
        time.sleep(10e-6)
        for name in inputs:
            self.set(name, 0)
