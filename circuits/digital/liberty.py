"""A minimal liberty file of chosen cells, functions and areas alone: the PDK's package has none."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nonideal.circuits.digital.cells import FLIP_FLOPS, LOGIC, StandardCell, cell
from nonideal.circuits.digital.errors import DigitalError
from nonideal.files import read_text

JOINED = {
    "and": ("", "&"), "nand": ("!", "&"), "or": ("", "|"), "nor": ("!", "|"), "xor": ("", "^"), "xnor": ("!", "^"), "buf": ("", ""), "not": ("!", ""),
}  # fmt: skip
FLIP_FLOP_KINDS = {
    "dfxtp": 'clocked_on : "CLK"; next_state : "D";',
    "dfrtp": 'clocked_on : "CLK"; next_state : "D"; clear : "!RESET_B";',
    "dfstp": 'clocked_on : "CLK"; next_state : "D"; preset : "!SET_B";',
    "dfrtn": 'clocked_on : "!CLK_N"; next_state : "D"; clear : "!RESET_B";',
}


def function(made: StandardCell) -> str:
    """A cell's output as a function of its inputs, from its functional Verilog. Raises ``DigitalError`` for one of other things than gates."""
    text = re.sub(r"//.*", "", read_text(made.file(".functional.v")))
    gates = re.findall(
        r"^\s*(\w+(?:\$\w+)?)\s+\w+\s*\(([^)]*)\)\s*;", text.split("wire", 1)[-1], re.MULTILINE
    )
    known = {pin: pin for pin in made.inputs}
    for kind, terminals in gates:
        out, *ins = (word.strip() for word in terminals.split(","))
        missing = [word for word in ins if word not in known]
        if missing:
            raise DigitalError(f"{made.name}: its gates are not in order: {out} needs {', '.join(missing)}")
        values = [known[word] for word in ins]
        if kind.endswith("udp_mux_2to1"):
            known[out] = "(({0}&!{2})|({1}&{2}))".format(*values)
        elif kind in JOINED:
            sign, joint = JOINED[kind]
            known[out] = f"{sign}({joint.join(values)})"
        else:
            raise DigitalError(f"{made.name}: {kind} is no gate that is known here")
    if made.output is None or made.output not in known:
        raise DigitalError(f"{made.name}: nothing drives its output")
    return known[made.output]


def liberty(names: Iterable[str] = (*LOGIC, *FLIP_FLOPS)) -> str:
    """The text of a library of these cells."""
    cells = "\n".join(_cell(cell(name)) for name in names)
    return f"library (sky130_fd_sc_hd) {{\n{cells}\n}}\n"


def _cell(made: StandardCell) -> str:
    kind = made.folder.name
    lines = [f"  cell ({made.name}) {{ area : {made.area_um2:.4f};"]
    clocks = ("CLK", "CLK_N")
    for pin in made.inputs:
        clock = " clock : true;" if pin in clocks else ""
        lines.append(f"    pin ({pin}) {{ direction : input; capacitance : 0.002;{clock} }}")
    if kind in FLIP_FLOP_KINDS:
        lines.append(f"    ff (IQ, IQ_N) {{ {FLIP_FLOP_KINDS[kind]} }}")
        lines.append(f'    pin ({made.output}) {{ direction : output; function : "IQ"; }}')
    else:
        lines.append(f'    pin ({made.output}) {{ direction : output; function : "{function(made)}"; }}')
    return "\n".join([*lines, "  }"])
