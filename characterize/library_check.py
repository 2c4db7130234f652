"""The library's own mismatch section beside the statistics that chips are drawn from."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from nonideal.characterize.spread import LibraryCheck
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.sky130_models import Pdk, mismatch_sigma_rel, mismatch_sigma_V
from nonideal.sky130_models.device import PREFIX, DeviceSize, find_device
from nonideal.sky130_models.library import section_files
from nonideal.sky130_models.netlist import sizes_in
from nonideal.spice import Deck, Result

Array = NDArray[np.float64]
DRAWS = 1000
FAMILY_CONFIDENCE = 0.999
"""That all tests of a design pass where all statistics agree."""


def library_deck(pdk: Pdk, section: str, sizes: Sequence[DeviceSize], count: int, seed: int) -> Deck:
    """``count`` devices of each size, all FETs or all capacitors, in a section of the library itself, which draws them or does not.

    Vectors, size by size: delvto in V, or a capacitor's current at 1 V and 1 MHz.
    """
    name = f"library_{section}_{_short(sizes[0])}"
    lines = [f"* {name}", f".lib {pdk.library} {section}", f".option seed={seed} gmin=1e-15", "Vd d 0 0"]
    vectors, analysis = [], ".op"
    for k, size in enumerate(sizes):
        drawn = f"{size.device} w={size.w_um:g} l={size.l_um:g}"
        if _is_capacitor(size):
            analysis = ".ac lin 1 1e6 1e6"
            for i in range(count):
                lines += [f"V{k}_{i} a_{k}_{i} 0 0 ac 1", f"X{k}_{i} a_{k}_{i} 0 {drawn}"]
            vectors += [f"i(v{k}_{i})" for i in range(count)]
        else:
            drawn += f" nf={size.fingers:g}" if size.fingers != 1 else ""
            lines += [f"X{k}_{i} d d 0 0 {drawn}" for i in range(count)]
            vectors += [f"@m.x{k}_{i}.m{size.device}[delvto]" for i in range(count)]
    lines += [f".save {' '.join(vectors)}", analysis, ".end"]
    return Deck(
        name,
        "\n".join(lines) + "\n",
        {},
        tuple(vectors),
        libraries={str(pdk.library): pdk.sha256},
        library_files=section_files(pdk.library, section),
    )


def measured_library(bench: Workbench, design: Design, seed: int, folder: Path) -> tuple[LibraryCheck, ...]:
    """Every device of the design at its size, drawn by the library's mismatch section, beside the sigma of ours."""
    pdk, sizes = bench.pdk, sizes_in(cells_text(design))
    kinds = [kind for mim in (False, True) if (kind := [one for one in sizes if _is_capacitor(one) is mim])]
    # A seed of each size's own: the simulator would draw the same numbers for all.
    seeds = [1 + zlib.crc32(f"{seed} {size}".encode()) % (2**31 - 1) for size in sizes]
    drawn = [
        library_deck(pdk, bench.corner.mismatch_section, [size], DRAWS, own)
        for size, own in zip(sizes, seeds, strict=True)
    ]
    undrawn = [library_deck(pdk, bench.corner.value, kind, 1, seed=1) for kind in kinds]
    found = bench.run_decks([*drawn, *undrawn], folder)
    nominal: dict[DeviceSize, float] = {}
    for kind, deck, result in zip(kinds, undrawn, found[len(drawn) :], strict=True):
        nominal |= dict(zip(kind, _readings(result, deck), strict=True))
    confidence = 1.0 - (1.0 - FAMILY_CONFIDENCE) / (2 * len(sizes))
    checks = []
    for size, deck, result in zip(sizes, drawn, found[: len(drawn)], strict=True):
        values, undisturbed = _readings(result, deck), nominal[size]
        if _is_capacitor(size):
            sigma = mismatch_sigma_rel(pdk, bench.corner, size.device, size.w_um, size.l_um)
            values, undisturbed = values / undisturbed, 1.0
        else:
            sigma = mismatch_sigma_V(
                pdk, bench.corner, size.device, size.w_um, size.l_um, fingers=size.fingers
            )
        name = f"{size.device} {size.w_um:g} x {size.l_um:g}"
        checks.append(check_library(name, values, undisturbed, sigma, confidence))
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


def _is_capacitor(size: DeviceSize) -> bool:
    return find_device(size.device).kind == "mim"


def _short(size: DeviceSize) -> str:
    return f"{size.device.removeprefix(PREFIX)}_{size.w_um:g}_{size.l_um:g}".replace(".", "p")


def _readings(result: Result, deck: Deck) -> Array:
    """Threshold shifts in V, or capacitors' susceptances at 1 MHz, in the order of the deck's vectors."""
    values = np.array([np.asarray(result[vector]).ravel()[0] for vector in deck.vectors])
    return np.asarray(np.abs(values.imag) if np.iscomplexobj(values) else values, float)
