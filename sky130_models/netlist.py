"""Which devices, at which sizes, a netlist asks for."""

import re

from .device import PREFIX, DeviceSize, check_size, find_device
from .errors import IllegalSize, PdkError
from .expression import NUMBER, number
from .library import assignments, logical_lines


def sizes_in(netlist_text: str) -> tuple[DeviceSize, ...]:
    """Every distinct (device, W, L, fingers) among the `X... sky130_fd_pr__...` lines, sorted.

    Sizes are plain numbers of um, or carry the suffix `u`. Files that the text includes are not followed.
    Raises IllegalSize, naming the line, for a device that is not in DEVICES, a size the process forbids, or a
    W or L which is missing or no number (a parameter of a subcircuit, say).
    """
    return tuple(sorted({size for size, _ in instances(netlist_text)}))


def instances(netlist_text: str) -> list[tuple[DeviceSize, str]]:
    """The device instances in order of the text, each with its statement; raises as sizes_in does."""
    found: list[tuple[DeviceSize, str]] = []
    if PREFIX not in netlist_text.lower():
        return found
    for line in logical_lines(netlist_text):
        if line[0] == "." or PREFIX not in line.lower():
            continue
        head = re.sub(r"\bparams\s*:", " ", line, flags=re.IGNORECASE)
        words = re.sub(r"[\w.]+\s*=.*", "", head).split()
        if not words or not words[-1].lower().startswith(PREFIX):
            continue
        if line[0] not in "xX":
            raise PdkError(f"{line!r}: {words[-1]} is a subcircuit, its instances begin with X")
        found.append((_size(words[-1], assignments(head), line), line))
    return found


def _size(name: str, parameters: dict[str, str], line: str) -> DeviceSize:
    try:
        device = find_device(name)
        w_um = _um(device.name, "w", parameters)
        l_um = _um(device.name, "l", parameters)
        fingers = _plain(device.name, "nf", parameters.get("nf", "1"))
        check_size(device.name, w_um, l_um, fingers)
    except IllegalSize as error:
        raise IllegalSize(f"{error}, in the line {line!r}") from error
    return DeviceSize(device.name, w_um, l_um, fingers)


def _um(device: str, name: str, parameters: dict[str, str]) -> float:
    if name not in parameters:
        raise IllegalSize(f"{device}: no {name}=<um> given")
    text = parameters[name].strip("{}' ")
    match = NUMBER.fullmatch(text)
    if match is not None and match[2].lower() in {"u", "um"}:
        return float(match[1])
    return _plain(device, name, text)


def _plain(device: str, name: str, text: str) -> float:
    try:
        return number(text)
    except PdkError:
        raise IllegalSize(f"{device}: {name} = {text} is not a number") from None
