"""What the process is: sky130's devices, models, corners, layers and rules."""

from .errors import IllegalSize, PdkError, PdkMissing
from .layers import LAYERS, Layer
from .rules import RULES, Rule, rule

__all__ = ["LAYERS", "RULES", "IllegalSize", "Layer", "PdkError", "PdkMissing", "Rule", "rule"]
