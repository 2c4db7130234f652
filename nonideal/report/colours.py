"""Colours of the figures: told apart with any colour vision (after Okabe and Ito), one meaning each."""

from __future__ import annotations

MAPPING_COLOURS = {"ann": "#d1495b", "pnn": "#0969b8", "bottom_up": "#7a5195"}
"""Mappings and the variants trained for them."""

NEURON_COLOURS = ("#0072b2", "#c65102", "#008c6a", "#b3589a", "#8a6d00", "#4f86c6")
"""Neurons of a layer, in turn."""

OTHER = "#57606a"


def of_mapping(name: str) -> str:
    """The colour of a mapping or variant."""
    return MAPPING_COLOURS.get(name, OTHER)


def of_neuron(index: int) -> str:
    """The colour of a neuron."""
    return NEURON_COLOURS[index % len(NEURON_COLOURS)]
