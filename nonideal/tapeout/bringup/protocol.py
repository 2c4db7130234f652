"""How a tile is spoken to through its digital pins. Runs under MicroPython on the shuttle's board as it runs beside a simulation.

``pins`` has ``set(name, bit)``, ``get(name)`` and ``wait_ns(time)``, and ``spikes(times_ns)``, which starts an inference and raises inputs in time:
what a processor's own loop is too slow for. ``chip`` is ``chip.json`` as a dictionary. No types here: MicroPython has none.
"""

DATA, SHIFT, GO = "ui_in[5]", "ui_in[6]", "ui_in[7]"
TIMES, DONE, REGISTER = "uo_out[5]", "uo_out[6]", "uo_out[7]"
LEVEL_CLOCKS = 5
"""A level is seen three clocks after it came."""


def reset(pins, chip):
    """Choose the design and reset it: idle, the configuration as it was drawn."""
    for name, bit in (("ena", 1), ("rst_n", 0), (DATA, 0), (SHIFT, 0), (GO, 0)):
        pins.set(name, bit)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])
    pins.set("rst_n", 1)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])


def shift(pins, chip, bit):
    """One rise of the serial clock, with this bit on the data pin."""
    pins.set(DATA, bit)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])
    pins.set(SHIFT, 1)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])
    pins.set(SHIFT, 0)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])


def configure(pins, chip, values):
    """Send the configuration: all bits of ``chip["register"]``, as they were drawn but for ``values``. Returns what stood there before."""
    before = {}
    wanted = dict(chip["register"])
    wanted.update(values)
    for name in reversed(chip["order"]):
        before[name] = pins.get(REGISTER)
        shift(pins, chip, wanted[name])
    return before


def infer(pins, chip, times_ns):
    """One inference: inputs spike at these times of the phase, None for no spike. Returns the outputs' times in clocks, None for no spike."""
    pins.spikes(times_ns)
    for _ in range(chip["most_polls"]):
        if pins.get(DONE):
            break
        pins.wait_ns(10 * chip["clock_ns"])
    else:
        raise OSError("the tile is not done: is there a clock, and is ena high?")
    counts = read_times(pins, chip)
    pins.set(GO, 0)
    pins.wait_ns(LEVEL_CLOCKS * chip["clock_ns"])
    return counts


def read_times(pins, chip):
    """The counters of all outputs, the last output's first, highest bit first, while go is high."""
    counts = [None] * chip["outputs"]
    for output in range(chip["outputs"] - 1, -1, -1):
        code = 0
        for _ in range(chip["counter_bits"]):
            code = code << 1 | pins.get(TIMES)
            shift(pins, chip, 0)
        count = count_of(chip, code)
        counts[output] = None if count >= chip["window"] else count
    return counts


def count_of(chip, code):
    """Clocks from the phase's beginning, of a shift register with feedback that stands at ``code``."""
    state, mask = 0, (1 << chip["counter_bits"]) - 1
    for count in range(mask + 1):
        if state == code:
            return count
        fed = 0
        for tap in chip["taps"]:
            fed ^= state >> (tap - 1) & 1
        state = (state << 1 | (1 - fed)) & mask
    raise ValueError("no counter holds " + bin(code))


def decide(counts):
    """The output that spikes first; None where none does."""
    best = None
    for output, count in enumerate(counts):
        if count is not None and (best is None or count < counts[best]):
            best = output
    return best
