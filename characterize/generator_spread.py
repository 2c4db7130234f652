"""How the generator's own mismatch spreads the currents that it makes, against a nominal discharger: chips drawn device by device."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def drawn(text: str, pdk: Pdk, corner: Corner, rng: np.random.Generator) -> str:
    """Cells with a threshold shift drawn for every FET, or row of FETs in parallel, each on a line of its own as ``Contract.text`` writes it."""
    sigmas: dict[tuple[str, float, float, float], float] = {}
    lines = []
    for line in text.splitlines():
        found = instances(line)
        if not found or find_device(found[0][0].device).kind == "mim":
            lines.append(line)
            continue
        size = found[0][0]
        many = parallel_devices(dict(re.findall(r"\b(m)=(\S+)", line)))
        key = (size.device, size.w_um, size.l_um, many)
        if key not in sigmas:
            sigmas[key] = mismatch_sigma_V(pdk, corner, *key[:3], mult=many)
        lines.append(f"{line} dvt={rng.normal(0.0, sigmas[key]):.9g}")
    return "\n".join(lines) + "\n"


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
    decks = [
        deck(bench, made, f"chip_{k}", made.static(), drawn(text, bench.pdk, bench.corner, rng))
        for k in range(chips)
    ]
    results = bench.run_decks(decks, folder)
    return GeneratorSpread(
        {
            key: np.log([abs(float(np.asarray(one[f"i(v{source})"], float)[-1])) for one in results])
            for key, source in HELD.items()
        }
    )
