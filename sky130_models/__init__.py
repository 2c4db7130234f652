"""What the process is: sky130's devices, models, corners, layers and rules."""

from nonideal.sky130_models.antenna import ANTENNA_RULES, AntennaRule, antenna_rule
from nonideal.sky130_models.corner import Corner, parse_corner
from nonideal.sky130_models.device import DEVICES, GRID_UM, Device, DeviceSize, check_size, find_device
from nonideal.sky130_models.errors import IllegalSize, PdkError, PdkMissing
from nonideal.sky130_models.layers import LAYERS, Layer
from nonideal.sky130_models.lean import lean_library
from nonideal.sky130_models.mismatch import mismatch_sigma_rel, mismatch_sigma_V
from nonideal.sky130_models.netlist import sizes_in
from nonideal.sky130_models.pdk import Pdk, find_pdk
from nonideal.sky130_models.rules import RULES, Rule, rule

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
