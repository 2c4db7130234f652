"""The measured curves as one tidy table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.branch import Family

Array = NDArray[np.float64]


def _tidy(bench: str, corner: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"bench": bench, "corner": corner, **columns})


def tidy_curves(
    corner: str,
    n: Family,
    p: Family,
    discharge: Array,
    membrane_V: Array,
    vdis_V: float,
    start_V: Array,
    spike_s: Array,
) -> pd.DataFrame:
    frames = []
    for polarity, family in (("n", n), ("p", p)):
        bias, membrane = np.meshgrid(family.bias_V, family.membrane_V, indexing="ij")
        frames.append(
            _tidy(
                "synapse",
                corner,
                polarity=polarity,
                bias_V=bias.ravel(),
                membrane_V=membrane.ravel(),
                current_A=family.current_A.ravel(),
            )
        )
    offsets = np.linspace(-0.06, 0.06, len(discharge))
    for offset, row in zip(offsets, discharge, strict=True):
        frames.append(
            _tidy("discharger", corner, bias_V=vdis_V + offset, membrane_V=membrane_V, current_A=row)
        )
    frames.append(_tidy("firing", corner, bias_V=vdis_V, membrane_V=start_V, time_s=spike_s))
    return pd.concat(frames, ignore_index=True)
