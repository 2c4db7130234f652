"""Which devices, at which sizes, a netlist asks for."""

import re
from collections.abc import Mapping

from nonideal.sky130_models.device import PREFIX, DeviceSize, check_size, find_device
from nonideal.sky130_models.errors import IllegalSize, PdkError
from nonideal.sky130_models.library import assignments
from nonideal.sky130_models.statement import statements
from nonideal.spice.number import number


def sizes_in(netlist_text: str) -> tuple[DeviceSize, ...]:
    """Every distinct (device, W, L, fingers) among the `X... sky130_fd_pr__...` lines, sorted.

    Sizes are numbers of um, or of m where they carry a suffix (see `drawn_um`). Files that the text includes are not followed.
    Raises IllegalSize, naming the line, for a device that is not in DEVICES, a size the process forbids, or a
    W or L which is missing or no number (a parameter of a subcircuit, say).
    """
    return tuple(sorted({size for size, _ in instances(netlist_text)}))


def instances(netlist_text: str) -> list[tuple[DeviceSize, str]]:
    """The device instances in order of the text, each with its statement; raises as sizes_in does."""
    found: list[tuple[DeviceSize, str]] = []
    if PREFIX not in netlist_text.lower():
        return found
    for _, line in statements(netlist_text):
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


def drawn_um(value: float) -> float:
    """A length as written, in um: the library's unit is the um, and a number below 1e-3 can only mean metres (`1u`)."""
    return value * 1e6 if 0 < abs(value) < 1e-3 else value


def drawn_um2(value: float) -> float:
    """An area as written, in um^2: a number below 1e-6 can only mean square metres (`0.29p`)."""
    return value * 1e12 if 0 < abs(value) < 1e-6 else value


def parallel_devices(parameters: Mapping[str, str]) -> float:
    """How many devices the statistics of one are of: one number, which netlists spell `m`, `mult` (as the library does) or `mf`, or several of them.

    Currents follow `m` alone, in the library and in simulators.

    Raises IllegalSize where they say different things, or no whole number from 1.
    """
    given = {
        name: _plain("m", name, parameters[name].strip("{}' "))
        for name in ("m", "mult", "mf")
        if name in parameters
    }
    counts = set(given.values()) or {1.0}
    if len(counts) > 1:
        told = ", ".join(f"{name} = {value:g}" for name, value in given.items())
        raise IllegalSize(f"{told}: each says how many devices stand in parallel, give one number")
    (count,) = counts
    if not 1 <= count <= 1e6 or count != round(count):
        raise IllegalSize(f"m = {count:g}: how many devices stand in parallel is a whole number from 1")
    return count


def _um(device: str, name: str, parameters: dict[str, str]) -> float:
    if name not in parameters:
        raise IllegalSize(f"{device}: no {name}=<um> given")
    return round(drawn_um(_plain(device, name, parameters[name].strip("{}' "))), 12)


def _plain(device: str, name: str, text: str) -> float:
    try:
        return number(text)
    except ValueError:
        raise IllegalSize(f"{device}: {name} = {text} is not a number") from None
