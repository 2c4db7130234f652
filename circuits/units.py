"""Devices of one line of a netlist that are several: what they are called where each is one."""

from __future__ import annotations


def unit_names(name: str, units: int) -> list[str]:
    """What the devices are called that a device of the netlist stands for: by its own name where it is one."""
    return [name] if units == 1 else [f"{name}_{k}" for k in range(units)]
