"""Colours of the figures: told apart with any colour vision (after Okabe and Ito), one meaning each.

Pictures are drawn in the colours of the light page; the page knows all of them by name (``PALETTE``) and has a dark one for each.
"""

from __future__ import annotations

from nonideal.characterize.plots import DISCHARGER, GRID, INK, MUTED, NMOS, PMOS

MAPPING_COLOURS = {"ann": "#d1495b", "pnn": "#0969b8", "bottom_up": "#7a5195"}
"""Mappings and the variants trained for them."""

NEURON_COLOURS = ("#0072b2", "#c65102", "#008c6a", "#b3589a", "#8a6d00", "#4f86c6")
"""Neurons of a layer, in turn."""

OTHER = "#57606a"

PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#0f1419"),
    "card": ("#f6f8fa", "#171d24"),
    "ink": (INK, "#e6edf3"),
    "muted": (MUTED, "#9aa5b1"),
    "grid": (GRID, "#2e3742"),
    "link": ("#0550ae", "#79b8ff"),
    "nmos": (NMOS, "#3fc59b"),
    "pmos": (PMOS, "#ec8cc0"),
    "discharger": (DISCHARGER, "#eba34a"),
    "ann": (MAPPING_COLOURS["ann"], "#ff7b8a"),
    "pnn": (MAPPING_COLOURS["pnn"], "#62b0ff"),
    "bottom-up": (MAPPING_COLOURS["bottom_up"], "#c39be0"),
    "other": (OTHER, "#aab4bf"),
    "pass": ("#116329", "#7ee2a0"),
    "pass-bg": ("#dafbe1", "#12351f"),
    "fail": ("#a40e26", "#ffa198"),
    "fail-bg": ("#ffebe9", "#4a171a"),
    "idle": ("#57606a", "#aab4bf"),
    "idle-bg": ("#eaeef2", "#28303a"),
    **{
        f"neuron-{k}": both
        for k, both in enumerate(
            zip(
                NEURON_COLOURS,
                ("#58a9e0", "#ff9a57", "#45c9a4", "#e596cc", "#d9b93f", "#8fb8ec"),
                strict=True,
            )
        )
    },
}
"""CSS variable -> its colour on a light page and on a dark one."""


def of_mapping(name: str) -> str:
    """The colour of a mapping or variant."""
    return MAPPING_COLOURS.get(name, OTHER)


def of_neuron(index: int) -> str:
    """The colour of a neuron."""
    return NEURON_COLOURS[index % len(NEURON_COLOURS)]


def themed(colour: str) -> str:
    """The CSS variable of a light page's colour, ``var(--pnn)``, so that it follows the page."""
    name = next(name for name, (light, _) in PALETTE.items() if light == colour)
    return f"var(--{name})"
