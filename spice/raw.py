"""The simulator's binary results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spicelib import RawRead
from spicelib.raw.raw_classes import SpiceReadException

from .result import Plot


class IncompleteRaw(Exception):
    """The file ends before its header says, or an analysis has no points."""


def read_raw(path: Path) -> tuple[Plot, ...]:
    """All plots of ngspice's raw file, in its order (AC, DC, operating point, transient; not the deck's).

    Read by spicelib, which was measured at 3 ms for 10 MB and refuses truncated data and plots of no points;
    the dialect is given because a batch run writes no `Command:` line to tell it by. A file cut inside a
    header loses that plot without a word: the caller compares the plots with the deck's analyses.
    Raises `IncompleteRaw`; `FileNotFoundError` if there is no such file.
    """
    if path.stat().st_size == 0:
        raise IncompleteRaw("the results are empty")
    try:
        plots = RawRead(path, dialect="ngspice", verbose=False).plots
    except (SpiceReadException, ValueError, IndexError, KeyError, EOFError, RuntimeError) as error:
        raise IncompleteRaw(f"the results are incomplete: {error}") from error
    return tuple(_plot(plot) for plot in plots)


def _plot(plot: Any) -> Plot:
    title = str(plot.raw_params.get("Plotname", ""))
    names = [str(name) for name in plot.get_trace_names()]
    if title.startswith("Operating"):
        axis_name, axis = "", np.zeros(1)
    else:
        axis_name = names.pop(0)
        axis = np.array(np.real(plot.get_trace(axis_name).get_wave()), dtype=np.float64)
    return Plot(title, axis_name, axis, {name: _values(plot.get_trace(name)) for name in names})


def _values(trace: Any) -> NDArray[Any]:
    wave = np.asarray(trace.get_wave())
    return np.array(wave, dtype=np.complex128 if np.iscomplexobj(wave) else np.float64)
