"""What the process is: sky130's devices, models, corners, layers and rules."""

from .antenna import ANTENNA_RULES, AntennaRule, antenna_rule
from .corner import Corner, parse_corner
from .device import DEVICES, GRID_UM, Device, DeviceSize, check_size, find_device
from .errors import IllegalSize, PdkError, PdkMissing
from .layers import LAYERS, Layer
from .lean import lean_library
from .mismatch import mismatch_sigma_rel, mismatch_sigma_V
from .netlist import sizes_in
from .pdk import Pdk, find_pdk
from .rules import RULES, Rule, rule

__all__ = [
    "ANTENNA_RULES",
    "DEVICES",
    "GRID_UM",
    "LAYERS",
    "RULES",
    "AntennaRule",
    "Corner",
    "Device",
    "DeviceSize",
    "IllegalSize",
    "Layer",
    "Pdk",
    "PdkError",
    "PdkMissing",
    "Rule",
    "antenna_rule",
    "check_size",
    "find_device",
    "find_pdk",
    "lean_library",
    "mismatch_sigma_V",
    "mismatch_sigma_rel",
    "parse_corner",
    "rule",
    "sizes_in",
]
