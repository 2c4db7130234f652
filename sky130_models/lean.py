"""A library of nothing but the devices and sizes that one netlist uses.

Every instance of a PDK subcircuit clones some fifty model bins. Here each (device, W, L) gets one global
model card, the PDK's bin with its expressions reduced to numbers, and each device a subcircuit of one line.
"""

import re
from collections.abc import Iterable

from nonideal.sky130_models.corner import Corner
from nonideal.sky130_models.device import DEVICES, DeviceSize
from nonideal.sky130_models.errors import IllegalSize, PdkError
from nonideal.sky130_models.expression import RANDOM, Name, Number, parse
from nonideal.sky130_models.library import Card, Section, Subcircuit, assignments, read_section
from nonideal.sky130_models.netlist import drawn_um, instances
from nonideal.sky130_models.pdk import Pdk
from nonideal.sky130_models.reduction import Lookup, calls, evaluate, names, reduce, scope, write
from nonideal.spice.number import number

CARD_MARGIN_M = 1e-9
"""Half the width in W and in L of the bin of a lean card, in m: less than half the drawing grid."""


def lean_library(pdk: Pdk, corner: Corner, netlist_text: str) -> str:
    """The text of a library for exactly the (device, W, L) that occur in `netlist_text`.

    It takes the place of `.lib <library> <corner>`: same subcircuit names, ports, parameters and defaults,
    sizes in um. FETs have one more parameter, `dvt=0` (V, added to delvto), MIM capacitors `dc=0` (relative),
    so that mismatch can be drawn outside the simulator. The same input gives the same bytes.

    Raises IllegalSize as netlist.sizes_in does, and for a size written as `1u` (the library's scale is 1 um: a
    simulator would read 1e-12 m); PdkError if the library lacks a device, a bin or a parameter.
    """
    found = instances(netlist_text)
    for _, line in found:
        _check_scale(line)
    sizes = sorted({size for size, _ in found})
    section = read_section(pdk.library, corner)
    parts = [_header(pdk, corner), ".option scale=1.0u\n"]
    for name in sorted({size.device for size in sizes}):
        subcircuit = section.subcircuit(name)
        if DEVICES[name].kind == "mim":
            parts.append(_capacitor(section, subcircuit))
        else:
            parts.append(_transistor(section, subcircuit, [size for size in sizes if size.device == name]))
    return "\n".join(parts)


def pick_card(section: Section, subcircuit: Subcircuit, size: DeviceSize) -> Card:
    """The model bin that the simulator picks: lmin <= L < lmax and wmin <= W/nf < wmax; raises PdkError."""
    lookup = known_lookup(section, subcircuit, size)
    length_m, width_m = size.l_um * 1e-6, size.w_um / size.fingers * 1e-6
    for card in subcircuit.cards:
        if missing := {"lmin", "lmax", "wmin", "wmax"} - card.parameters.keys():
            raise PdkError(f"{section.library}: model {card.name} has no {', '.join(sorted(missing))}")
        low_l, high_l, low_w, high_w = (
            evaluate(card.parameters[edge], lookup) for edge in ("lmin", "lmax", "wmin", "wmax")
        )
        if _within(length_m, low_l, high_l) and _within(width_m, low_w, high_w):
            return card
    raise PdkError(f"{section.library}: no bin of {size.device} holds W {size.w_um:g}, L {size.l_um:g} um")


def known_lookup(section: Section, subcircuit: Subcircuit, size: DeviceSize, mult: float = 1) -> Lookup:
    """Names inside `subcircuit` for an instance of `size`, every other parameter at its default."""
    drawn = {"w": size.w_um, "l": size.l_um, "nf": size.fingers, "mult": mult}
    given = {name: Number(value) for name, value in drawn.items()}
    return scope(subcircuit.parameters, given, section.lookup)


def _within(value: float, low: float, high: float) -> bool:
    slack = 1e-9 * value
    return low - slack <= value < high - slack


def _header(pdk: Pdk, corner: Corner) -> str:
    return (
        f"* sky130 device models, corner {corner}, reduced to the sizes that one netlist uses\n"
        f"* derived from {pdk.library.name} ({pdk.source}, version {pdk.version})\n"
        f"* sha256 {pdk.sha256}\n"
        "* Copyright 2020 The SkyWater PDK Authors. Licensed under the Apache License, Version 2.0:\n"
        "* https://www.apache.org/licenses/LICENSE-2.0. Changed: expressions are reduced to numbers.\n"
    )


def _check_scale(line: str) -> None:
    for name, text in assignments(line).items():
        plain = text.strip("{}' ")
        if name in {"w", "l"} and drawn_um(number(plain)) != number(plain):
            raise IllegalSize(
                f"{line!r}: {name}={plain} would be read as {number(plain):g} um, "
                "write the number of um without a suffix"
            )


