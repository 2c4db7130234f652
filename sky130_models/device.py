"""The sky130 devices that the circuits here are made of, and the sizes the process allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from nonideal.sky130_models.errors import IllegalSize

GRID_UM = 0.005
"""Every drawn coordinate is a multiple of this."""

PREFIX = "sky130_fd_pr__"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the process: the PDK's name, what it is, its ports and its legal sizes in um.

    For a FET W is the width of one finger; for a MIM capacitor W and L are the two sides of the plate.
    """

    name: str
    kind: Literal["nmos", "pmos", "mim"]
    ports: tuple[str, ...]
    w_min_um: float
    w_max_um: float
    l_min_um: float
    l_max_um: float


@dataclass(frozen=True, slots=True, order=True)
class DeviceSize:
    """A device as drawn: total width W, length L (um) and the number of fingers W is split into."""

    device: str
    w_um: float
    l_um: float
    fingers: float = 1.0


def _fet(name: str, kind: Literal["nmos", "pmos"], l_min_um: float) -> Device:
    # W from 0.42 (difftap.2; narrower is for standard cells and has no model bin), L up to the last bin.
    return Device(PREFIX + name, kind, ("d", "g", "s", "b"), 0.42, 100.0, l_min_um, 20.0)


def _mim(name: str) -> Device:
    return Device(PREFIX + name, "mim", ("c0", "c1"), 2.0, 30.0, 2.0, 30.0)


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            _fet("nfet_01v8", "nmos", 0.15),
            _fet("nfet_01v8_lvt", "nmos", 0.15),
            _fet("pfet_01v8", "pmos", 0.15),
            _fet("pfet_01v8_lvt", "pmos", 0.35),
            _fet("pfet_01v8_hvt", "pmos", 0.15),
            _mim("cap_mim_m3_1"),
            _mim("cap_mim_m3_2"),
        )
    }
)
"""Every device by the PDK's name, read-only."""


def find_device(name: str) -> Device:
    """The device of that name, in any case, with or without `sky130_fd_pr__`.

    Raises IllegalSize, naming the nearest that exists, for one that is not in the table.
    """
    full = name.lower() if name.lower().startswith(PREFIX) else PREFIX + name.lower()
    if full in DEVICES:
        return DEVICES[full]
    near = get_close_matches(full, DEVICES, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise IllegalSize(f"no device {name!r} here{hint} Devices: {', '.join(DEVICES)}")


def check_size(device: str, w_um: float, l_um: float, fingers: float = 1.0) -> None:
    """Raise IllegalSize, naming the device, the value and the legal range, if the process forbids the size.

    `w_um` is the total width in um; every finger of it must be wide enough.
    """
    known = find_device(device)
    if not fingers >= 1 or fingers != round(fingers):
        raise IllegalSize(f"{known.name}: nf = {fingers:g}, but it must be a whole number from 1")
    finger = f" (W = {w_um:g} um in {fingers:g} fingers)" if fingers != 1 else ""
    for name, value, low, high in (
        ("W", w_um / fingers, known.w_min_um, known.w_max_um),
        ("L", l_um, known.l_min_um, known.l_max_um),
    ):
        slack = 1e-9
        if not low - slack <= value <= high + slack:
            raise IllegalSize(f"{known.name}: {name} = {value:g} um{finger} is outside {low:g}..{high:g} um")
        if abs(value / GRID_UM - round(value / GRID_UM)) > 1e-6:
            raise IllegalSize(f"{known.name}: {name} = {value:.9g} um{finger} is off the {GRID_UM:g} um grid")
