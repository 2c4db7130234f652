"""How the generator's own mismatch spreads the currents that it makes, against a nominal discharger: chips drawn device by device."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.generator import deck
from nonideal.characterize.generator_bench import HELD, GeneratorBench
from nonideal.characterize.workbench import Workbench
from nonideal.sky130_models import Corner, Pdk, find_device, mismatch_sigma_V
from nonideal.sky130_models.netlist import instances, parallel_devices

Array = NDArray[np.float64]
SEED = 15


def line_sigmas_V(text: str, pdk: Pdk, corner: Corner) -> tuple[float | None, ...]:
    """Threshold spread (V) of what each line of cells writes: a FET, or a row of FETs in parallel; None where it writes neither.

    Each stands on a line of its own, as ``Contract.text`` writes it.
    """
    known: dict[tuple[str, float, float, float], float] = {}
    sigmas: list[float | None] = []
    for line in text.splitlines():
        found = instances(line)
        if not found or find_device(found[0][0].device).kind == "mim":
            sigmas.append(None)
            continue
        size = found[0][0]
        many = parallel_devices(dict(re.findall(r"\b(m)=(\S+)", line)))
        key = (size.device, size.w_um, size.l_um, many)
        if key not in known:
            known[key] = mismatch_sigma_V(pdk, corner, *key[:3], mult=many)
        sigmas.append(known[key])
    return tuple(sigmas)


def drawn(text: str, sigmas_V: Sequence[float | None], rng: np.random.Generator) -> str:
    """Cells with a threshold shift drawn for every line that has a spread (``line_sigmas_V`` of the same text)."""
    lines = zip(text.splitlines(), sigmas_V, strict=True)
    return "".join(
        f"{line}\n" if sigma is None else f"{line} dvt={rng.normal(0.0, sigma):.9g}\n"
        for line, sigma in lines
    )


@dataclass(frozen=True, slots=True)
class GeneratorSpread:
    """ln of currents over chips [chips] by what carries them: a unit of either polarity (``n``, ``p``), a discharger (``dis``)."""

    ln_current: Mapping[str, Array]

    def sigma_ratio(self, key: str) -> float:
        """Standard deviation of ln(I / I_dis): what trim bits have to take back, for the loop takes the common current back."""
        return float(np.std(self.ln_current[key] - self.ln_current["dis"], ddof=1))

    def sigma_common(self) -> float:
        """Standard deviation of a discharger's ln current, the loop open."""
        return float(np.std(self.ln_current["dis"], ddof=1))


def spread(
    bench: Workbench, made: GeneratorBench, chips: int, folder: Path, *, seed: int = SEED
) -> GeneratorSpread:
    """Operating points of drawn generators, all else nominal, the loop in its reset. Raises ``CharacterizationFailed``."""
    rng, text = np.random.default_rng(seed), made.generator.text()
    sigmas_V = line_sigmas_V(text, bench.pdk, bench.corner)
    decks = [deck(bench, made, f"chip_{k}", made.static(), drawn(text, sigmas_V, rng)) for k in range(chips)]
    results = bench.run_decks(decks, folder)
    return GeneratorSpread(
        {
            key: np.log([abs(float(np.asarray(one[f"i(v{source})"], float)[-1])) for one in results])
            for key, source in HELD.items()
        }
    )
