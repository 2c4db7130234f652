"""The LEF of a tile: its size, its pins where the template has them, and what a router must keep away from."""

from __future__ import annotations

from collections.abc import Iterable

from nonideal.circuits.layout.block import Block, Box
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.pins import Pinning

USES = {GROUND: "GROUND", SUPPLY: "POWER"}
BLOCKED = ("li1", "met1", "met2", "met3")
"""Layers that a tile may use all over; of metal 4 what is no pin, and metal 5 is the shuttle's."""
PIN_LAYER = "met4"
KEEP_UM = 0.3


def lef_text(frame: Block, pinning: Pinning) -> str:
    """The macro of a tile that has this frame."""
    name = frame.cell.name
    lines = ["VERSION 5.8 ;", 'BUSBITCHARS "[]" ;', 'DIVIDERCHAR "/" ;', "", f"MACRO {name}"]
    lines += ["  CLASS BLOCK ;", f"  FOREIGN {name} ;", "  ORIGIN 0.000 0.000 ;"]
    lines.append(f"  SIZE {frame.width:.3f} BY {frame.height:.3f} ;")
    for pin in pinning.template.pins:
        lines += _pin(pin.name, pin.direction, "SIGNAL", [frame.pins[pin.name]])
    for net, use in USES.items():
        boxes = [box for key, box in frame.pins.items() if key.split(" ")[0] == net]
        lines += _pin(net, "inout", use, boxes)
    lines += ["  OBS", *_obstructions(frame), "  END", f"END {name}", "", "END LIBRARY"]
    return "\n".join(lines) + "\n"


def _pin(name: str, direction: str, use: str, boxes: Iterable[Box]) -> list[str]:
    lines = [f"  PIN {name}", f"    DIRECTION {direction.upper()} ;", f"    USE {use} ;"]
    for box in boxes:
        lines += ["    PORT", f"      LAYER {box.layer} ;", f"        {_rect(box)}", "    END"]
    return [*lines, f"  END {name}"]


def _obstructions(frame: Block) -> list[str]:
    lines = []
    for layer in BLOCKED:
        lines += [f"    LAYER {layer} ;", f"      {_rect(Box(layer, 0.0, 0.0, frame.width, frame.height))}"]
    lines.append(f"    LAYER {PIN_LAYER} ;")
    return lines + [f"      {_rect(box)}" for box in _between(frame)]


def _between(frame: Block) -> list[Box]:
    """Metal 4 between the rows of pins, without the stripes."""
    pins = frame.pins.items()
    upright = sorted((box for key, box in pins if key.split(" ")[0] in USES), key=lambda box: box.x0)
    others = [box for key, box in pins if key.split(" ")[0] not in USES]
    middle = frame.height / 2
    low = max(box.y1 for box in others if box.y < middle) + KEEP_UM
    high = min(box.y0 for box in others if box.y > middle) - KEEP_UM
    edges = [0.0, *(edge for box in upright for edge in (box.x0 - KEEP_UM, box.x1 + KEEP_UM)), frame.width]
    spans = zip(edges[::2], edges[1::2], strict=True)
    return [Box(PIN_LAYER, x0, low, x1, high) for x0, x1 in spans if x1 - x0 > KEEP_UM]


def _rect(box: Box) -> str:
    return f"RECT {box.x0:.3f} {box.y0:.3f} {box.x1:.3f} {box.y1:.3f} ;"
