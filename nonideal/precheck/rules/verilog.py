"""The rule of the Verilog stub."""

from __future__ import annotations

from nonideal.precheck.result import Finding, fails, passes
from nonideal.precheck.rules.lef import OLDER, USES
from nonideal.precheck.rules.outline import without, without_template
from nonideal.precheck.stub import VerilogPort, yosys_says
from nonideal.precheck.tile import Tile
from nonideal.sky130_models.tile import TileTemplate

ANY = "any direction"


def ports(tile: Tile) -> Finding:
    """The module has the template's ports and the power pins, no others, and yosys reads it where it is installed."""
    if tile.ports is None or tile.template is None:
        return without("Verilog") if tile.ports is None else without_template()
    wanted = wanted_ports(tile.template)
    found = {OLDER.get(port.name, port.name): port for port in tile.ports.values()}
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{port.name} is no port of the template" for name, port in found.items() if name not in wanted]
    for name, want in wanted.items():
        port = found.get(name)
        if port is None:
            continue
        if port.bits != want.bits:
            wrong.append(f"{name} has {port.bits} bits, the template {want.bits}")
        elif want.direction not in (ANY, port.direction):
            wrong.append(f"{name} is an {port.direction}, in the template an {want.direction}")
    advice = "declare the template's ports: " + ", ".join(
        f"{want.name}[{want.bits - 1}:0]" if want.bits > 1 else want.name for want in wanted.values()
    )
    if wrong:
        return fails("; ".join(wrong[:5]), advice)
    said = yosys_says(tile.files.verilog, tile.name)
    if said:
        return fails(f"yosys does not read it: {said}", "mend what yosys says")
    older = [port.name for port in tile.ports.values() if port.name in OLDER]
    by = "read by our own reader alone, yosys is not installed" if said is None else "read by yosys too"
    called = f"; {', '.join(older)} is taken for {OLDER[older[0]]}" if older else ""
    return passes(f"{len(wanted)} ports, {by}{called}")


def wanted_ports(template: TileTemplate) -> dict[str, VerilogPort]:
    """The template's ports by name: buses in one piece, and the power pins, which may have any direction."""
    found: dict[str, VerilogPort] = {}
    for pin in template.pins:
        bus = pin.name.partition("[")[0]
        bits = found[bus].bits + 1 if bus in found else 1
        found[bus] = VerilogPort(bus, pin.direction, bits)
    return found | {net: VerilogPort(net, ANY, 1) for net in USES}
