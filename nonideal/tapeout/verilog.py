"""The Verilog of a tile: a stub with the template's ports."""

from __future__ import annotations

from nonideal.sky130_models.tile import GROUND, SUPPLY, TileTemplate

HEAD = "`default_nettype none\n"


def stub_text(top: str, template: TileTemplate) -> str:
    """The module without anything in it, as the shuttle's flow reads it: what is inside is the layout's affair."""
    return f"{HEAD}\n(* blackbox *)\nmodule {top} (\n{port_text(template)}\n);\nendmodule\n"


def port_text(template: TileTemplate) -> str:
    """The declarations of all ports, supplies first."""
    buses: dict[str, tuple[str, int]] = {}
    for pin in template.pins:
        bus = pin.name.partition("[")[0]
        buses[bus] = (pin.direction, buses.get(bus, ("", 0))[1] + 1)
    lines = [f"    inout  wire       {net}" for net in (GROUND, SUPPLY)]
    for bus, (direction, width) in buses.items():
        span = f"[{width - 1}:0]" if width > 1 else "     "
        lines.append(f"    {direction:<6} wire {span} {bus}")
    return ",\n".join(lines)