def _transistor(section: Section, subcircuit: Subcircuit, sizes: Iterable[DeviceSize]) -> str:
    head, values = _element(section, subcircuit)
    model = head.split()[-1].lower()
    kept = _kept(subcircuit, values)
    values["delvto"] = f"({values.get('delvto', '0')})+dvt"
    values = {name: _reduced(section, subcircuit, [*kept, "dvt"], text) for name, text in values.items()}
    fingers = sorted({(round(size.w_um / size.fingers, 9), size.l_um, size.device) for size in sizes})
    texts = [
        _card(section, subcircuit, DeviceSize(device, w_um, l_um), f"{model}.{index}")
        for index, (w_um, l_um, device) in enumerate(fingers, start=1)
    ]
    items = [f"{name}={{{text}}}" for name, text in values.items()]
    rows = [" ".join(items[start : start + 6]) for start in range(0, len(items), 6)]
    return "\n".join([*texts, _subcircuit(subcircuit, kept, "dvt", ["\n+ ".join([head, *rows])])])


def _capacitor(section: Section, subcircuit: Subcircuit) -> str:
    kept = [name for name in ("w", "l", "mult", "mf") if name in subcircuit.parameters]
    elements: list[str] = []
    varied = 0
    for element in subcircuit.elements:
        head, *texts = re.split(r"(\{[^{}]*\}|'[^']*')", " ".join(element.split()))
        for index in range(0, len(texts), 2):
            text = texts[index]
            if element[0] in "cC" and index == 0:
                text = f"({text})*(1+dc)"
                varied += 1
            texts[index] = f"{{{_reduced(section, subcircuit, [*kept, 'dc'], text)}}}"
        elements.append(head + "".join(texts))
    if varied != 1:
        raise PdkError(f"{section.library}: {subcircuit.name} has not just one capacitor with an expression")
    return _subcircuit(subcircuit, kept, "dc", elements)


def _element(section: Section, subcircuit: Subcircuit) -> tuple[str, dict[str, str]]:
    """The head (name, nodes, model) and the parameters of the only line that a subcircuit here may have."""
    if len(subcircuit.elements) != 1:
        count = len(subcircuit.elements)
        raise PdkError(
            f"{section.library}: {subcircuit.name} has {count} element lines, only one is understood"
        )
    element = subcircuit.elements[0]
    values = assignments(element)
    head = re.split(r"\s[\w.]+\s*=", element, maxsplit=1)[0]
    return " ".join(head.split()), values


def _kept(subcircuit: Subcircuit, values: dict[str, str]) -> list[str]:
    """The parameters that an instance may set: those handed on as `name = {name}`, and `mult`."""
    handed = {name for name, text in values.items() if text.strip("{}' ").lower() == name}
    return [name for name in subcircuit.parameters if name in handed or name == "mult"]


def _reduced(section: Section, subcircuit: Subcircuit, kept: list[str], text: str) -> str:
    """An expression with all but the kept parameters reduced to numbers."""
    own = {name: Name(name) for name in kept}
    node = reduce(parse(text), scope(subcircuit.parameters, own, section.lookup))
    if (unknown := names(node) - own.keys()) or calls(node) & RANDOM:
        why = f"{sorted(unknown)} unknown" if unknown else "still random"
        raise PdkError(f"{section.library}, section {section.name}: {subcircuit.name}: {text!r}: {why}")
    return write(node)


def _subcircuit(subcircuit: Subcircuit, kept: list[str], extra: str, elements: list[str]) -> str:
    defaults = " ".join(f"{name}={subcircuit.parameters[name].replace(' ', '')}" for name in kept)
    opening = f".subckt {subcircuit.name} {' '.join(subcircuit.ports)}"
    return "\n".join([opening, f".param {defaults} {extra}=0", *elements, f".ends {subcircuit.name}\n"])


def _card(section: Section, subcircuit: Subcircuit, size: DeviceSize, name: str) -> str:
    """The card of one size under `name`, its bin narrowed to hold that size alone."""
    card = pick_card(section, subcircuit, size)
    lookup = known_lookup(section, subcircuit, size)
    values: dict[str, float] = {}
    for parameter, text in card.parameters.items():
        try:
            values[parameter] = evaluate(text, lookup)
        except PdkError as error:
            raise PdkError(f"{section.library}: model {card.name}, {parameter}: {error}") from error
    length_m, width_m = size.l_um * 1e-6, size.w_um * 1e-6
    values |= {
        "lmin": round(length_m - CARD_MARGIN_M, 15),
        "lmax": round(length_m + CARD_MARGIN_M, 15),
        "wmin": round(width_m - CARD_MARGIN_M, 15),
        "wmax": round(width_m + CARD_MARGIN_M, 15),
    }
    items = [f"{parameter}={value!r}" for parameter, value in values.items()]
    rows = [" ".join(items[start : start + 6]) for start in range(0, len(items), 6)]
    title = f"* {size.device} W {size.w_um:g} L {size.l_um:g} um, from {card.name}\n"
    return title + "\n+ ".join([f".model {name} {card.kind}", *rows]) + "\n"
