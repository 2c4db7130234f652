"""The library's own mismatch section beside the statistics that chips are drawn from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from characterize.spread import LibraryCheck
from characterize.workbench import Workbench
from circuits.cells import cells_text
from circuits.design import Design
from sky130_models import Pdk, mismatch_sigma_rel, mismatch_sigma_V
from sky130_models.device import PREFIX, DeviceSize, find_device
from sky130_models.netlist import sizes_in
from spice import Deck, Result

Array = NDArray[np.float64]
DRAWS = 1000
FAMILY_CONFIDENCE = 0.999
"""That all tests of a design pass where all statistics agree."""


@dataclass(frozen=True, slots=True)
class LibraryDraw:
    """Devices of one size, as many as the deck's ``vectors``: each vector is delvto in V, or the admittance of a capacitor."""

    size: DeviceSize
    deck: Deck


def library_draw(pdk: Pdk, section: str, size: DeviceSize, count: int, seed: int) -> LibraryDraw:
    """``count`` devices in a section of the library itself, which draws them (or does not)."""
    device, drawn = size.device, f"w={size.w_um:g} l={size.l_um:g}"
    name = f"library_{section}_{device.removeprefix(PREFIX)}_{size.w_um:g}_{size.l_um:g}".replace(".", "p")
    lines = [f"* {name}", f".lib {pdk.library} {section}", f".option seed={seed} gmin=1e-15", "Vd d 0 0"]
    if find_device(device).kind == "mim":
        for i in range(count):
            lines += [f"V{i} a_{i} 0 0 ac 1", f"X{i} a_{i} 0 {device} {drawn}"]
        vectors, analysis = [f"i(v{i})" for i in range(count)], ".ac lin 1 1e6 1e6"
    else:
        drawn += f" nf={size.fingers:g}" if size.fingers != 1 else ""
        lines += [f"X{i} d d 0 0 {device} {drawn}" for i in range(count)]
        vectors, analysis = [f"@m.x{i}.m{device}[delvto]" for i in range(count)], ".op"
    lines += [f".save {' '.join(vectors)}", analysis, ".end"]
    return LibraryDraw(size, Deck(name, "\n".join(lines) + "\n", {}, tuple(vectors)))


def measured_library(bench: Workbench, design: Design, seed: int, folder: Path) -> tuple[LibraryCheck, ...]:
    """Every device of the design at its size, drawn by the library's mismatch section, beside the sigma of ours."""
    sizes, section = sizes_in(cells_text(design)), bench.corner.mismatch_section
    draws: list[LibraryDraw] = []
    for size in sizes:
        # A seed of each size's own: the simulator would draw the same numbers for all.
        own = 1 + zlib.crc32(f"{seed} {size}".encode()) % (2**31 - 1)
        draws.append(library_draw(bench.pdk, section, size, DRAWS, own))
        draws.append(library_draw(bench.pdk, bench.corner.value, size, 1, own))
    found = bench.run_decks([one.deck for one in draws], folder)
    confidence = 1.0 - (1.0 - FAMILY_CONFIDENCE) / (2 * len(sizes))
    checks = []
    for size, one, drawn, undrawn in zip(sizes, draws[::2], found[::2], found[1::2], strict=True):
        values = np.array([_reading(drawn, vector) for vector in one.deck.vectors])
        nominal = _reading(undrawn, one.deck.vectors[0])
        name = f"{size.device} {size.w_um:g} x {size.l_um:g}"
        if find_device(size.device).kind == "mim":
            sigma = mismatch_sigma_rel(bench.pdk, bench.corner, size.device, size.w_um, size.l_um)
            checks.append(check_library(name, values / nominal, 1.0, sigma, confidence))
        else:
            sigma = mismatch_sigma_V(
                bench.pdk, bench.corner, size.device, size.w_um, size.l_um, fingers=size.fingers
            )
            checks.append(check_library(name, values, nominal, sigma, confidence))
    return tuple(checks)


def check_library(device: str, drawn: Array, nominal: float, sigma: float, confidence: float) -> LibraryCheck:
    """Whether a library's own draws [devices] agree with ``nominal`` and ``sigma``: Student's t for the mean, chi squared for sigma.

    ``confidence`` is that of each of the two tests.
    """
    freedom, rest = len(drawn) - 1, (1.0 - confidence) / 2
    mean, spread = float(np.mean(drawn)) - nominal, float(np.std(drawn, ddof=1))
    low, high = chi2.ppf(rest, freedom), chi2.ppf(1.0 - rest, freedom)
    agrees = low <= freedom * (spread / sigma) ** 2 <= high
    agrees = agrees and abs(mean) <= student.ppf(1.0 - rest, freedom) * spread / np.sqrt(len(drawn))
    return LibraryCheck(
        device=device,
        sigma=sigma,
        library_mean=mean,
        library_sigma=spread,
        draws=len(drawn),
        confidence=confidence,
        agrees=bool(agrees),
    )


def _reading(result: Result, vector: str) -> float:
    """A threshold shift in V, or a capacitor's susceptance at 1 MHz."""
    value = complex(np.asarray(result[vector]).ravel()[0])
    return abs(value.imag) if value.imag else value.real
